//! A rollout as a person sees it: where it is, both releases side by side, the gates with their numbers, what comes next.

use std::{
    io::{self, Write},
    time::Duration,
};

use console::{Style, Term, truncate_str};
use gonogo_domain::rollout::{
    Phase, Side, Sight, State, Trouble,
    analysis::Measured,
    power::{ratio, time},
};
use gonogo_release::{File, Forecast, Line, Shown, Stopped, Stored};
use gonogo_report::clean::clean;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::under_way;

/// Shows looks as they come.
pub(super) struct View {
    color: bool,
    json: bool,
    /// None: no terminal; every line that is told is printed once.
    term: Option<Term>,
    standing: usize,
}

impl View {
    pub(super) fn new(color: bool, json: bool) -> Self {
        let term = Term::stdout();
        Self { color, json, term: (term.is_term() && !json).then_some(term), standing: 0 }
    }

    pub(super) fn show(&mut self, look: &Shown<'_>, now: Timestamp) -> io::Result<()> {
        self.told(look.told)?;
        let left = look.next.duration_since(now);
        let mut lines = lines(look.state, Some(look.sight), now, self.color);
        if !look.state.phase.ended() {
            lines.push(format!("  next look in {}", span(left)));
        }
        self.write(&lines);
        Ok(())
    }

    pub(super) fn look_on(&mut self, state: &State, told: &[Line], now: Timestamp) -> io::Result<()> {
        self.told(told)?;
        self.write(&lines(state, None, now, self.color));
        Ok(())
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
    }

    fn clear(&mut self) {
        if let Some(term) = &self.term {
            // A terminal that is gone does not end a rollout.
            let _ = term.clear_last_lines(self.standing);
        }
        self.standing = 0;
    }

    fn write(&mut self, lines: &[String]) {
        self.clear();
        let Some(term) = &self.term else { return };
        let (height, width) = term.size();
        let (most, width) = (usize::from(height).saturating_sub(1).max(5), usize::from(width).max(20));
        let mut text = String::new();
        for line in lines.iter().take(most) {
            text.push_str(&truncate_str(line, width - 1, "…"));
            text.push('\n');
        }
        self.standing = lines.len().min(most);
        let _ = term.write_str(&text);
    }
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

fn span(length: SignedDuration) -> String {
    time(Duration::try_from(length).unwrap_or_default())
}

/// The picture of a state.
pub(super) fn lines(
    state: &State,
    sight: Option<Result<&Sight, &Trouble>>,
    now: Timestamp,
    color: bool,
) -> Vec<String> {
    let style = |style: Style| style.force_styling(color);
    let (bold, dim) = (style(Style::new().bold()), style(Style::new().dim()));
    let (green, yellow, red) =
        (style(Style::new().green()), style(Style::new().yellow()), style(Style::new().red().bold()));
    let plan = &state.plan;
    let mut lines = vec![format!(
        "{}  {} → {}   {}",
        bold.apply_to(clean(&plan.name)),
        clean(&state.from.0),
        clean(&plan.release.revision.0),
        match state.phase {
            Phase::Promoted => green.apply_to(state.phase.to_string()),
            Phase::Aborting | Phase::Undoing | Phase::Verifying | Phase::RolledBack =>
                red.apply_to(state.phase.to_string()),
            _ if state.hold.is_some() => yellow.apply_to(format!("{}, waits for a person", state.phase)),
            _ => bold.apply_to(state.phase.to_string()),
        }
    )];
    lines.push(steps(state, &dim, &bold, &green));
    if let Some(seen) = sight {
        match seen {
            Ok(sight) => {
                lines.push(row("stable", &sight.stable, &share_of(state, false)));
                if let Some(canary) = &sight.canary {
                    lines.push(row("canary", canary, &share_of(state, true)));
                }
            }
            Err(trouble) => lines.push(format!("  {}", red.apply_to(clean(&format!("cannot see: {trouble}"))))),
        }
    }
    for (gate, watched) in plan.gates.iter().zip(&state.gates) {
        let mark = match watched.measured {
            Some(Measured::Successful) => green.apply_to("✓"),
            Some(Measured::Failed) => red.apply_to("✗"),
            Some(Measured::Inconclusive) => yellow.apply_to("?"),
            Some(Measured::Error) => yellow.apply_to("!"),
            Some(Measured::NoData) | None => dim.apply_to("…"),
        };
        let said = if watched.said.is_empty() { "not yet" } else { &watched.said };
        let dry = if gate.dry_run { " (decides nothing)" } else { "" };
        lines.push(format!("  {mark} {:14}{dry} {}", clean(&gate.name), clean(said)));
    }
    if let Some(hold) = &state.hold {
        lines
            .push(format!("  {}", yellow.apply_to(clean(&format!("waits since {}: {}", clock(hold.since), hold.why)))));
        lines.push("    gonogo rollout resume | promote | abort".to_owned());
    }
    if let Some(rollback) = &state.rollback {
        lines.push(format!("  {}", red.apply_to(clean(&format!("rolled back: {}", rollback.why)))));
        if let Some(took) = rollback.took() {
            lines.push(format!("    verified {} after the decision: {}", span(took), clean(&rollback.said)));
        } else if !rollback.said.is_empty() {
            lines.push(format!("    not verified: {}", clean(&rollback.said)));
        }
    }
    if let Some(intent) = state.intent.as_ref().filter(|_| !state.phase.ended() && state.reached.is_none()) {
        let trouble = intent.trouble.as_ref().map(|trouble| format!("; {trouble}")).unwrap_or_default();
        lines.push(format!("  {}", dim.apply_to(clean(&format!("{}{trouble}", under_way(intent.act))))));
    }
    lines.push(format!("  {}", dim.apply_to(next(state, now))));
    lines
}

/// `✓ 10 %  ▶ 50 %  · 100 %  · watch`.
fn steps(state: &State, dim: &Style, bold: &Style, green: &Style) -> String {
    let place = match state.phase {
        Phase::Preparing => 0,
        Phase::Step(step) => step,
        Phase::Promoting => state.plan.steps.len(),
        Phase::Watching | Phase::Retiring => state.plan.steps.len() + 1,
        Phase::Promoted => usize::MAX,
        _ => match state.rollback.as_ref().map(|rollback| rollback.from) {
            Some(Phase::Step(step)) => step,
            _ => 0,
        },
    };
    let names = state.plan.steps.iter().map(|step| step.share.to_string());
    let names = names.chain(["100 %".to_owned(), "watch".to_owned()]);
    let shown: Vec<String> = names
        .enumerate()
        .map(|(number, name)| match number.cmp(&place) {
            std::cmp::Ordering::Less => green.apply_to(format!("✓ {name}")).to_string(),
            std::cmp::Ordering::Equal if state.phase.forward() => bold.apply_to(format!("▶ {name}")).to_string(),
            _ => dim.apply_to(format!("· {name}")).to_string(),
        })
        .collect();
    format!("  {}", shown.join("   "))
}

/// What this release got of the traffic in this step.
fn share_of(state: &State, canary: bool) -> String {
    let Phase::Step(step) = state.phase else { return String::new() };
    let Some(measured) = state.shares.get(step) else { return String::new() };
    let all = measured.canary + measured.stable;
    let own = if canary { measured.canary } else { measured.stable };
    #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^52")]
    let part = if all > 0 { own as f64 / all as f64 } else { return String::new() };
    format!("{} of {all} requests", ratio(part))
}

fn row(name: &str, side: &Side, share: &str) -> String {
    let restarts = if side.restarts + side.out_of_memory > 0 {
        format!("   {} restarts", side.restarts + side.out_of_memory)
    } else {
        String::new()
    };
    format!("  {name}  {:20} {}/{} ready   {share}{restarts}", clean(&side.revision.0), side.ready, side.wanted)
}

/// What happens next, and when.
fn next(state: &State, now: Timestamp) -> String {
    let plan = &state.plan;
    let left = |length: SignedDuration| {
        state.reached.map(|reached| {
            let over = plan.warm_up.saturating_add(length);
            span(over.checked_sub(now.duration_since(reached)).filter(SignedDuration::is_positive).unwrap_or_default())
        })
    };
    match state.phase {
        _ if state.hold.is_some() => "nothing happens until a person says so".to_owned(),
        Phase::Step(step) => {
            let Some(this) = plan.steps.get(step) else { return String::new() };
            let then =
                plan.steps.get(step + 1).map_or_else(|| "promote".to_owned(), |next| format!("give it {}", next.share));
            match left(this.watch.length) {
                None => format!("waits for {} to be so", this.share),
                Some(left) => format!("{then} in {left} at the earliest, once all gates are content"),
            }
        }
        Phase::Watching => match left(plan.after.length) {
            None => String::new(),
            Some(left) => format!("over in {left} if all stays well"),
        },
        Phase::Preparing => format!("waits for the canary, until {} after the start", span(plan.deadlines.ready)),
        Phase::Promoting => "stable takes the release".to_owned(),
        Phase::Retiring => "the canary goes".to_owned(),
        Phase::Aborting | Phase::Undoing => "as fast as it can be done".to_owned(),
        Phase::Verifying => "looks whether all is as it was".to_owned(),
        Phase::Promoted | Phase::RolledBack => {
            let took = state.ended.map(|ended| span(ended.duration_since(state.started))).unwrap_or_default();
            format!("took {took}")
        }
    }
}

pub(super) fn write_end(out: &mut impl Write, state: &State, stopped: Stopped) -> io::Result<()> {
    let release = clean(&state.plan.release.revision.0);
    match (stopped, state.phase) {
        (Stopped::Left, phase) => writeln!(out, "left as it is ({phase}): `gonogo rollout resume` goes on"),
        (Stopped::Ended, Phase::Promoted) => writeln!(out, "PROMOTED: stable runs {release}"),
        (Stopped::Ended, _) => {
            let Some(rollback) = &state.rollback else { return writeln!(out, "ROLLED BACK") };
            writeln!(out, "ROLLED BACK to {}: {}", clean(&state.from.0), clean(&rollback.why))?;
            match rollback.took() {
                Some(took) => writeln!(out, "  verified {} after the decision: {}", exact(took), clean(&rollback.said)),
                None => writeln!(out, "  NOT VERIFIED: {}", clean(&rollback.said)),
            }
        }
    }
}

/// To a tenth of a second.
fn exact(length: SignedDuration) -> String {
    if length.as_secs() < 60 { format!("{:.1} s", length.as_secs_f64()) } else { span(length) }
}

pub(super) fn write_plan(out: &mut impl Write, file: &File, forecast: &Forecast) -> io::Result<()> {
    let release = &file.plan.release.revision.0;
    writeln!(out, "{}: {} → {}", clean(&file.plan.name), clean(&forecast.stable), clean(release))?;
    writeln!(out, "  stable: {} of {} ready", forecast.ready, forecast.wanted)?;
    match forecast.past.as_slice() {
        [] => writeln!(
            out,
            "  after the promotion the way back is to {}, if the platform keeps it",
            clean(&forecast.stable)
        )?,
        past => writeln!(out, "  kept: {}", past.iter().map(|one| clean(one)).collect::<Vec<_>>().join(", "))?,
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
