//! From the bytes of a file to the secrets that stand in it.

use std::{ops::Range, sync::Arc};

use gonogo_domain::{
    Message, Place,
    evidence::{Certainty, Role, SecretSighting},
    secret::{fingerprint, redact},
};
use jiff::civil::Date;

use crate::{
    archive, assignment,
    filter::{self, Hit, Reason},
    issued, nested,
    rules::{Rule, is_published, rules},
    structure,
    text::{self, Writing},
};

/// A file with more is a list of them: the first ones tell.
const MOST: usize = 200;

/// A file to look through: a text, or an archive of texts.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    pub path: &'a Arc<str>,
    pub role: Role,
    pub bytes: &'a [u8],
}

/// Every secret in a file, in the order of the lines. What is no text holds none that can be told.
pub fn scan(file: &File<'_>) -> Vec<SecretSighting> {
    if archive::is_archive(file.bytes) {
        return in_archive(file);
    }
    in_text(file)
}

/// What the files of an archive hold, at the archive as a whole.
fn in_archive(file: &File<'_>) -> Vec<SecretSighting> {
    let mut found: Vec<SecretSighting> = Vec::new();
    archive::each_file(file.bytes, &mut |path, bytes| {
        let inner: Arc<str> = if path.is_empty() { Arc::clone(file.path) } else { Arc::from(path) };
        for mut one in in_text(&File { path: &inner, role: file.role, bytes }) {
            if found.len() >= MOST {
                return;
            }
            one.place = Place::whole(Arc::clone(file.path));
            if !path.is_empty() {
                one.title = Message::new(format!("{} in {path}", one.title.en), format!("{path} 中的{}", one.title.zh));
            }
            found.push(one);
        }
    });
    found
}

fn in_text(file: &File<'_>) -> Vec<SecretSighting> {
    let Some(text) = text::text(file.bytes) else { return Vec::new() };
    let mut found = Vec::new();
    let look = Look { path: file.path, writing: text::writing(file.path), names: names_count(file), most: MOST };
    look.through(&text, &mut found);
    if look.names && look.writing == Writing::Plain {
        for (range, decoded) in nested::texts(&text) {
            // What is known as it stands is not told twice.
            if found.iter().any(|one| overlap(&one.range, &range)) {
                continue;
            }
            let mut inner = Vec::new();
            look.through(&decoded, &mut inner);
            // The line of what is encoded is the line that a person edits.
            found.extend(inner.into_iter().map(|one| Found { range: range.clone(), ..one }));
        }
    }
    sightings(file, &text, found)
}

/// A text of which only the bytes are known may hold a secret; what it holds depends on its path.
pub fn may_hold(bytes: &[u8]) -> bool {
    let Some(text) = text::text(bytes) else { return false };
    let look = Look { path: "", writing: Writing::Plain, names: true, most: 1 };
    let mut found = Vec::new();
    look.through(&text, &mut found);
    !found.is_empty()
        || nested::texts(&text).any(|(_, decoded)| {
            look.through(&decoded, &mut found);
            !found.is_empty()
        })
}

/// Names say something where people write: not in what was copied in, made by a tool, or locks versions.
fn names_count(file: &File<'_>) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or(file.path);
    !matches!(file.role, Role::Vendored | Role::Generated)
        && !matches!(
            name,
            "package-lock.json"
                | "npm-shrinkwrap.json"
                | "yarn.lock"
                | "pnpm-lock.yaml"
                | "go.sum"
                | "Cargo.lock"
                | "composer.lock"
                | "poetry.lock"
                | "uv.lock"
                | "Gemfile.lock"
                | "bun.lock"
        )
        && !["svg", "map", "css", "lock", "snap"]
            .iter()
            .any(|ending| name.rsplit_once('.').is_some_and(|(_, own)| own == *ending))
}

struct Found {
    range: Range<usize>,
    secret: String,
    rule: Arc<str>,
    title: Message,
    name: Option<String>,
    certainty: Certainty,
    default: bool,
    guessable: bool,
    valid_until: Option<Date>,
}

/// How a text is looked through.
struct Look<'a> {
    path: &'a str,
    writing: Writing,
    /// Names count, not only shapes.
    names: bool,
    /// How many to look for.
    most: usize,
}

impl Look<'_> {
    fn through(&self, text: &[u8], found: &mut Vec<Found>) {
        // The end of what was taken as a secret, and of the name that was looked at last.
        let (mut taken, mut named) = (0, 0);
        let mut by_name: Vec<Found> = Vec::new();
        for hit in filter::hits(text) {
            if found.len() + by_name.len() >= self.most {
                break;
            }
            if hit.reason == Reason::Name {
                if self.names && hit.start >= named {
                    let name = assignment::name(text, hit.start, hit.end);
                    named = name.end;
                    by_name.extend(assignment::at(text, &name, self.writing).and_then(|one| by_context(text, one)));
                }
            } else if hit.start >= taken
                && let Some(one) = self.by_shape(text, hit)
            {
                taken = one.range.end;
                found.push(one);
            }
        }
        // What has a shape is known better by it than by the name in front.
        by_name.retain(|one| !found.iter().any(|shape| overlap(&shape.range, &one.range)));
        by_name.dedup_by(|later, earlier| overlap(&later.range, &earlier.range));
        found.extend(by_name);
        if matches!(self.path.rsplit('/').next(), Some(".pgpass" | "pgpass.conf")) {
            found.extend(structure::of_pgpass(text).into_iter().filter_map(|range| {
                let secret = String::from_utf8_lossy(text.get(range.clone())?).into_owned();
                let title = Message::new("the password of a database", "数据库密码");
                Some(Found { certainty: Certainty::Context, ..shape(range, secret, Arc::from("pgpass"), title) })
            }));
        }
    }

    fn by_shape(&self, text: &[u8], hit: Hit) -> Option<Found> {
        let part = |range: &Range<usize>| Some(String::from_utf8_lossy(text.get(range.clone())?).into_owned());
        match hit.reason {
            Reason::Issued(index) => {
                let rule = rules().get(index)?;
                let (range, certainty) = issued::at(rule, text, hit.start, hit.end)?;
                if self.public(rule) {
                    return None;
                }
                let secret = part(&range)?;
                Some(Found { certainty, ..shape(range, secret, rule.shared_id(), rule.title()) })
            }
            Reason::Pem => {
                let (range, verified) = structure::private_key(text, hit.start)?;
                let secret = part(&range)?;
                let title = Message::new("a private key", "私钥");
                let certainty = if verified { Certainty::Verified } else { Certainty::Shape };
                Some(Found { certainty, ..shape(range, secret, Arc::from("private-key"), title) })
            }
            Reason::EncodedPem => {
                let run = text
                    .get(hit.start..)?
                    .iter()
                    .take(16 << 10)
                    .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
                let range = hit.start..hit.start + run.count();
                let decoded = gonogo_domain::secret::base64(text.get(range.clone())?)?;
                let (_, verified) = structure::private_key(&decoded, structure::find(&decoded, b"-----BEGIN ")?)?;
                let secret = part(&range)?;
                let title = Message::new("a private key in base64", "Base64 编码的私钥");
                let certainty = if verified { Certainty::Verified } else { Certainty::Shape };
                Some(Found { certainty, ..shape(range, secret, Arc::from("private-key"), title) })
            }
            Reason::WebToken => {
                let (range, valid_until) = structure::web_token(text, hit.start)?;
                let secret = part(&range)?;
                let title = Message::new("a JSON web token", "JSON Web Token");
                Some(Found { valid_until, ..shape(range, secret, Arc::from("web-token"), title) })
            }
            Reason::Address if self.names => {
                let range = structure::password_in_address(text, hit.end)?;
                let secret = part(&range)?;
                let title = Message::new("an address with a password", "带有密码的地址");
                Some(Found { certainty: Certainty::Context, ..shape(range, secret, Arc::from("address"), title) })
            }
            Reason::Basic if self.names => {
                let (range, secret) = structure::basic(text, hit.end)?;
                let title = Message::new("a header with a password", "带有密码的请求头");
                Some(Found { certainty: Certainty::Context, ..shape(range, secret, Arc::from("basic"), title) })
            }
            Reason::Curl if self.names => {
                let range = structure::of_curl(text, hit.end)?;
                let secret = part(&range)?;
                let title = Message::new("a password in a call of curl", "curl 调用中的密码");
                Some(Found { certainty: Certainty::Context, ..shape(range, secret, Arc::from("curl"), title) })
            }
            Reason::Address | Reason::Basic | Reason::Curl | Reason::Name => None,
        }
    }

    fn public(&self, rule: &Rule) -> bool {
        rule.public_in.iter().any(|name| self.path.rsplit('/').next().is_some_and(|own| own.contains(name.as_str())))
    }
}

fn shape(range: Range<usize>, secret: String, rule: Arc<str>, title: Message) -> Found {
    Found {
        range,
        secret,
        rule,
        title,
        name: None,
        certainty: Certainty::Shape,
        default: false,
        guessable: false,
        valid_until: None,
    }
}

fn by_context(text: &[u8], one: assignment::Assigned) -> Option<Found> {
    let secret = String::from_utf8_lossy(text.get(one.range.clone())?).into_owned();
    let (rule, title) = match one.rule {
        Some(rule) => (rule.shared_id(), rule.title()),
        None => (Arc::from("assignment"), Message::new("the value of a secret", "密钥的值")),
    };
    Some(Found {
        name: Some(one.name),
        certainty: Certainty::Context,
        default: one.default,
        guessable: one.guessable,
        ..shape(one.range, secret, rule, title)
    })
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// Sightings with their places; the same value is named once a line.
fn sightings(file: &File<'_>, text: &[u8], mut found: Vec<Found>) -> Vec<SecretSighting> {
    found.sort_by_key(|one| one.range.start);
    let (mut line, mut start, mut at) = (1_u32, 0, 0);
    let mut sightings: Vec<SecretSighting> = Vec::new();
    for one in found {
        for (index, byte) in text.iter().enumerate().take(one.range.start).skip(at) {
            if *byte == b'\n' {
                line = line.saturating_add(1);
                start = index + 1;
            }
        }
        at = one.range.start;
        let column = u32::try_from(one.range.start.saturating_sub(start)).unwrap_or(u32::MAX).saturating_add(1);
        let value = fingerprint(one.secret.as_bytes());
        // The text of some keys begins with the name of their setting: `AccountKey=`.
        let behind = one.secret.split_once('=').map(|(_, own)| fingerprint(own.as_bytes()));
        if is_published(value) || behind.is_some_and(is_published) {
            continue;
        }
        if sightings
            .iter()
            .rev()
            .take_while(|other| other.place.line() == Some(line))
            .any(|other| other.fingerprint == value)
        {
            continue;
        }
        sightings.push(SecretSighting {
            place: Place::new(Arc::clone(file.path), line, column),
            rule: one.rule,
            title: one.title,
            name: one.name,
            shown: redact(&one.secret),
            fingerprint: value,
            certainty: one.certainty,
            default: one.default,
            guessable: one.guessable,
            valid_until: one.valid_until,
            role: file.role,
            commit: None,
        });
    }
    sightings
}
