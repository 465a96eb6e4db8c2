//! Fields and methods of what helm hands to templates: files, capabilities, versions, times, key pairs.

use super::{any, dates, text};
use crate::helm::eval::{Fault, Machine, Outcome};
use crate::helm::text::{Mark, Text};
use crate::helm::value::{Data, Entries, Files, Object, Slot, Value};

pub(crate) fn field(machine: &mut Machine, object: &Object, name: &str, arguments: &[Value]) -> Outcome {
    let unknown = || Err(Fault::new(format!("can't evaluate field {name} in a struct")));
    match object {
        Object::Files(files) => match name {
            "Get" | "GetBytes" => get(machine, files, text(arguments, 0)?.as_str()),
            "Glob" => {
                let pattern = text(arguments, 0)?;
                machine.charge(pattern.len().saturating_mul(files.0.len()))?;
                let found = files
                    .0
                    .iter()
                    .filter(|(path, _)| matches(pattern.as_str(), path))
                    .map(|(path, file)| (path.clone(), file.clone()))
                    .collect();
                Ok(Value::object(Object::Files(Files(std::rc::Rc::new(found)))))
            }
            "AsConfig" | "AsSecrets" => {
                let mut entries = Entries::new();
                for path in files.0.keys() {
                    let base = path.rsplit('/').next().unwrap_or_default();
                    let mut value = get(machine, files, path)?;
                    if name == "AsSecrets" {
                        let encoded = super::encoding::base64(value.as_str().unwrap_or_default().as_bytes());
                        let first = match &value.data {
                            Data::Str(content) => content.mark_at(0),
                            _ => Mark::default(),
                        };
                        value = Value::text(Text::marked(encoded, first));
                    }
                    let key_place = match &value.data {
                        Data::Str(content) => content.mark_at(0).value,
                        _ => 0,
                    };
                    entries.insert(base.into(), Slot { key_place, value });
                }
                if entries.is_empty() {
                    return Ok(Value::str("{}"));
                }
                let result = crate::helm::emit::yaml(&Value::map(entries))?;
                machine.charge(result.len())?;
                Ok(Value::text(result))
            }
            "Lines" => {
                let content = get(machine, files, text(arguments, 0)?.as_str())?;
                let Data::Str(content) = &content.data else { return Ok(Value::strings(Vec::new())) };
                if content.len() == 0 {
                    return Ok(Value::strings(Vec::new()));
                }
                machine.afford(content.len(), 8)?;
                let shown = content.as_str();
                let shown = shown.strip_suffix('\n').unwrap_or(shown);
                Ok(Value::strings(shown.split('\n').map(|line| Value::text(content.part(line))).collect()))
            }
            // Without a method of that name it is a map of files to bytes.
            _ => Ok(Value::NIL),
        },
        Object::Struct(fields) => fields.get(name).map_or_else(unknown, Ok),
        Object::ApiVersions(versions) => match name {
            "Has" => {
                Ok(Value::bool(versions.iter().any(|version| Some(version.as_str()) == any(arguments, 0).as_str())))
            }
            _ => unknown(),
        },
        Object::KubeVersion(version) => Ok(Value::str(match name {
            "Version" | "GitVersion" | "String" => format!("v{version}"),
            "Major" => version.major.to_string(),
            "Minor" => version.minor.to_string(),
            _ => return unknown(),
        })),
        Object::Version(version, _) => {
            let number = |value: u64| Value::int64(i64::try_from(value).unwrap_or(i64::MAX));
            Ok(match name {
                "Major" => number(version.major),
                "Minor" => number(version.minor),
                "Patch" => number(version.patch),
                "Prerelease" => Value::str(version.prerelease.as_str()),
                "Metadata" => Value::str(version.metadata.as_str()),
                "Original" => Value::str(version.original.as_str()),
                "String" => Value::str(version.to_string()),
                "Compare" | "Equal" | "LessThan" | "GreaterThan" => {
                    let other = any(arguments, 0);
                    let order = match &other.data {
                        Data::Object(object) => match object.as_ref() {
                            Object::Version(other, _) => version.compare(other),
                            _ => return unknown(),
                        },
                        _ => return Err(Fault::new("wrong type for value; expected *semver.Version")),
                    };
                    match name {
                        "Compare" => Value::int(order as i64),
                        "Equal" => Value::bool(order.is_eq()),
                        "LessThan" => Value::bool(order.is_lt()),
                        _ => Value::bool(order.is_gt()),
                    }
                }
                _ => return unknown(),
            })
        }
        Object::Time(seconds) => dates::method(*seconds, name, arguments).unwrap_or_else(unknown),
        Object::Certificate { cert, key } => match name {
            "Cert" => Ok(Value::str(cert.as_str())),
            "Key" => Ok(Value::str(key.as_str())),
            _ => unknown(),
        },
    }
}

/// The content of a file, each line marked with its place.
fn get(machine: &mut Machine, files: &Files, path: &str) -> Outcome {
    let Some((source, content)) = files.0.get(path) else { return Ok(Value::str("")) };
    machine.charge(content.len().saturating_mul(2))?;
    let mut out = Text::default();
    for (line, number) in content.split_inclusive('\n').zip(1..) {
        let place = machine.trace.line_place(source, number, 1);
        out.push(line, Mark::of_value(place));
    }
    Ok(Value::text(out))
}

/// gobwas/glob with `/` between parts: `*`, `**`, `?`, `[…]`, `{a,b}`.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let mut alternatives = Vec::new();
    expand(pattern, &mut alternatives, 0);
    let path: Vec<char> = path.chars().collect();
    alternatives.iter().any(|pattern| {
        let pattern: Vec<char> = pattern.chars().collect();
        let mut fuel = 100_000;
        match_from(&pattern, &path, &mut fuel)
    })
}

fn expand(pattern: &str, out: &mut Vec<String>, depth: usize) {
    let parts = pattern.split_once('{').and_then(|(before, rest)| {
        let (inside, after) = rest.split_once('}')?;
        Some((before, inside, after))
    });
    match parts {
        Some((before, inside, after)) if depth < 4 && out.len() < 256 => {
            for choice in inside.split(',') {
                expand(&format!("{before}{choice}{after}"), out, depth + 1);
            }
        }
        _ => out.push(pattern.to_owned()),
    }
}

fn match_from(pattern: &[char], path: &[char], fuel: &mut u32) -> bool {
    *fuel = fuel.saturating_sub(1);
    if *fuel == 0 {
        return false;
    }
    match pattern {
        [] => path.is_empty(),
        ['*', '*', rest @ ..] => {
            (0..=path.len()).any(|skip| match_from(rest, path.get(skip..).unwrap_or_default(), fuel))
        }
        ['*', rest @ ..] => {
            let limit = path.iter().position(|next| *next == '/').unwrap_or(path.len());
            (0..=limit).any(|skip| match_from(rest, path.get(skip..).unwrap_or_default(), fuel))
        }
        ['?', rest @ ..] => match path {
            [next, tail @ ..] if *next != '/' => match_from(rest, tail, fuel),
            _ => false,
        },
        ['[', rest @ ..] => {
            let (Some(end), [next, tail @ ..]) = (rest.iter().position(|next| *next == ']'), path) else {
                return false;
            };
            let (class, after) = rest.split_at(end);
            let (negated, class) = match class {
                ['!' | '^', class @ ..] => (true, class),
                _ => (false, class),
            };
            let mut found = false;
            let mut index = 0;
            while let Some(low) = class.get(index) {
                if let (Some('-'), Some(high)) = (class.get(index + 1), class.get(index + 2)) {
                    found |= low <= next && next <= high;
                    index += 3;
                } else {
                    found |= low == next;
                    index += 1;
                }
            }
            found != negated && match_from(after.get(1..).unwrap_or_default(), tail, fuel)
        }
        ['\\', literal, rest @ ..] | [literal, rest @ ..] => {
            path.first() == Some(literal) && match_from(rest, path.get(1..).unwrap_or_default(), fuel)
        }
    }
}
