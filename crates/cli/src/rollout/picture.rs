//! A rollout as a person sees it: where it is, both releases side by side, the gates with their numbers, what comes next.

use std::time::Duration;

use console::{Style, measure_text_width};
use gonogo_domain::{
    Lang,
    rollout::{
        Act, Percent, Phase, Side, Sight, State, Trouble,
        analysis::Measured,
        power::{ratio, time},
    },
};
use gonogo_report::clean::clean;
use jiff::{SignedDuration, Timestamp};

/// What is drawn, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture<'a> {
    pub(super) state: &'a State,
    /// What was seen last; none: nobody looked yet.
    pub(super) sight: Option<Result<&'a Sight, &'a Trouble>>,
    /// When whoever drives it looks again.
    pub(super) next: Option<Timestamp>,
    pub(super) now: Timestamp,
    pub(super) style: Manner,
}

/// How it is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) color: bool,
    pub(super) lang: Lang,
    /// Columns; what is longer goes on in the next line.
    pub(super) width: usize,
}

struct Pens {
    bold: Style,
    dim: Style,
    green: Style,
    yellow: Style,
    red: Style,
}

impl Picture<'_> {
    fn say<'t>(&self, en: &'t str, zh: &'t str) -> &'t str {
        match self.style.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    /// Lines that are no longer than the width.
    pub(super) fn lines(&self) -> Vec<String> {
        let pen = |style: Style| style.force_styling(self.style.color);
        let pens = Pens {
            bold: pen(Style::new().bold()),
            dim: pen(Style::new().dim()),
            green: pen(Style::new().green()),
            yellow: pen(Style::new().yellow()),
            red: pen(Style::new().red().bold()),
        };
        let state = self.state;
        let mut lines = Vec::new();
        self.head(&mut lines, &pens);
        lines.push(self.steps(&pens));
        match self.sight {
            Some(Ok(sight)) => self.sides(&mut lines, sight),
            Some(Err(trouble)) => {
                let said = format!("{}{trouble}", self.say("cannot see: ", "无法查看："));
                self.paragraph(&mut lines, "  ", &said, &pens.red);
            }
            None => {}
        }
        self.gates(&mut lines, &pens);
        if let Some(hold) = &state.hold {
            let since = clock(hold.since);
            let said = match self.style.lang {
                Lang::En => format!("waits since {since}: {}", hold.why),
                Lang::Zh => format!("自 {since} 起等待：{}", hold.why),
            };
            self.paragraph(&mut lines, "  ", &said, &pens.yellow);
            lines.push("    gonogo rollout resume | promote | abort".to_owned());
        }
        self.rollback(&mut lines, &pens);
        if let Some(intent) = state.intent.as_ref().filter(|_| !state.phase.ended() && state.reached.is_none()) {
            let trouble = intent.trouble.as_ref().map(|trouble| format!("; {trouble}")).unwrap_or_default();
            self.paragraph(&mut lines, "  ", &format!("{} …{trouble}", self.act(intent.act)), &pens.dim);
        }
        let mut next = self.what_next();
        if let Some(left) = self.next.map(|next| seconds(next.duration_since(self.now))) {
            let look = match self.style.lang {
                _ if left == "0 s" => self.say("looks now", "正在检查").to_owned(),
                Lang::En => format!("next look in {left}"),
                Lang::Zh => format!("{left} 后再次检查"),
            };
            next = if next.is_empty() { look } else { format!("{next}; {look}") };
        }
        self.paragraph(&mut lines, "  ", &next, &pens.dim);
        lines
    }

    /// `shop  1.4.2 → 1.5.0   step 1 of 2`.
    fn head(&self, lines: &mut Vec<String>, pens: &Pens) {
        let state = self.state;
        let name = pens.bold.apply_to(clean(&state.plan.name)).to_string();
        let from = clean(&state.from.short());
        let to = clean(&state.plan.release.revision.short());
        let phase = self.phase();
        let pen = match state.phase {
            Phase::Promoted => &pens.green,
            Phase::Aborting | Phase::Undoing | Phase::Verifying | Phase::RolledBack => &pens.red,
            _ if state.hold.is_some() => &pens.yellow,
            _ => &pens.bold,
        };
        let phase = pen.apply_to(phase).to_string();
        let whole = format!("{name}  {from} → {to}   {phase}");
        if measure_text_width(&whole) <= self.style.width {
            return lines.push(whole);
        }
        // What happens must not be what is cut off.
        lines.push(format!("{name}   {phase}"));
        self.paragraph(lines, "  ", &format!("{from} → {to}"), &Style::new().force_styling(false));
    }

    fn act(&self, act: Act) -> String {
        match (act, self.style.lang) {
            (act, Lang::En) => act.to_string(),
            (Act::SetShare(share), Lang::Zh) => format!("将 {share} 的流量给金丝雀"),
            (act, Lang::Zh) => match act {
                Act::Prepare => "准备金丝雀",
                Act::Promote => "全量发布",
                Act::Retire => "移除金丝雀",
                Act::Abort => "撤回金丝雀的流量",
                Act::Undo | Act::SetShare(_) => "恢复稳定版本",
            }
            .to_owned(),
        }
    }

    fn phase(&self) -> String {
        let steps = self.state.plan.steps.len();
        let phase = match (self.state.phase, self.style.lang) {
            (Phase::Step(step), Lang::En) => format!("step {} of {steps}", step + 1),
            (Phase::Step(step), Lang::Zh) => format!("第 {}/{steps} 步", step + 1),
            (phase, Lang::En) => phase.to_string(),
            (phase, Lang::Zh) => match phase {
                Phase::Preparing => "准备中",
                Phase::Promoting => "全量中",
                Phase::Watching => "观察中",
                Phase::Retiring => "收尾中",
                Phase::Promoted => "已全量",
                Phase::Aborting => "中止中",
                Phase::Undoing => "回退中",
                Phase::Verifying => "验证回滚",
                Phase::RolledBack | Phase::Step(_) => "已回滚",
            }
            .to_owned(),
        };
        if self.state.hold.is_some() {
            return format!("{phase}{}", self.say(", waits for a person", "，等待人工决定"));
        }
        phase
    }

    /// `✓ 10 %  ▶ 50 %  · 100 %  · watch`.
    fn steps(&self, pens: &Pens) -> String {
        let state = self.state;
        let place = match state.phase {
            Phase::Preparing => 0,
            Phase::Step(step) => step,
            Phase::Promoting => state.plan.steps.len(),
            Phase::Watching => state.plan.steps.len() + 1,
            Phase::Retiring | Phase::Promoted => usize::MAX,
            _ => match state.rollback.as_ref().map(|rollback| rollback.from) {
                Some(Phase::Step(step)) => step,
                Some(Phase::Promoting) => state.plan.steps.len(),
                Some(Phase::Watching | Phase::Retiring | Phase::Promoted) => state.plan.steps.len() + 1,
                _ => 0,
            },
        };
        let back = !state.phase.forward() && state.rollback.is_some();
        let names = state.plan.steps.iter().map(|step| step.share.to_string());
        let names = names.chain(["100 %".to_owned(), self.say("watch", "观察").to_owned()]);
        let shown: Vec<String> = names
            .enumerate()
            .map(|(number, name)| match number.cmp(&place) {
                std::cmp::Ordering::Less => pens.green.apply_to(format!("✓ {name}")).to_string(),
                std::cmp::Ordering::Equal if back => pens.red.apply_to(format!("✗ {name}")).to_string(),
                std::cmp::Ordering::Equal => pens.bold.apply_to(format!("▶ {name}")).to_string(),
                std::cmp::Ordering::Greater => pens.dim.apply_to(format!("· {name}")).to_string(),
            })
            .collect();
        format!("  {}", shown.join("   "))
    }

    /// Both releases, each column below the other's.
    fn sides(&self, lines: &mut Vec<String>, sight: &Sight) {
        let sides = [
            Some((self.say("stable", "稳定"), &sight.stable, false)),
            sight.canary.as_ref().map(|canary| (self.say("canary", "金丝雀"), canary, true)),
        ];
        let rows: Vec<[String; 4]> = sides
            .into_iter()
            .flatten()
            .map(|(name, side, is_canary)| {
                let ready = format!("{}/{} {}", side.ready, side.wanted, self.say("ready", "就绪"));
                [name.to_owned(), clean(&side.revision.short()), ready, self.traffic(sight, side, is_canary)]
            })
            .collect();
        let widest = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|text| measure_text_width(text)).max().unwrap_or(0)
        };
        for row in &rows {
            let mut line = String::from(" ");
            for (column, text) in row.iter().enumerate() {
                line.push_str(if column == 0 { " " } else { "  " });
                line.push_str(text);
                if column + 1 < row.len() {
                    line.push_str(&" ".repeat(widest(column).saturating_sub(measure_text_width(text))));
                }
            }
            lines.push(console::truncate_str(line.trim_end(), self.style.width, "…").into_owned());
        }
    }

    /// What a release is configured to get, and what it got in this step.
    fn traffic(&self, sight: &Sight, side: &Side, is_canary: bool) -> String {
        let share = match sight.share.map(Percent::ratio) {
            Some(share) => ratio(if is_canary { share } else { 1.0 - share }),
            None => self.say("share not known", "比例未知").to_owned(),
        };
        let measured = match self.state.phase {
            Phase::Step(step) => self.state.shares.get(step),
            _ => None,
        };
        let measured = measured.filter(|measured| measured.canary + measured.stable > 0).map(|measured| {
            let all = measured.canary + measured.stable;
            #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^52")]
            let part = ratio(if is_canary { measured.canary } else { measured.stable } as f64 / all as f64);
            match self.style.lang {
                Lang::En => format!("measured {part} of {all}"),
                Lang::Zh => format!("实测 {all} 次的 {part}"),
            }
        });
        let restarts = side.restarts.saturating_add(side.out_of_memory);
        let restarts = (restarts > 0).then(|| format!("{restarts} {}", self.say("restarts", "次重启")));
        let parts: Vec<String> = [Some(share), measured, restarts].into_iter().flatten().collect();
        parts.join(self.say(", ", "，"))
    }

    fn gates(&self, lines: &mut Vec<String>, pens: &Pens) {
        let gates = &self.state.plan.gates;
        let widest = gates.iter().map(|gate| measure_text_width(&clean(&gate.name))).max().unwrap_or(0).min(24);
        for (gate, watched) in gates.iter().zip(&self.state.gates) {
            let mark = match watched.measured {
                Some(Measured::Successful) => pens.green.apply_to("✓"),
                Some(Measured::Failed) => pens.red.apply_to("✗"),
                Some(Measured::Inconclusive) => pens.yellow.apply_to("?"),
                Some(Measured::Error) => pens.yellow.apply_to("!"),
                Some(Measured::NoData) | None => pens.dim.apply_to("…"),
            };
            // What it said of the phase before says nothing of this one.
            let said = if watched.measured.is_none() { self.say("not yet", "尚无数据") } else { &watched.said };
            let dry = if gate.dry_run { self.say("(decides nothing) ", "（不参与决定）") } else { "" };
            let name = clean(&gate.name);
            let pad = " ".repeat(widest.saturating_sub(measure_text_width(&name)));
            let first = format!("  {mark} {name}{pad}");
            // Where little room is left beside the name, what it said goes below it.
            let (indent, below) = match 4 + widest + 2 {
                beside if beside + 30 <= self.style.width => (beside, false),
                _ => (6, true),
            };
            let room = self.style.width.saturating_sub(indent).max(14);
            let mut pieces = wrapped(&clean(&format!("{dry}{said}")), room).into_iter();
            lines.push(if below {
                first.trim_end().to_owned()
            } else {
                format!("{first}  {}", pieces.next().unwrap_or_default())
            });
            lines.extend(pieces.map(|piece| format!("{}{piece}", " ".repeat(indent))));
        }
    }

    fn rollback(&self, lines: &mut Vec<String>, pens: &Pens) {
        let Some(rollback) = &self.state.rollback else { return };
        let why = format!("{}{}", self.say("rolled back: ", "已回滚："), rollback.why);
        self.paragraph(lines, "  ", &why, &pens.red);
        let plain = Style::new().force_styling(false);
        let said = match (rollback.took(), self.style.lang) {
            (Some(took), Lang::En) => format!("verified {} after the decision: {}", seconds(took), rollback.said),
            (Some(took), Lang::Zh) => format!("决定后 {} 得到验证：{}", seconds(took), rollback.said),
            (None, _) if rollback.said.is_empty() => return,
            (None, Lang::En) => format!("not verified: {}", rollback.said),
            (None, Lang::Zh) => format!("尚未验证：{}", rollback.said),
        };
        self.paragraph(lines, "    ", &said, &plain);
    }

    /// What happens next, and when.
    fn what_next(&self) -> String {
        let (state, plan) = (self.state, &self.state.plan);
        let left = |length: SignedDuration| {
            state.reached.map(|reached| {
                let over = plan.warm_up.saturating_add(length);
                seconds(over.checked_sub(self.now.duration_since(reached)).unwrap_or_default())
            })
        };
        let en = self.style.lang == Lang::En;
        match state.phase {
            _ if state.hold.is_some() => self.say("nothing happens until a person says so", "等待人工决定").to_owned(),
            Phase::Step(step) => {
                let Some(this) = plan.steps.get(step) else { return String::new() };
                match (left(this.watch.length), plan.steps.get(step + 1)) {
                    (None, _) if en => format!("waits for {} to be so", this.share),
                    (None, _) => format!("等待比例达到 {}", this.share),
                    (Some(left), Some(next)) if en => {
                        format!("{} in {left} at the earliest, once all gates are content", next.share)
                    }
                    (Some(left), Some(next)) => format!("最早 {left} 后到 {}，须所有门禁满意", next.share),
                    (Some(left), None) if en => {
                        format!("promotion in {left} at the earliest, once all gates are content")
                    }
                    (Some(left), None) => format!("最早 {left} 后全量，须所有门禁满意"),
                }
            }
            Phase::Watching => match left(plan.after.length) {
                None => String::new(),
                Some(left) if en => format!("over in {left} if all stays well"),
                Some(left) => format!("若一切正常，{left} 后结束"),
            },
            Phase::Preparing => {
                let until = state.unreached.unwrap_or(state.started);
                let left =
                    seconds(plan.deadlines.ready.checked_sub(self.now.duration_since(until)).unwrap_or_default());
                if en {
                    format!("waits for the canary, {left} more at most")
                } else {
                    format!("等待金丝雀，最多还有 {left}")
                }
            }
            Phase::Promoting => self.say("stable takes the release", "稳定版本正在更新").to_owned(),
            Phase::Retiring => self.say("the canary goes", "正在移除金丝雀").to_owned(),
            Phase::Aborting | Phase::Undoing => self.say("as fast as it can be done", "尽快恢复").to_owned(),
            Phase::Verifying => self.say("looks whether all is as it was", "检查是否已恢复原状").to_owned(),
            Phase::Promoted | Phase::RolledBack => {
                let took = state.ended.map(|ended| seconds(ended.duration_since(state.started))).unwrap_or_default();
                if en { format!("took {took}") } else { format!("用时 {took}") }
            }
        }
    }

    fn paragraph(&self, lines: &mut Vec<String>, indent: &str, text: &str, pen: &Style) {
        let room = self.style.width.saturating_sub(indent.len() + 2).max(20);
        for (number, piece) in wrapped(&clean(text), room).into_iter().enumerate() {
            let further = if number == 0 { "" } else { "  " };
            lines.push(format!("{indent}{further}{}", pen.apply_to(piece)));
        }
    }
}

pub(super) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

/// In whole seconds, rounded up, and in larger units where they are many.
fn seconds(length: SignedDuration) -> String {
    let millis = u64::try_from(length.as_millis()).unwrap_or(0);
    time(Duration::from_secs(millis.div_ceil(1000)))
}

/// A text in pieces of so many columns, broken between words; a word that is longer is broken where it has to be.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut piece = String::new();
    for word in text.split(' ') {
        let used = measure_text_width(&piece);
        if used > 0 && used + 1 + measure_text_width(word) > width {
            pieces.push(std::mem::take(&mut piece));
        } else if used > 0 {
            piece.push(' ');
        }
        for letter in word.chars() {
            let mut buffer = [0; 4];
            if measure_text_width(&piece) + measure_text_width(letter.encode_utf8(&mut buffer)) > width {
                pieces.push(std::mem::take(&mut piece));
            }
            piece.push(letter);
        }
    }
    pieces.push(piece);
    pieces
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gonogo_domain::rollout::{Hold, Measured as Share, Revision};
    use gonogo_release::File;

    use super::*;

    fn image(digit: char) -> String {
        format!("registry.example/team/shop@sha256:{}", String::from(digit).repeat(64))
    }

    /// At step 1 of 2, watched for half of its time.
    fn state() -> State {
        let text = format!(
            "name = \"shop\"\n[release]\nrevision = \"{}\"\n[driver.haproxy]\nsocket = \"/s\"\nbackend = \"app\"\n\
             groups = {{ blue = [\"a\"], green = [\"b\"] }}\nversion = {{ path = \"/version\" }}\n\
             [[gate]]\nname = \"errors\"\nkind = \"errors\"\nhaproxy = \"server-errors\"\n\
             [[gate]]\nname = \"says-its-version\"\nkind = \"http\"\nurl = \"http://shop/\"\ndry_run = true\n",
            image('2')
        );
        let file = File::parse(&Arc::from("rollout.toml"), &text, None).unwrap();
        let start = Timestamp::UNIX_EPOCH;
        let mut state = State::new("shop-1".to_owned(), file.plan, Revision(image('1')), None, start);
        (state.phase, state.reached) = (Phase::Step(0), Some(start));
        let share = Percent::of_hundredths(1_000);
        state.shares = vec![Share { asked: share, configured: Some(share), canary: 412, stable: 3_600 }];
        let said = "canary 0.24 % of 412, stable 0.11 % of 3600: 1500 of the canary would show 1.1 %".to_owned();
        (state.gates[0].said, state.gates[0].measured) = (said, Some(Measured::NoData));
        state
    }

    fn sight() -> Sight {
        let side = |digit, wanted| Side {
            revision: Revision(image(digit)),
            wanted,
            ready: wanted,
            old: 0,
            restarts: 0,
            out_of_memory: 0,
        };
        Sight {
            stable: side('1', 9),
            canary: Some(side('2', 1)),
            share: Some(Percent::of_hundredths(1_000)),
            past: Vec::new(),
            holder: None,
            owner: None,
            memo: None,
            notices: Vec::new(),
        }
    }

    #[track_caller]
    fn check(width: usize, lang: Lang, change: impl FnOnce(&mut State), parts: &[&str]) {
        let (mut state, sight) = (state(), sight());
        change(&mut state);
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let style = Manner { color: false, lang, width };
        let picture = Picture { state: &state, sight: Some(Ok(&sight)), next: Some(at(315)), now: at(300), style };
        let lines = picture.lines();
        for line in &lines {
            assert!(measure_text_width(line) <= width, "{} columns: {line}", measure_text_width(line));
        }
        let text = lines.join("\n");
        for part in parts {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    const BOTH: [&str; 2] = [
        "  stable  shop@111111111111  9/9 ready  90 %, measured 90 % of 4012",
        "  canary  shop@222222222222  1/1 ready  10 %, measured 10 % of 4012",
    ];

    #[test]
    fn everything_stands_there_at_eighty_columns_and_at_more() {
        let head = "shop  shop@111111111111 → shop@222222222222   step 1 of 2\n  ▶ 10 %   · 50 %   · 100 %   · watch";
        let next = "50 % in 6 min at the earliest, once all gates are content; next look in 15 s";
        check(120, Lang::En, |_| (), &[head, BOTH[0], BOTH[1], "1500 of the canary would show 1.1 %", next]);
        let gate = "  … errors            canary 0.24 % of 412, stable 0.11 % of 3600: 1500 of the\n                      canary would show 1.1 %";
        let dry = "  … says-its-version  (decides nothing) not yet";
        check(80, Lang::En, |_| (), &[head, BOTH[0], BOTH[1], gate, dry, "next look in 15 s"]);
        check(40, Lang::En, |_| (), &["shop   step 1 of 2\n", "1500 of the canary\n", "would show 1.1 %"]);
    }

    #[test]
    fn who_has_to_say_something_is_told_how() {
        let hold = |state: &mut State| {
            state.hold = Some(Hold { since: Timestamp::UNIX_EPOCH, why: "inconclusive: errors".to_owned(), by: None });
        };
        let waits =
            ["step 1 of 2, waits for a person", "waits since 00:00:00Z: inconclusive", "resume | promote | abort"];
        check(80, Lang::En, hold, &waits);
        check(80, Lang::Zh, hold, &["第 1/2 步，等待人工决定", "稳定", "金丝雀", "15 s 后再次检查"]);
    }

    #[test]
    fn what_is_long_goes_on_in_the_next_line() {
        assert_eq!(wrapped("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrapped("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
        assert_eq!(wrapped("门禁满意", 4), ["门禁", "满意"]);
        assert_eq!(wrapped("", 4), [""]);
    }
}
