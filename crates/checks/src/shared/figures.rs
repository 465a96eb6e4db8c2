//! Figures that people write in texts: stretches of time, percentages, dates.

use jiff::civil::Date;

/// Seconds of a unit of time, as people write it in English and Chinese; none: no unit of time.
fn unit(word: &str) -> Option<u64> {
    Some(match word {
        "s" | "sec" | "secs" | "second" | "seconds" | "秒" | "秒钟" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" | "分" | "分钟" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" | "小时" | "个小时" => 3600,
        "d" | "day" | "days" | "天" | "日" => 86_400,
        "w" | "wk" | "week" | "weeks" | "周" | "个星期" | "星期" => 7 * 86_400,
        "mo" | "month" | "months" | "个月" | "月" => 30 * 86_400,
        "q" | "quarter" | "quarters" | "季度" | "个季度" => 91 * 86_400,
        "y" | "yr" | "yrs" | "year" | "years" | "年" => 365 * 86_400,
        _ => return None,
    })
}

/// The first stretch of time in a text, in seconds: `15 minutes`, `≤ 1 h`, `24小时`, `1h30m`, `90-day`.
pub(crate) fn duration(text: &str) -> Option<u64> {
    let lower = text.to_lowercase();
    let letters: Vec<char> = lower.chars().collect();
    let mut at = 0;
    while let Some(letter) = letters.get(at) {
        let inside = at
            .checked_sub(1)
            .and_then(|before| letters.get(before))
            .is_some_and(|before| before.is_ascii_alphanumeric() || matches!(before, '.' | '_' | '-' | '/' | '#'));
        if letter.is_ascii_digit() && !inside {
            let (seconds, end) = stretch(&letters, at);
            if let Some(seconds) = seconds {
                return Some(seconds);
            }
            at = end;
        }
        at += 1;
    }
    for (words, seconds) in [("a day", 86_400), ("an hour", 3600), ("one hour", 3600), ("one day", 86_400)] {
        if lower.contains(words) {
            return Some(seconds);
        }
    }
    ["immediate", "zero", "none lost", "no data loss", "立即"].iter().any(|word| lower.contains(word)).then_some(0)
}

/// The stretch that begins at a digit, and where it ends: several parts add up.
fn stretch(letters: &[char], from: usize) -> (Option<u64>, usize) {
    let mut at = from;
    let mut total: Option<u64> = None;
    loop {
        let start = at;
        while letters.get(at).is_some_and(|letter| letter.is_ascii_digit() || *letter == '.') {
            at += 1;
        }
        let number: String = letters.get(start..at).unwrap_or_default().iter().collect();
        let Some(number) = number.trim_end_matches('.').parse::<f64>().ok().filter(|number| *number < 1e9) else {
            return (total, at);
        };
        let mut end = at;
        while letters.get(end).is_some_and(|letter| matches!(letter, ' ' | '-' | '\u{a0}')) {
            end += 1;
        }
        let begin = end;
        let ascii = letters.get(end).is_some_and(char::is_ascii_alphabetic);
        let part = |letter: &char| letter.is_alphabetic() && letter.is_ascii() == ascii;
        while letters.get(end).is_some_and(part) && end - begin < 12 {
            end += 1;
        }
        let word: String = letters.get(begin..end).unwrap_or_default().iter().collect();
        // Chinese runs on: the longest unit that the text begins with.
        let found = if ascii {
            unit(&word)
        } else {
            (1..=word.chars().count()).rev().find_map(|length| unit(&word.chars().take(length).collect::<String>()))
        };
        let Some(seconds) = found else { return (total, at) };
        // Anything that a person writes fits: the number is below 10⁹ and a year below 10⁸ seconds.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "bounded above, and never negative"
        )]
        let seconds = (number * seconds as f64).round() as u64;
        total = Some(total.unwrap_or(0).saturating_add(seconds));
        at = end;
        while letters.get(at) == Some(&' ') {
            at += 1;
        }
        if !letters.get(at).is_some_and(char::is_ascii_digit) {
            return (total, at);
        }
    }
}

/// Every percentage of a text, as a ratio: `99.9 %` is 0.999.
pub(crate) fn percentages(text: &str) -> Vec<f64> {
    let mut found = Vec::new();
    for (index, _) in text.char_indices().filter(|(_, letter)| matches!(letter, '%' | '％')) {
        let before = text.get(..index).unwrap_or_default().trim_end();
        let digits = before.rsplit(|letter: char| !letter.is_ascii_digit() && letter != '.').next();
        // An exact ratio: 99.9 / 100 is not 0.999, while the text with its point moved is.
        let number = digits.and_then(|digits| format!("{}e-2", digits.trim_start_matches('.')).parse().ok());
        found.extend(number.filter(|number: &f64| number.is_finite()));
    }
    found
}

/// The first date in a text that is written year first: `2026-01-31`, `2026/1/31`, `2026年1月31日`.
pub(crate) fn date(text: &str) -> Option<Date> {
    let mut numbers: Vec<(i32, usize)> = Vec::new();
    let mut digits = String::new();
    for letter in text.chars().chain([' ']) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        if !digits.is_empty() {
            numbers.push((digits.parse().unwrap_or(-1), digits.len()));
            digits.clear();
            if let [.., (year, 4), (month, one), (day, two)] = numbers.as_slice()
                && *one <= 2
                && *two <= 2
                && let Some(date) = civil(*year, *month, *day)
            {
                return Some(date);
            }
        }
        if !matches!(letter, '-' | '/' | '.' | '年' | '月') {
            numbers.clear();
        }
    }
    None
}

fn civil(year: i32, month: i32, day: i32) -> Option<Date> {
    let (year, month, day) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    (1990..=2100).contains(&year).then(|| Date::new(year, month, day).ok()).flatten()
}

/// A stretch of time as a person would say it: `15 min`, `24 h`, `7 days`.
pub(crate) fn said(seconds: u64) -> String {
    match seconds {
        0 => "0 s".to_owned(),
        s if s.is_multiple_of(86_400) && s > 86_400 => format!("{} days", s / 86_400),
        s if s.is_multiple_of(3600) => format!("{} h", s / 3600),
        s if s.is_multiple_of(60) => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// The same in Chinese.
pub(crate) fn said_zh(seconds: u64) -> String {
    match seconds {
        0 => "0 秒".to_owned(),
        s if s.is_multiple_of(86_400) && s > 86_400 => format!("{} 天", s / 86_400),
        s if s.is_multiple_of(3600) => format!("{} 小时", s / 3600),
        s if s.is_multiple_of(60) => format!("{} 分钟", s / 60),
        s => format!("{s} 秒"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_time_are_read_as_people_write_them() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(duration(text), expect, "for {text:?}");
        check("RPO: 15 minutes", Some(900));
        check("≤ 1 h", Some(3600));
        check("24小时以内", Some(86_400));
        check("1h30m", Some(5400));
        check("1 hour 30 minutes", Some(5400));
        check("90-day retention", Some(90 * 86_400));
        check("0.5 h", Some(1800));
        check("within a day", Some(86_400));
        check("2026-01-31", None);
        check("version 1.2.3", None);
        check("5 people", None);
        check("99999999999999999999 h", None);
        check("", None);
    }

    #[test]
    fn percentages_are_ratios() {
        let check = |text: &str, expect: &[f64]| assert_eq!(percentages(text), expect, "for {text:?}");
        check("99.9 % of 30 days, 99.95%", &[0.999, 0.9995]);
        check("% of nothing", &[]);
        check("100％", &[1.0]);
    }

    #[test]
    fn dates_are_read_year_first() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(date(text).map(|date| date.to_string()).as_deref(), expect, "for {text:?}");
        };
        check("held on 2026-10-03 by ann", Some("2026-10-03"));
        check("2026年1月5日", Some("2026-01-05"));
        check("10/03/2026", None);
        check("2026-13-45", None);
    }
}
