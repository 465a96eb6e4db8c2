//! Who is called, in which order, and how: from `gonogo.toml`, from code, from documents.

use gonogo_domain::{
    Evidence, Missing, Place,
    evidence::{Document, DocumentKind, Section},
};

use super::{
    records::{row_place, says_something},
    trees::is_shown_off,
};

/// The four steps, in order. Source: field-notes B7.1.
pub(crate) const ROLES: [Role; 4] = [
    Role {
        en: "primary",
        zh: "主值班",
        words: &["primary", "first responder", "on-call engineer", "level 1", "tier 1", "l1", "主值班", "一线"],
    },
    Role {
        en: "secondary",
        zh: "副值班",
        words: &["secondary", "backup on-call", "backup", "level 2", "tier 2", "l2", "副值班", "备值班", "二线"],
    },
    Role {
        en: "engineering lead",
        zh: "工程负责人",
        words: &[
            "engineering lead",
            "engineering manager",
            "team lead",
            "tech lead",
            "technical lead",
            "lead engineer",
            "eng lead",
            "工程负责人",
            "技术负责人",
            "研发经理",
            "组长",
        ],
    },
    Role {
        en: "VP Eng",
        zh: "工程副总裁",
        words: &[
            "vp",
            "vice president",
            "head of engineering",
            "director of engineering",
            "engineering director",
            "cto",
            "chief technology officer",
            "副总裁",
            "技术总监",
            "工程总监",
        ],
    },
];

pub(crate) struct Role {
    pub(crate) en: &'static str,
    pub(crate) zh: &'static str,
    words: &'static [&'static str],
}

/// A step of an escalation, as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) place: Place,
    /// The index in [`ROLES`]; none: some other role.
    pub(crate) role: Option<usize>,
    pub(crate) name: String,
    /// It says how that person is reached.
    pub(crate) contact: bool,
    pub(crate) after_minutes: Option<u32>,
}

/// An escalation: where it stands and its steps in order. None: nothing of the kind is here.
pub(crate) struct Escalation {
    pub(crate) place: Place,
    pub(crate) steps: Vec<Step>,
}

/// The escalation that `gonogo.toml` states, else that of infrastructure code, else the most complete of a document.
pub(crate) fn escalation(evidence: &Evidence<'_>) -> Result<Option<Escalation>, Missing> {
    let stated = &evidence.statements().escalation;
    if let Some(first) = stated.first() {
        let steps = stated.iter().map(|step| Step {
            place: step.place.clone(),
            role: role(&step.role),
            name: step.role.clone(),
            contact: step.contact.as_deref().is_some_and(is_contact),
            after_minutes: step.after_minutes,
        });
        return Ok(Some(Escalation { place: first.place.clone(), steps: steps.collect() }));
    }
    let mut best: Option<(usize, Escalation)> = None;
    for document in evidence.documents()?.iter().filter(|document| may_hold(document)) {
        let steps = steps(document);
        let roles = (0..ROLES.len()).filter(|role| steps.iter().any(|step| step.role == Some(*role))).count();
        // One role alone is talk about it.
        if roles >= 2 && best.as_ref().is_none_or(|(known, _)| roles > *known) {
            let place = steps.first().map_or_else(|| document.place.clone(), |step| step.place.clone());
            best = Some((roles, Escalation { place, steps }));
        }
    }
    Ok(best.map(|(_, escalation)| escalation))
}

fn may_hold(document: &Document) -> bool {
    !is_shown_off(&document.place)
        && !matches!(
            document.kind,
            DocumentKind::Postmortem | DocumentKind::Changelog | DocumentKind::Decision | DocumentKind::Contributing
        )
}

fn steps(document: &Document) -> Vec<Step> {
    const ABOUT: &[&str] = &["escalat", "on-call", "oncall", "on call", "contact", "升级", "值班", "联系"];
    let mut found: Vec<Step> = Vec::new();
    let mut inside: Option<u8> = None;
    for section in &document.sections {
        let heading = section.heading.to_lowercase();
        if inside.is_some_and(|level| section.level <= level) {
            inside = None;
        }
        if inside.is_none() && ABOUT.iter().any(|word| heading.contains(word)) {
            inside = Some(section.level);
        }
        let whole = document.kind == DocumentKind::Playbook;
        if inside.is_some() || whole {
            found.extend(lines(section).into_iter().filter_map(|(line, place)| {
                let role = role(&line)?;
                let linked = section.links.iter().any(|link| !link.text.is_empty() && line.contains(&link.text));
                Some(Step {
                    place,
                    role: Some(role),
                    name: line.clone(),
                    contact: linked || is_contact(&line),
                    after_minutes: None,
                })
            }));
        }
    }
    // The best line of each role: the first that gives a contact.
    let mut steps: Vec<Step> = Vec::new();
    for role in 0..ROLES.len() {
        let mut of_role = found.iter().filter(|step| step.role == Some(role));
        let first = of_role.clone().next();
        steps.extend(of_role.find(|step| step.contact).or(first).cloned());
    }
    steps
}

/// Rows of tables, items of lists, and lines of text, each with its place.
fn lines(section: &Section) -> Vec<(String, Place)> {
    let mut lines = Vec::new();
    for table in &section.tables {
        lines.extend(table.rows.iter().zip(2_u32..).map(|(row, number)| (row.join(" | "), row_place(table, number))));
    }
    lines.extend(section.items.iter().map(|item| (item.text.clone(), item.place.clone())));
    if section.tables.is_empty() && section.items.is_empty() {
        lines.extend(section.text.lines().map(|line| (line.to_owned(), section.place.clone())));
    }
    lines
}

/// Which of the four roles a line is about: the one that is named first.
fn role(line: &str) -> Option<usize> {
    let lower = line.to_lowercase();
    let words: String =
        lower.chars().map(|letter| if letter.is_alphanumeric() || letter == '-' { letter } else { ' ' }).collect();
    let padded = format!(" {} ", words.split_whitespace().collect::<Vec<_>>().join(" "));
    let position = |role: &Role| {
        let found = role
            .words
            .iter()
            .filter_map(|word| if word.is_ascii() { padded.find(&format!(" {word} ")) } else { padded.find(word) });
        found.min()
    };
    ROLES.iter().enumerate().filter_map(|(index, role)| Some((position(role)?, index))).min().map(|(_, index)| index)
}

/// A way to reach somebody: an address, a channel, a number, a link, a paging service. A bare name is none.
pub(crate) fn is_contact(text: &str) -> bool {
    if !says_something(text) {
        return false;
    }
    let lower = text.to_lowercase();
    let digits = lower.chars().filter(char::is_ascii_digit).count();
    let services =
        ["pagerduty", "opsgenie", "slack", "mailto:", "http://", "https://", "victorops", "飞书", "钉钉", "企业微信"];
    let handle = lower
        .split(|letter: char| letter.is_whitespace() || matches!(letter, '|' | ',' | '(' | '`' | ':'))
        .any(|word| {
            let mut rest = word.chars();
            matches!(rest.next(), Some('@' | '#')) && rest.next().is_some_and(char::is_alphanumeric)
        });
    let address = lower
        .split_whitespace()
        .any(|word| word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.len() > 2));
    handle || address || digits >= 7 || services.iter().any(|service| lower.contains(service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_the_one_that_a_line_names_first() {
        let check = |line: &str, expect: Option<&str>| {
            assert_eq!(role(line).and_then(|role| ROLES.get(role)).map(|role| role.en), expect, "for {line:?}");
        };
        check("1. Primary on-call (PagerDuty), then secondary", Some("primary"));
        check("Engineering Lead | ann@example.com", Some("engineering lead"));
        check("VP of Engineering", Some("VP Eng"));
        check("MVP of the sprint", None);
        check("副值班：@bob", Some("secondary"));
    }

    #[test]
    fn a_bare_name_is_no_contact() {
        for text in ["Ann Smith", "", "TBD", "<phone>", "see above"] {
            assert!(!is_contact(text), "{text:?} is a contact");
        }
        for text in ["ann@example.com", "@ann", "#shop-oncall", "+1 202 555 0100", "PagerDuty schedule shop"] {
            assert!(is_contact(text), "{text:?} is no contact");
        }
    }
}
