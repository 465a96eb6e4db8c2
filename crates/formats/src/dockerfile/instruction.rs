//! One instruction of a Dockerfile, taken apart.

use std::sync::Arc;

use gonogo_domain::Place;

use super::{logical, words};
use crate::{ParseError, json};

/// One instruction of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// In upper case.
    pub keyword: String,
    pub place: Place,
    /// The last line, heredocs included.
    pub end_line: u32,
    /// What follows the keyword, continued lines joined as the builder joins them.
    pub text: String,
    pub kind: Kind,
    /// Where pieces of `text` come from: offset in `text`, line and column in the file.
    pub(super) origin: Vec<(usize, u32, u32)>,
}

impl Instruction {
    /// The place of a byte offset of `text`.
    pub fn place_at(&self, offset: usize) -> Place {
        place_at(self.place.path(), &self.origin, offset).unwrap_or_else(|| self.place.clone())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Becomes a stage; stays an instruction only inside `ONBUILD`.
    From {
        image: String,
        platform: Option<String>,
        name: Option<String>,
    },
    Run {
        command: Command,
        /// `--mount`, `--network`, `--security`: names without dashes, with their values.
        flags: Vec<(String, String)>,
        heredocs: Vec<Heredoc>,
    },
    Cmd(Command),
    Entrypoint(Command),
    Env(Vec<Pair>),
    Arg(Vec<Argument>),
    Label(Vec<Pair>),
    Copy(Transfer),
    Add(Transfer),
    /// The user, `name:group` or numbers, as written.
    User(String),
    Workdir(String),
    /// Ports as written: `8080`, `53/udp`, `$PORT`.
    Expose(Vec<String>),
    Healthcheck(Healthcheck),
    Shell(Vec<String>),
    StopSignal(String),
    Volume(Vec<String>),
    Onbuild(Box<Instruction>),
    /// `MAINTAINER`.
    Other,
}

/// How a program is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `["program", "argument"]`: no shell between.
    Exec(Vec<String>),
    /// A line for the shell.
    Shell(String),
}

/// A variable or a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    pub key: String,
    /// Without quotes; variables as written.
    pub value: String,
    pub place: Place,
}

/// A build argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    pub name: String,
    pub default: Option<String>,
    pub place: Place,
}

/// What `COPY` and `ADD` bring in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transfer {
    /// The stage or image of `--from`.
    pub from: Option<String>,
    pub sources: Vec<String>,
    pub destination: String,
    pub chown: Option<String>,
    pub chmod: Option<String>,
    /// All flags, names without dashes; a flag without value has an empty one.
    pub flags: Vec<(String, String)>,
    pub heredocs: Vec<Heredoc>,
}

/// `HEALTHCHECK`; times as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Healthcheck {
    None,
    Cmd {
        interval: Option<String>,
        timeout: Option<String>,
        start_period: Option<String>,
        retries: Option<String>,
        command: Command,
    },
}

/// Text that stands below its instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Heredoc {
    pub name: String,
    pub text: String,
    /// Whether variables are filled in: the name was not quoted.
    pub expand: bool,
    /// The first line of the text.
    pub place: Place,
}

fn place_at(path: &str, origin: &[(usize, u32, u32)], offset: usize) -> Option<Place> {
    let index = origin.partition_point(|(start, ..)| *start <= offset).checked_sub(1)?;
    let (start, line, column) = *origin.get(index)?;
    Some(Place::new(path, line, column.saturating_add(crate::lines::small(offset - start))))
}

/// The arguments of an instruction that is being read.
struct Reader<'a> {
    path: &'a Arc<str>,
    keyword: &'a str,
    place: &'a Place,
    origin: &'a [(usize, u32, u32)],
    escape: char,
}

pub(super) fn read(path: &Arc<str>, line: logical::Line, escape: char) -> Result<Instruction, ParseError> {
    let logical::Line { text, origin, last, heredocs } = line;
    read_text(path, &text, &origin, last, heredocs, escape, true)
}

fn read_text(
    path: &Arc<str>,
    line: &str,
    origin: &[(usize, u32, u32)],
    end_line: u32,
    heredocs: Vec<Heredoc>,
    escape: char,
    may_nest: bool,
) -> Result<Instruction, ParseError> {
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    let (word, after) = line.split_at_checked(end).unwrap_or((line, ""));
    let keyword = word.to_ascii_uppercase();
    let text = after.trim();
    let skipped = line.len() - after.trim_start().len();
    let place = place_at(path, origin, 0).unwrap_or_else(|| Place::whole(Arc::clone(path)));
    // The same pieces, seen from the start of the arguments.
    let before = origin.partition_point(|(start, ..)| *start <= skipped).saturating_sub(1);
    let origin: Vec<_> = origin
        .iter()
        .skip(before)
        .map(|(start, line, column)| {
            let cut = crate::lines::small(skipped.saturating_sub(*start));
            (start.saturating_sub(skipped), *line, column.saturating_add(cut))
        })
        .collect();
    let reader = Reader { path, keyword: &keyword, place: &place, origin: &origin, escape };
    let kind = if keyword == "ONBUILD" {
        if !may_nest {
            return Err(reader.error("ONBUILD stands inside ONBUILD".to_owned()));
        }
        Kind::Onbuild(Box::new(read_text(path, text, &origin, end_line, heredocs, escape, false)?))
    } else {
        reader.kind(text, heredocs)?
    };
    Ok(Instruction { keyword, place, end_line, text: text.to_owned(), kind, origin })
}

impl Reader<'_> {
    fn error(&self, reason: String) -> ParseError {
        ParseError { place: self.place.clone(), reason }
    }

    fn place_at(&self, offset: usize) -> Place {
        place_at(self.path, self.origin, offset).unwrap_or_else(|| self.place.clone())
    }

    fn kind(&self, text: &str, heredocs: Vec<Heredoc>) -> Result<Kind, ParseError> {
        let known = [
            "FROM",
            "RUN",
            "CMD",
            "ENTRYPOINT",
            "ENV",
            "ARG",
            "LABEL",
            "COPY",
            "ADD",
            "USER",
            "WORKDIR",
            "EXPOSE",
            "HEALTHCHECK",
            "SHELL",
            "STOPSIGNAL",
            "VOLUME",
            "MAINTAINER",
        ];
        if !known.contains(&self.keyword) {
            let shown: String = self.keyword.chars().take(40).collect();
            return Err(self.error(format!("unknown instruction {shown}")));
        }
        if text.is_empty() && self.keyword != "CMD" && self.keyword != "ENTRYPOINT" {
            return Err(self.error(format!("{} has no argument", self.keyword)));
        }
        let kind = match self.keyword {
            "FROM" => return self.from(text),
            "RUN" => {
                let (flags, _, rest) = self.flags(text);
                Kind::Run { command: self.command(rest), flags, heredocs }
            }
            "CMD" => Kind::Cmd(self.command(text)),
            "ENTRYPOINT" => Kind::Entrypoint(self.command(text)),
            "ENV" => Kind::Env(self.pairs(text)?),
            "LABEL" => Kind::Label(self.pairs(text)?),
            "ARG" => Kind::Arg(self.arguments(text)),
            "COPY" => Kind::Copy(self.transfer(text, heredocs)?),
            "ADD" => Kind::Add(self.transfer(text, heredocs)?),
            "USER" => Kind::User(self.unquoted(text)),
            "WORKDIR" => Kind::Workdir(self.unquoted(text)),
            "EXPOSE" => Kind::Expose(self.words(text)),
            "HEALTHCHECK" => Kind::Healthcheck(self.healthcheck(text)?),
            "SHELL" => match self.command(text) {
                Command::Exec(words) if !words.is_empty() => Kind::Shell(words),
                _ => return Err(self.error("SHELL needs a JSON array".to_owned())),
            },
            "STOPSIGNAL" => Kind::StopSignal(self.unquoted(text)),
            "VOLUME" => Kind::Volume(self.json_words(text).unwrap_or_else(|| self.words(text))),
            _ => Kind::Other,
        };
        Ok(kind)
    }

    fn unquoted(&self, text: &str) -> String {
        words::unquote(text, self.escape)
    }

    fn words(&self, text: &str) -> Vec<String> {
        words::split(text, self.escape).into_iter().map(|(_, word)| self.unquoted(word)).collect()
    }

    /// `["a", "b"]`, if the text is that; else the builder takes it for shell.
    fn json_words(&self, text: &str) -> Option<Vec<String>> {
        let node = json::parse(self.path, text.starts_with('[').then_some(text)?).ok()?;
        node.items().iter().map(|item| item.str().map(ToOwned::to_owned)).collect()
    }

    fn command(&self, text: &str) -> Command {
        self.json_words(text).map_or_else(|| Command::Shell(text.to_owned()), Command::Exec)
    }

    /// Leading `--name=value` words, the offset of what follows, and what follows.
    fn flags<'t>(&self, text: &'t str) -> (Vec<(String, String)>, usize, &'t str) {
        let mut flags = Vec::new();
        let mut rest = text;
        while let Some(dashed) = rest.strip_prefix("--") {
            // One word: a whole `split` for each flag would read the rest again and again.
            let end = flag_end(dashed, self.escape);
            let (flag, after) = dashed.split_at_checked(end).unwrap_or((dashed, ""));
            let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
            if name.is_empty() {
                break;
            }
            flags.push((name.to_ascii_lowercase(), self.unquoted(value)));
            rest = after.trim_start();
        }
        (flags, text.len() - rest.len(), rest)
    }

    fn from(&self, text: &str) -> Result<Kind, ParseError> {
        let (flags, _, rest) = self.flags(text);
        let words = self.words(rest);
        let (image, name) = match words.as_slice() {
            [image] => (image.clone(), None),
            [image, keyword, name] if keyword.eq_ignore_ascii_case("as") => (image.clone(), Some(name.clone())),
            _ => return Err(self.error("FROM is not of the form FROM image [AS name]".to_owned())),
        };
        Ok(Kind::From { image, platform: flag(&flags, "platform"), name })
    }

    /// `key=value key="a b"`, or the old `key the rest`.
    fn pairs(&self, text: &str) -> Result<Vec<Pair>, ParseError> {
        let words = words::split(text, self.escape);
        let Some((_, first)) = words.first() else { return Ok(Vec::new()) };
        if !first.contains('=') {
            let value = text.get(first.len()..).unwrap_or_default().trim();
            if value.is_empty() {
                return Err(self.error(format!("{} needs a value for its key", self.keyword)));
            }
            return Ok(vec![Pair { key: self.unquoted(first), value: self.unquoted(value), place: self.place_at(0) }]);
        }
        let pairs = words.into_iter().map(|(offset, word)| {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            Pair { key: self.unquoted(key), value: self.unquoted(value), place: self.place_at(offset) }
        });
        Ok(pairs.collect())
    }

    fn arguments(&self, text: &str) -> Vec<Argument> {
        let words = words::split(text, self.escape).into_iter();
        let arguments = words.map(|(offset, word)| {
            let (name, default) = match word.split_once('=') {
                Some((name, default)) => (name, Some(self.unquoted(default))),
                None => (word, None),
            };
            Argument { name: self.unquoted(name), default, place: self.place_at(offset) }
        });
        arguments.collect()
    }

    fn transfer(&self, text: &str, heredocs: Vec<Heredoc>) -> Result<Transfer, ParseError> {
        let (flags, _, rest) = self.flags(text);
        let mut sources = self.json_words(rest).unwrap_or_else(|| self.words(rest));
        let Some(destination) = sources.pop().filter(|_| !sources.is_empty()) else {
            return Err(self.error(format!("{} needs a source and a destination", self.keyword)));
        };
        Ok(Transfer {
            from: flag(&flags, "from"),
            sources,
            destination,
            chown: flag(&flags, "chown"),
            chmod: flag(&flags, "chmod"),
            flags,
            heredocs,
        })
    }

    fn healthcheck(&self, text: &str) -> Result<Healthcheck, ParseError> {
        let (flags, _, rest) = self.flags(text);
        let (word, command) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if word.eq_ignore_ascii_case("none") {
            return Ok(Healthcheck::None);
        }
        if !word.eq_ignore_ascii_case("cmd") || command.trim().is_empty() {
            return Err(self.error("HEALTHCHECK needs NONE or CMD with a command".to_owned()));
        }
        Ok(Healthcheck::Cmd {
            interval: flag(&flags, "interval"),
            timeout: flag(&flags, "timeout"),
            start_period: flag(&flags, "start-period"),
            retries: flag(&flags, "retries"),
            command: self.command(command.trim()),
        })
    }
}

fn flag(flags: &[(String, String)], name: &str) -> Option<String> {
    flags.iter().find(|(flag, _)| flag == name).map(|(_, value)| value.clone())
}

/// Where the first word of a text ends.
fn flag_end(text: &str, escape: char) -> usize {
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((offset, character)) = characters.next() {
        if quote.is_none() && character.is_whitespace() {
            return offset;
        }
        if character == escape && quote != Some('\'') {
            characters.next();
        } else if quote == Some(character) {
            quote = None;
        } else if quote.is_none() && matches!(character, '"' | '\'') {
            quote = Some(character);
        }
    }
    text.len()
}
