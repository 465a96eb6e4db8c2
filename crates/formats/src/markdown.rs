//! Markdown documents by their sections.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use gonogo_domain::{Node, Place};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

use crate::lines::Lines;
use crate::{toml, yaml};

/// Bytes of a document that are read; no document that people wrote is longer.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// YAML between `---` lines or TOML between `+++` lines at the top.
    pub front_matter: Option<Node>,
    /// In the order of the document. The first has level 0 and holds what stands before the first heading; it is there
    /// even if it is empty.
    pub sections: Vec<Section>,
    /// The document is longer than what is read of it.
    pub truncated: bool,
}

/// A heading with what stands between it and the next heading of any level.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// As plain text.
    pub heading: String,
    /// 1 to 6; 0 before the first heading.
    pub level: u8,
    /// The heading; for level 0, the start of the document.
    pub place: Place,
    /// Paragraphs, list items and table cells as plain text, one block a line; without code blocks.
    pub text: String,
    pub links: Vec<Link>,
    pub images: Vec<Link>,
    pub code: Vec<CodeBlock>,
    pub list_items: Vec<ListItem>,
    pub tables: Vec<Table>,
}

/// A link or an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The words of the link, or the alternative text of the image.
    pub text: String,
    pub target: String,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CodeBlock {
    /// The first word after the fence, in lower case; empty if there is none.
    pub language: String,
    pub text: String,
    /// The fence, or the first line of an indented block.
    pub place: Place,
}

/// An item of a list, without the items below it.
#[derive(Clone, Debug, PartialEq)]
pub struct ListItem {
    pub text: String,
    pub place: Place,
    /// For `- [ ]` and `- [x]`.
    pub checked: Option<bool>,
}

/// A pipe table; cells as plain text.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
    pub place: Place,
    /// The lines of `rows`.
    pub row_places: Vec<Place>,
}

impl Document {
    /// All sections below a section, which is given by its index: those that follow and have a deeper level.
    pub fn subsections(&self, index: usize) -> &[Section] {
        let Some((section, rest)) = self.sections.get(index..).and_then(<[Section]>::split_first) else { return &[] };
        let end = rest.iter().position(|other| other.level <= section.level).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }
}

/// Reads a document with pipe tables and task lists. Links and images in HTML are found too; the rest of the HTML is
/// dropped, its text kept.
pub fn parse(path: &Arc<str>, text: &str) -> Document {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let end = text.floor_char_boundary(MAX_BYTES);
    let (read, truncated) = (text.get(..end).unwrap_or_default(), end < text.len());
    let (front_matter, body_start) = front_matter(path, read);
    let lines = Lines::new(path, read);
    let mut reader = Reader::new(&lines, body_start);
    let body = read.get(body_start..).unwrap_or_default();
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(body, options).into_offset_iter() {
        reader.event(event, &range);
    }
    Document { front_matter, sections: reader.finish(), truncated }
}

/// The front matter and the offset where the document proper begins.
fn front_matter(path: &Arc<str>, text: &str) -> (Option<Node>, usize) {
    let mut lines = text.split_inclusive('\n');
    let fence = lines.next().map(str::trim_end).unwrap_or_default();
    if fence != "---" && fence != "+++" {
        return (None, 0);
    }
    let mut end = text.find('\n').map_or(text.len(), |feed| feed + 1);
    for line in lines {
        let next = end + line.len();
        if line.trim_end() == fence {
            // The fence is kept, or made blank, so that lines keep their numbers.
            let matter = text.get(..end).unwrap_or_default();
            let node = if fence == "---" {
                yaml::parse(path, matter).documents.into_iter().next().map(|document| document.node)
            } else {
                toml::parse(path, &matter.replacen("+++", "", 1)).ok()
            };
            // A thematic break at the top of a document is no front matter.
            let is_mapping = node.as_ref().is_some_and(|node| !node.entries().is_empty());
            return if is_mapping { (node, next) } else { (None, 0) };
        }
        end = next;
    }
    (None, 0)
}

/// Text that is being gathered for a link or an image.
struct Open {
    target: String,
    text: String,
    start: usize,
    is_image: bool,
}

struct Reader<'a> {
    lines: &'a Lines<'a>,
    /// Where the parsed text starts in the file.
    offset: usize,
    sections: Vec<Section>,
    in_heading: bool,
    open: Vec<Open>,
    items: Vec<ListItem>,
    /// Items of the current section that are complete, with where they began.
    done_items: Vec<(u32, ListItem)>,
    code: Option<CodeBlock>,
    /// A block of HTML and where it starts.
    html: Option<(usize, String)>,
    cell: Option<String>,
    row: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(lines: &'a Lines<'a>, offset: usize) -> Self {
        let mut reader = Self {
            lines,
            offset,
            sections: Vec::new(),
            in_heading: false,
            open: Vec::new(),
            items: Vec::new(),
            done_items: Vec::new(),
            code: None,
            html: None,
            cell: None,
            row: Vec::new(),
        };
        reader.start_section(0, reader.place(0));
        reader
    }

    fn place(&self, start: usize) -> Place {
        self.lines.place(self.offset + start)
    }

    fn start_section(&mut self, level: u8, place: Place) {
        self.end_items();
        self.sections.push(Section {
            heading: String::new(),
            level,
            place,
            text: String::new(),
            links: Vec::new(),
            images: Vec::new(),
            code: Vec::new(),
            list_items: Vec::new(),
            tables: Vec::new(),
        });
    }

    /// Items end in the order of their ends; they are kept in the order of their starts.
    fn end_items(&mut self) {
        let mut done = std::mem::take(&mut self.done_items);
        done.sort_by_key(|(line, _)| *line);
        if let Some(section) = self.sections.last_mut() {
            section.list_items.extend(done.into_iter().map(|(_, item)| item));
        }
    }

    fn finish(mut self) -> Vec<Section> {
        self.end_items();
        for section in &mut self.sections {
            section.text.truncate(section.text.trim_end().len());
            section.heading = section.heading.trim().to_owned();
        }
        self.sections
    }

    fn text(&mut self, text: &str) {
        if let Some(code) = &mut self.code {
            code.text.push_str(text);
            return;
        }
        // Of nested links and images only the outermost can be long: Markdown forbids links in links.
        for open in self.open.iter_mut().rev().take(2) {
            open.text.push_str(text);
        }
        let Some(section) = self.sections.last_mut() else { return };
        if self.in_heading {
            section.heading.push_str(text);
            return;
        }
        if let Some(cell) = &mut self.cell {
            cell.push_str(text);
        }
        if let Some(item) = self.items.last_mut() {
            item.text.push_str(text);
        }
        section.text.push_str(text);
    }

    fn end_block(&mut self) {
        if let Some(section) = self.sections.last_mut()
            && !section.text.is_empty()
            && !section.text.ends_with('\n')
        {
            section.text.push('\n');
        }
    }

    fn event(&mut self, event: Event<'_>, range: &Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text(&text);
            }
            Event::SoftBreak | Event::HardBreak => self.text(" "),
            // The lines of a block come one by one, but tags and comments go over their ends.
            Event::Html(html) => self.html.get_or_insert_with(|| (range.start, String::new())).1.push_str(&html),
            Event::InlineHtml(html) => self.html(&html, range.start),
            Event::Rule => self.end_block(),
            Event::TaskListMarker(checked) => {
                if let Some(item) = self.items.last_mut() {
                    item.checked = Some(checked);
                }
            }
            Event::FootnoteReference(_) => (),
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.end_block();
                self.start_section(level as u8, self.place(range.start));
                self.in_heading = true;
            }
            Tag::Link { dest_url, .. } => self.open(&dest_url, range.start, false),
            Tag::Image { dest_url, .. } => self.open(&dest_url, range.start, true),
            Tag::CodeBlock(kind) => {
                self.end_block();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => {
                        let word = info.split([' ', ',', '{', '\t']).next().unwrap_or_default();
                        word.to_ascii_lowercase()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some(CodeBlock { language, text: String::new(), place: self.place(range.start) });
            }
            Tag::Item => {
                self.end_block();
                self.items.push(ListItem { text: String::new(), place: self.place(range.start), checked: None });
            }
            Tag::Table(_) => {
                self.end_block();
                let place = self.place(range.start);
                let table = Table { header: Vec::new(), rows: Vec::new(), place, row_places: Vec::new() };
                if let Some(section) = self.sections.last_mut() {
                    section.tables.push(table);
                }
            }
            Tag::TableRow => {
                let place = self.place(range.start);
                if let Some(table) = self.sections.last_mut().and_then(|section| section.tables.last_mut()) {
                    table.row_places.push(place);
                }
            }
            Tag::TableCell => self.cell = Some(String::new()),
            Tag::Paragraph => {
                self.end_block();
                if let Some(item) = self.items.last_mut()
                    && !item.text.is_empty()
                {
                    item.text.push(' ');
                }
            }
            _ => (),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        if tag == TagEnd::HtmlBlock
            && let Some((start, html)) = self.html.take()
        {
            self.html(&html, start);
        }
        let Some(section) = self.sections.last_mut() else { return };
        match tag {
            TagEnd::Heading(_) => self.in_heading = false,
            TagEnd::Link | TagEnd::Image => {
                if let Some(open) = self.open.pop() {
                    let place = self.lines.place(self.offset + open.start);
                    let link = Link { text: open.text.trim().to_owned(), target: open.target, place };
                    if open.is_image { section.images.push(link) } else { section.links.push(link) }
                }
            }
            TagEnd::CodeBlock => section.code.extend(self.code.take()),
            TagEnd::Item => {
                if let Some(item) = self.items.pop() {
                    let item = ListItem { text: item.text.trim().to_owned(), ..item };
                    self.done_items.push((item.place.line().unwrap_or(0), item));
                }
                self.end_block();
            }
            TagEnd::TableCell => {
                self.row.extend(self.cell.take().map(|cell| cell.trim().to_owned()));
                section.text.push(' ');
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                let row = std::mem::take(&mut self.row);
                if let Some(table) = section.tables.last_mut() {
                    if tag == TagEnd::TableHead { table.header = row } else { table.rows.push(row) }
                }
                self.end_block();
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock | TagEnd::Table | TagEnd::List(_) => self.end_block(),
            _ => (),
        }
    }

    fn open(&mut self, target: &str, start: usize, is_image: bool) {
        self.open.push(Open { target: target.to_owned(), text: String::new(), start, is_image });
    }

    /// Takes links, images and text out of HTML.
    fn html(&mut self, html: &str, start: usize) {
        static TAG: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"(?is)<!--.*?(?:-->|$)|<(a|img)\s[^>]*?\b(?:href|src)\s*=\s*["']([^"']*)["'][^>]*>|<[^>]*>"#)
                .expect("is a valid pattern")
        });
        let mut after = 0;
        for found in TAG.captures_iter(html) {
            let Some(whole) = found.get(0) else { continue };
            self.html_text(html.get(after..whole.start()).unwrap_or_default());
            after = whole.end();
            let (Some(name), Some(target)) = (found.get(1), found.get(2)) else { continue };
            let place = self.place(start + whole.start());
            let link = Link { text: String::new(), target: target.as_str().to_owned(), place };
            if let Some(section) = self.sections.last_mut() {
                let is_image = name.as_str().eq_ignore_ascii_case("img");
                if is_image { section.images.push(link) } else { section.links.push(link) }
            }
        }
        self.html_text(html.get(after..).unwrap_or_default());
    }

    fn html_text(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        if !words.is_empty() {
            self.end_block();
            self.text(&words.join(" "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str) -> Document {
        parse(&"a.md".into(), input)
    }

    /// Level, heading, line and text of each section.
    fn check(input: &str, expect: &[(u8, &str, u32, &str)]) {
        let document = read(input);
        let shown: Vec<_> = document
            .sections
            .iter()
            .map(|s| (s.level, s.heading.as_str(), s.place.line().unwrap_or(0), s.text.as_str()))
            .collect();
        assert_eq!(shown, expect, "for {input:?}");
    }

    #[test]
    fn sections_hold_their_own_text() {
        check(
            "intro\n# A `b`\none\ntwo\n\n- x\n- y\n\nTitle\n-----\n```sh\nrm\n```\n> quote\n",
            &[(0, "", 1, "intro"), (1, "A b", 2, "one two\nx\ny"), (2, "Title", 9, "quote")],
        );
        check("", &[(0, "", 1, "")]);
    }

    #[test]
    fn front_matter_is_read_with_its_lines() {
        let document = read("---\nowner: a\nreview: 2024-01-01\n---\n# T\n");
        let review =
            document.front_matter.as_ref().and_then(|matter| matter.get("review")).map(|node| node.place.clone());
        assert_eq!(review, Some(Place::new("a.md", 3, 9)));
        assert_eq!(document.sections.last().map(|section| section.place.clone()), Some(Place::new("a.md", 5, 1)));
        let document = read("+++\nowner = 'a'\n+++\ntext");
        assert_eq!(document.front_matter.as_ref().and_then(|matter| matter.str_at("owner")), Some("a"));
        check("---\nplain text\n---\n", &[(0, "", 1, ""), (2, "plain text", 2, "")]);
    }

    #[test]
    fn links_images_and_code_have_places() {
        let document = read(
            "see [the *docs*](d.md) and\n![alt](i.png) <a href=\"u\">w</a><img src='v'>\n\n```YAML {x}\na: 1\n```\n",
        );
        let section = &document.sections[0];
        let shown = |links: &[Link]| -> Vec<String> {
            links.iter().map(|link| format!("{}|{}|{}", link.text, link.target, link.place)).collect()
        };
        assert_eq!(shown(&section.links), ["the docs|d.md|a.md:1", "|u|a.md:2"]);
        assert_eq!(shown(&section.images), ["alt|i.png|a.md:2", "|v|a.md:2"]);
        let code = &section.code[0];
        assert_eq!((code.language.as_str(), code.text.as_str(), code.place.line()), ("yaml", "a: 1\n", Some(4)));
        assert_eq!(section.text, "see the docs and alt w");
    }

    #[test]
    fn html_blocks_are_read_over_their_lines() {
        let document = read("<!-- a\nhidden -->\n\n<p\n align=center>\n<img\n src=\"i.png\"> one\n two</p>\n\nthree\n");
        let section = &document.sections[0];
        assert_eq!(section.text, "one two\nthree");
        assert_eq!(section.images.first().map(|image| image.place.clone()), Some(Place::new("a.md", 6, 1)));
    }

    #[test]
    fn list_items_know_whether_they_are_checked() {
        let document = read("- [x] done\n  more\n  - [ ] open\n\n1. plain\n\n   second\n");
        let shown: Vec<_> = document.sections[0]
            .list_items
            .iter()
            .map(|item| (item.text.as_str(), item.place.line(), item.checked))
            .collect();
        assert_eq!(
            shown,
            [("done more", Some(1), Some(true)), ("open", Some(3), Some(false)), ("plain second", Some(5), None),]
        );
    }

    #[test]
    fn tables_keep_header_and_rows() {
        let document = read("# T\n\n| a | b |\n|---|---|\n| 1 | [x](y) |\n| 2 |\n");
        let table = &document.sections[1].tables[0];
        assert_eq!(table.header, ["a", "b"]);
        assert_eq!(table.rows, [vec!["1", "x"], vec!["2", ""]]);
        assert_eq!(table.row_places.iter().filter_map(Place::line).collect::<Vec<_>>(), [5, 6]);
    }

    #[test]
    fn subsections_end_at_the_same_level() {
        let document = read("# A\n## B\n### C\n## D\n# E\n");
        let names = |index| document.subsections(index).iter().map(|s| s.heading.as_str()).collect::<Vec<_>>();
        assert_eq!(names(1), ["B", "C", "D"]);
        assert_eq!(names(2), ["C"]);
        assert!(names(9).is_empty());
    }

    #[test]
    fn hostile_documents_end() {
        for unit in [
            "> ", "- ", "[", "![", "*a ", "`", "<a ", "<!--", "| a ", "[a](", "\\", "é", "\0", "# ", "~~", "+++\n",
            "---\n",
        ] {
            read(&unit.repeat(20_000));
        }
        assert!(read(&"x".repeat(10_000_000)).truncated);
        read(&"é".repeat(5_000_000));
    }
}
