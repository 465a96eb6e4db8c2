//! Steps that the readers of several languages share.

use tree_sitter::Node;

use super::visit;
use crate::{
    CallRole, Expr, ScopeId, ScopeKind,
    reader::{NAME_LIMIT, Reader, copy, dedented, parts},
};

/// The value of a field of a node; [`Expr::Other`] where there is none.
pub(super) fn value_of(reader: &mut Reader<'_>, node: Node<'_>, field: &str) -> Expr {
    node.child_by_field_name(field).map_or(Expr::Other, |child| visit(reader, child))
}

/// The value of what stands first in a node; the rest is read as well.
pub(super) fn first(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut children = parts(node).into_iter();
    let value = children.next().map_or(Expr::Other, |child| visit(reader, child));
    for rest in children {
        visit(reader, rest);
    }
    value
}

/// Reads everything in a node for what it holds.
pub(super) fn through(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    for child in parts(node) {
        visit(reader, child);
    }
    Expr::Other
}

/// The values of everything in a node.
pub(super) fn list(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    Expr::List(parts(node).into_iter().map(|child| visit(reader, child)).collect())
}

/// A statement that is an expression: what its call gives is thrown away, unless something is assigned.
pub(super) fn statement(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    for child in parts(node) {
        let value = visit(reader, child);
        if !child.kind().starts_with("assignment") {
            reader.dropped(&value);
        }
    }
    Expr::Other
}

/// `return value`, by its function or by the end of a body that is one expression.
pub(super) fn gives_back(reader: &mut Reader<'_>, value: Expr, node: Node<'_>) {
    reader.awaited(&value);
    reader.returned(value, node);
}

/// `throw value`.
pub(super) fn throw(reader: &mut Reader<'_>, value: Expr, node: Node<'_>) -> Expr {
    if let Expr::Call(_) = value {
        reader.in_role(&value, CallRole::Throw);
    } else {
        reader.call(value, Vec::new(), CallRole::Throw, node);
    }
    Expr::Other
}

/// One arm of a branch, read whole.
pub(super) fn arm(reader: &mut Reader<'_>, body: Node<'_>, condition: Option<Expr>) -> ScopeId {
    reader.inside(ScopeKind::Branch, String::new(), body, |reader| {
        reader.this().condition = condition;
        reader.this().empty = is_empty(body);
        visit(reader, body);
    })
}

/// `if (condition) consequence else alternative` by the fields of these names.
pub(super) fn branch(reader: &mut Reader<'_>, node: Node<'_>) {
    let condition = value_of(reader, node, "condition");
    if let Some(body) = node.child_by_field_name("consequence") {
        arm(reader, body, Some(copy(&condition)));
    }
    if let Some(body) = node.child_by_field_name("alternative") {
        arm(reader, body, Some(not(condition)));
    }
}

pub(super) fn not(condition: Expr) -> Expr {
    Expr::Operation("!".to_owned(), vec![condition])
}

/// The name of the scope that is open, as far as it can stand in many places.
pub(super) fn own_name(reader: &mut Reader<'_>) -> String {
    Some(reader.this().name.clone()).filter(|name| name.len() <= NAME_LIMIT).unwrap_or_default()
}

/// `left operator right`, with what stands in for a read that gives nothing.
pub(super) fn binary(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let left = value_of(reader, node, "left");
    let right = value_of(reader, node, "right");
    let operator = reader.field_text(node, "operator");
    if matches!(operator.as_str(), "||" | "??" | "||=" | "??=" | "?:") {
        reader.default_of(&left, &right);
    }
    Expr::Operation(operator, vec![left, right])
}

/// `operator inner`; a sign belongs to its number.
pub(super) fn unary(operator: String, inner: Expr) -> Expr {
    match (operator.as_str(), inner) {
        ("+", inner) => inner,
        ("-", Expr::Number(number)) => Expr::Number(format!("-{number}")),
        (_, inner) => Expr::Operation(operator, vec![inner]),
    }
}

/// One value as itself, several as a list, none as nothing.
pub(super) fn several(mut values: Vec<Expr>) -> Option<Expr> {
    match values.len() {
        0 | 1 => values.pop(),
        _ => Some(Expr::List(values)),
    }
}

/// A body with nothing in it but comments or a bare `return`.
pub(super) fn is_empty(body: Node<'_>) -> bool {
    let statements = parts(body);
    let says_nothing = |one: &Node<'_>| one.kind() == "return_statement" && one.named_child_count() == 0;
    is_block(body) && (statements.is_empty() || (statements.len() == 1 && statements.iter().all(says_nothing)))
}

fn is_block(node: Node<'_>) -> bool {
    matches!(node.kind(), "block" | "constructor_body" | "function_body")
}

/// The name of a type without its arguments, arrays, annotations and question mark: `@A Map.Entry<K, V>[]` is `Map.Entry`.
/// None where it is left to the compiler (`var`) or has no name.
pub(super) fn type_name(text: &str) -> Option<String> {
    let mut name = String::new();
    let mut depth = 0_usize;
    let mut annotation = false;
    for letter in text.chars() {
        match letter {
            '<' | '[' | '(' => depth += 1,
            '>' | ']' | ')' => depth = depth.saturating_sub(1),
            '@' => annotation = true,
            _ if depth > 0 => (),
            letter if annotation => annotation = !letter.is_whitespace(),
            '.' => name.push('.'),
            letter if letter.is_alphanumeric() || matches!(letter, '_' | '$') => name.push(letter),
            // `alias::Name` of C#.
            ':' if name.ends_with('.') => (),
            ':' => name.push('.'),
            letter if letter.is_whitespace() && (name.is_empty() || name.ends_with('.')) => (),
            _ => break,
        }
    }
    let name = name.trim_end_matches('.');
    (!matches!(name, "" | "var" | "void" | "dynamic")).then(|| name.to_owned())
}

/// The text of a node with `{}` for each of its holes, whose values are read.
pub(super) fn with_holes(reader: &mut Reader<'_>, node: Node<'_>, holes: &[Node<'_>]) -> String {
    let mut text = String::new();
    let mut at = node.start_byte();
    for hole in holes {
        text.push_str(&reader.between(at, hole.start_byte()));
        text.push_str("{}");
        at = hole.end_byte();
        visit(reader, *hole);
    }
    text.push_str(&reader.between(at, node.end_byte()));
    text
}

/// A text over several lines without what indents all of them, the line break after its opening, and a last line that is
/// blank.
pub(super) fn block_text(text: &str) -> String {
    let text = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text);
    dedented(text).trim_end().to_owned()
}
