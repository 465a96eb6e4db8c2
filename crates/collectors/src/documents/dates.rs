//! The newest date that a document gives for itself.

use std::sync::{Arc, LazyLock};

use gonogo_domain::{
    Place,
    evidence::{DocumentKind, Section},
};
use jiff::civil::Date;
use regex::Regex;

use super::{markup::Markup, prose::prose};

/// A word that introduces the document's own date. `next review` and `due` are none: they speak of the future.
static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)^[\s>\#*_+|:\-]*
        (?:
            (?:last[\s_-]*)?(?:updated|reviewed|verified|tested|exercised|rehearsed|validated|checked|modified|practiced|practised|drilled|restored|revised)(?:[\s_-]?(?:at|on|by|date))?
          | last[\s_-]*(?:update|review|verification|test|drill|restore(?:[\s_-]test)?|exercise|rehearsal|revision|change|mod)(?:[\s_-]?(?:at|on|by|date))?
          | lastmod | revdate | date
          | (?:incident|drill|decision|review|test|exercise|report|restore|postmortem|meeting|effective|start|creation|publication)[\s_-]date
          | date[\s_-]of[\s_-][a-z\s]{1,20}
          | created(?:[\s_-]?(?:at|on))? | (?:performed|conducted|held|run|executed|accepted|decided|approved)\s+on
          | 日期 | 更新日期 | 最后更新 | 最近更新 | 最后验证 | 最近验证 | 最后评审 | 演练日期 | 事故日期
        )
        (?P<rest>.*)$",
    )
    .expect("is a valid pattern")
});

static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)
        (?:^|[^0-9./-])
        (?:
            (?P<y>[0-9]{4})[-/.](?P<m>[0-9]{1,2})[-/.](?P<d>[0-9]{1,2})
          | (?P<yc>[0-9]{4})\s*年\s*(?P<mc>[0-9]{1,2})\s*月\s*(?P<dc>[0-9]{1,2})
          | (?P<d1>[0-9]{1,2})(?:st|nd|rd|th)?[\s-](?P<m1>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,?[\s-](?P<y1>[0-9]{4})
          | (?P<m2>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s(?P<d2>[0-9]{1,2})(?:st|nd|rd|th)?,?\s(?P<y2>[0-9]{4})
          | (?P<d3>[0-9]{1,2})[./](?P<m3>[0-9]{1,2})[./](?P<y3>[0-9]{4})
        )
        (?:$|[^0-9])",
    )
    .expect("is a valid pattern")
});

/// A date at the front of a file's name: `2026-01-31-title.md`, `20260131_title.md`.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^0-9])(20[0-9][0-9])[-_]?([0-9][0-9])[-_]?([0-9][0-9])(?:$|[^0-9])").expect("is a valid pattern")
});

/// Columns of tables whose cells date the document: a log of drills, a history of changes.
static COLUMN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:date|when|performed|last .{0,20}|(?:last )?(?:updated|reviewed|verified|tested|exercised)(?: on| at)?|日期)$")
        .expect("is a valid pattern")
});

pub(super) fn newest(
    path: &Arc<str>,
    text: &str,
    markup: Markup,
    kind: DocumentKind,
    sections: &[Section],
) -> Option<(Date, Place)> {
    let mut found = from_lines(path, text, markup);
    found.extend(from_tables(sections));
    let record =
        matches!(kind, DocumentKind::Postmortem | DocumentKind::Drill | DocumentKind::Handoff | DocumentKind::Decision);
    if record {
        found.extend(sections.iter().filter_map(|section| Some((date(&section.heading)?, section.place.clone()))));
        found.extend(from_name(path));
    }
    // Of equal dates the first stands, so that the place does not depend on the order of sources.
    found.into_iter().reduce(|best, next| if next.0 > best.0 { next } else { best })
}

fn from_lines(path: &Arc<str>, text: &str, markup: Markup) -> Vec<(Date, Place)> {
    let mut found = Vec::new();
    // After a heading `Date` the date stands on a line of its own.
    let mut announced = false;
    for (number, line) in prose(text, markup) {
        if line.trim().is_empty() {
            continue;
        }
        let place = || Place::new(Arc::clone(path), number, 1);
        if announced && let Some(date) = leading_date(line) {
            found.push((date, place()));
        }
        announced = false;
        let Some(rest) = LABEL.captures(line).and_then(|captures| captures.name("rest")).map(|rest| rest.as_str())
        else {
            continue;
        };
        let trimmed = rest.trim_start_matches([' ', '*', '_', '\t']);
        announced = line.starts_with('#') && trimmed.is_empty();
        let stated = trimmed.starts_with([':', '：', '|', '=']);
        if let Some(date) = if stated { date(head(rest)) } else { leading_date(rest) } {
            found.push((date, place()));
        }
    }
    found
}

fn from_tables(sections: &[Section]) -> Vec<(Date, Place)> {
    let mut found = Vec::new();
    for table in sections.iter().flat_map(|section| &section.tables) {
        for (column, _) in table.header.iter().enumerate().filter(|(_, name)| COLUMN.is_match(name.trim())) {
            for (row, line) in table.rows.iter().zip(2..) {
                if let Some(date) = row.get(column).and_then(|cell| date(cell)) {
                    found.push((date, table.place.at_line(table.place.line().unwrap_or(0).saturating_add(line))));
                }
            }
        }
    }
    found
}

fn from_name(path: &Arc<str>) -> Option<(Date, Place)> {
    let name = path.rsplit('/').next()?;
    let captures = NAME.captures(name)?;
    let part = |index| captures.get(index)?.as_str().parse::<i16>().ok();
    Some((valid(part(1)?, part(2)?, part(3)?)?, Place::whole(Arc::clone(path))))
}

/// The part of a line in which its date must stand.
fn head(line: &str) -> &str {
    line.get(..line.floor_char_boundary(80)).unwrap_or(line)
}

fn leading_date(line: &str) -> Option<Date> {
    let line = line.trim_start_matches(|character: char| !character.is_alphanumeric());
    let whole = DATE.find(line)?;
    let before = line.get(..whole.start())?;
    let weekday = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "on"];
    let lower = before.trim().to_ascii_lowercase();
    (lower.is_empty() || (lower.len() <= 10 && weekday.iter().any(|day| lower.starts_with(day))))
        .then(|| date(line))
        .flatten()
}

/// The first date in a text.
fn date(text: &str) -> Option<Date> {
    let captures = DATE.captures(text)?;
    let number = |name: &str| captures.name(name)?.as_str().parse::<i16>().ok();
    if let (Some(year), Some(month), Some(day)) = (number("y"), number("m"), number("d")) {
        return valid(year, month, day);
    }
    if let (Some(year), Some(month), Some(day)) = (number("yc"), number("mc"), number("dc")) {
        return valid(year, month, day);
    }
    for (day, name, year) in [("d1", "m1", "y1"), ("d2", "m2", "y2")] {
        if let (Some(day), Some(month), Some(year)) =
            (number(day), captures.name(name).and_then(|name| month(name.as_str())), number(year))
        {
            return valid(year, month, day);
        }
    }
    let (one, other, year) = (number("d3")?, number("m3")?, number("y3")?);
    let dotted = captures.get(0).is_some_and(|whole| whole.as_str().contains('.'));
    match (one, other) {
        (day, month) if dotted || day > 12 => valid(year, month, day),
        (month, day) if day > 12 || month == day => valid(year, month, day),
        // 3/4/2026 is a day in March or in April: a wrong date is worse than none.
        _ => None,
    }
}

fn month(name: &str) -> Option<i16> {
    let names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let index = names.iter().position(|month| month.eq_ignore_ascii_case(name))?;
    i16::try_from(index + 1).ok()
}

fn valid(year: i16, month: i16, day: i16) -> Option<Date> {
    if !(1990..=2100).contains(&year) {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}
