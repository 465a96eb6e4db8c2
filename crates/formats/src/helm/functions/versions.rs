//! Semantic versions and their constraints, as Masterminds/semver reads them.

use std::cmp::Ordering;
use std::fmt;

use super::{Function, function, text};
use crate::helm::eval::{Fault, Outcome};
use crate::helm::value::{Object, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    function("semver", 1, 1, |_, arguments| {
        let shown = text(arguments, 0)?;
        let version = Version::parse(shown.as_str()).ok_or_else(|| Fault::new("invalid semantic version"))?;
        Ok(Value::object(Object::Version(version.clone(), version.to_string())))
    }),
    function("semverCompare", 2, 2, |_, arguments| {
        let (constraint, shown) = (text(arguments, 0)?, text(arguments, 1)?);
        satisfies(constraint.as_str(), shown.as_str()).map(Value::bool)
    }),
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) patch: u64,
    pub(crate) prerelease: String,
    pub(crate) metadata: String,
    pub(crate) original: String,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// The numbers of a version with what follows them; a missing or `x` part is `None`.
type Parts<'a> = ([Option<u64>; 3], &'a str, &'a str);

fn parts(text: &str, wildcards: bool) -> Option<Parts<'_>> {
    let (rest, metadata) = text.split_once('+').unwrap_or((text, ""));
    let (numbers, prerelease) = rest.split_once('-').unwrap_or((rest, ""));
    let mut found = [None; 3];
    for (count, part) in numbers.split('.').enumerate() {
        let slot = found.get_mut(count)?;
        *slot = match part {
            "x" | "X" | "*" if wildcards => None,
            "" if wildcards && count == 0 => None,
            _ if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() => Some(part.parse().ok()?),
            _ => return None,
        };
    }
    let valid = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    (valid(prerelease) && valid(metadata)).then_some((found, prerelease, metadata))
}

impl Version {
    /// `v1.2` is 1.2.0.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let ([major, minor, patch], prerelease, metadata) = parts(text.strip_prefix('v').unwrap_or(text), false)?;
        Some(Self {
            major: major?,
            minor: minor.unwrap_or(0),
            patch: patch.unwrap_or(0),
            prerelease: prerelease.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
        })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prerelease(&self.prerelease, &other.prerelease),
            }
        })
    }
}

fn compare_prerelease(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left.split('.'), right.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Whether a version fulfils a constraint such as `>=1.19-0 <2 || ^3.1`.
pub(crate) fn satisfies(constraint: &str, version: &str) -> Outcome<bool> {
    let version = Version::parse(version).ok_or_else(|| Fault::new("invalid semantic version"))?;
    let mut any = false;
    for alternative in constraint.split("||") {
        any |= satisfies_all(alternative, &version)
            .ok_or_else(|| Fault::new(format!("improper constraint: {constraint}")))?;
    }
    Ok(any)
}

fn satisfies_all(constraint: &str, version: &Version) -> Option<bool> {
    let words: Vec<&str> = constraint.split([' ', ',', '\t']).filter(|word| !word.is_empty()).collect();
    let mut all = true;
    let mut index = 0;
    let mut seen = false;
    while let Some(word) = words.get(index) {
        seen = true;
        if words.get(index + 1) == Some(&"-") {
            let upper = words.get(index + 2)?;
            all &= holds(">=", word, version)? && holds("<=", upper, version)?;
            index += 3;
            continue;
        }
        let end = word.find(|next| !matches!(next, '=' | '!' | '<' | '>' | '~' | '^')).unwrap_or(word.len());
        let (operator, mut bound) = word.split_at(end);
        if bound.is_empty() {
            index += 1;
            bound = words.get(index)?;
        }
        all &= holds(operator, bound, version)?;
        index += 1;
    }
    seen.then_some(all)
}

fn holds(operator: &str, bound: &str, version: &Version) -> Option<bool> {
    let ([major, minor, patch], prerelease, _) = parts(bound.strip_prefix('v').unwrap_or(bound), true)?;
    let any = major.is_none();
    let minor_open = !any && minor.is_none();
    let patch_open = !any && !minor_open && patch.is_none();
    let open = any || minor_open || patch_open;
    let limit = Version {
        major: major.unwrap_or(0),
        minor: if any { 0 } else { minor.unwrap_or(0) },
        patch: if open { 0 } else { patch.unwrap_or(0) },
        prerelease: prerelease.to_owned(),
        ..Version::default()
    };
    // A pre-release satisfies only constraints that name one.
    if !version.prerelease.is_empty() && limit.prerelease.is_empty() {
        return Some(false);
    }
    let order = version.compare(&limit);
    let tilde = || {
        order.is_ge()
            && ((limit.major == 0 && limit.minor == 0 && limit.patch == 0 && !minor_open && !patch_open)
                || (version.major == limit.major && (minor_open || version.minor == limit.minor)))
    };
    Some(match operator {
        "" | "=" => {
            if open {
                tilde()
            } else {
                order.is_eq()
            }
        }
        "!=" => {
            if !open {
                order.is_ne()
            } else {
                version.major != limit.major || (!minor_open && version.minor != limit.minor)
            }
        }
        ">" => {
            if !open {
                order.is_gt()
            } else {
                version.major > limit.major
                    || (version.major == limit.major && patch_open && version.minor > limit.minor)
            }
        }
        "<" => order.is_lt(),
        ">=" | "=>" => order.is_ge(),
        "<=" | "=<" => {
            if !open {
                order.is_le()
            } else {
                version.major < limit.major
                    || (version.major == limit.major && (minor_open || version.minor <= limit.minor))
            }
        }
        "~" | "~>" => tilde(),
        "^" => {
            order.is_ge()
                && if limit.major > 0 || minor_open || any {
                    any || version.major == limit.major
                } else if version.major > 0 {
                    false
                } else if limit.minor > 0 || patch_open {
                    version.minor == limit.minor
                } else {
                    version.minor == 0 && version.patch == limit.patch
                }
        }
        _ => return None,
    })
}
