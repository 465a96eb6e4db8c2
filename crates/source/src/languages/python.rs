//! Python.

use tree_sitter::Node;

use super::visit;
use crate::{
    Argument, CallRole, Expr, ScopeId, ScopeKind,
    reader::{Reader, copy, element, fields, is_class_name, member, number, part, parts},
};

/// Only hands on: what stands here takes room on the stack at every level of a nested program.
pub(crate) fn visit_node(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "import_statement" | "future_import_statement" | "import_from_statement" => import(reader, node),
        "function_definition" => definition(reader, node),
        "class_definition" => class(reader, node),
        "decorated_definition" => decorated(reader, node),
        "lambda" => lambda(reader, node),
        "call" => call(reader, node),
        "print_statement" | "exec_statement" | "assert_statement" => old_statement(reader, node),
        "identifier" | "dotted_name" => Expr::Name(name(reader, node)),
        "attribute" | "subscript" => read(reader, node),
        "string" | "concatenated_string" => text(reader, node),
        "integer" | "float" => number(&reader.text(node)),
        "true" => Expr::Bool(true),
        "false" => Expr::Bool(false),
        "none" => Expr::Null,
        "dictionary" => dictionary(reader, node),
        "list" | "tuple" | "set" | "expression_list" | "pattern_list" | "union_pattern" | "pair" => list(reader, node),
        "list_comprehension" | "set_comprehension" | "dictionary_comprehension" | "generator_expression" => {
            comprehension(reader, node)
        }
        "parenthesized_expression" | "list_splat" | "dictionary_splat" | "case_pattern" | "if_clause" => {
            first(reader, node)
        }
        "named_expression" => named(reader, node),
        "await" => awaited(reader, node),
        "binary_operator" | "augmented_assignment" => binary(reader, node),
        "boolean_operator" => boolean(reader, node),
        "comparison_operator" => comparison(reader, node),
        "not_operator" | "unary_operator" => unary(reader, node),
        "conditional_expression" => conditional(reader, node),
        "assignment" => assign(reader, node),
        "expression_statement" => expression_statement(reader, node),
        "delete_statement" => delete(reader, node),
        "return_statement" => give_back(reader, node),
        "raise_statement" => raise(reader, node),
        "if_statement" => if_statement(reader, node),
        "match_statement" => match_statement(reader, node),
        "case_clause" => case(reader, node),
        "class_pattern" => class_pattern(reader, node),
        "for_statement" | "while_statement" => repeat(reader, node),
        "with_statement" => with(reader, node),
        "try_statement" => trying(reader, node),
        "type" => calls_in_type(reader, node),
        "global_statement" | "nonlocal_statement" | "type_alias_statement" => Expr::Other,
        _ => every(reader, node),
    }
}

fn every(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    for child in parts(node) {
        visit(reader, child);
    }
    Expr::Other
}

fn first(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    parts(node).first().map_or(Expr::Other, |child| visit(reader, *child))
}

fn list(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    Expr::List(parts(node).into_iter().map(|child| visit(reader, child)).collect())
}

/// `assert x`; `print x` and `exec x` of Python 2.
fn old_statement(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let arguments = parts(node).into_iter().map(|child| Argument { name: None, value: visit(reader, child) });
    let arguments = arguments.collect();
    let name = node.kind().trim_end_matches("_statement");
    reader.call(Expr::Name(name.to_owned()), arguments, CallRole::Plain, node)
}

fn read(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = path(reader, node);
    if matches!(value, Expr::Name(_)) || node.kind() == "subscript" {
        reader.read(&value, node);
    }
    value
}

fn text(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let text = string(reader, node);
    reader.literal(text, node)
}

fn named(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = field(reader, node, "value");
    let name = reader.field_text(node, "name");
    reader.bind(name, None, Some(copy(&value)), node);
    value
}

fn awaited(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = first(reader, node);
    reader.awaited(&value);
    value
}

fn binary(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let items = ["left", "right"].map(|side| field(reader, node, side));
    Expr::Operation(reader.field_text(node, "operator"), items.into())
}

fn boolean(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let [left, right] = ["left", "right"].map(|side| field(reader, node, side));
    if reader.field_text(node, "operator") == "and" {
        return Expr::Operation("&&".to_owned(), vec![left, right]);
    }
    reader.default_of(&left, &right);
    Expr::Operation("||".to_owned(), vec![left, right])
}

fn comparison(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let operator = match reader.field_text(node, "operators").as_str() {
        "is" => "==".to_owned(),
        "is not" | "<>" => "!=".to_owned(),
        other => other.to_owned(),
    };
    Expr::Operation(operator, parts(node).into_iter().map(|child| visit(reader, child)).collect())
}

fn unary(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let inner = field(reader, node, "argument");
    match (reader.field_text(node, "operator").as_str(), inner) {
        ("", inner) => Expr::Operation("!".to_owned(), vec![inner]),
        ("-", Expr::Number(number)) => Expr::Number(format!("-{number}")),
        ("+", inner) => inner,
        (operator, inner) => Expr::Operation(operator.to_owned(), vec![inner]),
    }
}

/// Written as `value if condition else other`.
fn conditional(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut items: Vec<Expr> = parts(node).into_iter().map(|child| visit(reader, child)).collect();
    if items.len() == 3 {
        items.swap(0, 1);
    }
    Expr::Operation("?".to_owned(), items)
}

fn expression_statement(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    for child in parts(node) {
        // A text that stands alone is a comment.
        if child.kind() == "string" && part(child, &["interpolation"]).is_none() {
            continue;
        }
        let value = visit(reader, child);
        reader.dropped(&value);
    }
    Expr::Other
}

fn delete(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    for child in parts(node) {
        callee(reader, child);
    }
    Expr::Other
}

fn give_back(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = parts(node).first().map_or(Expr::Null, |child| visit(reader, *child));
    if let Expr::List(items) = &value {
        for item in items {
            reader.awaited(item);
        }
    }
    reader.awaited(&value);
    reader.returned(value, node);
    Expr::Other
}

fn if_statement(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let alternatives = fields(node, "alternative");
    branch(reader, node, &alternatives);
    Expr::Other
}

fn match_statement(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    for subject in fields(node, "subject") {
        visit(reader, subject);
    }
    field(reader, node, "body");
    Expr::Other
}

fn class_pattern(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let values: Vec<Expr> = parts(node).into_iter().map(|child| visit(reader, child)).collect();
    values.into_iter().next().unwrap_or(Expr::Other)
}

/// What a `for` goes over is read once, before the loop; the `else` of a loop runs once, after it.
fn repeat(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let over = node.child_by_field_name("right").map(|right| {
        let over = visit(reader, right);
        if is_async(node) {
            reader.awaited(&over);
        }
        over
    });
    reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
        let condition = match over {
            Some(over) => Expr::Operation("range".to_owned(), vec![over]),
            None => field(reader, node, "condition"),
        };
        reader.this().condition = Some(condition);
        if let Some(target) = node.child_by_field_name("left") {
            bind(reader, target, None, None, 0, target);
        }
        if let Some(block) = node.child_by_field_name("body") {
            body(reader, block);
        }
    });
    let block = node.child_by_field_name("alternative").and_then(|clause| clause.child_by_field_name("body"));
    if let Some(block) = block {
        visit(reader, block);
    }
    Expr::Other
}

fn with(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let waits = is_async(node);
    for item in part(node, &["with_clause"]).map(parts).unwrap_or_default() {
        with_item(reader, item, waits);
    }
    field(reader, node, "body");
    Expr::Other
}

fn lambda(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    Expr::Function(function(reader, node, String::new()))
}

fn field(reader: &mut Reader<'_>, node: Node<'_>, field: &str) -> Expr {
    node.child_by_field_name(field).map_or(Expr::Other, |child| visit(reader, child))
}

fn is_async(node: Node<'_>) -> bool {
    node.child(0).is_some_and(|first| first.kind() == "async")
}

/// The object of a method goes by the word of all languages.
fn name(reader: &Reader<'_>, node: Node<'_>) -> String {
    let name = reader.text(node);
    if matches!(name.as_str(), "self" | "cls") { "this".to_owned() } else { name }
}

fn import(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let from = match node.kind() {
        "import_statement" => None,
        "future_import_statement" => Some("__future__".to_owned()),
        _ => Some(reader.field_text(node, "module_name").split_whitespace().collect()),
    };
    if let Some(from) = &from
        && part(node, &["wildcard_import"]).is_some()
    {
        reader.import(from.clone(), Some("*".to_owned()), String::new(), node);
    }
    for taken in fields(node, "name") {
        let (name, alias) = match taken.kind() {
            "aliased_import" => (reader.field_text(taken, "name"), reader.field_text(taken, "alias")),
            _ => (reader.text(taken), String::new()),
        };
        let (module, taken_name) = match &from {
            Some(from) => (from.clone(), Some(name.clone())),
            None => (name.clone(), None),
        };
        if !alias.is_empty() {
            reader.import(module, taken_name, alias, taken);
        } else if from.is_some() {
            reader.import(module, taken_name, name, taken);
        } else if let Some((first, _)) = name.split_once('.') {
            // `import urllib.request` names only `urllib`, and loads the rest.
            reader.import(first.to_owned(), None, first.to_owned(), taken);
            reader.import(module, Some(String::new()), String::new(), taken);
        } else {
            reader.import(module, None, name, taken);
        }
    }
    Expr::Other
}

/// What is in the braces of an f-string is read; the text has `{}` in its place.
fn string(reader: &mut Reader<'_>, node: Node<'_>) -> String {
    let mut text = String::new();
    for child in parts(node) {
        match child.kind() {
            "string" => text.push_str(&string(reader, child)),
            "string_content" => text.push_str(&reader.text(child)),
            "interpolation" => {
                text.push_str("{}");
                for inner in parts(child) {
                    visit(reader, inner);
                }
            }
            _ => (),
        }
    }
    text
}

/// A type without quotes, arguments and what only says that there may be none: `Optional[http.Client]`,
/// `http.Client | None` and `Annotated[http.Client, …]` are `http.Client`.
fn type_name(text: &str) -> Option<String> {
    let mut rest = text;
    // Each round takes a wrapper away; nobody wraps deeper.
    for _ in 0..8 {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '('));
        let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.');
        let end = rest.find(|letter: char| !is_part(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let after = after.trim_start();
        let plain = word.rsplit('.').next().unwrap_or(word);
        rest = match after.chars().next() {
            Some('[') if matches!(plain, "Optional" | "Union" | "Annotated" | "Final" | "ClassVar") => {
                after.get(1..).unwrap_or_default()
            }
            Some('|' | ',') if word == "None" => after.get(1..).unwrap_or_default(),
            _ => return (!word.is_empty() && word != "None").then(|| word.to_owned()),
        };
    }
    None
}

fn kind(reader: &mut Reader<'_>, node: Node<'_>, field: &str) -> Option<String> {
    let written = node.child_by_field_name(field)?;
    visit(reader, written);
    type_name(&reader.text(written))
}

/// `Annotated[Session, Depends(session)]`: a type is not read, but what it calls is.
fn calls_in_type(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut waiting = vec![node];
    while let Some(one) = waiting.pop() {
        if one.kind() == "call" {
            visit(reader, one);
        } else {
            waiting.extend(parts(one).into_iter().rev());
        }
    }
    Expr::Other
}

/// The name that a definition has in the scope that is open: a field in the body of a class.
fn bound_name(reader: &Reader<'_>, name: String) -> String {
    let home = reader
        .module
        .around(reader.scope())
        .map(|(_, scope)| scope.kind)
        .find(|kind| matches!(kind, ScopeKind::Function | ScopeKind::Class));
    if home == Some(ScopeKind::Class) { format!("this.{name}") } else { name }
}

fn definition(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let scope = function(reader, node, name.clone());
    let bound = bound_name(reader, name);
    // A method is found through its class.
    if !bound.starts_with("this.") {
        reader.bind(bound, None, Some(Expr::Function(scope)), node);
    }
    Expr::Function(scope)
}

fn function(reader: &mut Reader<'_>, node: Node<'_>, name: String) -> ScopeId {
    reader.inside(ScopeKind::Function, name, node, |reader| {
        reader.this().asynchronous = is_async(node);
        for (at, child) in node.child_by_field_name("parameters").map(parts).unwrap_or_default().into_iter().enumerate()
        {
            parameter(reader, child, at);
        }
        let promised = kind(reader, node, "return_type");
        reader.this().types = promised.into_iter().collect();
        match node.child_by_field_name("body") {
            Some(block) if block.kind() == "block" => body(reader, block),
            Some(value) => {
                let given = visit(reader, value);
                reader.awaited(&given);
                reader.returned(given, value);
            }
            None => (),
        }
    })
}

fn parameter(reader: &mut Reader<'_>, node: Node<'_>, at: usize) {
    let named = match node.kind() {
        "identifier" => Some(node),
        "default_parameter" | "typed_default_parameter" => node.child_by_field_name("name"),
        "typed_parameter" | "list_splat_pattern" | "dictionary_splat_pattern" => parts(node).first().copied(),
        _ => None,
    };
    let Some(named) = named else { return };
    let name = reader.text(named).trim_start_matches('*').to_owned();
    let kind = kind(reader, node, "type");
    let default = node.child_by_field_name("value").map(|child| visit(reader, child));
    if at == 0 && matches!(name.as_str(), "self" | "cls") {
        return;
    }
    reader.parameter(name, kind, default);
}

/// The statements of a block; those that do nothing leave the scope empty.
fn body(reader: &mut Reader<'_>, block: Node<'_>) {
    let statements = parts(block);
    reader.this().empty = statements.iter().all(|statement| does_nothing(*statement));
    for statement in statements {
        visit(reader, statement);
    }
}

fn does_nothing(statement: Node<'_>) -> bool {
    match statement.kind() {
        "pass_statement" => true,
        "return_statement" => parts(statement).is_empty(),
        "expression_statement" => {
            parts(statement).iter().all(|child| matches!(child.kind(), "ellipsis" | "string" | "concatenated_string"))
        }
        _ => false,
    }
}

fn class(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let mut types = Vec::new();
    for parent in node.child_by_field_name("superclasses").map(parts).unwrap_or_default() {
        if parent.kind() == "keyword_argument" {
            field(reader, parent, "value");
            continue;
        }
        let written = reader.text(parent);
        types.extend(type_name(&written));
        calls_in_type(reader, parent);
    }
    let scope = reader.inside(ScopeKind::Class, name.clone(), node, |reader| {
        reader.this().types = types;
        if let Some(block) = node.child_by_field_name("body") {
            body(reader, block);
        }
    });
    let bound = bound_name(reader, name);
    reader.bind(bound, None, Some(Expr::Function(scope)), node);
    Expr::Function(scope)
}

fn decorated(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = field(reader, node, "definition");
    let scope = if let Expr::Function(scope) = value { scope } else { reader.scope() };
    for decorator in parts(node).into_iter().filter(|child| child.kind() == "decorator") {
        let Some(inner) = parts(decorator).first().copied() else { continue };
        let (named, list) = match inner.kind() {
            "call" => (inner.child_by_field_name("function"), inner.child_by_field_name("arguments")),
            _ => (Some(inner), None),
        };
        let named = named.map_or(Expr::Other, |child| callee(reader, child));
        let arguments = list.map(|list| arguments(reader, list)).unwrap_or_default();
        reader.call_in(scope, named, arguments, CallRole::Annotation, decorator);
    }
    value
}

/// A name with its members, without noting that it is read.
fn path(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "attribute" => {
            let of = node.child_by_field_name("object").map_or(Expr::Other, |child| callee(reader, child));
            let name = reader.field_text(node, "attribute");
            member(of, &name)
        }
        "subscript" => {
            let of = node.child_by_field_name("value").map_or(Expr::Other, |child| callee(reader, child));
            let mut keys: Vec<Expr> = fields(node, "subscript").into_iter().map(|child| visit(reader, child)).collect();
            let key = if keys.len() == 1 { keys.pop().unwrap_or(Expr::Other) } else { Expr::List(keys) };
            element(of, key)
        }
        _ => visit(reader, node),
    }
}

/// What is called, or has a member that is: not a read of its own.
fn callee(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "attribute" | "subscript" => reader.deeper(node, |reader| path(reader, node)),
        "parenthesized_expression" => {
            reader.deeper(node, |reader| parts(node).first().map_or(Expr::Other, |child| callee(reader, *child)))
        }
        _ => visit(reader, node),
    }
}

fn call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let named = node.child_by_field_name("function").map_or(Expr::Other, |child| callee(reader, child));
    let arguments = node.child_by_field_name("arguments").map(|list| arguments(reader, list)).unwrap_or_default();
    let role = match &named {
        Expr::Name(path) | Expr::Member(_, path) if is_class_name(path) => CallRole::Make,
        _ => CallRole::Plain,
    };
    reader.call(named, arguments, role, node)
}

fn arguments(reader: &mut Reader<'_>, list: Node<'_>) -> Vec<Argument> {
    if list.kind() == "generator_expression" {
        return vec![Argument { name: None, value: visit(reader, list) }];
    }
    let one = |child: Node<'_>| {
        let (name, value) = match child.kind() {
            "keyword_argument" => (Some(reader.field_text(child, "name")), field(reader, child, "value")),
            "dictionary_splat" => (Some("**".to_owned()), visit(reader, child)),
            "list_splat" => (Some("*".to_owned()), visit(reader, child)),
            _ => (None, visit(reader, child)),
        };
        Argument { name, value }
    };
    parts(list).into_iter().map(one).collect()
}

fn dictionary(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut pairs = Vec::new();
    for child in parts(node) {
        match child.kind() {
            "pair" => {
                let name = child.child_by_field_name("key").map(|key| key_name(reader, key)).unwrap_or_default();
                pairs.push((name, field(reader, child, "value")));
            }
            "dictionary_splat" => pairs.push(("...".to_owned(), visit(reader, child))),
            _ => {
                visit(reader, child);
            }
        }
    }
    Expr::Object { kind: None, fields: pairs }
}

fn key_name(reader: &mut Reader<'_>, key: Node<'_>) -> String {
    match key.kind() {
        "string" | "concatenated_string" => string(reader, key),
        _ => {
            visit(reader, key);
            reader.text(key)
        }
    }
}

/// A comprehension is a loop around what it gives; what it goes over first is read once, before it.
fn comprehension(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let clauses: Vec<Node<'_>> = parts(node);
    let first = clauses.iter().find(|clause| clause.kind() == "for_in_clause").copied();
    let over = first.map_or(Expr::Other, |clause| field(reader, clause, "right"));
    let mut item = Expr::Other;
    reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
        reader.this().condition = Some(Expr::Operation("range".to_owned(), vec![over]));
        let given = node.child_by_field_name("body");
        let mut only = Vec::new();
        for clause in clauses.into_iter().filter(|clause| Some(*clause) != given) {
            if clause.kind() == "for_in_clause" {
                if Some(clause) != first {
                    field(reader, clause, "right");
                }
                if let Some(target) = clause.child_by_field_name("left") {
                    bind(reader, target, None, None, 0, target);
                }
            } else if let Some(condition) = parts(clause).first() {
                only.push(visit(reader, *condition));
            }
        }
        let Some(given) = given else { return };
        if only.is_empty() {
            item = visit(reader, given);
            return;
        }
        // `if item["status"] != "failed"` decides about what it gives.
        reader.inside(ScopeKind::Branch, String::new(), node, |reader| {
            reader.this().condition = Some(match only.len() {
                1 => only.remove(0),
                _ => Expr::Operation("&&".to_owned(), only),
            });
            item = visit(reader, given);
        });
    });
    Expr::Operation("for".to_owned(), vec![item])
}

fn assign(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let kind = kind(reader, node, "type");
    let mut targets: Vec<Node<'_>> = node.child_by_field_name("left").into_iter().collect();
    let mut right = node.child_by_field_name("right");
    // `a = b = value` nests to the right.
    while let Some(inner) = right.filter(|inner| inner.kind() == "assignment") {
        targets.extend(inner.child_by_field_name("left"));
        right = inner.child_by_field_name("right");
    }
    let value = right.map(|child| visit(reader, child));
    let Some(last) = targets.pop() else { return Expr::Other };
    for target in targets {
        bind(reader, target, kind.clone(), value.as_ref().map(copy), 0, node);
    }
    bind(reader, last, kind, value, 0, node);
    Expr::Other
}

/// The object and the key of an element that is written as a word with dashes.
fn named_element(reader: &mut Reader<'_>, target: Node<'_>) -> Option<(String, String)> {
    let of = target.child_by_field_name("value").filter(|_| target.kind() == "subscript")?;
    let Expr::Name(of) = callee(reader, of) else { return None };
    let keys = fields(target, "subscript");
    let [key] = keys.as_slice() else { return None };
    let key = reader.text(*key);
    let key = key.trim_matches(['"', '\'']);
    let word = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    (word && !key.is_empty() && key.len() < 100).then(|| (of, key.to_owned()))
}

fn bind(
    reader: &mut Reader<'_>,
    target: Node<'_>,
    kind: Option<String>,
    value: Option<Expr>,
    nth: usize,
    node: Node<'_>,
) {
    match target.kind() {
        "identifier" => {
            let name = reader.text(target);
            let name = bound_name(reader, name);
            reader.bind_nth(name, kind, value, nth, node);
        }
        "attribute" | "subscript" => {
            if let Expr::Name(name) = callee(reader, target) {
                reader.bind_nth(name, kind, value, nth, node);
            } else if let Some((of, key)) = named_element(reader, target) {
                // `response.headers["X-Request-ID"] = id`
                reader.bind_nth(format!("{of}.{key}"), kind, value, nth, node);
            }
        }
        "list_splat_pattern" | "parenthesized_expression" | "as_pattern_target" => {
            if let Some(inner) = parts(target).first().copied() {
                bind(reader, inner, kind, value, nth, node);
            }
        }
        "pattern_list" | "tuple_pattern" | "list_pattern" | "tuple" | "list" => {
            let targets = parts(target);
            let items = match value {
                Some(Expr::List(items)) if items.len() == targets.len() => Some(items),
                value => {
                    for (at, inner) in targets.iter().enumerate() {
                        // Only what is small is worth to stand at each of them.
                        let part = value.as_ref().filter(|value| matches!(value, Expr::Call(_) | Expr::Name(_)));
                        let part = part.map(copy);
                        reader.deeper(target, |reader| {
                            bind(reader, *inner, None, part, at, node);
                            Expr::Other
                        });
                    }
                    None
                }
            };
            for (inner, item) in targets.into_iter().zip(items.into_iter().flatten()) {
                reader.deeper(target, |reader| {
                    bind(reader, inner, None, Some(item), 0, node);
                    Expr::Other
                });
            }
        }
        _ => {
            visit(reader, target);
        }
    }
}

fn raise(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let cause = node.child_by_field_name("cause");
    let mut thrown = Expr::Other;
    for child in parts(node).into_iter().filter(|child| Some(*child) != cause).take(1) {
        thrown = visit(reader, child);
    }
    if let Some(cause) = cause {
        visit(reader, cause);
    }
    match thrown {
        Expr::Call(_) => reader.in_role(&thrown, CallRole::Throw),
        thrown => {
            reader.call(thrown, Vec::new(), CallRole::Throw, node);
        }
    }
    Expr::Other
}

/// An `elif` stands in the arm where the conditions before it do not hold.
fn branch(reader: &mut Reader<'_>, node: Node<'_>, alternatives: &[Node<'_>]) {
    let condition = field(reader, node, "condition");
    if let Some(block) = node.child_by_field_name("consequence") {
        reader.inside(ScopeKind::Branch, String::new(), block, |reader| {
            reader.this().condition = Some(copy(&condition));
            body(reader, block);
        });
    }
    let Some((next, rest)) = alternatives.split_first() else { return };
    reader.inside(ScopeKind::Branch, String::new(), *next, |reader| {
        reader.this().condition = Some(Expr::Operation("!".to_owned(), vec![condition]));
        if next.kind() == "elif_clause" {
            reader.deeper(*next, |reader| {
                branch(reader, *next, rest);
                Expr::Other
            });
        } else if let Some(block) = next.child_by_field_name("body") {
            body(reader, block);
        }
    });
}

fn case(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let block = node.child_by_field_name("consequence");
    let guard = node.child_by_field_name("guard");
    reader.inside(ScopeKind::Branch, String::new(), node, |reader| {
        let patterns: Vec<Node<'_>> =
            parts(node).into_iter().filter(|child| Some(*child) != block && Some(*child) != guard).collect();
        let mut conditions = Vec::new();
        for pattern in patterns {
            // `_` takes everything.
            if !parts(pattern).is_empty() {
                conditions.push(visit(reader, pattern));
            }
        }
        conditions.extend(guard.map(|guard| visit(reader, guard)));
        reader.this().condition = match <[Expr; 1]>::try_from(conditions) {
            Ok([condition]) => Some(condition),
            Err(conditions) if conditions.is_empty() => None,
            Err(conditions) => Some(Expr::Operation("&&".to_owned(), conditions)),
        };
        if let Some(block) = block {
            body(reader, block);
        }
    });
    Expr::Other
}

fn with_item(reader: &mut Reader<'_>, item: Node<'_>, waits: bool) {
    let Some(value) = item.child_by_field_name("value") else { return };
    if value.kind() != "as_pattern" {
        let value = visit(reader, value);
        if waits {
            reader.awaited(&value);
        }
        return;
    }
    let target = value.child_by_field_name("alias");
    let given = parts(value).into_iter().find(|child| Some(*child) != target);
    let given = given.map(|child| visit(reader, child));
    if waits && let Some(given) = &given {
        reader.awaited(given);
    }
    if let Some(target) = target {
        bind(reader, target, None, given, 0, item);
    }
}

fn trying(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    if let Some(block) = node.child_by_field_name("body") {
        reader.inside(ScopeKind::Try, String::new(), block, |reader| body(reader, block));
    }
    for clause in parts(node) {
        match clause.kind() {
            "except_clause" => catch(reader, clause),
            "finally_clause" => {
                reader.inside(ScopeKind::Finally, String::new(), clause, |reader| {
                    if let Some(block) = part(clause, &["block"]) {
                        body(reader, block);
                    }
                });
            }
            // What comes after a body that went well is not guarded by the handlers.
            "else_clause" => {
                if let Some(block) = clause.child_by_field_name("body") {
                    visit(reader, block);
                }
            }
            _ => (),
        }
    }
    Expr::Other
}

fn catch(reader: &mut Reader<'_>, clause: Node<'_>) {
    let mut caught: Vec<Node<'_>> = fields(clause, "value");
    let mut variable = clause.child_by_field_name("alias");
    if let Some(pattern) = caught.first().copied().filter(|value| value.kind() == "as_pattern") {
        variable = pattern.child_by_field_name("alias");
        caught = parts(pattern).into_iter().filter(|child| Some(*child) != variable).collect();
    }
    let variable = variable.map(|variable| reader.text(variable)).unwrap_or_default();
    reader.inside(ScopeKind::Catch, variable, clause, |reader| {
        for one in caught {
            let kinds = if one.kind() == "tuple" { parts(one) } else { vec![one] };
            for kind in kinds {
                let kind = if matches!(kind.kind(), "identifier" | "attribute") {
                    reader.text(kind)
                } else {
                    visit(reader, kind);
                    continue;
                };
                reader.this().types.push(kind);
            }
        }
        if let Some(block) = part(clause, &["block"]) {
            body(reader, block);
        }
    });
}
