//! YAML streams as trees with places.

mod write;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gonogo_domain::{Entry, Node, Place, Scalar, Value};
use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::ParseError;

pub use write::{Style, to_string, to_string_with};

/// Collections inside each other, aliases expanded. Kubernetes' deepest schema needs about 30.
const MAX_DEPTH: usize = 128;
/// Nodes of one file, aliases expanded.
const MAX_NODES: usize = 1_000_000;
/// Bytes of text that aliases may add to a file.
const MAX_COPIED_BYTES: usize = 64 * 1024 * 1024;
/// Broken documents after which the rest of a file is not read.
const MAX_ERRORS: usize = 100;
/// Lines of quoted scalars whose indentation is put right: each costs reading the file again.
const MAX_REPAIRS: usize = 32;
/// From this many entries on, a hash set is faster than comparing keys one by one.
const SMALL_MAPPING: usize = 12;

/// What a file holds: the documents that could be read, and an error for each that could not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stream {
    /// In the order of the file, without those that are empty.
    pub documents: Vec<Document>,
    pub errors: Vec<ParseError>,
}

/// One document of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub node: Node,
    /// The position in the file, counted from 0, empty and broken documents included.
    pub index: usize,
    /// The line where the document starts: its `---`, or its first content.
    pub line: u32,
    /// The comments above the content, before and after `---`.
    pub comments: Vec<Comment>,
    /// Keys that a mapping has more than once, at the place of the ones that lose: the last wins.
    pub duplicates: Vec<(String, Place)>,
}

/// A whole-line comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Without `#` and the blanks around it.
    pub text: String,
    pub line: u32,
}

/// Reads every document of a file. Aliases are expanded and keep the places of their anchor, merge keys (`<<`) are
/// applied with explicit keys first, tags are dropped (`!!str` makes a scalar text). A broken document costs only
/// itself.
pub fn parse(path: &Arc<str>, text: &str) -> Stream {
    let (stream, mut crooked) = parse_strictly(path, text);
    if crooked.is_none() {
        return stream;
    }
    let mut repaired = text.to_owned();
    for _ in 0..MAX_REPAIRS {
        let Some(offset) = crooked.filter(|offset| repaired.is_char_boundary(*offset)) else { break };
        // Blanks at the start of a line are folded away inside quotes.
        repaired.insert_str(offset, &" ".repeat(MAX_DEPTH));
        let (again, next) = parse_strictly(path, &repaired);
        if again.errors.is_empty() {
            return again;
        }
        crooked = next;
    }
    stream
}

/// Also gives the offset of a line inside a quoted scalar that is indented too little. The standard forbids it, but
/// Go's `yaml.v2` and libyaml write and read it, and so does kubectl.
fn parse_strictly(path: &Arc<str>, text: &str) -> (Stream, Option<usize>) {
    let mut options = granit_parser::options! {
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    options.set_emit_comments(false);
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder::new(path, text);
    loop {
        match builder.run(&mut parser) {
            Ok(()) => break,
            Err(Stop::Document(error)) => {
                builder.abandon(error);
                if builder.stream.errors.len() >= MAX_ERRORS {
                    break;
                }
                match parser.proceed_next_document() {
                    Ok(true) => (),
                    Ok(false) => break,
                    Err(error) => {
                        let error = builder.scan_error(&error);
                        builder.abandon(error);
                        break;
                    }
                }
            }
            Err(Stop::File(error)) => {
                builder.abandon(error);
                break;
            }
        }
    }
    (builder.stream, builder.crooked)
}

/// Why the builder stopped before the end.
enum Stop {
    Document(ParseError),
    File(ParseError),
}

/// An anchored node with what an alias to it costs.
struct Anchored {
    node: Node,
    nodes: usize,
    bytes: usize,
    depth: usize,
}

struct Key {
    text: String,
    place: Place,
    /// A plain `<<`.
    merges: bool,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        key: Option<Key>,
        /// Indexes of the entries whose key is `<<`.
        merges: Vec<usize>,
    },
}

/// A collection whose end was not seen yet.
struct Frame {
    place: Place,
    anchor: usize,
    content: Content,
}

struct Builder<'text> {
    path: Arc<str>,
    text: &'text str,
    /// Anchors are only kept if something can refer to them.
    may_have_aliases: bool,
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    copied_bytes: usize,
    index: usize,
    line: u32,
    comments: Vec<Comment>,
    duplicates: Vec<(String, Place)>,
    /// Where a quoted scalar is indented too little.
    crooked: Option<usize>,
    stream: Stream,
}

impl<'text> Builder<'text> {
    fn new(path: &Arc<str>, text: &'text str) -> Self {
        Self {
            path: Arc::clone(path),
            text,
            may_have_aliases: text.contains('*'),
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            nodes: 0,
            copied_bytes: 0,
            index: 0,
            line: 1,
            comments: Vec::new(),
            duplicates: Vec::new(),
            crooked: None,
            stream: Stream::default(),
        }
    }

    fn place(&self, mark: Marker) -> Place {
        let line = u32::try_from(mark.line()).unwrap_or(u32::MAX);
        let column = u32::try_from(mark.col()).unwrap_or(u32::MAX).saturating_add(1);
        Place::File { path: Arc::clone(&self.path), line, column }
    }

    fn scan_error(&mut self, error: &granit_parser::ScanError) -> ParseError {
        if *error.kind() == ErrorKind::InvalidQuotedScalarIndent {
            self.crooked = self.crooked.or(error.marker().byte_offset());
        }
        ParseError { place: self.place(*error.marker()), reason: error.info() }
    }

    /// Whether a block scalar ends in the last line of a file that has no line feed after it.
    fn lacks_line_feed(&self, value: &str, span: &Span) -> bool {
        if self.text.ends_with('\n') || span.end.byte_offset().is_none_or(|end| end < self.text.len()) {
            return false;
        }
        let (written, read) = (last_line(self.text), last_line(value.strip_suffix('\n').unwrap_or_default()));
        !written.trim().is_empty() || (!read.is_empty() && written.ends_with(read))
    }

    /// Drops what was read of a broken document.
    fn abandon(&mut self, error: ParseError) {
        self.stream.errors.push(error);
        self.stack.clear();
        self.root = None;
        self.anchors.clear();
        self.duplicates.clear();
        self.comments.clear();
        self.index += 1;
    }

    fn run(&mut self, parser: &mut Parser<'text, StrInput<'text>>) -> Result<(), Stop> {
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| Stop::Document(self.scan_error(&error)))?;
            match event {
                Event::Scalar(mut text, style, anchor, tag) => {
                    let place = self.place(span.start);
                    if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
                        && self.lacks_line_feed(&text, &span)
                        && let Some(without) = text.strip_suffix('\n')
                    {
                        text = without.to_owned().into();
                    }
                    let plain = style == ScalarStyle::Plain && !tag.as_deref().is_some_and(makes_text);
                    if anchor == 0
                        && let Some(Frame { content: Content::Mapping { key: key @ None, .. }, .. }) =
                            self.stack.last_mut()
                    {
                        *key = Some(Key { merges: plain && text == "<<", text: text.into_owned(), place });
                    } else {
                        let value = if plain && is_null_word(&text) {
                            Value::Null
                        } else {
                            Value::Scalar(Scalar { text: text.into_owned(), plain })
                        };
                        self.complete(Node { place, value }, anchor)?;
                    }
                }
                Event::MappingStart(_, anchor, _) => {
                    let content = Content::Mapping { entries: Vec::new(), key: None, merges: Vec::new() };
                    self.open(span.start, anchor, content)?;
                }
                Event::SequenceStart(_, anchor, _) => {
                    self.open(span.start, anchor, Content::Sequence(Vec::new()))?;
                }
                Event::MappingEnd | Event::SequenceEnd => self.close()?,
                Event::Alias(anchor) => {
                    let node = self.expand(anchor, span.start)?;
                    self.attach(node)?;
                }
                Event::UnresolvedAlias(name) => {
                    let place = self.place(span.start);
                    let reason = format!("alias *{name} has no anchor before it");
                    if self.stream.errors.len() < MAX_ERRORS {
                        self.stream.errors.push(ParseError { place: place.clone(), reason });
                    }
                    self.attach(Node::text(place, format!("*{name}")))?;
                }
                Event::DocumentStart(..) => self.start_document(span.start),
                Event::DocumentEnd => self.end_document(),
                _ => (),
            }
        }
        Ok(())
    }

    fn start_document(&mut self, mark: Marker) {
        self.line = u32::try_from(mark.line()).unwrap_or(u32::MAX);
        if self.index == 0 {
            self.comments = head_comments(self.text, 1);
        } else if let Some(rest) = mark.byte_offset().and_then(|offset| self.text.get(offset..)) {
            self.comments = head_comments(rest, self.line);
        }
    }

    fn end_document(&mut self) {
        let comments = std::mem::take(&mut self.comments);
        let duplicates = std::mem::take(&mut self.duplicates);
        if let Some(node) = self.root.take()
            && !node.is_null()
        {
            let document = Document { node, index: self.index, line: self.line, comments, duplicates };
            self.stream.documents.push(document);
        }
        self.anchors.clear();
        self.stack.clear();
        self.index += 1;
    }

    fn open(&mut self, mark: Marker, anchor: usize, content: Content) -> Result<(), Stop> {
        let place = self.place(mark);
        if self.stack.len() >= MAX_DEPTH {
            let reason = format!("nested deeper than {MAX_DEPTH} collections");
            return Err(Stop::Document(ParseError { place, reason }));
        }
        self.stack.push(Frame { place, anchor, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Stop> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let value = match frame.content {
            Content::Sequence(mut items) => {
                items.shrink_to_fit();
                Value::Sequence(items)
            }
            Content::Mapping { entries, merges, .. } => {
                let entries = if merges.is_empty() { entries } else { merge(entries, &merges) };
                let mut entries = keep_last(entries, &mut self.duplicates);
                entries.shrink_to_fit();
                Value::Mapping(entries)
            }
        };
        self.complete(Node { place: frame.place, value }, frame.anchor)
    }

    /// A node that the file spells out is complete.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), Stop> {
        if anchor != 0 && self.may_have_aliases {
            let (nodes, bytes, depth) = measure(&node);
            self.spend(nodes, bytes, &node.place)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, bytes, depth });
        }
        self.attach(node)
    }

    /// Hands a node to the collection that is open, as a key, a value or an item.
    fn attach(&mut self, node: Node) -> Result<(), Stop> {
        self.spend(1, 0, &node.place)?;
        match self.stack.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::Sequence(items)) => items.push(node),
            Some(Content::Mapping { entries, key, merges }) => match key.take() {
                None => {
                    let place = node.place.clone();
                    *key = Some(Key { text: key_text(node), place, merges: false });
                }
                Some(key) => {
                    if key.merges {
                        merges.push(entries.len());
                    }
                    entries.push(Entry { key: key.text, key_place: key.place, node });
                }
            },
        }
        Ok(())
    }

    fn expand(&mut self, anchor: usize, mark: Marker) -> Result<Node, Stop> {
        let place = self.place(mark);
        let Some(anchored) = self.anchors.get(&anchor) else {
            let reason = "alias stands inside the node that it repeats".to_owned();
            return Err(Stop::Document(ParseError { place, reason }));
        };
        if self.stack.len() + anchored.depth > MAX_DEPTH {
            let reason = format!("aliases nest deeper than {MAX_DEPTH} collections");
            return Err(Stop::Document(ParseError { place, reason }));
        }
        let (nodes, bytes) = (anchored.nodes, anchored.bytes);
        self.spend(nodes, bytes, &place)?;
        self.anchors
            .get(&anchor)
            .map(|anchored| anchored.node.clone())
            .ok_or_else(|| Stop::Document(ParseError { place, reason: "alias has no anchor before it".to_owned() }))
    }

    fn spend(&mut self, nodes: usize, copied_bytes: usize, place: &Place) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.copied_bytes = self.copied_bytes.saturating_add(copied_bytes);
        if self.nodes > MAX_NODES || self.copied_bytes > MAX_COPIED_BYTES {
            let reason = format!("holds more than {MAX_NODES} values once its aliases are expanded");
            return Err(Stop::File(ParseError { place: place.clone(), reason }));
        }
        Ok(())
    }
}

fn last_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or_default()
}

/// `!!str` and the bare `!` say that a scalar is text, whatever it looks like.
fn makes_text(tag: &Tag) -> bool {
    tag.is_yaml_core_schema_tag("str") || (tag.handle().is_empty() && tag.suffix() == "!")
}

pub(crate) fn is_null_word(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Nodes, bytes of text and depth of a tree.
fn measure(node: &Node) -> (usize, usize, usize) {
    let join = |(nodes, bytes, depth): (usize, usize, usize), child: &Node, key: usize| {
        let (n, b, d) = measure(child);
        (nodes + n, bytes + b + key, depth.max(d + 1))
    };
    match &node.value {
        Value::Null => (1, 0, 0),
        Value::Scalar(scalar) => (1, scalar.text.len(), 0),
        Value::Sequence(items) => items.iter().fold((1, 0, 1), |sum, item| join(sum, item, 0)),
        Value::Mapping(entries) => entries.iter().fold((1, 0, 1), |sum, entry| join(sum, &entry.node, entry.key.len())),
    }
}

/// The text of a key that is not a simple scalar: collections become JSON.
fn key_text(node: Node) -> String {
    match node.value {
        Value::Null => String::new(),
        Value::Scalar(scalar) => scalar.text,
        Value::Sequence(_) | Value::Mapping(_) => crate::json::to_string(&node),
    }
}

/// Puts the entries of merged mappings where `<<` stood. Keys of the mapping itself win over merged ones, and of
/// several merged mappings the first that has the key wins (YAML 1.1, "Merge Key").
fn merge(entries: Vec<Entry>, merges: &[usize]) -> Vec<Entry> {
    let mut seen: HashSet<String> = entries
        .iter()
        .enumerate()
        .filter(|(index, _)| !merges.contains(index))
        .map(|(_, entry)| entry.key.clone())
        .collect();
    let mut result = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        if !merges.contains(&index) {
            result.push(entry);
            continue;
        }
        let sources = match entry.node.value {
            Value::Mapping(source) => vec![source],
            Value::Sequence(items) if items.iter().all(|item| matches!(item.value, Value::Mapping(_))) => {
                let mappings = items.into_iter().map(|item| item.value);
                mappings
                    .filter_map(|value| if let Value::Mapping(source) = value { Some(source) } else { None })
                    .collect()
            }
            // Nothing to merge: keep what was written, so that a check can point at it.
            value => {
                result.push(Entry { node: Node { place: entry.node.place, value }, ..entry });
                continue;
            }
        };
        result.extend(sources.into_iter().flatten().filter(|inherited| seen.insert(inherited.key.clone())));
    }
    result
}

/// Drops entries whose key comes again later in the same mapping.
fn keep_last(entries: Vec<Entry>, duplicates: &mut Vec<(String, Place)>) -> Vec<Entry> {
    let unique = if entries.len() <= SMALL_MAPPING {
        let mut rest = entries.as_slice();
        let mut unique = true;
        while let Some((first, others)) = rest.split_first() {
            unique &= others.iter().all(|other| other.key != first.key);
            rest = others;
        }
        unique
    } else {
        entries.iter().map(|entry| entry.key.as_str()).collect::<HashSet<_>>().len() == entries.len()
    };
    if unique {
        return entries;
    }
    let mut seen = HashSet::new();
    let last: Vec<bool> = entries.iter().rev().map(|entry| seen.insert(entry.key.as_str())).collect();
    drop(seen);
    let mut kept = Vec::with_capacity(entries.len());
    for (entry, last) in entries.into_iter().zip(last.into_iter().rev()) {
        if last {
            kept.push(entry);
        } else {
            duplicates.push((entry.key, entry.key_place));
        }
    }
    kept
}

/// The comments between `text`'s start, which is on `line`, and the first content.
fn head_comments(text: &str, line: u32) -> Vec<Comment> {
    let mut comments = Vec::new();
    for (content, line) in text.trim_start_matches('\u{feff}').lines().zip(line..) {
        let content = content.trim();
        if let Some(comment) = content.strip_prefix('#') {
            comments.push(Comment { text: comment.trim().to_owned(), line });
        } else if !content.is_empty() && content != "---" && !content.starts_with("--- #") && !content.starts_with('%')
        {
            break;
        }
    }
    comments
}

#[cfg(test)]
mod tests;
