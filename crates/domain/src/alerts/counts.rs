//! How often something happened in a window, in `PromQL`.

use super::Signals;
use crate::rules::Span;

/// Looks back so far for a series that is not new: it outlasts a restart of Prometheus and failed scrapes.
const BEFORE: Span = Span::hours(1);

/// The series of the service, with more matchers.
pub(super) fn series(signals: &Signals, metric: &str, matchers: &str) -> String {
    let own = signals.selector.as_deref().unwrap_or_default();
    let all: Vec<&str> = [own, matchers].into_iter().filter(|text| !text.is_empty()).collect();
    format!("{metric}{{{}}}", all.join(","))
}

/// The growth of all series that match, in a window that is given at the pace of production.
///
/// A counter that appears with its first event has no sample before it, so that `increase` sees nothing: its first value
/// counts as growth, unless it was there in the hour before the window (a failed scrape, a restart of Prometheus), and only
/// where Prometheus was looking at this service before the window (else every old counter would look new to a new Prometheus).
pub(super) fn growth(signals: &Signals, metric: &str, matchers: &str, window: Span) -> String {
    let series = series(signals, metric, matchers);
    let up = self::series(signals, "up", "");
    let pace = signals.pace;
    let window = pace.window(window);
    let before = pace.window(BEFORE);
    let earlier = Span::milliseconds(2 * window.as_milliseconds());
    format!(
        "sum(\n    (\n      {series} unless last_over_time({series}[{before}] offset {window})\n      \
         and on () count({up} offset {earlier})\n    )\n    or increase({series}[{window}])\n  )"
    )
}

/// A bound on a count: so many in each `per`, for this window. Rates stay what they are at any pace.
pub(super) fn bound(signals: &Signals, count: u64, per: Span, window: Span) -> String {
    let window = signals.pace.window(window).as_milliseconds();
    decimal(count.saturating_mul(window).saturating_mul(1000) / per.as_milliseconds().max(1))
}

/// A number of thousandths, without zeros at its end.
pub(super) fn decimal(thousandths: u64) -> String {
    let (whole, rest) = (thousandths / 1000, thousandths % 1000);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:03}").trim_end_matches('0').to_owned()
}
