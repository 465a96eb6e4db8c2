//! Ruby.
//!
//! A member is written like a call without arguments: each is noted as a call, and the name goes on through it, so that
//! `Rails.env.production?` calls `Rails.env` and `Rails.env.production?`.

use std::collections::HashMap;

use tree_sitter::Node;

use super::visit;
use crate::{
    Argument, CallRole, Expr, Scope, ScopeId, ScopeKind, Spot,
    reader::{Reader, copy, dedented, element, fields, member, number, part, parts, spot},
};

/// How far back a name is looked for among what was bound.
const LOCAL_LIMIT: usize = 400;

/// Only hands on: what stands here takes room on the stack at every level of a nested program.
pub(crate) fn visit_node(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "program" | "then" | "do" | "else" | "ensure" | "begin_block" | "end_block" => block(reader, node),
        "body_statement" | "block_body" | "begin" => guarded(reader, node, Tail::Kept),
        "method" | "singleton_method" => definition(reader, node),
        "lambda" => lambda(reader, node),
        "block" | "do_block" => Expr::Function(function(reader, node, String::new())),
        "class" | "module" => class(reader, node),
        "singleton_class" => field(reader, node, "body"),
        "call" => call(reader, node),
        "yield" | "retry" | "super" => keyword(reader, node),
        "identifier" => identifier(reader, node),
        "constant" | "global_variable" | "instance_variable" | "class_variable" | "self" => {
            Expr::Name(name(reader, node))
        }
        "scope_resolution" => path(reader, node),
        "element_reference" => read(reader, node),
        "string" | "bare_string" | "chained_string" => text(reader, node),
        "heredoc_beginning" => heredoc(reader, node),
        "simple_symbol" | "delimited_symbol" | "bare_symbol" | "hash_key_symbol" => symbol(reader, node),
        "character" => character(reader, node),
        "subshell" => subshell(reader, node),
        "integer" | "float" | "rational" | "complex" => number(&reader.text(node)),
        "true" => Expr::Bool(true),
        "false" => Expr::Bool(false),
        "nil" => Expr::Null,
        "hash" => hash(reader, node),
        "array" | "string_array" | "symbol_array" | "right_assignment_list" | "exceptions" => list(reader, node),
        "pair" => pair_value(reader, node),
        "splat_argument" | "hash_splat_argument" | "block_argument" | "pattern" | "parenthesized_statements" => {
            last(reader, node)
        }
        "assignment" => assignment(reader, node),
        "operator_assignment" => operator_assignment(reader, node),
        "binary" => binary(reader, node),
        "unary" => unary(reader, node),
        "range" => range(reader, node),
        "conditional" => conditional(reader, node),
        "return" => give_back(reader, node),
        "if" | "unless" | "elsif" | "if_modifier" | "unless_modifier" => branch(reader, node, Tail::Kept),
        "case" | "case_match" => case(reader, node, Tail::Kept),
        "while" | "until" | "while_modifier" | "until_modifier" | "for" => repeat(reader, node),
        "rescue_modifier" => rescue_modifier(reader, node),
        "alias" | "undef" | "heredoc_body" | "uninterpreted" => Expr::Other,
        _ => every(reader, node),
    }
}

/// What becomes of what the last of some statements gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// The function around gives it.
    Given,
    /// It is a value: `user = if … end`.
    Kept,
    Dropped,
}

/// The bodies of the heredocs of a file, by the place where each begins: they stand on the lines below it.
pub(crate) fn heredocs(root: Node<'_>) -> HashMap<usize, Node<'_>> {
    let mut beginnings = Vec::new();
    let mut bodies = Vec::new();
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        match node.kind() {
            "heredoc_beginning" => beginnings.push(node.start_byte()),
            "heredoc_body" => bodies.push(node),
            _ => (),
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return beginnings.into_iter().zip(bodies).collect();
            }
        }
    }
}

fn every(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    for child in parts(node) {
        visit(reader, child);
    }
    Expr::Other
}

/// What the last of several gives.
fn last(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut value = Expr::Other;
    for child in parts(node) {
        value = visit(reader, child);
    }
    value
}

fn field(reader: &mut Reader<'_>, node: Node<'_>, field: &str) -> Expr {
    node.child_by_field_name(field).map_or(Expr::Other, |child| visit(reader, child))
}

fn list(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    Expr::List(parts(node).into_iter().map(|child| visit(reader, child)).collect())
}

/// Instance and class variables are members of `this`; a global variable keeps its `$`.
fn name(reader: &Reader<'_>, node: Node<'_>) -> String {
    let text = reader.text(node);
    match node.kind() {
        "instance_variable" | "class_variable" => format!("this.{}", text.trim_start_matches('@')),
        "self" => "this".to_owned(),
        _ => text,
    }
}

fn block(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    statements(reader, &parts(node), Tail::Dropped);
    Expr::Other
}

fn statements(reader: &mut Reader<'_>, nodes: &[Node<'_>], tail: Tail) -> Expr {
    let Some((end, before)) = nodes.split_last() else { return Expr::Null };
    for node in before {
        statement(reader, *node, Tail::Dropped);
    }
    statement(reader, *end, tail)
}

fn statement(reader: &mut Reader<'_>, node: Node<'_>, tail: Tail) -> Expr {
    let value = match node.kind() {
        "if" | "unless" | "if_modifier" | "unless_modifier" => {
            return reader.deeper(node, |reader| branch(reader, node, tail));
        }
        "case" | "case_match" => return reader.deeper(node, |reader| case(reader, node, tail)),
        "begin" => return reader.deeper(node, |reader| guarded(reader, node, tail)),
        "identifier" => bare(reader, node),
        _ => visit(reader, node),
    };
    match tail {
        Tail::Given if matches!(value, Expr::Other) => (),
        Tail::Given => {
            reader.awaited(&value);
            reader.returned(copy(&value), node);
        }
        Tail::Dropped if !matches!(node.kind(), "assignment" | "operator_assignment") => reader.dropped(&value),
        Tail::Dropped | Tail::Kept => (),
    }
    value
}

/// The statements of a node into the scope that is open; those that do nothing leave it empty.
fn body(reader: &mut Reader<'_>, node: Option<Node<'_>>, tail: Tail) -> Expr {
    let Some(node) = node else {
        reader.this().empty = true;
        return Expr::Null;
    };
    let nodes = match node.kind() {
        "then" | "do" | "else" | "ensure" => parts(node),
        _ => vec![node],
    };
    reader.this().empty = nodes.iter().all(|node| does_nothing(*node));
    statements(reader, &nodes, tail)
}

fn does_nothing(statement: Node<'_>) -> bool {
    match statement.kind() {
        "nil" | "empty_statement" => true,
        "return" => parts(statement).is_empty(),
        _ => false,
    }
}

/// Statements with their `rescue`, `else` and `ensure`.
fn guarded(reader: &mut Reader<'_>, node: Node<'_>, tail: Tail) -> Expr {
    let is_clause = |child: &Node<'_>| matches!(child.kind(), "rescue" | "else" | "ensure");
    let (clauses, tried): (Vec<Node<'_>>, Vec<Node<'_>>) = parts(node).into_iter().partition(is_clause);
    if clauses.is_empty() {
        return statements(reader, &tried, tail);
    }
    let mut value = Expr::Other;
    let goes_on = clauses.iter().any(|clause| clause.kind() == "else");
    reader.inside(ScopeKind::Try, String::new(), node, |reader| {
        if let (Some(first), Some(end)) = (tried.first(), tried.last()) {
            let (first, end) = (spot(*first), spot(*end));
            reader.this().spot = Spot { end: end.end, ..first };
        }
        reader.this().empty = tried.iter().all(|node| does_nothing(*node));
        value = statements(reader, &tried, if goes_on { Tail::Dropped } else { tail });
    });
    for clause in clauses {
        match clause.kind() {
            "rescue" => rescue(reader, clause, tail),
            "ensure" => {
                reader.inside(ScopeKind::Finally, String::new(), clause, |reader| {
                    body(reader, Some(clause), Tail::Dropped);
                });
            }
            // What comes after a body that went well is not guarded by the handlers.
            _ => value = statements(reader, &parts(clause), tail),
        }
    }
    value
}

fn rescue(reader: &mut Reader<'_>, clause: Node<'_>, tail: Tail) {
    let variable = reader.field_text(clause, "variable");
    let variable = variable.trim_start_matches("=>").trim().to_owned();
    reader.inside(ScopeKind::Catch, variable, clause, |reader| {
        for kind in clause.child_by_field_name("exceptions").map(parts).unwrap_or_default() {
            match visit(reader, kind) {
                Expr::Name(kind) => reader.this().types.push(kind),
                Expr::List(kinds) => {
                    let kinds = kinds.iter().filter_map(Expr::name).map(str::to_owned);
                    reader.this().types.extend(kinds);
                }
                _ => (),
            }
        }
        body(reader, clause.child_by_field_name("body"), tail);
    });
}

/// `value rescue other`.
fn rescue_modifier(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut value = Expr::Other;
    if let Some(tried) = node.child_by_field_name("body") {
        reader.inside(ScopeKind::Try, String::new(), tried, |reader| {
            value = visit(reader, tried);
        });
    }
    if let Some(handler) = node.child_by_field_name("handler") {
        reader.inside(ScopeKind::Catch, String::new(), handler, |reader| {
            reader.this().empty = does_nothing(handler);
            visit(reader, handler);
        });
    }
    value
}

fn definition(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let scope = function(reader, node, name.clone());
    // A method is found through its class.
    if reader.this().kind == ScopeKind::File {
        reader.bind(name, None, Some(Expr::Function(scope)), node);
    }
    Expr::Function(scope)
}

fn lambda(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    Expr::Function(function(reader, node, String::new()))
}

/// A method, a lambda or a block: what its last statement gives, it gives.
fn function(reader: &mut Reader<'_>, node: Node<'_>, name: String) -> ScopeId {
    reader.inside(ScopeKind::Function, name, node, |reader| {
        for child in node.child_by_field_name("parameters").map(parts).unwrap_or_default() {
            parameter(reader, child);
        }
        let mut inner = node.child_by_field_name("body");
        // The body of a lambda is a block.
        while let Some(block) = inner.filter(|inner| matches!(inner.kind(), "block" | "do_block")) {
            inner = block.child_by_field_name("body");
        }
        match inner {
            Some(inner) if matches!(inner.kind(), "body_statement" | "block_body") => {
                reader.this().empty = parts(inner).into_iter().all(does_nothing);
                guarded(reader, inner, Tail::Given);
            }
            Some(value) => {
                statement(reader, value, Tail::Given);
            }
            None => reader.this().empty = true,
        }
    })
}

fn parameter(reader: &mut Reader<'_>, node: Node<'_>) {
    if node.kind() == "destructured_parameter" {
        for inner in parts(node) {
            reader.deeper(inner, |reader| {
                parameter(reader, inner);
                Expr::Other
            });
        }
        return;
    }
    let name = match node.child_by_field_name("name") {
        Some(name) => reader.text(name),
        None if node.kind() == "identifier" => reader.text(node),
        None => return,
    };
    let default = node.child_by_field_name("value").map(|value| visit(reader, value));
    reader.parameter(name, None, default);
}

fn class(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = node.child_by_field_name("name").map(|name| callee(reader, name));
    let name = name.as_ref().and_then(Expr::name).unwrap_or_default().to_owned();
    let parent = part(node, &["superclass"]).and_then(|parent| parts(parent).first().copied());
    let kind = parent.and_then(|parent| match callee(reader, parent) {
        Expr::Name(kind) => Some(kind),
        // `ActiveRecord::Migration[7.0]`
        Expr::Index(of, _) => of.name().map(str::to_owned),
        _ => None,
    });
    let scope = reader.inside(ScopeKind::Class, name.clone(), node, |reader| {
        reader.this().types = kind.into_iter().collect();
        field(reader, node, "body");
    });
    reader.bind(name, None, Some(Expr::Function(scope)), node);
    Expr::Function(scope)
}

/// A name that stands alone is a call where nothing of this name is bound.
fn bare(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.text(node);
    if matches!(name.as_str(), "raise" | "fail") {
        return raise(reader, node, None);
    }
    let module = &reader.module;
    let ends = |scope: &Scope| match scope.kind {
        ScopeKind::Function => !scope.name.is_empty(),
        kind => matches!(kind, ScopeKind::Class | ScopeKind::File),
    };
    let home = module.around(reader.scope()).find(|(_, scope)| ends(scope)).map_or(0, |(at, _)| at);
    let mut recent = module.bindings.iter().rev().take(LOCAL_LIMIT);
    let is_bound = recent.any(|one| one.name == name && module.within(one.scope, home))
        || module.around(reader.scope()).any(|(_, scope)| {
            scope.kind == ScopeKind::Catch && scope.name == name || scope.parameters.iter().any(|one| one.name == name)
        });
    if is_bound {
        return Expr::Name(name);
    }
    reader.call(Expr::Name(name), Vec::new(), CallRole::Plain, node)
}

/// No variable ends in `?` or `!`.
fn identifier(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = Expr::Name(reader.text(node));
    if name.name().is_some_and(|name| name.ends_with(['?', '!'])) {
        return reader.call(name, Vec::new(), CallRole::Plain, node);
    }
    name
}

fn keyword(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let list = parts(node).first().copied();
    let arguments = arguments(reader, list);
    reader.call(Expr::Name(node.kind().to_owned()), arguments, CallRole::Plain, node)
}

/// A name with its members, without noting that it is read.
fn path(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "scope_resolution" => {
            let name = reader.field_text(node, "name");
            match node.child_by_field_name("scope") {
                Some(of) => {
                    let of = callee(reader, of);
                    member(of, &name)
                }
                None => Expr::Name(name),
            }
        }
        "element_reference" => {
            let of = node.child_by_field_name("object");
            let block = node.child_by_field_name("block");
            let named = of.map_or(Expr::Other, |of| callee(reader, of));
            let keys = parts(node).into_iter().filter(|child| Some(*child) != of && Some(*child) != block);
            let mut keys: Vec<Expr> = keys.map(|key| visit(reader, key)).collect();
            let key = if keys.len() == 1 { keys.pop().unwrap_or(Expr::Other) } else { Expr::List(keys) };
            element(named, key)
        }
        "call" => {
            let of = node.child_by_field_name("receiver");
            let of = of.map(|of| callee(reader, of));
            // `block.()` calls `call`.
            let method = match node.child_by_field_name("method") {
                Some(method) => reader.text(method),
                None => "call".to_owned(),
            };
            match of {
                Some(of) => member(of, &method),
                None => Expr::Name(method),
            }
        }
        _ => visit(reader, node),
    }
}

/// What is called, or has a member that is: a call without arguments goes on as a name.
fn callee(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "scope_resolution" | "element_reference" => reader.deeper(node, |reader| path(reader, node)),
        "call" if is_member(reader, node) => reader.deeper(node, |reader| {
            let value = path(reader, node);
            let call = reader.call(copy(&value), Vec::new(), CallRole::Plain, node);
            if matches!(value, Expr::Name(_)) { value } else { call }
        }),
        _ => visit(reader, node),
    }
}

fn is_member(reader: &Reader<'_>, node: Node<'_>) -> bool {
    let plain = ["arguments", "block"].iter().all(|field| node.child_by_field_name(field).is_none());
    plain && node.child_by_field_name("receiver").is_some() && reader.field_text(node, "method") != "new"
}

fn call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let of = node.child_by_field_name("receiver");
    let list = node.child_by_field_name("arguments");
    let method = reader.field_text(node, "method");
    match method.as_str() {
        "new" if of.is_some() => {
            let made = of.map_or(Expr::Other, |of| callee(reader, of));
            let arguments = with_block(reader, node, list);
            return reader.call(made, arguments, CallRole::Make, node);
        }
        "raise" | "fail" if of.is_none() => return raise(reader, node, list),
        _ => (),
    }
    let named = path(reader, node);
    let arguments = with_block(reader, node, list);
    if of.is_none() {
        taken(reader, &method, &arguments, node);
    }
    reader.call(named, arguments, CallRole::Plain, node)
}

/// `require` takes what a file does; `include` gives a class the methods of a module.
fn taken(reader: &mut Reader<'_>, method: &str, arguments: &[Argument], node: Node<'_>) {
    match method {
        "require" | "require_relative" | "load" => {
            if let Some(file) = arguments.first().and_then(|argument| argument.value.text()) {
                let here = method == "require_relative" && !file.starts_with('.');
                let file = if here { format!("./{file}") } else { file.to_owned() };
                reader.import(file, Some(String::new()), String::new(), node);
            }
        }
        "include" | "extend" | "prepend" if reader.this().kind == ScopeKind::Class => {
            let kinds = arguments.iter().filter_map(|argument| argument.value.name()).map(str::to_owned);
            reader.this().types.extend(kinds);
        }
        _ => (),
    }
}

/// `raise Error, "why"`, `raise Error.new("why")`, `raise "why"`, and `raise` alone, which hands on.
fn raise(reader: &mut Reader<'_>, node: Node<'_>, list: Option<Node<'_>>) -> Expr {
    let mut arguments = arguments(reader, list);
    let thrown = match arguments.first().map(|argument| &argument.value) {
        None => Expr::Other,
        Some(Expr::Text(_)) => Expr::Name("RuntimeError".to_owned()),
        Some(_) => arguments.remove(0).value,
    };
    if matches!(thrown, Expr::Call(_)) {
        reader.in_role(&thrown, CallRole::Throw);
    } else {
        reader.call(thrown, arguments, CallRole::Throw, node);
    }
    Expr::Other
}

fn with_block(reader: &mut Reader<'_>, node: Node<'_>, list: Option<Node<'_>>) -> Vec<Argument> {
    let mut given = arguments(reader, list);
    if let Some(block) = node.child_by_field_name("block") {
        given.push(Argument { name: Some("&".to_owned()), value: visit(reader, block) });
    }
    given
}

fn arguments(reader: &mut Reader<'_>, list: Option<Node<'_>>) -> Vec<Argument> {
    let one = |child: Node<'_>| {
        let name = match child.kind() {
            "pair" => Some(key_name(reader, child)),
            "splat_argument" => Some("*".to_owned()),
            "hash_splat_argument" => Some("**".to_owned()),
            "block_argument" => Some("&".to_owned()),
            "forward_argument" => Some("...".to_owned()),
            _ => None,
        };
        Argument { name, value: visit(reader, child) }
    };
    list.map(parts).unwrap_or_default().into_iter().map(one).collect()
}

fn hash(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let one = |child: Node<'_>| {
        let name = if child.kind() == "pair" { key_name(reader, child) } else { "...".to_owned() };
        (name, visit(reader, child))
    };
    Expr::Object { kind: None, fields: parts(node).into_iter().map(one).collect() }
}

fn key_name(reader: &mut Reader<'_>, pair: Node<'_>) -> String {
    let Some(key) = pair.child_by_field_name("key") else { return String::new() };
    match key.kind() {
        "string" | "delimited_symbol" => pieces(reader, key),
        "hash_key_symbol" | "simple_symbol" => reader.text(key).trim_matches(':').to_owned(),
        _ => match visit(reader, key) {
            Expr::Name(name) => name,
            _ => reader.text(key),
        },
    }
}

/// `name:` alone is what the name stands for.
fn pair_value(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.child_by_field_name("value") {
        Some(value) => visit(reader, value),
        None => Expr::Name(reader.field_text(node, "key")),
    }
}

fn read(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = path(reader, node);
    reader.read(&value, node);
    if let Some(block) = node.child_by_field_name("block") {
        visit(reader, block);
    }
    value
}

fn text(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let text = pieces(reader, node);
    reader.literal(text, node)
}

/// A symbol is a text that nobody reads.
fn symbol(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "delimited_symbol" | "bare_symbol" => Expr::Text(pieces(reader, node)),
        _ => Expr::Text(reader.text(node).trim_matches(':').to_owned()),
    }
}

fn character(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let text = reader.text(node).trim_start_matches('?').to_owned();
    reader.literal(text, node)
}

/// Backticks are a method of that name.
fn subshell(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = text(reader, node);
    let arguments = vec![Argument { name: None, value }];
    reader.call(Expr::Name("`".to_owned()), arguments, CallRole::Plain, node)
}

fn heredoc(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let Some(body) = reader.heredocs.get(&node.start_byte()).copied() else { return Expr::Text(String::new()) };
    let text = pieces(reader, body);
    let text = text.trim_start_matches(['\r', '\n']);
    let indented = reader.text(node).starts_with("<<~");
    let text = if indented { dedented(text) } else { text.trim_end().to_owned() };
    reader.literal(text, node)
}

/// The text between quotes; what is in `#{}` is read and is `{}`.
fn pieces(reader: &mut Reader<'_>, node: Node<'_>) -> String {
    let mut text = String::new();
    for child in parts(node) {
        match child.kind() {
            "string" => text.push_str(&pieces(reader, child)),
            "string_content" | "heredoc_content" | "escape_sequence" => text.push_str(&reader.text(child)),
            "interpolation" => {
                text.push_str("{}");
                every(reader, child);
            }
            _ => (),
        }
    }
    text
}

fn assignment(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = field(reader, node, "right");
    if let Some(left) = node.child_by_field_name("left") {
        bind(reader, left, Some(copy(&value)), 0, node);
    }
    value
}

fn bind(reader: &mut Reader<'_>, target: Node<'_>, value: Option<Expr>, nth: usize, node: Node<'_>) {
    match target.kind() {
        "left_assignment_list" | "destructured_left_assignment" => unpack(reader, target, value, node),
        "rest_assignment" => {
            if let Some(inner) = parts(target).first() {
                bind(reader, *inner, value, nth, node);
            }
        }
        "identifier" => {
            let name = reader.text(target);
            reader.bind_nth(name, None, value, nth, node);
        }
        _ => {
            if let Expr::Name(name) = reader.deeper(target, |reader| path(reader, target)) {
                reader.bind_nth(name, None, value, nth, node);
            }
        }
    }
}

fn unpack(reader: &mut Reader<'_>, target: Node<'_>, value: Option<Expr>, node: Node<'_>) {
    let targets = parts(target);
    let mut items = match value {
        Some(Expr::List(items)) if items.len() == targets.len() => {
            items.into_iter().map(|item| (Some(item), 0)).collect()
        }
        value => {
            // Only what is small is worth to stand at each of them.
            let value = value.filter(|value| matches!(value, Expr::Call(_) | Expr::Name(_)));
            (0..targets.len()).map(|at| (value.as_ref().map(copy), at)).collect::<Vec<_>>()
        }
    };
    for (inner, (value, nth)) in targets.into_iter().zip(items.drain(..)) {
        reader.deeper(inner, |reader| {
            bind(reader, inner, value, nth, node);
            Expr::Other
        });
    }
}

fn operator_assignment(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let operator = reader.field_text(node, "operator");
    let Some(left) = node.child_by_field_name("left") else { return Expr::Other };
    let right = field(reader, node, "right");
    if matches!(operator.as_str(), "||=" | "&&=") {
        bind(reader, left, Some(copy(&right)), 0, node);
        return right;
    }
    let left = visit(reader, left);
    Expr::Operation(operator, vec![left, right])
}

fn binary(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let [left, right] = ["left", "right"].map(|side| field(reader, node, side));
    let operator = match reader.field_text(node, "operator").as_str() {
        "and" => "&&".to_owned(),
        "or" => "||".to_owned(),
        other => other.to_owned(),
    };
    if operator == "||" {
        reader.default_of(&left, &right);
    }
    Expr::Operation(operator, vec![left, right])
}

fn unary(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let inner = field(reader, node, "operand");
    match (reader.field_text(node, "operator").as_str(), inner) {
        ("-", Expr::Number(number)) => Expr::Number(format!("-{number}")),
        ("+", inner) => inner,
        ("not", inner) => Expr::Operation("!".to_owned(), vec![inner]),
        (operator, inner) => Expr::Operation(operator.to_owned(), vec![inner]),
    }
}

fn range(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let ends = ["begin", "end"].map(|end| node.child_by_field_name(end).map_or(Expr::Null, |end| visit(reader, end)));
    Expr::Operation(reader.field_text(node, "operator"), ends.into())
}

fn conditional(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let items = ["condition", "consequence", "alternative"].map(|item| field(reader, node, item));
    Expr::Operation("?".to_owned(), items.into())
}

fn give_back(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let given = parts(node).first().map(|list| parts(*list)).unwrap_or_default();
    let mut values: Vec<Expr> = given.into_iter().map(|child| visit(reader, child)).collect();
    for value in &values {
        reader.awaited(value);
    }
    let value = match values.len() {
        0 => Expr::Null,
        1 => values.pop().unwrap_or(Expr::Null),
        _ => Expr::List(values),
    };
    reader.returned(value, node);
    Expr::Other
}

fn negated(condition: Expr) -> Expr {
    match condition {
        Expr::Operation(operator, mut items) if operator == "!" && items.len() == 1 => {
            items.pop().unwrap_or(Expr::Other)
        }
        condition => Expr::Operation("!".to_owned(), vec![condition]),
    }
}

/// `if`, `unless` and `elsif`, before and after what depends on them.
fn branch(reader: &mut Reader<'_>, node: Node<'_>, tail: Tail) -> Expr {
    let condition = field(reader, node, "condition");
    let condition = if node.kind().starts_with("unless") { negated(condition) } else { condition };
    let mut values = [Expr::Null, Expr::Null];
    let [consequence, alternative] = &mut values;
    if let Some(then) = node.child_by_field_name("consequence").or_else(|| node.child_by_field_name("body")) {
        reader.inside(ScopeKind::Branch, String::new(), then, |reader| {
            reader.this().condition = Some(copy(&condition));
            *consequence = body(reader, Some(then), tail);
        });
    }
    if let Some(other) = node.child_by_field_name("alternative") {
        reader.inside(ScopeKind::Branch, String::new(), other, |reader| {
            reader.this().condition = Some(negated(copy(&condition)));
            *alternative = match other.kind() {
                "elsif" => reader.deeper(other, |reader| branch(reader, other, tail)),
                _ => body(reader, Some(other), tail),
            };
        });
    }
    if tail != Tail::Kept {
        return Expr::Other;
    }
    let [consequence, alternative] = values;
    Expr::Operation("?".to_owned(), vec![condition, consequence, alternative])
}

fn case(reader: &mut Reader<'_>, node: Node<'_>, tail: Tail) -> Expr {
    field(reader, node, "value");
    let value = node.child_by_field_name("value");
    for arm in parts(node).into_iter().filter(|arm| Some(*arm) != value) {
        reader.inside(ScopeKind::Branch, String::new(), arm, |reader| {
            let mut patterns = fields(arm, "pattern");
            patterns.extend(arm.child_by_field_name("guard").and_then(|guard| guard.child_by_field_name("condition")));
            let mut values: Vec<Expr> = patterns.into_iter().map(|pattern| visit(reader, pattern)).collect();
            reader.this().condition = match values.len() {
                0 => None,
                1 => values.pop(),
                _ => Some(Expr::List(values)),
            };
            let then = if arm.kind() == "else" { Some(arm) } else { arm.child_by_field_name("body") };
            body(reader, then, tail);
        });
    }
    Expr::Other
}

/// What a `for` goes over is read once, before the loop.
fn repeat(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let over = node.child_by_field_name("value").map(|over| last(reader, over));
    reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
        let condition = match over {
            Some(over) => Expr::Operation("range".to_owned(), vec![over]),
            None => field(reader, node, "condition"),
        };
        let until = node.kind().starts_with("until");
        reader.this().condition = Some(if until { negated(condition) } else { condition });
        if let Some(target) = node.child_by_field_name("pattern") {
            bind(reader, target, None, 0, target);
        }
        body(reader, node.child_by_field_name("body"), Tail::Dropped);
    });
    Expr::Other
}
