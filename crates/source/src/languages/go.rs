//! Go.

use self::tree::{Field, Kind, Node, Tree};
use crate::{
    Argument, CallRole, Expr, ScopeKind,
    reader::{Reader, member, number},
};

mod parser;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;

/// Reads a file that is plain Go; none: the grammar has to be asked.
pub(super) fn read(reader: &mut Reader<'_>, bytes: &[u8]) -> Option<()> {
    let tree = parser::parse(bytes)?;
    visit(reader, tree.root()?);
    Some(())
}

/// Reads what tree-sitter made of a file.
pub(super) fn visit_tree(reader: &mut Reader<'_>, tree: &tree_sitter::Tree) {
    let tree = Tree::copied(tree);
    if let Some(root) = tree.root() {
        visit(reader, root);
    }
}

fn visit(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    reader.deeper(node, |reader| {
        if node.is_broken() {
            reader.broken(node);
        }
        visit_node(reader, node)
    })
}

fn visit_node(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        Kind::PackageClause => {
            reader.module.package = node.parts().next().map(|name| text(reader, name)).unwrap_or_default();
            Expr::Other
        }
        Kind::Import => import(reader, node),
        Kind::DeclaredFunction | Kind::DeclaredMethod => {
            let name = field_text(reader, node, Field::Name);
            let scope = function(reader, node, name.clone());
            if node.kind() == Kind::DeclaredFunction {
                reader.bind(name, None, Some(Expr::Function(scope)), node);
            }
            Expr::Function(scope)
        }
        Kind::FunctionLiteral => Expr::Function(function(reader, node, String::new())),
        Kind::TypeSpec => declared_type(reader, node),
        Kind::Call => call(reader, node),
        Kind::TypeConversion => {
            let operand = node.field(Field::Operand).map_or(Expr::Other, |child| visit(reader, child));
            // `lru.New[string, int](128)` is written like a conversion to a generic type; a type begins no differently,
            // so that both are calls.
            match node.field(Field::Type).filter(|kind| kind.kind() == Kind::GenericType) {
                Some(kind) => {
                    let callee = type_name(reader, kind).map_or(Expr::Other, Expr::Name);
                    let arguments = vec![Argument { name: None, value: operand }];
                    reader.call(callee, arguments, CallRole::Plain, node)
                }
                None => operand,
            }
        }
        Kind::Identifier
        | Kind::FieldIdentifier
        | Kind::PackageIdentifier
        | Kind::TypeIdentifier
        | Kind::QualifiedType => Expr::Name(text(reader, node)),
        Kind::Selector => {
            let value = path(reader, node);
            reader.read(&value, node);
            value
        }
        Kind::Index => {
            let of = node.field(Field::Operand).map_or(Expr::Other, |child| callee(reader, child));
            let index = node.field(Field::Index).map_or(Expr::Other, |child| visit(reader, child));
            Expr::Index(Box::new(of), Box::new(index))
        }
        Kind::Parenthesized | Kind::LiteralElement => {
            node.parts().next().map_or(Expr::Other, |child| visit(reader, child))
        }
        Kind::TypeAssertion => node.field(Field::Operand).map_or(Expr::Other, |child| visit(reader, child)),
        Kind::Unary => {
            let operator = field_text(reader, node, Field::Operator);
            let inner = node.field(Field::Operand).map_or(Expr::Other, |child| visit(reader, child));
            match (operator.as_str(), inner) {
                ("&" | "+", inner) => inner,
                ("-", Expr::Number(number)) => Expr::Number(format!("-{number}")),
                // `<-channel` waits.
                (_, inner) => Expr::Operation(operator, vec![inner]),
            }
        }
        Kind::Binary => binary(reader, node),
        Kind::CompositeLiteral => composite(reader, node),
        Kind::Text | Kind::RawText => {
            let text = string(reader, node);
            reader.literal(text, node)
        }
        Kind::Int | Kind::Float => number(&text(reader, node)),
        Kind::True => Expr::Bool(true),
        Kind::False => Expr::Bool(false),
        Kind::Nil => Expr::Null,
        Kind::ChannelType => Expr::Name("chan".to_owned()),
        Kind::PointerType
        | Kind::SliceType
        | Kind::MapType
        | Kind::ArrayType
        | Kind::GenericType
        | Kind::StructType
        | Kind::InterfaceType
        | Kind::FunctionType => Expr::Name(type_name(reader, node).unwrap_or_default()),
        Kind::ExpressionList => {
            let values: Vec<Expr> = node.parts().map(|child| visit(reader, child)).collect();
            match <[Expr; 1]>::try_from(values) {
                Ok([value]) => value,
                Err(values) => Expr::List(values),
            }
        }
        _ => statements(reader, node),
    }
}

/// Apart from the expressions, which nest deeper and need room for less.
fn statements(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        Kind::ShortVariable | Kind::Assignment => {
            assign(reader, node);
            Expr::Other
        }
        Kind::VariableSpec | Kind::ConstSpec => {
            declare(reader, node);
            Expr::Other
        }
        Kind::ExpressionStatement => {
            for child in node.parts() {
                let value = visit(reader, child);
                reader.dropped(&value);
            }
            Expr::Other
        }
        Kind::Spawn | Kind::Defer => {
            let role = if node.kind() == Kind::Spawn { CallRole::Spawn } else { CallRole::Defer };
            for child in node.parts() {
                let value = visit(reader, child);
                reader.in_role(&value, role);
            }
            Expr::Other
        }
        Kind::Return => {
            let mut values = Vec::new();
            for part in node.parts() {
                if part.kind() == Kind::ExpressionList {
                    values.extend(part.parts().map(|child| visit(reader, child)));
                } else {
                    values.push(visit(reader, part));
                }
            }
            for value in &values {
                reader.awaited(value);
            }
            let value = match <[Expr; 1]>::try_from(values) {
                Ok([value]) => value,
                Err(values) if values.is_empty() => Expr::Null,
                Err(values) => Expr::List(values),
            };
            reader.returned(value, node);
            Expr::Other
        }
        Kind::If => {
            branch(reader, node);
            Expr::Other
        }
        Kind::For => {
            reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
                for child in node.parts() {
                    if child.kind() == Kind::ForClause {
                        let condition = child.field(Field::Condition);
                        for inner in child.parts() {
                            let value = visit(reader, inner);
                            if Some(inner) == condition {
                                reader.this().condition = Some(value);
                            }
                        }
                    } else if matches!(child.kind(), Kind::RangeClause | Kind::Block) {
                        visit(reader, child);
                    } else {
                        let condition = visit(reader, child);
                        reader.this().condition = Some(condition);
                    }
                }
            });
            Expr::Other
        }
        Kind::RangeClause => {
            let over = node.field(Field::Right).map_or(Expr::Other, |child| visit(reader, child));
            for name in parts_of(node.field(Field::Left)) {
                let name = text(reader, name);
                reader.bind(name, None, None, node);
            }
            reader.this().condition = Some(Expr::Operation("range".to_owned(), vec![over]));
            Expr::Other
        }
        Kind::Case => {
            let value = node.field(Field::Value).or_else(|| node.field(Field::Communication));
            reader.inside(ScopeKind::Branch, String::new(), node, |reader| {
                if let Some(value) = value {
                    let condition = visit(reader, value);
                    reader.this().condition = Some(condition);
                }
                for child in node.parts().filter(|child| Some(*child) != value) {
                    visit(reader, child);
                }
            });
            Expr::Other
        }
        _ => {
            for child in node.parts() {
                visit(reader, child);
            }
            Expr::Other
        }
    }
}

fn import(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let Some(path) = node.field(Field::Path) else { return Expr::Other };
    let module = string(reader, path);
    let named = field_text(reader, node, Field::Name);
    let local = match named.as_str() {
        "" => package_name(&module).to_owned(),
        "_" => String::new(),
        name => name.to_owned(),
    };
    let taken = match named.as_str() {
        "." => Some("*".to_owned()),
        "_" => Some(String::new()),
        _ => None,
    };
    reader.import(without_version(&module), taken, local, node);
    Expr::Other
}

/// The module without its major version: `github.com/labstack/echo/v4` is `github.com/labstack/echo`, `gopkg.in/yaml.v3`
/// is `gopkg.in/yaml`.
fn without_version(module: &str) -> String {
    let is_version = |word: &str| {
        word.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let kept: Vec<&str> = module.split('/').filter(|word| !is_version(word)).collect();
    let joined = kept.join("/");
    match joined.rsplit_once('.') {
        Some((before, last)) if is_version(last) => before.to_owned(),
        _ => joined,
    }
}

/// The name that a package has without an alias: the last part of its path, but for versions and the usual affixes.
fn package_name(module: &str) -> &str {
    let plain = module.rsplit('/').find(|word| {
        !(word.starts_with('v') && word.len() > 1 && word.bytes().skip(1).all(|byte| byte.is_ascii_digit()))
    });
    let plain = plain.unwrap_or(module);
    let plain = plain.split_once(".v").map_or(plain, |(before, _)| before);
    let plain = plain.strip_prefix("go-").unwrap_or(plain);
    plain.strip_suffix("-go").or_else(|| plain.strip_suffix(".go")).unwrap_or(plain)
}

fn string(reader: &Reader<'_>, node: Node<'_>) -> String {
    let text = text(reader, node);
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// A type's name without pointers, slices and arguments: `*http.Client` is `http.Client`.
fn type_name(reader: &Reader<'_>, node: Node<'_>) -> Option<String> {
    match node.kind() {
        Kind::TypeIdentifier | Kind::QualifiedType | Kind::Identifier => Some(text(reader, node)),
        Kind::PointerType | Kind::ParenthesizedType => type_name(reader, node.parts().next()?),
        Kind::SliceType | Kind::ArrayType => type_name(reader, node.field(Field::Element)?),
        Kind::GenericType => type_name(reader, node.field(Field::Type)?),
        Kind::ChannelType => Some("chan".to_owned()),
        Kind::MapType => Some("map".to_owned()),
        Kind::FunctionType => Some("func".to_owned()),
        _ => None,
    }
}

fn declared_type(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = field_text(reader, node, Field::Name);
    let Some(body) = node.field(Field::Type) else { return Expr::Other };
    if body.kind() != Kind::StructType {
        let kind = type_name(reader, body);
        let scope = reader.inside(ScopeKind::Class, name, node, |reader| {
            reader.this().types = kind.into_iter().collect();
            for child in body.parts() {
                visit(reader, child);
            }
        });
        return Expr::Function(scope);
    }
    let scope = reader.inside(ScopeKind::Class, name, node, |reader| {
        for list in body.parts() {
            for field in list.parts() {
                let kind = field.field(Field::Type).and_then(|kind| type_name(reader, kind));
                if field.field(Field::Name).is_none() {
                    // An embedded type gives its methods away.
                    reader.this().types.extend(kind);
                    continue;
                }
                for name in field.fields(Field::Name) {
                    let name = text(reader, name);
                    reader.bind(format!("this.{name}"), kind.clone(), None, field);
                }
                if let Some(tag) = field.field(Field::Tag) {
                    let text = string(reader, tag);
                    reader.literal(text, tag);
                }
            }
        }
    });
    Expr::Function(scope)
}

fn function(reader: &mut Reader<'_>, node: Node<'_>, name: String) -> usize {
    reader.inside(ScopeKind::Function, name, node, |reader| {
        if let Some(receiver) = node.field(Field::Receiver) {
            for parameter in receiver.parts() {
                let kind = parameter.field(Field::Type).and_then(|kind| type_name(reader, kind));
                reader.this().types.extend(kind.clone());
                let name = field_text(reader, parameter, Field::Name);
                reader.bind(name, kind, None, parameter);
            }
        }
        if let Some(list) = node.field(Field::Parameters) {
            for parameter in list.parts() {
                let kind = parameter.field(Field::Type).and_then(|kind| type_name(reader, kind));
                for name in parameter.fields(Field::Name) {
                    let name = text(reader, name);
                    reader.parameter(name, kind.clone(), None);
                }
            }
        }
        if let Some(result) = node.field(Field::Result) {
            let last = if result.kind() == Kind::ParameterList { result.parts().last() } else { Some(result) };
            let kind = last.map(|last| last.field(Field::Type).unwrap_or(last));
            reader.this().fails = kind.is_some_and(|kind| text(reader, kind) == "error");
        }
        if let Some(body) = node.field(Field::Body) {
            let mut empty = true;
            for part in body.parts() {
                if part.kind() == Kind::StatementList {
                    for statement in part.parts() {
                        empty = false;
                        visit(reader, statement);
                    }
                } else {
                    empty = false;
                    visit(reader, part);
                }
            }
            reader.this().empty = empty;
        }
    })
}

fn path(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let of = node.field(Field::Operand).map_or(Expr::Other, |child| callee(reader, child));
    let name = field_text(reader, node, Field::Selected);
    member(of, &name)
}

/// What is called, or has a member that is: not a read of its own.
fn callee(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    reader.deeper(node, |reader| match node.kind() {
        Kind::Selector => path(reader, node),
        Kind::Parenthesized => node.parts().next().map_or(Expr::Other, |child| callee(reader, child)),
        // What is said to be of a type is called as that.
        Kind::TypeAssertion => {
            let value = visit(reader, node);
            match node.field(Field::Type).and_then(|kind| type_name(reader, kind)) {
                Some(kind) if kind.contains('.') => Expr::Object { kind: Some(kind), fields: Vec::new() },
                _ => value,
            }
        }
        // `lru.New[string](5)` reads like an element that is called; exported functions are no elements.
        Kind::Index => match visit(reader, node) {
            Expr::Index(of, key)
                if matches!(*key, Expr::Name(_))
                    && of
                        .name()
                        .and_then(|path| path.rsplit('.').next())
                        .is_some_and(|last| last.starts_with(|letter: char| letter.is_ascii_uppercase())) =>
            {
                *of
            }
            other => other,
        },
        _ => visit(reader, node),
    })
}

fn call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let callee = node.field(Field::Function).map_or(Expr::Other, |child| callee(reader, child));
    let list = node.field(Field::Arguments);
    let arguments = parts_of(list).map(|child| {
        let value = visit(reader, child);
        Argument { name: None, value }
    });
    let arguments: Vec<Argument> = arguments.collect();
    // `new(T)` is `&T{}`.
    if let (Some("new"), [Argument { value: Expr::Name(kind), .. }]) = (callee.name(), arguments.as_slice()) {
        return Expr::Object { kind: Some(kind.clone()), fields: Vec::new() };
    }
    let role = if callee.name() == Some("panic") { CallRole::Throw } else { CallRole::Plain };
    // A conversion looks like a call: `time.Duration(n)`.
    reader.call(callee, arguments, role, node)
}

fn composite(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let kind_node = node.field(Field::Type);
    let kind = kind_node.and_then(|kind| type_name(reader, kind));
    let several = kind_node.is_some_and(|kind| matches!(kind.kind(), Kind::SliceType | Kind::ArrayType));
    let body = node.field(Field::Body);
    literal_value(reader, body, kind, several)
}

fn literal_value(reader: &mut Reader<'_>, body: Option<Node<'_>>, kind: Option<String>, several: bool) -> Expr {
    let mut fields = Vec::new();
    let mut items = Vec::new();
    for element in parts_of(body) {
        if element.kind() == Kind::KeyedElement {
            let mut pair = element.parts();
            let key = pair.next().map_or_else(String::new, |key| {
                let text = text(reader, key);
                text.trim_matches(['"', '`']).to_owned()
            });
            let value = pair.next().map_or(Expr::Other, |value| element_value(reader, value, None));
            fields.push((key, value));
        } else {
            let of = if several { kind.clone() } else { None };
            items.push(element_value(reader, element, of));
        }
    }
    if several && fields.is_empty() { Expr::List(items) } else { Expr::Object { kind, fields } }
}

fn element_value(reader: &mut Reader<'_>, node: Node<'_>, kind: Option<String>) -> Expr {
    let inner = if node.kind() == Kind::LiteralElement { node.parts().next() } else { Some(node) };
    match inner {
        Some(inner) if inner.kind() == Kind::LiteralValue => literal_value(reader, Some(inner), kind, false),
        Some(inner) => visit(reader, inner),
        None => Expr::Other,
    }
}

fn assign(reader: &mut Reader<'_>, node: Node<'_>) {
    let values: Vec<Expr> = parts_of(node.field(Field::Right)).map(|child| visit(reader, child)).collect();
    let targets: Vec<Node<'_>> = parts_of(node.field(Field::Left)).collect();
    // The error that a call gives is looked at unless it is thrown away by name.
    let error_kept = targets.last().is_some_and(|last| text(reader, *last) != "_");
    let several = targets.len() > values.len();
    for (at, target) in targets.into_iter().enumerate() {
        let name = match target.kind() {
            Kind::Selector => match path(reader, target) {
                Expr::Name(name) => name,
                _ => continue,
            },
            Kind::Identifier => text(reader, target),
            _ => {
                visit(reader, target);
                continue;
            }
        };
        let (value, nth) = if several { (values.first(), at) } else { (values.get(at), 0) };
        reader.bind_nth(name, None, value.cloned(), nth, node);
    }
    if error_kept {
        for value in &values {
            reader.awaited(value);
        }
    }
}

fn declare(reader: &mut Reader<'_>, node: Node<'_>) {
    let kind = node.field(Field::Type).and_then(|kind| type_name(reader, kind));
    let values: Vec<Expr> = parts_of(node.field(Field::Value)).map(|child| visit(reader, child)).collect();
    let several = node.fields(Field::Name).count() > values.len();
    for (at, name) in node.fields(Field::Name).filter(|name| name.kind() == Kind::Identifier).enumerate() {
        let name = text(reader, name);
        let (value, nth) = if several { (values.first(), at) } else { (values.get(at), 0) };
        reader.bind_nth(name, kind.clone(), value.cloned(), nth, node);
    }
}

fn branch(reader: &mut Reader<'_>, node: Node<'_>) {
    if let Some(initializer) = node.field(Field::Initializer) {
        visit(reader, initializer);
    }
    let condition = node.field(Field::Condition).map_or(Expr::Other, |child| visit(reader, child));
    if let Some(body) = node.field(Field::Consequence) {
        reader.inside(ScopeKind::Branch, String::new(), body, |reader| {
            reader.this().condition = Some(condition.clone());
            reader.this().empty = body.parts().next().is_none();
            visit(reader, body);
        });
    }
    if let Some(body) = node.field(Field::Alternative) {
        reader.inside(ScopeKind::Branch, String::new(), body, |reader| {
            reader.this().condition = Some(Expr::Operation("!".to_owned(), vec![condition]));
            visit(reader, body);
        });
    }
}

fn binary(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let left = node.field(Field::Left).map_or(Expr::Other, |child| visit(reader, child));
    let right = node.field(Field::Right).map_or(Expr::Other, |child| visit(reader, child));
    let operator = field_text(reader, node, Field::Operator);
    if operator == "||" {
        reader.default_of(&left, &right);
    }
    Expr::Operation(operator, vec![left, right])
}

fn text(reader: &Reader<'_>, node: Node<'_>) -> String {
    let (start, end) = node.range();
    reader.between(start, end)
}

/// The text of a part, empty where there is none.
fn field_text(reader: &Reader<'_>, node: Node<'_>, field: Field) -> String {
    node.field(field).map(|child| text(reader, child)).unwrap_or_default()
}

fn parts_of(node: Option<Node<'_>>) -> impl Iterator<Item = Node<'_>> {
    node.into_iter().flat_map(Node::parts)
}
