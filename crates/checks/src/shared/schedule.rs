//! How far apart the runs of a schedule are.

use super::figures;

/// Which fields the expression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Minute first: cron, Kubernetes.
    Unix,
    /// Seconds first: `CloudNativePG`, Quartz.
    Seconds,
}

/// The longest time between two runs, in seconds; none: not a schedule that can be read.
///
/// Understands five fields, `@daily` and its kin, `@every 6h`, and Amazon's `cron(…)` and `rate(…)`.
pub(crate) fn longest_gap(text: &str, dialect: Dialect) -> Option<u64> {
    let text = text.trim().trim_matches('"').trim();
    if let Some(rate) = text.strip_prefix("rate(") {
        return figures::duration(rate.trim_end_matches(')')).filter(|seconds| *seconds > 0);
    }
    if let Some(every) = text.strip_prefix("@every ") {
        return figures::duration(every).filter(|seconds| *seconds > 0);
    }
    let named = match text {
        "@hourly" => Some(3600),
        "@daily" | "@midnight" => Some(86_400),
        "@weekly" => Some(7 * 86_400),
        "@monthly" => Some(31 * 86_400),
        "@yearly" | "@annually" => Some(366 * 86_400),
        _ => None,
    };
    if named.is_some() {
        return named;
    }
    let amazon = text.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')'));
    let mut fields: Vec<&str> = amazon.unwrap_or(text).split_whitespace().collect();
    if fields.first().is_some_and(|field| field.starts_with("CRON_TZ=") || field.starts_with("TZ=")) {
        fields.remove(0);
    }
    match (amazon.is_some(), dialect, fields.len()) {
        // The year of Amazon's form.
        (true, _, 6) => drop(fields.pop()),
        (false, Dialect::Seconds, 6) => drop(fields.remove(0)),
        (false, Dialect::Unix, 5) => (),
        _ => return None,
    }
    let [minute, hour, day, month, weekday] = fields.as_slice() else { return None };
    Runs {
        minutes: field(minute, 0, 59, &[])?,
        hours: field(hour, 0, 23, &[])?,
        days: field(day, 1, 31, &[])?,
        months: field(month, 1, 12, &MONTHS)?,
        // Amazon counts from Sunday as 1.
        weekdays: if amazon.is_some() {
            field(weekday, 1, 7, &WEEKDAYS)?.into_iter().map(|day| day - 1).collect()
        } else {
            field(weekday, 0, 7, &WEEKDAYS)?.into_iter().map(|day| day % 7).collect()
        },
        any_day: is_any(day),
        any_weekday: is_any(weekday),
    }
    .longest_gap()
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

fn is_any(field: &str) -> bool {
    matches!(field, "*" | "?")
}

/// The values of a field: `*`, `1,3`, `1-5`, `*/15`, `MON-FRI`.
fn field(text: &str, lowest: u32, highest: u32, names: &[&str]) -> Option<Vec<u32>> {
    let value = |word: &str| -> Option<u32> {
        let lower = word.to_ascii_lowercase();
        match names.iter().position(|name| lower.starts_with(name)) {
            // Names of months count from 1, those of weekdays from where their numbers begin.
            Some(index) => Some(u32::try_from(index).ok()? + lowest),
            None => word.parse().ok(),
        }
    };
    let mut values = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<u32>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if is_any(range) => (lowest, highest),
            Some((from, to)) => (value(from)?, value(to)?),
            None if part.contains('/') => (value(range)?, highest),
            None => (value(range)?, value(range)?),
        };
        if from < lowest || to > highest || from > to {
            return None;
        }
        values.extend((from..=to).step_by(usize::try_from(step).ok()?));
    }
    values.sort_unstable();
    values.dedup();
    (!values.is_empty()).then_some(values)
}

struct Runs {
    minutes: Vec<u32>,
    hours: Vec<u32>,
    days: Vec<u32>,
    months: Vec<u32>,
    weekdays: Vec<u32>,
    any_day: bool,
    any_weekday: bool,
}

impl Runs {
    fn on(&self, date: jiff::civil::Date) -> bool {
        let number = |part: i8| u32::try_from(part).unwrap_or(0);
        let day = self.days.contains(&number(date.day()));
        let weekday = self.weekdays.contains(&number(date.weekday().to_sunday_zero_offset()));
        // With both given, either is enough.
        let fits = match (self.any_day, self.any_weekday) {
            (false, false) => day || weekday,
            (false, true) => day,
            (true, false) => weekday,
            (true, true) => true,
        };
        fits && self.months.contains(&number(date.month()))
    }

    fn longest_gap(&self) -> Option<u64> {
        let times: Vec<u64> = self
            .hours
            .iter()
            .flat_map(|hour| self.minutes.iter().map(move |minute| u64::from(hour * 60 + minute)))
            .collect();
        let (first, last) = (*times.first()?, *times.last()?);
        let within = times.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?)).max().unwrap_or(0);
        // Nine years hold every leap year's day twice.
        let mut date = jiff::civil::date(2023, 1, 1);
        let (mut longest, mut since) = (within, None::<u64>);
        for number in 0..9 * 366_u64 {
            if self.on(date) {
                if let Some(since) = since {
                    longest = longest.max((number - since) * 1440 + first - last);
                }
                since = Some(number);
            }
            date = date.tomorrow().ok()?;
        }
        (longest > 0).then_some(longest * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, dialect: Dialect, hours: Option<f64>) {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let found = longest_gap(text, dialect).map(|seconds| seconds as f64 / 3600.0);
        assert_eq!(found, hours, "for {text:?}");
    }

    #[test]
    fn the_longest_gap_of_a_schedule_is_found() {
        check("0 3 * * *", Dialect::Unix, Some(24.0));
        check("*/15 * * * *", Dialect::Unix, Some(0.25));
        check("0 */6 * * *", Dialect::Unix, Some(6.0));
        check("0 9-17 * * MON-FRI", Dialect::Unix, Some(64.0));
        check("0 3 * * 0", Dialect::Unix, Some(168.0));
        check("0 3 * * 7", Dialect::Unix, Some(168.0));
        check("30 2 1 * *", Dialect::Unix, Some(744.0));
        check("0 0 0 * * *", Dialect::Seconds, Some(24.0));
        check("cron(0 5 ? * * *)", Dialect::Unix, Some(24.0));
        check("cron(0 5 ? * SUN *)", Dialect::Unix, Some(168.0));
        check("rate(12 hours)", Dialect::Unix, Some(12.0));
        check("@daily", Dialect::Unix, Some(24.0));
        check("@every 6h", Dialect::Unix, Some(6.0));
        check("CRON_TZ=UTC 0 3 * * *", Dialect::Unix, Some(24.0));
    }

    #[test]
    fn what_is_no_schedule_has_no_gap() {
        for text in ["", "* * *", "61 * * * *", "H H * * *", "0 3 * * L", "*/0 * * * *", "0 0 30 2 *", "5-1 * * * *"] {
            check(text, Dialect::Unix, None);
        }
    }
}
