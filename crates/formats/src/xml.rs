//! XML as a tree of elements with places.

use std::sync::Arc;

use gonogo_domain::Place;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::ParseError;
use crate::lines::Lines;

/// Elements inside each other.
const MAX_DEPTH: usize = 128;
/// Elements of one file.
const MAX_ELEMENTS: usize = 400_000;

/// An element. Names are without their prefix: `msb:Project` is `Project`.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// The text right in it, trimmed.
    pub text: String,
    pub children: Vec<Self>,
    /// Where its tag opens.
    pub place: Place,
}

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of a child, if there is any.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    /// Every element of the tree, this one first, in the order of the file.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        self.children.iter().for_each(|child| child.walk(visit));
    }
}

/// Reads a file. Entities of the file's own are not expanded: their text is left out.
pub fn parse(path: &Arc<str>, text: &str) -> Result<Element, ParseError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = Lines::new(path, text);
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut count = 0;
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let broken = |reason: String| ParseError { place: lines.place(at.min(text.len())), reason };
        let event = reader.read_event().map_err(|error| broken(error.to_string()))?;
        let closed = match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                count += 1;
                if count > MAX_ELEMENTS {
                    return Err(broken(format!("has more than {MAX_ELEMENTS} elements")));
                }
                if open.len() >= MAX_DEPTH {
                    return Err(broken(format!("is nested deeper than {MAX_DEPTH} elements")));
                }
                let element = element(start, lines.place(at)).map_err(&broken)?;
                if matches!(event, Event::Empty(_)) {
                    Some(element)
                } else {
                    open.push(element);
                    None
                }
            }
            Event::End(_) => open.pop(),
            Event::Text(words) => {
                let words = words.decode().map_err(|error| broken(error.to_string()))?;
                append(&mut open, &words);
                None
            }
            Event::CData(words) => {
                append(&mut open, &String::from_utf8_lossy(&words));
                None
            }
            Event::GeneralRef(entity) => {
                let character = match entity.resolve_char_ref() {
                    Ok(Some(character)) => Some(character.to_string()),
                    _ => entity.decode().ok().and_then(|name| predefined(&name)).map(str::to_owned),
                };
                append(&mut open, &character.unwrap_or_default());
                None
            }
            Event::Eof => return Err(broken("ends before its elements are closed".to_owned())),
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => None,
        };
        if let Some(mut element) = closed {
            element.text.truncate(element.text.trim_end().len());
            element.text.drain(..element.text.len() - element.text.trim_start().len());
            match open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => return Ok(element),
            }
        }
    }
}

fn element(start: &BytesStart<'_>, place: Place) -> Result<Element, String> {
    let local = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = String::from_utf8_lossy(&attribute.value);
        let value = quick_xml::escape::unescape(&value).map_or_else(|_| value.to_string(), |text| text.to_string());
        attributes.push((local(attribute.key.local_name().as_ref()), value));
    }
    Ok(Element {
        name: local(start.local_name().as_ref()),
        attributes,
        text: String::new(),
        children: Vec::new(),
        place,
    })
}

fn append(open: &mut [Element], words: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(words);
    }
}

fn predefined(name: &str) -> Option<&'static str> {
    match name {
        "lt" => Some("<"),
        "gt" => Some(">"),
        "amp" => Some("&"),
        "apos" => Some("'"),
        "quot" => Some("\""),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn show(element: &Element) -> String {
        let mut out = format!("{}@{}", element.name, element.place.line().unwrap_or(0));
        for (name, value) in &element.attributes {
            let _ = write!(out, " {name}={value}");
        }
        if !element.text.is_empty() {
            let _ = write!(out, " '{}'", element.text);
        }
        for child in &element.children {
            let _ = write!(out, " ({})", show(child));
        }
        out
    }

    fn check(input: &str, expect: &str) {
        let found = match parse(&"a.xml".into(), input) {
            Ok(element) => show(&element),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expect, "for {input:?}");
    }

    #[test]
    fn elements_come_with_text_and_places() {
        check(
            "\u{feff}<?xml version=\"1.0\"?>\n<!-- a -->\n<p:a xmlns:p='x' b='1 &amp; 2'>\n  <c>t &lt; &#65;</c>\n <d/><![CDATA[<x>]]></p:a>",
            "a@3 p=x b=1 & 2 '<x>' (c@4 't < A') (d@5)",
        );
    }

    #[test]
    fn broken_text_is_an_error_with_its_line() {
        check("<a>\n<b></a>", "a.xml:2: ill-formed document: expected `</b>`, but `</a>` was found");
        check("<a>", "a.xml:1: ends before its elements are closed");
        check("", "a.xml:1: ends before its elements are closed");
        check("no xml", "a.xml:1: ends before its elements are closed");
    }

    #[test]
    fn hostile_files_end() {
        check(&"<a>".repeat(100_000), "a.xml:1: is nested deeper than 128 elements");
        let bomb = "<!DOCTYPE a [<!ENTITY x \"xxxx\"><!ENTITY y \"&x;&x;\">]><a>&y;</a>";
        check(bomb, "a@1");
        assert!(parse(&"a.xml".into(), &format!("<a>{}</a>", "<b/>".repeat(500_000))).is_err());
    }
}
