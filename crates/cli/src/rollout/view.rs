//! Writes a rollout as it goes on: a picture that is drawn anew on a terminal, lines elsewhere.

use std::{
    io::{self, Write},
    time::Duration,
};

use console::{Style, Term};
use gonogo_domain::{
    Lang,
    rollout::{Phase, Revision, Sight, State, Trouble, power::time},
};
use gonogo_release::{File, Forecast, Line, Shown, Stopped, Stored};
use gonogo_report::clean::clean;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::picture::{Manner, Picture, clock};

/// Shows looks as they come.
pub(super) struct View {
    color: bool,
    lang: Lang,
    json: bool,
    /// None: no terminal; every line that is told is printed once.
    term: Option<Term>,
    standing: usize,
    last: Option<Last>,
}

/// What was drawn last, so that times go on between two looks.
struct Last {
    state: State,
    sight: Option<Result<Sight, Trouble>>,
    next: Option<Timestamp>,
    /// The second in which it was drawn.
    drawn: i64,
}

impl View {
    pub(super) fn new(color: bool, lang: Lang, json: bool) -> Self {
        let term = Term::stdout();
        Self { color, lang, json, term: (term.is_term() && !json).then_some(term), standing: 0, last: None }
    }

    pub(super) fn show(&mut self, look: &Shown<'_>, now: Timestamp) -> io::Result<()> {
        self.told(look.told)?;
        if self.term.is_some() {
            let sight = Some(look.sight.cloned().map_err(Clone::clone));
            let next = (!look.state.phase.ended()).then_some(look.next);
            self.last = Some(Last { state: look.state.clone(), sight, next, drawn: i64::MIN });
            self.draw(now);
        }
        Ok(())
    }

    /// Of somebody else's looks.
    pub(super) fn look_on(&mut self, stored: &Stored, told: &[Line], now: Timestamp) -> io::Result<()> {
        self.told(told)?;
        if self.term.is_some() {
            let sight = stored.sight.clone().map(Ok);
            self.last = Some(Last { state: stored.state.clone(), sight, next: None, drawn: i64::MIN });
            self.draw(now);
        }
        Ok(())
    }

    /// Draws it again when another second has begun.
    pub(super) fn draw(&mut self, now: Timestamp) {
        let (Some(term), Some(last)) = (&self.term, &mut self.last) else { return };
        if last.drawn == now.as_second() {
            return;
        }
        last.drawn = now.as_second();
        let (height, width) = term.size();
        let most = usize::from(height).saturating_sub(1).max(5);
        let manner = Manner { color: self.color, lang: self.lang, width: usize::from(width).saturating_sub(1).max(20) };
        let sight = last.sight.as_ref().map(Result::as_ref);
        let picture = Picture { state: &last.state, sight, next: last.next, now, style: manner };
        let lines = picture.lines();
        let mut text = String::new();
        for line in lines.iter().take(most) {
            text.push_str(line);
            text.push('\n');
        }
        // A terminal that is gone does not end a rollout.
        let _ = term.clear_last_lines(self.standing);
        let _ = term.write_str(&text);
        self.standing = lines.len().min(most);
    }

    /// What was told stays; the picture below it is drawn anew.
    pub(super) fn told(&mut self, told: &[Line]) -> io::Result<()> {
        if told.is_empty() {
            return Ok(());
        }
        self.clear();
        let mut out = io::stdout().lock();
        for line in told {
            if self.json {
                serde_json::to_writer(&mut out, &json!({ "at": line.at, "told": line.said }))?;
                writeln!(out)?;
            } else {
                writeln!(out, "{}  {}", clock(line.at), clean(&line.said))?;
            }
        }
        out.flush()
    }

    pub(super) fn end(&mut self) {
        self.clear();
        self.last = None;
    }

    fn clear(&mut self) {
        if let Some(term) = &self.term {
            let _ = term.clear_last_lines(self.standing);
        }
        self.standing = 0;
    }
}

fn span(length: SignedDuration) -> String {
    time(Duration::try_from(length).unwrap_or_default())
}

pub(super) fn write_end(out: &mut impl Write, state: &State, stopped: Stopped, lang: Lang) -> io::Result<()> {
    let release = clean(&state.plan.release.revision.0);
    let say = |en: String, zh: String| if lang == Lang::En { en } else { zh };
    let text = match (stopped, state.phase) {
        (Stopped::Left, phase) => say(
            format!("left as it is ({phase}): `gonogo rollout resume` goes on"),
            format!("保持现状（{phase}）：`gonogo rollout resume` 可继续"),
        ),
        (Stopped::Ended, Phase::Promoted) => {
            say(format!("PROMOTED: stable runs {release}"), format!("已全量：稳定版本为 {release}"))
        }
        (Stopped::Ended, _) => {
            let Some(rollback) = &state.rollback else { return writeln!(out, "ROLLED BACK") };
            let (from, why, said) = (clean(&state.from.0), clean(&rollback.why), clean(&rollback.said));
            let first = say(format!("ROLLED BACK to {from}: {why}"), format!("已回滚到 {from}：{why}"));
            let second = match rollback.took().map(exact) {
                Some(took) => say(
                    format!("verified {took} after the decision: {said}"),
                    format!("决定后 {took} 得到验证：{said}"),
                ),
                None => say(format!("NOT VERIFIED: {said}"), format!("未得到验证：{said}")),
            };
            format!("{first}\n  {second}")
        }
    };
    writeln!(out, "{text}")
}

/// To a tenth of a second.
fn exact(length: SignedDuration) -> String {
    if length.as_secs() < 60 { format!("{:.1} s", length.as_secs_f64()) } else { span(length) }
}

pub(super) fn write_plan(out: &mut impl Write, file: &File, forecast: &Forecast) -> io::Result<()> {
    let short = |revision: &str| clean(&Revision(revision.to_owned()).short());
    let (stable, release) = (short(&forecast.stable), short(&file.plan.release.revision.0));
    writeln!(out, "{}: {stable} → {release}", clean(&file.plan.name))?;
    writeln!(out, "  stable: {} of {} ready", forecast.ready, forecast.wanted)?;
    match forecast.past.as_slice() {
        [] => writeln!(out, "  after the promotion the way back is to {stable}, if the platform keeps it")?,
        past => writeln!(out, "  kept: {}", past.iter().map(|one| short(one)).collect::<Vec<_>>().join(", "))?,
    }
    match forecast.rate {
        Some(rate) => writeln!(out, "  traffic: {rate:.1} requests a second")?,
        None => writeln!(out, "  traffic: not known")?,
    }
    for (number, step) in forecast.steps.iter().enumerate() {
        let off = if step.off { "   OFF BY MORE THAN IS TOLERATED" } else { "" };
        writeln!(out, "\n  step {}: {} for {}", number + 1, step.asked, span(step.watch))?;
        writeln!(out, "    gives {}{off}", clean(&step.reachable))?;
        for (gate, sentence) in &step.gates {
            writeln!(out, "    {}: {}", clean(gate), clean(sentence))?;
        }
    }
    writeln!(out, "\n  then 100 %, watched for {}", span(file.plan.after.length))?;
    writeln!(out, "  takes {} at least", span(forecast.at_least))?;
    for notice in &forecast.notices {
        writeln!(out, "  note: {}", clean(notice))?;
    }
    Ok(())
}

pub(super) fn write_history(out: &mut impl Write, past: &[Stored], told: &[Line], color: bool) -> io::Result<()> {
    let bold = Style::new().bold().force_styling(color);
    for Stored { state, .. } in past {
        let how = state.rollback.as_ref().map(|rollback| {
            let took = rollback
                .took()
                .map_or_else(|| "not verified".to_owned(), |took| format!("verified after {}", exact(took)));
            format!(": {} ({took})", rollback.why)
        });
        let text = format!(
            "{}  {} → {}  {}{}",
            state.id,
            state.from,
            state.plan.release.revision,
            state.phase,
            how.unwrap_or_default()
        );
        writeln!(out, "{}", bold.apply_to(clean(&text)))?;
        for line in told.iter().filter(|line| line.id == state.id) {
            writeln!(out, "  {}  {}", line.at.strftime("%Y-%m-%d %H:%M:%SZ"), clean(&line.said))?;
        }
    }
    Ok(())
}
