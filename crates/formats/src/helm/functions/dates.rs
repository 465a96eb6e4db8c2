//! Times: one fixed moment, in UTC.

use std::fmt::Write as _;

use super::{Function, any, function, text};
use crate::helm::eval::{Fault, Machine, Outcome};
use crate::helm::value::{Data, Object, Value};

const DAY: i64 = 86_400;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(super) const FUNCTIONS: &[Function] = &[
    function("now", 0, 0, |machine, _| Ok(Value::object(Object::Time(machine.now)))),
    function("date", 2, 2, |machine, arguments| {
        let layout = text(arguments, 0)?;
        Ok(Value::str(format(seconds(machine, &any(arguments, 1)), layout.as_str())))
    }),
    function("dateInZone", 3, 3, in_zone),
    function("date_in_zone", 3, 3, in_zone),
    function("htmlDate", 1, 1, |machine, arguments| {
        Ok(Value::str(format(seconds(machine, &any(arguments, 0)), "2006-01-02")))
    }),
    function("htmlDateInZone", 2, 2, |machine, arguments| {
        Ok(Value::str(format(seconds(machine, &any(arguments, 0)), "2006-01-02")))
    }),
    function("unixEpoch", 1, 1, |machine, arguments| Ok(Value::str(seconds(machine, &any(arguments, 0)).to_string()))),
    function("ago", 1, 1, |machine, arguments| {
        let passed = machine.now.saturating_sub(seconds(machine, &any(arguments, 0)));
        Ok(Value::str(duration(passed)))
    }),
    function("duration", 1, 1, |_, arguments| {
        // Other numbers are none to sprig.
        Ok(Value::str(duration(match &any(arguments, 0).data {
            Data::Int64(seconds) => *seconds,
            Data::Str(text) => text.as_str().parse().unwrap_or(0),
            _ => 0,
        })))
    }),
    function("durationRound", 1, 1, |machine, arguments| {
        let value = any(arguments, 0);
        let passed = match &value.data {
            Data::Str(shown) => parse_duration(shown.as_str()).unwrap_or(0),
            Data::Object(_) => machine.now.saturating_sub(seconds(machine, &value)),
            _ => super::numbers::to_int(&value) / 1_000_000_000,
        };
        Ok(Value::str(rounded(passed)))
    }),
    function("dateModify", 2, 2, modify),
    function("date_modify", 2, 2, modify),
    function("mustDateModify", 2, 2, modify),
    function("must_date_modify", 2, 2, modify),
    function("toDate", 2, 2, to_date),
    function("mustToDate", 2, 2, to_date),
];

fn seconds(machine: &Machine, value: &Value) -> i64 {
    match &value.data {
        Data::Object(object) => match object.as_ref() {
            Object::Time(seconds) => *seconds,
            _ => machine.now,
        },
        Data::Int(seconds) | Data::Int64(seconds) => *seconds,
        _ => machine.now,
    }
}

/// Only UTC is known: which other zone a chart names decides nothing about what it deploys.
fn in_zone(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let layout = text(arguments, 0)?;
    Ok(Value::str(format(seconds(machine, &any(arguments, 1)), layout.as_str())))
}

fn modify(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let change = text(arguments, 0)?;
    let start = seconds(machine, &any(arguments, 1));
    let change = parse_duration(change.as_str()).ok_or_else(|| Fault::new("time: invalid duration"))?;
    Ok(Value::object(Object::Time(start.saturating_add(change))))
}

/// `1h30m`, `-24h`, in whole seconds.
fn parse_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (if text.starts_with('-') { -1.0 } else { 1.0 }, rest),
        None => (1.0, text),
    };
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|next: char| !next.is_ascii_digit() && next != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail.find(|next: char| next.is_ascii_digit() || next == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    #[expect(clippy::cast_possible_truncation, reason = "out of range saturates")]
    Some((sign * total) as i64)
}

/// `1h0m5s`, as Go prints a duration.
fn duration(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let total = seconds.unsigned_abs();
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{rest}s"),
        (0, _) => format!("{sign}{minutes}m{rest}s"),
        _ => format!("{sign}{hours}h{minutes}m{rest}s"),
    }
}

fn rounded(seconds: i64) -> String {
    let total = seconds.unsigned_abs();
    let day = DAY.unsigned_abs();
    let units = [("y", day * 365), ("mo", day * 30), ("d", day), ("h", 3600), ("m", 60), ("s", 1)];
    units
        .into_iter()
        .find(|(_, size)| total >= *size)
        .map_or_else(|| "0s".to_owned(), |(name, size)| format!("{}{name}", total / size))
}

/// Year, month (from 1), day (from 1) of a day counted from 1970-01-01 (Howard Hinnant's algorithm).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The elements of Go's layouts, longest first where one starts another.
const ELEMENTS: [&str; 25] = [
    "January", "Jan", "Monday", "Mon", "MST", "2006", "-07:00", "-0700", "-07", "Z07:00", "Z0700", "01", "02", "03",
    "04", "05", "06", "15", "_2", "PM", "pm", "1", "2", "3", "4",
];

/// `time.Format` in UTC.
pub(crate) fn format(seconds: i64, layout: &str) -> String {
    let seconds = seconds.clamp(-62_135_596_800, 253_402_300_799);
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let weekday = (seconds.div_euclid(DAY) + 4).rem_euclid(7);
    let clock = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let name = |names: &[&str], index: i64| {
        usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default().to_owned()
    };
    let mut out = String::with_capacity(layout.len() + 8);
    let mut rest = layout;
    while let Some(next) = rest.chars().next() {
        let element = ELEMENTS.iter().chain(&["5"]).find(|element| rest.starts_with(**element)).copied();
        let Some(element) = element else {
            out.push(next);
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
            continue;
        };
        rest = rest.get(element.len()..).unwrap_or_default();
        let short = |text: String| text.get(..3).unwrap_or_default().to_owned();
        let shown = match element {
            "January" => name(&MONTHS, month - 1),
            "Jan" => short(name(&MONTHS, month - 1)),
            "Monday" => name(&WEEKDAYS, weekday),
            "Mon" => short(name(&WEEKDAYS, weekday)),
            "MST" => "UTC".to_owned(),
            "2006" => format!("{year:04}"),
            "-07:00" => "+00:00".to_owned(),
            "-0700" => "+0000".to_owned(),
            "-07" => "+00".to_owned(),
            "Z07:00" | "Z0700" => "Z".to_owned(),
            "01" => format!("{month:02}"),
            "02" => format!("{day:02}"),
            "03" => format!("{twelve:02}"),
            "04" => format!("{minute:02}"),
            "05" => format!("{second:02}"),
            "06" => format!("{:02}", year % 100),
            "15" => format!("{hour:02}"),
            "_2" => format!("{day:2}"),
            "PM" => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            "pm" => if hour < 12 { "am" } else { "pm" }.to_owned(),
            "1" => month.to_string(),
            "2" => day.to_string(),
            "3" => twelve.to_string(),
            "4" => minute.to_string(),
            _ => second.to_string(),
        };
        let _ = write!(out, "{shown}");
    }
    out
}

/// Reads a text by a layout of numbers; the zero time if it does not fit.
fn to_date(_: &mut Machine, arguments: &[Value]) -> Outcome {
    let (layout, shown) = (text(arguments, 0)?, text(arguments, 1)?);
    let zero = days_of(1, 1, 1) * DAY;
    Ok(Value::object(Object::Time(parse(layout.as_str(), shown.as_str()).unwrap_or(zero))))
}

fn parse(mut layout: &str, mut shown: &str) -> Option<i64> {
    let (mut year, mut month, mut day, mut clock) = (0, 1, 1, 0);
    while let Some(next) = layout.chars().next() {
        let element = ["2006", "01", "02", "15", "04", "05"].into_iter().find(|element| layout.starts_with(element));
        let Some(element) = element else {
            shown = shown.strip_prefix(next)?;
            layout = layout.get(next.len_utf8()..)?;
            continue;
        };
        layout = layout.get(element.len()..)?;
        let number: i64 = shown.get(..element.len())?.parse().ok()?;
        shown = shown.get(element.len()..)?;
        match element {
            "2006" => year = number,
            "01" => month = number,
            "02" => day = number,
            "15" => clock += number * 3600,
            "04" => clock += number * 60,
            _ => clock += number,
        }
    }
    (shown.is_empty() && (1..=12).contains(&month)).then(|| days_of(year, month, day) * DAY + clock)
}

/// The methods of a time.
pub(super) fn method(seconds: i64, name: &str, arguments: &[Value]) -> Option<Outcome> {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    Some(Ok(match name {
        "Unix" => Value::int64(seconds),
        "UnixNano" => Value::int64(seconds.saturating_mul(1_000_000_000)),
        "Year" => Value::int(year),
        "Month" => Value::int(month),
        "Day" => Value::int(day),
        "Format" => match text(arguments, 0) {
            Ok(layout) => Value::str(format(seconds, layout.as_str())),
            Err(fault) => return Some(Err(fault)),
        },
        "UTC" | "Local" => Value::object(Object::Time(seconds)),
        "String" => Value::str(format(seconds, "2006-01-02 15:04:05 -0700 MST")),
        _ => return None,
    }))
}
