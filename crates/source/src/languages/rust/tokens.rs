//! What a macro of Rust is given: tokens, read for the literals, names and calls that are plain in them.

use tree_sitter::Node;

use super::super::visit;
use crate::{
    Argument, CallRole, Expr,
    reader::{Reader, member},
};

/// The arguments in a tree of tokens, split at commas.
pub(super) fn arguments(reader: &mut Reader<'_>, tree: Node<'_>) -> Vec<Argument> {
    let mut found = Vec::new();
    // The count of steps into trees of trees is bounded like that of all others.
    reader.deeper(tree, |reader| {
        let mut cursor = tree.walk();
        let mut tokens: Vec<Node<'_>> = tree.children(&mut cursor).filter(|token| !token.is_extra()).collect();
        tokens.pop();
        for piece in tokens.get(1..).unwrap_or_default().split(|token| matches!(token.kind(), "," | ";" | "=>")) {
            if !piece.is_empty() {
                found.push(argument(reader, piece));
            }
        }
        Expr::Other
    });
    found
}

/// `value`, `name = value`.
fn argument(reader: &mut Reader<'_>, piece: &[Node<'_>]) -> Argument {
    let names = piece.iter().take_while(|token| token.kind() != "=").count();
    let head = piece.get(..names).unwrap_or_default();
    let is_name = names < piece.len() && head.iter().all(|token| matches!(token.kind(), "identifier" | "." | "type"));
    if !is_name {
        return Argument { name: None, value: value(reader, piece) };
    }
    let name = head.iter().map(|token| reader.text(*token)).collect();
    Argument { name: Some(name), value: value(reader, piece.get(names + 1..).unwrap_or_default()) }
}

/// One value as itself; what operators join as an operation.
fn value(reader: &mut Reader<'_>, piece: &[Node<'_>]) -> Expr {
    let mut operator = None;
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(token) = piece.get(at) {
        at += 1;
        let head = match token.kind() {
            "identifier" | "self" | "crate" | "super" | "primitive_type" | "default" | "union" => {
                let text = reader.text(*token);
                Expr::Name(if text == "self" { "this".to_owned() } else { text })
            }
            "token_tree" => tree(reader, *token),
            kind if kind.ends_with("_literal") => visit(reader, *token),
            // A lifetime or a word of the language.
            _ if token.is_named() => continue,
            kind => {
                if !values.is_empty() && operator.is_none() && !kind.chars().any(char::is_alphabetic) {
                    operator = Some(kind.to_owned());
                }
                continue;
            }
        };
        let (value, next) = chain(reader, head, *token, piece, at);
        values.push(value);
        at = next;
    }
    match (values.len(), operator) {
        (0 | 1, _) => values.pop().unwrap_or(Expr::Other),
        (_, Some(operator)) => Expr::Operation(operator, values),
        (_, None) => Expr::List(values),
    }
}

/// Members, calls and questions behind a value, and the index of what comes after them.
fn chain(reader: &mut Reader<'_>, head: Expr, first: Node<'_>, piece: &[Node<'_>], mut at: usize) -> (Expr, usize) {
    let mut value = head;
    let mut plain = matches!(value, Expr::Name(_));
    while let Some(token) = piece.get(at) {
        let next = piece.get(at + 1);
        match (token.kind(), next.map(Node::kind)) {
            ("." | "::", Some("await")) => {
                reader.awaited(&value);
                at += 2;
            }
            ("." | "::", Some("identifier" | "integer_literal" | "default" | "super")) => {
                let name = next.map(|name| reader.text(*name)).unwrap_or_default();
                value = member(value, &name);
                plain = true;
                at += 2;
            }
            ("::", Some("<")) => at = after_types(piece, at + 1),
            ("?", _) => {
                reader.awaited(&value);
                at += 1;
            }
            ("!", Some("token_tree")) if plain => {
                value = called(reader, value, next, first, at + 1, piece);
                at += 2;
                plain = false;
            }
            ("token_tree", _) if plain && starts_with(reader, *token, '(') => {
                value = called(reader, value, Some(token), first, at, piece);
                at += 1;
                plain = false;
            }
            _ => break,
        }
    }
    if plain && value.name().is_some_and(|name| name.contains('.')) {
        reader.read(&value, first);
    }
    (value, at)
}

fn called(
    reader: &mut Reader<'_>,
    callee: Expr,
    list: Option<&Node<'_>>,
    first: Node<'_>,
    at: usize,
    piece: &[Node<'_>],
) -> Expr {
    let arguments = list.map(|list| arguments(reader, *list)).unwrap_or_default();
    let value = reader.call(callee, arguments, CallRole::Plain, first);
    reader.ends_at(&value, piece.get(at).copied().unwrap_or(first));
    value
}

/// Behind the `>` that closes the `<` at this index.
fn after_types(piece: &[Node<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in piece.iter().enumerate().skip(open) {
        match token.kind() {
            "<" => depth += 1,
            ">" => depth = depth.saturating_sub(1),
            ">>" => depth = depth.saturating_sub(2),
            _ => (),
        }
        if depth == 0 {
            return at + 1;
        }
    }
    piece.len()
}

fn starts_with(reader: &Reader<'_>, token: Node<'_>, open: char) -> bool {
    reader.between(token.start_byte(), token.start_byte() + 1).starts_with(open)
}

/// A tree on its own: what stands in parentheses, a list, an object of JSON, a block.
fn tree(reader: &mut Reader<'_>, token: Node<'_>) -> Expr {
    let is_list = starts_with(reader, token, '[');
    let mut values: Vec<Expr> = arguments(reader, token).into_iter().map(|argument| argument.value).collect();
    if starts_with(reader, token, '{') && !values.is_empty() && values.iter().all(|value| key(value).is_some()) {
        let fields = values.into_iter().filter_map(|value| {
            let name = key(&value)?.to_owned();
            let Expr::Operation(_, items) = value else { return None };
            Some((name, items.into_iter().nth(1)?))
        });
        return Expr::Object { kind: None, fields: fields.collect() };
    }
    if values.len() == 1 && !is_list { values.remove(0) } else { Expr::List(values) }
}

/// The key of `"status": value`.
fn key(value: &Expr) -> Option<&str> {
    match value {
        Expr::Operation(operator, items) if operator == ":" && items.len() == 2 => items.first()?.text(),
        _ => None,
    }
}
