//! Says what a statement does, by its words.

use super::lexer::{Lexer, TokenKind};
use super::{AlterAction, Kind};

/// Words of a statement that are looked at: data may go on for megabytes.
const MAX_WORDS: usize = 20_000;

/// A word with what it takes to compare it.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    kind: TokenKind,
    /// Parentheses around it.
    depth: usize,
}

impl Word<'_> {
    fn is(&self, keyword: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    fn is_symbol(&self, symbol: u8) -> bool {
        self.kind == TokenKind::Symbol(symbol)
    }
}

/// Words that are still to be read.
#[derive(Clone, Copy)]
struct Words<'w, 'a>(&'w [Word<'a>]);

impl<'a> Words<'_, 'a> {
    /// Takes the keyword if it comes next.
    fn take(&mut self, keyword: &str) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if first.is(keyword) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes all the keywords if they come next.
    fn take_all(&mut self, keywords: &[&str]) -> bool {
        let mut ahead = *self;
        let taken = keywords.iter().all(|keyword| ahead.take(keyword));
        if taken {
            *self = ahead;
        }
        taken
    }

    fn starts_with(&self, keywords: &[&str]) -> bool {
        let mut ahead = *self;
        ahead.take_all(keywords)
    }

    /// Takes a name with its schema.
    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some((first, rest)) = self.0.split_first() {
            match first.kind {
                TokenKind::Word => name.push_str(&first.text.to_ascii_lowercase()),
                TokenKind::QuotedName => name.push_str(first.text.trim_matches(['"', '`'])),
                _ => break,
            }
            self.0 = rest;
            match rest.split_first() {
                Some((dot, after)) if dot.is_symbol(b'.') => {
                    name.push('.');
                    self.0 = after;
                }
                _ => break,
            }
        }
        name
    }

    fn has(&self, keywords: &[&str]) -> bool {
        let mut ahead = *self;
        while !ahead.0.is_empty() {
            if ahead.starts_with(keywords) {
                return true;
            }
            ahead.0 = ahead.0.get(1..).unwrap_or_default();
        }
        false
    }

    fn find(&self, keyword: &str) -> Option<Self> {
        let at = self.0.iter().position(|word| word.depth == 0 && word.is(keyword))?;
        Some(Self(self.0.get(at..).unwrap_or_default()))
    }

    fn text(&self) -> String {
        self.0.iter().map(|word: &Word<'a>| word.text).collect::<Vec<_>>().join(" ")
    }
}

fn words(statement: &str) -> Vec<Word<'_>> {
    let mut lexer = Lexer::new(statement);
    let mut depth = 0_usize;
    let mut words = Vec::new();
    while words.len() < MAX_WORDS
        && let Some(token) = lexer.next()
    {
        match token.kind {
            TokenKind::LineComment | TokenKind::BlockComment => continue,
            TokenKind::Symbol(b')') => depth = depth.saturating_sub(1),
            _ => (),
        }
        let text = statement.get(token.start..token.end).unwrap_or_default();
        words.push(Word { text, kind: token.kind, depth });
        if token.kind == TokenKind::Symbol(b'(') {
            depth += 1;
        }
    }
    words
}

pub(super) fn kind(statement: &str) -> Kind {
    let words = words(statement);
    let mut words = Words(&words);
    if words.take("with") {
        // The statement proper stands behind the common table expressions.
        let found = ["delete", "update", "insert", "select"].iter().filter_map(|keyword| words.find(keyword));
        match found.max_by_key(|found| found.0.len()) {
            Some(found) => words = found,
            None => return Kind::Other,
        }
    }
    if words.take("create") {
        return create(words);
    }
    if words.take("drop") {
        return drop_kind(words);
    }
    if words.take_all(&["alter", "table"]) {
        return alter(words);
    }
    if words.take_all(&["rename", "table"]) {
        return Kind::AlterTable { table: words.name(), actions: vec![AlterAction::RenameTable] };
    }
    if words.take("truncate") {
        return Kind::Truncate;
    }
    if words.take("delete") {
        let has_where = words.find("where").is_some();
        let mut from = words.find("from").unwrap_or(words);
        from.take("from");
        from.take("only");
        return Kind::Delete { table: from.name(), has_where };
    }
    if words.take("update") {
        for option in ["low_priority", "ignore", "only"] {
            words.take(option);
        }
        return Kind::Update { table: words.name(), has_where: words.find("where").is_some() };
    }
    if words.take("insert") || words.take("replace") {
        let mut into = words.find("into").unwrap_or(words);
        into.take("into");
        return Kind::Insert { table: into.name() };
    }
    if words.take("begin") || words.take_all(&["start", "transaction"]) {
        return Kind::Begin;
    }
    if words.take("commit") || (words.take("end") && words.0.len() <= 1) {
        return Kind::Commit;
    }
    if words.take("set") {
        return set(words);
    }
    Kind::Other
}

fn create(mut words: Words<'_, '_>) -> Kind {
    for option in ["global", "local", "temporary", "temp", "unlogged", "external"] {
        words.take(option);
    }
    if words.take("table") {
        words.take_all(&["if", "not", "exists"]);
        return Kind::CreateTable { table: words.name() };
    }
    let unique = words.take("unique");
    for option in ["fulltext", "spatial", "clustered", "nonclustered"] {
        words.take(option);
    }
    if words.take("index") {
        let concurrently = words.take("concurrently");
        let mut on = words.find("on").unwrap_or(Words(&[]));
        on.take("on");
        on.take("only");
        return Kind::CreateIndex { table: on.name(), concurrently, unique };
    }
    Kind::Other
}

fn drop_kind(mut words: Words<'_, '_>) -> Kind {
    if words.take("index") {
        return Kind::DropIndex { concurrently: words.take("concurrently") };
    }
    words.take("temporary");
    if !words.take("table") {
        return Kind::Other;
    }
    words.take_all(&["if", "exists"]);
    let tables = words.0.split(|word| word.is_symbol(b',')).map(|part| Words(part).name());
    Kind::DropTable { tables: tables.filter(|table| !table.is_empty()).collect() }
}

fn set(mut words: Words<'_, '_>) -> Kind {
    for scope in ["session", "local", "global"] {
        words.take(scope);
    }
    let name = words.name();
    match words.0.split_first() {
        Some((sign, rest)) if sign.is_symbol(b'=') => words.0 = rest,
        _ => {
            words.take("to");
        }
    }
    Kind::Set { name, value: words.text().trim_matches('\'').to_owned() }
}

fn alter(mut words: Words<'_, '_>) -> Kind {
    words.take_all(&["if", "exists"]);
    words.take("only");
    let table = words.name();
    if let Some((star, rest)) = words.0.split_first()
        && star.is_symbol(b'*')
    {
        words.0 = rest;
    }
    let parts = words.0.split(|word| word.depth == 0 && word.is_symbol(b','));
    let actions = parts.map(|part| action(Words(part))).collect();
    Kind::AlterTable { table, actions }
}

fn action(mut words: Words<'_, '_>) -> AlterAction {
    if words.take("add") {
        return add(words);
    }
    if words.take("drop") {
        let named = words.take("column");
        let others = ["constraint", "primary", "foreign", "index", "key", "check", "partition", "unique"];
        if !named && others.iter().any(|other| words.starts_with(&[other])) {
            return AlterAction::Other;
        }
        words.take_all(&["if", "exists"]);
        return AlterAction::DropColumn { column: words.name() };
    }
    if words.take("rename") {
        if words.take("to") || words.take("as") {
            return AlterAction::RenameTable;
        }
        let named = words.take("column");
        if !named && ["constraint", "index", "key"].iter().any(|other| words.starts_with(&[other])) {
            return AlterAction::Other;
        }
        let column = words.name();
        // MySQL: `RENAME new_table`.
        return if words.starts_with(&["to"]) {
            AlterAction::RenameColumn { column }
        } else {
            AlterAction::RenameTable
        };
    }
    if words.take("alter") {
        let named = words.take("column");
        if !named && ["constraint", "index", "check"].iter().any(|other| words.starts_with(&[other])) {
            return AlterAction::Other;
        }
        let column = words.name();
        if words.starts_with(&["set", "not", "null"]) {
            return AlterAction::SetNotNull { column };
        }
        if words.starts_with(&["type"]) || words.starts_with(&["set", "data", "type"]) {
            return AlterAction::AlterType { column };
        }
        let others = ["set", "drop", "add", "reset", "restart"];
        // SQL Server: `ALTER COLUMN name type`.
        return if named && !words.0.is_empty() && !others.iter().any(|other| words.starts_with(&[other])) {
            AlterAction::AlterType { column }
        } else {
            AlterAction::Other
        };
    }
    if words.take("modify") {
        words.take("column");
        return AlterAction::AlterType { column: words.name() };
    }
    if words.take("change") {
        words.take("column");
        let column = words.name();
        let same = words.name() == column;
        return if same { AlterAction::AlterType { column } } else { AlterAction::RenameColumn { column } };
    }
    AlterAction::Other
}

/// What follows ADD.
fn add(mut words: Words<'_, '_>) -> AlterAction {
    if !words.take("column") {
        let constraints = ["constraint", "primary", "unique", "foreign", "check", "exclude"];
        if constraints.iter().any(|constraint| words.starts_with(&[constraint])) {
            return AlterAction::AddConstraint {
                not_valid: words.has(&["not", "valid"]),
                using_index: words.has(&["using", "index"]),
            };
        }
        if ["index", "key", "fulltext", "spatial", "partition"].iter().any(|other| words.starts_with(&[other])) {
            return AlterAction::Other;
        }
    }
    words.take_all(&["if", "not", "exists"]);
    if let Some((parenthesis, rest)) = words.0.split_first()
        && parenthesis.is_symbol(b'(')
    {
        words.0 = rest;
    }
    let column = words.name();
    let null_default = words.has(&["default", "null"]);
    let serial = ["serial", "bigserial", "smallserial", "auto_increment", "identity", "generated"];
    let has_default = (words.has(&["default"]) && !null_default) || serial.iter().any(|word| words.has(&[word]));
    let not_null = words.has(&["not", "null"]) || words.has(&["primary", "key"]);
    AlterAction::AddColumn { column, not_null, has_default }
}
