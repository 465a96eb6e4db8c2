//! Parts of a template that nobody filled in.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use gonogo_domain::{Place, evidence::DocumentKind};
use regex::Regex;

use super::{markup::Markup, prose::prose};

/// Places that are enough to show that a document is a template.
const ENOUGH: usize = 200;

/// `[describe the impact]`, `[service name]`, `[draft | accepted]`. What follows decides whether it is a link.
static BRACKETS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[([^\[\]\n]+)\](.?)").expect("is valid"));

/// `<your service>`. Generics (`Vec<T>`) and addresses have something before or inside that rules them out.
static ANGLES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(^|[\s("'|*_:])<([A-Za-z][A-Za-z0-9 _.,'’-]+)>"#).expect("is valid"));

/// Longer texts in brackets and in angles ask for nothing. The patterns do not count: a counted repetition takes
/// milliseconds to compile.
const LONGEST_IN_BRACKETS: usize = 200;
const LONGEST_IN_ANGLES: usize = 61;

/// Words that begin what a template asks for.
const ASKS: &[&str] = &[
    "describe",
    "description",
    "insert",
    "enter",
    "add",
    "fill",
    "your",
    "e.g.",
    "eg",
    "brief",
    "briefly",
    "short",
    "list",
    "explain",
    "specify",
    "provide",
    "replace",
    "todo",
    "tbd",
    "placeholder",
    "what",
    "who",
    "when",
    "where",
    "why",
    "how",
    "name",
    "names",
    "link",
    "links",
    "one",
    "xxx",
    "summary",
    "write",
    "summarize",
];

/// What a template asks for in so many words.
const FIELDS: &[&str] = &[
    "service",
    "service name",
    "service-name",
    "service_name",
    "team",
    "team name",
    "team-name",
    "owner",
    "owners",
    "author",
    "date",
    "time",
    "title",
    "incident title",
    "url",
    "number",
    "severity",
    "duration",
    "option 1",
    "option 2",
    "option 3",
    "step 1",
    "step 2",
    "contact",
    "phone",
    "email",
    "alert name",
    "project name",
    "company",
    "incident commander",
    "app name",
    "name",
];

/// Elements of HTML that are also words of templates.
const ELEMENTS: &[&str] = &["summary", "link", "time", "title", "address", "data", "details", "name", "svg", "list"];

static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
          \b HH:MM (?::SS)? \b | \b hh:mm \b
        | \b YYYY-MM-DD | \b yyyy-mm-dd \b | \b (?:DD|MM)/(?:MM|DD)/YYYY \b
        | (?:^|[\s(|,:]) @ (?:name|eng|engineer|owner|username|handle|person|assignee|yourname|your-name|someone|user) (?:$|[\s|,.;:)])
        | \b SEV-? [NX] \b
        | (?i: \b lorem \s ipsum \b )
        | \{\{ \s* [A-Z][A-Z\ _]{2,} \s* \}\}
        | 待定 | 待补充 | 待填写 | 待完善
        ",
    )
    .expect("is valid")
});

/// A mark that something is still to be written: at the start of a line, of a cell or after a colon, never in a sentence
/// that speaks of to-do lists.
static MARKS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
          (?:^|[|:]) [\s>*_+\-\#]* (?:\d+[.)]\s+)? (?:\[[\sx]\]\s*)? [*_(]* \b (?:TODO|TBD|TBA|FIXME|TBC) \b (?: \s* (?:$|[:.|*_)(\-–—]) | \s+ [a-z(] )
        | \( (?:TODO|TBD|FIXME|TBC) \b
        ",
    )
    .expect("is valid")
});

/// `Severity: SEV-1 / SEV-2 / SEV-3`: all of them is none of them.
static CHOICE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)severity[^a-z0-9]*:.*\bSEV-?[0-9]\s*[/|]\s*SEV-?[0-9]\s*[/|]").expect("is valid")
});

/// Figures that a record must have: `N users`, `X minutes`.
static FIGURES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?:^|[\s|:~])(?:[NX]|[NX]{2,3})\s?(?:%|(?:users|customers|requests|hours?|minutes?|min|people)\b)|\$[NX]\b",
    )
    .expect("is valid")
});

pub(super) fn find(path: &Arc<str>, text: &str, markup: Markup, kind: DocumentKind) -> Vec<Place> {
    let record = matches!(kind, DocumentKind::Postmortem | DocumentKind::Drill | DocumentKind::Handoff);
    let labels = link_labels(text);
    let mut places = Vec::new();
    for (number, line) in prose(text, markup) {
        if places.len() >= ENOUGH {
            break;
        }
        if !line.contains(['[', '<', '@', '{', 'T', 'H', 'Y', 'y', 'h', 'F', 'N', 'X', 'S', 'L', 'l', 'M', 'D', '待'])
        {
            continue;
        }
        let line = without_code(line);
        let mut found: Vec<usize> = Vec::new();
        found.extend(brackets(&line, &labels));
        if markup != Markup::Mdx {
            found.extend(angles(&line));
        }
        // A text may say in which format a date is written.
        if !line.to_lowercase().contains("format") {
            found.extend(WORDS.find_iter(&line).map(|word| word.start()));
        }
        found.extend(MARKS.find_iter(&line).map(|mark| mark.start()));
        found.extend(CHOICE.find(&line).map(|choice| choice.start()));
        if record {
            found.extend(FIGURES.find_iter(&line).map(|figure| figure.start()));
        }
        found.sort_unstable();
        found.dedup();
        places.extend(found.into_iter().map(|offset| Place::new(Arc::clone(path), number, column(&line, offset))));
    }
    // A file that calls itself a template is one, whatever it looks like.
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    if places.is_empty() && name.contains("template") {
        places.push(Place::whole(Arc::clone(path)));
    }
    places
}

/// Inline code and comments as blanks, so that columns stay.
fn without_code(line: &str) -> String {
    static HIDDEN: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"``[^\n]*?``|`[^`\n]*`|<!--.*?-->").expect("is valid"));
    HIDDEN
        .replace_all(line, |found: &regex::Captures<'_>| " ".repeat(found.get(0).map_or(0, |all| all.len())))
        .into_owned()
}

/// The labels of `[label]: address`.
fn link_labels(text: &str) -> BTreeSet<String> {
    let label = |line: &str| {
        let (label, _) = line.trim_start().strip_prefix('[')?.split_once("]:")?;
        Some(label.to_lowercase())
    };
    text.lines().filter_map(label).collect()
}

fn brackets(line: &str, labels: &BTreeSet<String>) -> Vec<usize> {
    let asks = |found: &regex::Captures<'_>| {
        let (whole, content, after) = (found.get(0)?, found.get(1)?.as_str().trim(), found.get(2)?.as_str());
        let before = line.get(..whole.start()).unwrap_or_default().chars().next_back();
        if matches!(after, "(" | "[" | ":") || matches!(before, Some(']' | '!' | '\\')) {
            return None;
        }
        if labels.contains(&content.to_lowercase()) {
            return None;
        }
        let short = found.get(1)?.as_str().chars().count() <= LONGEST_IN_BRACKETS;
        (short && is_asking(content)).then(|| whole.start())
    };
    BRACKETS.captures_iter(line).filter_map(|found| asks(&found)).collect()
}

fn angles(line: &str) -> Vec<usize> {
    let asks = |found: &regex::Captures<'_>| {
        let (before, content) = (found.get(1)?, found.get(2)?.as_str().trim());
        let element = ELEMENTS.contains(&content.to_ascii_lowercase().as_str());
        let short = found.get(2)?.as_str().chars().count() <= LONGEST_IN_ANGLES;
        (short && !element && is_asking(content)).then(|| before.end())
    };
    ANGLES.captures_iter(line).filter_map(|found| asks(&found)).collect()
}

fn is_asking(content: &str) -> bool {
    let lower = content.to_lowercase();
    if FIELDS.contains(&lower.as_str()) {
        return true;
    }
    let first = lower.split([' ', '-', '_', ':', ',']).next().unwrap_or_default();
    let several = lower.split([' ', '-', '_', '|']).filter(|word| !word.is_empty()).count() > 1;
    let ends = lower.ends_with('…') || lower.ends_with("...");
    let shouted = several
        && content.chars().any(char::is_alphabetic)
        && content.chars().all(|character| character.is_uppercase() || " _-/".contains(character));
    (ASKS.contains(&first) && (several || matches!(first, "todo" | "tbd" | "placeholder" | "xxx" | "describe")))
        || (ends && several)
        || (lower.contains(" | ") && several)
        || shouted
}

fn column(line: &str, offset: usize) -> u32 {
    let before = line.get(..offset).unwrap_or_default().chars().count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}
