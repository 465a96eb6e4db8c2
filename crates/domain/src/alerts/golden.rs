//! Rules for the four golden signals, and for nobody being there to have any.

use super::{
    Draft, Maker, Priority, Proven, Saturation, Signals, Timing,
    counts::{bound, growth, series},
    signals::statuses,
    stories::{Line, Story},
};
use crate::rules::{Labels, Span};

const WINDOW: Span = Span::minutes(5);
/// Failures in the window below which a share of them means nothing.
const LEAST_FAILURES: u64 = 10;
/// Requests in the window below which one of a hundred cannot be told.
const LEAST_REQUESTS: u64 = 100;
const STOPPED: Span = Span::minutes(10);
const HOUR: Span = Span::hours(1);

pub(super) fn alerts(maker: &Maker<'_>) -> Vec<Proven> {
    let signals = maker.signals;
    if signals.selector.is_none() {
        return Vec::new();
    }
    let mut alerts = vec![absent(maker)];
    if signals.requests.is_some() {
        alerts.extend(
            [errors(maker, Severe::Very), errors(maker, Severe::Somewhat), traffic(maker)].into_iter().flatten(),
        );
    }
    if let Some(timing) = &signals.duration {
        alerts.push(latency(maker, timing));
    }
    let limited = signals.saturation.iter().filter_map(|one| Some((one, one.limit.as_deref()?)));
    alerts.extend(limited.map(|(one, limit)| saturation(maker, one, limit)));
    alerts
}

fn absent(maker: &Maker<'_>) -> Proven {
    let signals = maker.signals;
    let hold = Span::minutes(3);
    let mut proven = maker.alert(Draft {
        name: "ServiceAbsent",
        priority: Priority::P1,
        expr: format!("absent({} == 1)", series(signals, "up", "")),
        hold,
        summary: format!("No replica of {} can be scraped", maker.owner.service),
        description:
            "Either none is running, or Prometheus cannot reach any: then no other alert of this service can fire."
                .to_owned(),
        row: None,
    });
    let fires = Story::new("no replica answers any more", signals)
        .with("up", &[("instance", "a")], &[Line::stays(1, Span::minutes(10)), Line::stays(0, Span::minutes(10))])
        .quiet(&proven.alert, Span::minutes(9))
        .fires(&proven.alert, Span::minutes(14));
    let gone = Story::new("no replica was ever seen", signals).fires(&proven.alert, Span::minutes(4));
    let quiet = Story::new("one of two replicas answers", signals)
        .with("up", &[("instance", "a")], &[Line::stays(0, Span::minutes(20))])
        .with("up", &[("instance", "b")], &[Line::stays(1, Span::minutes(20))])
        .quiet(&proven.alert, Span::minutes(19));
    proven.trials = Story::told([fires, gone, quiet]);
    proven
}

#[derive(Clone, Copy)]
enum Severe {
    Very,
    Somewhat,
}

fn errors(maker: &Maker<'_>, severe: Severe) -> Option<Proven> {
    let signals = maker.signals;
    let count = signals.requests.as_ref()?;
    let (name, priority, share, percent) = match severe {
        Severe::Very => ("ErrorsVeryHigh", Priority::P1, "0.25", "25"),
        Severe::Somewhat => ("ErrorsHigh", Priority::P2, "0.01", "1"),
    };
    let failed = growth(signals, &count.metric, &statuses(count, "5..", true), WINDOW);
    let all = growth(signals, &count.metric, "", WINDOW);
    let least = bound(signals, LEAST_FAILURES, WINDOW, WINDOW);
    let mut proven = maker.alert(Draft {
        name,
        priority,
        expr: format!("{failed} / {all} > {share}\nand\n{failed} >= {least}"),
        hold: Span::minutes(2),
        summary: format!("More than {percent} % of the requests to {} fail", maker.owner.service),
        description: format!(
            "Failed answers against all answers of {} in {}, where at least {least} failed.",
            count.metric,
            signals.pace.window(WINDOW)
        ),
        row: None,
    });
    let label = count.label.as_str();
    let (good, bad) = ([(label, "200")], [(label, "500")]);
    let long = Span::minutes(40);
    let fires = Story::new("half of the requests fail, and the first failure makes the series", signals)
        .up()
        .with(&count.metric, &good, &[Line::grows(60, long)])
        .with(&count.metric, &bad, &[Line::nothing(Span::minutes(20)), Line::grows(60, Span::minutes(20))])
        .quiet(&proven.alert, Span::minutes(19))
        .fires(&proven.alert, Span::minutes(33));
    let few = Story::new("three requests fail, which is more than half of the few that there are", signals)
        .at_full_pace()
        .up()
        .with(&count.metric, &good, &[Line::stays(1, long)])
        .with(&count.metric, &bad, &[Line::nothing(Span::minutes(20)), Line::stays(3, Span::minutes(20))])
        .quiet(&proven.alert, Span::minutes(24));
    let share = Story::new("one of a thousand fails", signals)
        .up()
        .with(&count.metric, &good, &[Line::grows(6000, long)])
        .with(&count.metric, &bad, &[Line::grows(6, long)])
        .quiet(&proven.alert, Span::minutes(35));
    let begins = Story::new("Prometheus is new, the counters are old", signals)
        .up()
        .with(&count.metric, &good, &[Line::stays(500, long)])
        .with(&count.metric, &bad, &[Line::stays(500, long)])
        .quiet(&proven.alert, Span::minutes(4))
        .quiet(&proven.alert, Span::minutes(14));
    proven.trials = Story::told([fires, few, share, begins]);
    Some(proven)
}

fn traffic(maker: &Maker<'_>) -> Option<Proven> {
    let signals = maker.signals;
    let count = signals.requests.as_ref()?;
    let all = series(signals, &count.metric, "");
    let (now, hour) = (signals.pace.window(STOPPED), signals.pace.window(HOUR));
    // Sixty in the hour before are ten that should have come: that none does by chance happens once in 20,000 times.
    let least = bound(signals, 60, HOUR, HOUR);
    let mut proven = maker.alert(Draft {
        name: "TrafficStopped",
        priority: Priority::P2,
        expr: format!(
            "(sum(increase({all}[{now}])) or vector(0)) == 0\nand\nsum(increase({all}[{hour}] offset {now})) > {least}\nand on ()\n\
             count({} == 1) > 0",
            series(signals, "up", "")
        ),
        hold: Span::minutes(1),
        summary: format!("No request reaches {} any more", maker.owner.service),
        description: format!(
            "It can be scraped, and answered nothing for {now}, after more than {least} requests in the {hour} before."
        ),
        row: None,
    });
    let ok = [(count.label.as_str(), "200")];
    let fires = Story::new("requests came for twenty minutes, and none comes now", signals)
        .up()
        .with(&count.metric, &ok, &[Line::grows(60, Span::minutes(20)), Line::flat(Span::minutes(20))])
        .quiet(&proven.alert, Span::minutes(19))
        .fires(&proven.alert, Span::minutes(34));
    let quiet = Story::new("hardly any request ever comes", signals)
        .up()
        .with(&count.metric, &ok, &[Line::stays(3, Span::minutes(40))])
        .quiet(&proven.alert, Span::minutes(35));
    proven.trials = Story::told([fires, quiet]);
    Some(proven)
}

fn latency(maker: &Maker<'_>, timing: &Timing) -> Proven {
    let signals = maker.signals;
    slow(
        maker,
        timing,
        &Slow {
            name: "LatencyHigh",
            seconds: signals.slow,
            least: LEAST_REQUESTS,
            row: None,
            summary: format!(
                "One request of a hundred to {} takes longer than {} s",
                maker.owner.service, signals.slow
            ),
        },
    )
}

/// What is particular to an alert on a 99th percentile.
pub(super) struct Slow {
    pub name: &'static str,
    pub seconds: f64,
    /// Requests in the window below which it says nothing.
    pub least: u64,
    pub row: Option<&'static str>,
    pub summary: String,
}

pub(super) fn slow(maker: &Maker<'_>, timing: &Timing, of: &Slow) -> Proven {
    let signals = maker.signals;
    let window = signals.pace.window(WINDOW);
    let threshold = of.seconds * timing.per_second;
    let buckets = series(signals, &format!("{}_bucket", timing.metric), "");
    let count = format!("{}_count", timing.metric);
    let least = bound(signals, of.least, WINDOW, WINDOW);
    let mut proven = maker.alert(Draft {
        name: of.name,
        priority: Priority::P2,
        expr: format!(
            "histogram_quantile(0.99, sum by (le) (rate({buckets}[{window}]))) > {threshold}\nand\n\
             sum(increase({}[{window}])) > {least}",
            series(signals, &count, "")
        ),
        hold: Span::minutes(5),
        summary: of.summary.clone(),
        description: format!("The 99th percentile of {} in {window}, of more than {least} requests.", timing.metric),
        row: of.row,
    });
    let (long, bucket) = (Span::minutes(40), format!("{}_bucket", timing.metric));
    let most = (2.0 * threshold).to_string();
    let limit = threshold.to_string();
    let story = |name, slow: u64, fast: u64| {
        let all = slow + fast;
        Story::new(name, signals)
            .up()
            .with(&bucket, &[("le", &limit)], &[Line::grows(fast, long)])
            .with(&bucket, &[("le", &most)], &[Line::grows(all, long)])
            .with(&bucket, &[("le", "+Inf")], &[Line::grows(all, long)])
            .with(&count, &[], &[Line::grows(all, long)])
    };
    let each = 4 * of.least;
    let fires = story("every request is slow", each, 0).fires(&proven.alert, Span::minutes(20));
    let fast = story("every request is fast", 0, each).quiet(&proven.alert, Span::minutes(35));
    let few = Story::new("a single request is slow", signals)
        .at_full_pace()
        .up()
        .with(&bucket, &[("le", &limit)], &[Line::stays(0, long)])
        .with(&bucket, &[("le", &most)], &[Line::stays(0, Span::minutes(10)), Line::stays(1, Span::minutes(30))])
        .with(&bucket, &[("le", "+Inf")], &[Line::stays(0, Span::minutes(10)), Line::stays(1, Span::minutes(30))])
        .with(&count, &[], &[Line::stays(0, Span::minutes(10)), Line::stays(1, Span::minutes(30))])
        .quiet(&proven.alert, Span::minutes(12))
        .quiet(&proven.alert, Span::minutes(20));
    proven.trials = Story::told([fires, fast, few]);
    proven
}

fn saturation(maker: &Maker<'_>, one: &Saturation, limit: &str) -> Proven {
    let signals: &Signals = maker.signals;
    let used = one.used.as_str();
    let mut proven = maker.alert(Draft {
        name: "SaturationHigh",
        priority: Priority::P2,
        // A limit of nothing means that there is none.
        expr: format!("max({} / ({} > 0)) > 0.9", series(signals, used, ""), series(signals, limit, "")),
        hold: Span::minutes(10),
        summary: format!("{} has used nine tenths of what it has: {used}", maker.owner.service),
        description: format!("{used} against {limit}, of the replica that is worst off."),
        row: None,
    });
    proven.alert.labels.extend(Labels::from([("resource".to_owned(), used.to_owned())]));
    let long = Span::minutes(30);
    let of = |name, level, most| {
        Story::new(name, signals).with(used, &[("instance", "a")], &[Line::stays(level, long)]).with(
            limit,
            &[("instance", "a")],
            &[Line::stays(most, long)],
        )
    };
    let fires = of("ninety-five of a hundred are used", 95, 100).fires(&proven.alert, Span::minutes(12));
    let quiet = of("half is used", 50, 100).quiet(&proven.alert, Span::minutes(25));
    let free = of("there is no limit", 50, 0).quiet(&proven.alert, Span::minutes(25));
    proven.trials = Story::told([fires, quiet, free]);
    proven
}
