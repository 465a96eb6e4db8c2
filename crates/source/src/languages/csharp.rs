//! C#.

use tree_sitter::Node;

use super::{
    steps::{
        binary, block_text, branch, first, gives_back, is_empty, list, several, statement, through, throw, type_name,
        unary, value_of, with_holes,
    },
    visit,
};
use crate::{
    Argument, CallRole, Expr, ScopeKind,
    reader::{Reader, copy, element, fields, member, number, part, parts},
};

pub(crate) fn visit_node(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "using_directive" => import(reader, node),
        "namespace_declaration" | "file_scoped_namespace_declaration" => {
            if reader.module.package.is_empty() {
                reader.module.package = reader.field_text(node, "name");
            }
            through(reader, node)
        }
        "class_declaration"
        | "struct_declaration"
        | "record_declaration"
        | "interface_declaration"
        | "enum_declaration" => class(reader, node),
        "enum_member_declaration" => {
            let name = reader.field_text(node, "name");
            let value = node.child_by_field_name("value").map(|value| visit(reader, value));
            reader.bind(format!("this.{name}"), None, value, node);
            Expr::Other
        }
        "field_declaration" | "event_field_declaration" => {
            attributes(reader, node);
            if let Some(declaration) = part(node, &["variable_declaration"]) {
                variables(reader, declaration, node, "this.");
            }
            Expr::Other
        }
        "variable_declaration" => variables(reader, node, node, ""),
        "property_declaration" | "event_declaration" | "indexer_declaration" => property(reader, node),
        "method_declaration"
        | "constructor_declaration"
        | "destructor_declaration"
        | "operator_declaration"
        | "conversion_operator_declaration"
        | "lambda_expression"
        | "anonymous_method_expression" => {
            let name = reader.field_text(node, "name");
            function(reader, node, name)
        }
        "local_function_statement" => {
            let name = reader.field_text(node, "name");
            let value = function(reader, node, name.clone());
            reader.bind(name, None, Some(copy(&value)), node);
            value
        }
        "constructor_initializer" => {
            let text = reader.text(node);
            let name = if text.trim_start_matches(':').trim_start().starts_with("this") { "this" } else { "base" };
            let arguments = part(node, &["argument_list"]).map(|list| arguments(reader, list)).unwrap_or_default();
            reader.call(Expr::Name(name.to_owned()), arguments, CallRole::Plain, node)
        }
        "attribute" => attribute(reader, node),
        "delegate_declaration" => Expr::Other,
        _ => statements(reader, node),
    }
}

fn statements(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "expression_statement" => statement(reader, node),
        "return_statement" => {
            let value = if parts(node).is_empty() { Expr::Null } else { first(reader, node) };
            gives_back(reader, value, node);
            Expr::Other
        }
        "throw_statement" | "throw_expression" => {
            let value = first(reader, node);
            throw(reader, value, node)
        }
        "if_statement" => {
            branch(reader, node);
            Expr::Other
        }
        "switch_section" => section(reader, node),
        "switch_expression" => choice(reader, node),
        "for_statement" | "foreach_statement" | "while_statement" | "do_statement" => repeat(reader, node),
        "try_statement" => trying(reader, node),
        _ => expression(reader, node),
    }
}

fn expression(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "invocation_expression" => call(reader, node),
        "object_creation_expression" => {
            let kind = node.child_by_field_name("type").and_then(|kind| named(reader, kind));
            make(reader, node, kind)
        }
        "implicit_object_creation_expression" => make(reader, node, None),
        "await_expression" => {
            let value = first(reader, node);
            waited(reader, &value);
            value
        }
        "identifier" | "this" | "base" | "predefined_type" => Expr::Name(reader.text(node)),
        "generic_name" | "qualified_name" | "alias_qualified_name" | "typeof_expression" => {
            let kind = part(node, &["identifier"]).filter(|_| node.kind() == "generic_name").unwrap_or(node);
            let kind = node.child_by_field_name("type").unwrap_or(kind);
            Expr::Name(named(reader, kind).unwrap_or_default())
        }
        "member_access_expression" | "conditional_access_expression" | "element_access_expression" => {
            let value = callee(reader, node);
            reader.read(&value, node);
            value
        }
        "assignment_expression" => assignment(reader, node),
        "binary_expression" => binary(reader, node),
        "prefix_unary_expression" | "postfix_unary_expression" => {
            let Some(operand) = parts(node).into_iter().next() else { return Expr::Other };
            let inner = visit(reader, operand);
            let operator = reader.between(node.start_byte(), operand.start_byte())
                + &reader.between(operand.end_byte(), node.end_byte());
            // `value!` only calms the compiler.
            if node.kind() == "postfix_unary_expression" && operator.trim() == "!" {
                return inner;
            }
            unary(operator.trim().to_owned(), inner)
        }
        "conditional_expression" => {
            let items = ["condition", "consequence", "alternative"].map(|field| value_of(reader, node, field));
            Expr::Operation("?".to_owned(), items.into())
        }
        "parenthesized_expression" | "checked_expression" | "constant_pattern" | "ref_expression" => {
            first(reader, node)
        }
        "cast_expression" => value_of(reader, node, "value"),
        "as_expression" => value_of(reader, node, "left"),
        "is_expression" | "is_pattern_expression" => {
            let items = parts(node).into_iter().map(|child| visit(reader, child)).collect();
            Expr::Operation("is".to_owned(), items)
        }
        "declaration_expression" | "declaration_pattern" | "var_pattern" => {
            let kind = node.child_by_field_name("type").and_then(|kind| named(reader, kind));
            let name = reader.field_text(node, "name");
            reader.bind(name.clone(), kind, None, node);
            Expr::Name(name)
        }
        _ => literal(reader, node),
    }
}

fn literal(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    match node.kind() {
        "string_literal"
        | "verbatim_string_literal"
        | "raw_string_literal"
        | "character_literal"
        | "interpolated_string_expression" => string(reader, node),
        "integer_literal" | "real_literal" => number(&reader.text(node)),
        "boolean_literal" => Expr::Bool(reader.text(node) == "true"),
        "null_literal" => Expr::Null,
        "collection_expression" | "tuple_expression" => list(reader, node),
        "argument" | "collection_element" | "expression_element" | "spread_element" => first(reader, node),
        "initializer_expression" => initializer(reader, node).0,
        "array_creation_expression" | "implicit_array_creation_expression" => {
            let value = part(node, &["initializer_expression"]);
            for size in parts(node).into_iter().filter(|child| Some(*child) != value) {
                visit(reader, size);
            }
            value.map_or(Expr::Other, |value| visit(reader, value))
        }
        "anonymous_object_creation_expression" | "with_initializer" => {
            Expr::Object { kind: None, fields: pairs(reader, node) }
        }
        _ => through(reader, node),
    }
}

/// The name of the type that a node writes out.
fn named(reader: &Reader<'_>, node: Node<'_>) -> Option<String> {
    type_name(reader.text(node).trim_start_matches("global::"))
}

/// The type that a function gives; of a task, what it will give.
fn given(reader: &Reader<'_>, node: Node<'_>) -> Option<String> {
    let text = reader.text(node);
    let inner = text.strip_prefix("Task<").or_else(|| text.strip_prefix("ValueTask<"));
    type_name(inner.unwrap_or(&text))
}

/// `using A.B`, `using static A.B.C`, `using X = A.B.C`, each with or without `global`.
fn import(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let alias = node.child_by_field_name("name");
    let path = parts(node).into_iter().rfind(|child| Some(*child) != alias);
    let Some(path) = path.and_then(|path| named(reader, path)) else { return Expr::Other };
    match (alias, path.rsplit_once('.')) {
        (Some(alias), Some((module, name))) => {
            let local = reader.text(alias);
            reader.import(module.to_owned(), Some(name.to_owned()), local, node);
        }
        (Some(alias), None) => {
            let local = reader.text(alias);
            reader.import(path, None, local, node);
        }
        (None, _) => reader.import(path, Some("*".to_owned()), String::new(), node),
    }
    Expr::Other
}

fn class(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = reader.field_text(node, "name");
    let bases = part(node, &["base_list"]);
    let types = bases.map(parts).unwrap_or_default().into_iter();
    let types: Vec<String> =
        types.filter(|kind| kind.kind() != "argument_list").filter_map(|kind| named(reader, kind)).collect();
    let scope = reader.inside(ScopeKind::Class, name, node, |reader| {
        reader.this().types = types;
        attributes(reader, node);
        if let Some(list) = part(node, &["parameter_list"]) {
            for one in parts(list) {
                attributes(reader, one);
                let name = reader.field_text(one, "name");
                let kind = one.child_by_field_name("type").and_then(|kind| named(reader, kind));
                let default = default(reader, one);
                reader.bind(format!("this.{name}"), kind, default, one);
            }
        }
        for list in bases.map(parts).unwrap_or_default() {
            // `class A(int x) : Base(x)` and its newer node both hold the arguments for the class above.
            let list = if list.kind() == "argument_list" { Some(list) } else { part(list, &["argument_list"]) };
            if let Some(list) = list {
                let arguments = arguments(reader, list);
                reader.call(Expr::Name("base".to_owned()), arguments, CallRole::Plain, list);
            }
        }
        value_of(reader, node, "body");
    });
    Expr::Function(scope)
}

/// The attributes of a declaration, in the scope that is open.
fn attributes(reader: &mut Reader<'_>, node: Node<'_>) {
    for attributes in parts(node).into_iter().filter(|child| child.kind() == "attribute_list") {
        visit(reader, attributes);
    }
}

fn attribute(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let name = node.child_by_field_name("name").and_then(|name| named(reader, name)).unwrap_or_default();
    let arguments = part(node, &["attribute_argument_list"]).map(|list| arguments(reader, list)).unwrap_or_default();
    reader.call(Expr::Name(name), arguments, CallRole::Annotation, node)
}

fn variables(reader: &mut Reader<'_>, node: Node<'_>, whole: Node<'_>, prefix: &str) -> Expr {
    let kind = node.child_by_field_name("type").and_then(|kind| named(reader, kind));
    for variable in parts(node).into_iter().filter(|child| child.kind() == "variable_declarator") {
        let target = variable.child_by_field_name("name").or_else(|| part(variable, &["tuple_pattern"]));
        let value = parts(variable).into_iter().rfind(|child| Some(*child) != target);
        let value = value.map(|value| typed(reader, value, kind.as_ref()));
        match target {
            Some(tuple) if tuple.kind() == "tuple_pattern" => bind_tuple(reader, tuple, value.as_ref(), whole),
            Some(name) => {
                let name = reader.text(name);
                reader.bind(format!("{prefix}{name}"), kind.clone(), value, whole);
            }
            None => (),
        }
    }
    Expr::Other
}

/// A value for something whose type is written: `HttpClient client = new();` makes one of those.
fn typed(reader: &mut Reader<'_>, node: Node<'_>, kind: Option<&String>) -> Expr {
    match node.kind() {
        "implicit_object_creation_expression" => make(reader, node, kind.cloned()),
        _ => visit(reader, node),
    }
}

fn bind_tuple(reader: &mut Reader<'_>, tuple: Node<'_>, value: Option<&Expr>, node: Node<'_>) {
    for (nth, name) in parts(tuple).into_iter().enumerate() {
        let inner = if name.kind() == "argument" { part(name, &["identifier"]) } else { Some(name) };
        match inner {
            Some(name) if name.kind() == "identifier" => {
                let name = reader.text(name);
                reader.bind_nth(name, None, value.map(copy), nth, node);
            }
            _ => {
                visit(reader, name);
            }
        }
    }
}

/// A property is a field, and functions where its accessors have bodies.
fn property(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    attributes(reader, node);
    let name = reader.field_text(node, "name");
    let kind = node.child_by_field_name("type").and_then(|kind| named(reader, kind));
    let mut value = None;
    match node.child_by_field_name("value") {
        Some(arrow) if arrow.kind() == "arrow_expression_clause" => {
            reader.inside(ScopeKind::Function, name.clone(), arrow, |reader| {
                reader.this().types = kind.clone().into_iter().collect();
                let value = first(reader, arrow);
                gives_back(reader, value, arrow);
            });
        }
        initial => value = initial.map(|initial| typed(reader, initial, kind.as_ref())),
    }
    for accessor in node.child_by_field_name("accessors").map(parts).unwrap_or_default() {
        if accessor.child_by_field_name("body").is_some() {
            function(reader, accessor, name.clone());
        }
    }
    if !name.is_empty() {
        reader.bind(format!("this.{name}"), kind, value, node);
    }
    Expr::Other
}

fn function(reader: &mut Reader<'_>, node: Node<'_>, name: String) -> Expr {
    let gives = node.child_by_field_name("returns").or_else(|| node.child_by_field_name("type"));
    let nothing = gives.is_some_and(|gives| reader.text(gives) == "void")
        || matches!(node.kind(), "constructor_declaration" | "destructor_declaration" | "accessor_declaration");
    let gives = gives.and_then(|gives| given(reader, gives));
    let body = node.child_by_field_name("body").or_else(|| part(node, &["block"]));
    let asynchronous = parts(node).iter().any(|child| child.kind() == "modifier" && reader.text(*child) == "async");
    let scope = reader.inside(ScopeKind::Function, name, node, |reader| {
        reader.this().types = gives.into_iter().collect();
        reader.this().asynchronous = asynchronous;
        reader.this().empty = body.is_some_and(is_empty);
        attributes(reader, node);
        if let Some(list) = node.child_by_field_name("parameters") {
            parameters(reader, list);
        }
        if let Some(above) = part(node, &["constructor_initializer"]) {
            visit(reader, above);
        }
        match body {
            Some(body) if body.kind() == "arrow_expression_clause" && nothing => {
                statement(reader, body);
            }
            Some(body) if body.kind() == "block" => {
                visit(reader, body);
            }
            Some(body) => {
                let arrow = body.kind() == "arrow_expression_clause";
                let value = if arrow { first(reader, body) } else { visit(reader, body) };
                gives_back(reader, value, body);
            }
            None => (),
        }
    });
    Expr::Function(scope)
}

fn parameters(reader: &mut Reader<'_>, node: Node<'_>) {
    if matches!(node.kind(), "implicit_parameter" | "identifier") {
        let name = reader.text(node);
        return reader.parameter(name, None, None);
    }
    for one in parts(node).into_iter().filter(|child| matches!(child.kind(), "parameter" | "implicit_parameter")) {
        attributes(reader, one);
        let name = one.child_by_field_name("name").unwrap_or(one);
        let name = reader.text(name);
        let kind = one.child_by_field_name("type").and_then(|kind| named(reader, kind));
        let default = default(reader, one);
        reader.parameter(name, kind, default);
    }
    // `params string[] rest` hangs on the list itself.
    if node.child_by_field_name("name").is_some() {
        let name = reader.field_text(node, "name");
        let kind = node.child_by_field_name("type").and_then(|kind| named(reader, kind));
        reader.parameter(name, kind, None);
    }
}

/// What stands in for a parameter that is not given.
fn default(reader: &mut Reader<'_>, parameter: Node<'_>) -> Option<Expr> {
    let name = parameter.child_by_field_name("name")?;
    let value = parts(parameter).into_iter().find(|child| child.start_byte() >= name.end_byte())?;
    Some(visit(reader, value))
}

/// A name with its members, without noting that it is read.
fn callee(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    reader.deeper(node, |reader| match node.kind() {
        "member_access_expression" => {
            let of = node.child_by_field_name("expression").map_or(Expr::Other, |child| callee(reader, child));
            let name = node.child_by_field_name("name").map(|name| plain(reader, name)).unwrap_or_default();
            of_task(reader, &of, &name);
            member(of, &name)
        }
        "conditional_access_expression" => {
            let of = node.child_by_field_name("condition").map_or(Expr::Other, |child| callee(reader, child));
            let Some(binding) = part(node, &["member_binding_expression"]) else {
                let key = part(node, &["element_binding_expression"]).map_or(Expr::Other, |key| first(reader, key));
                return element(of, key);
            };
            let name = binding.child_by_field_name("name").map(|name| plain(reader, name)).unwrap_or_default();
            of_task(reader, &of, &name);
            member(of, &name)
        }
        "element_access_expression" => {
            let of = node.child_by_field_name("expression").map_or(Expr::Other, |child| callee(reader, child));
            let keys = node.child_by_field_name("subscript").map(parts).unwrap_or_default();
            let keys = keys.into_iter().map(|key| visit(reader, key)).collect();
            element(of, several(keys).unwrap_or(Expr::Other))
        }
        "postfix_unary_expression" if reader.between(node.end_byte().saturating_sub(1), node.end_byte()) == "!" => {
            parts(node).first().map_or(Expr::Other, |child| callee(reader, *child))
        }
        "parenthesized_expression" => parts(node).first().map_or(Expr::Other, |child| callee(reader, *child)),
        _ => visit(reader, node),
    })
}

/// A name without the types that it is given: `AddHttpClient<Shop>` is `AddHttpClient`.
fn plain(reader: &Reader<'_>, node: Node<'_>) -> String {
    match node.kind() {
        "generic_name" => part(node, &["identifier"]).map(|name| reader.text(name)).unwrap_or_default(),
        _ => reader.text(node),
    }
}

/// `task.Result` and `task.Wait()` wait for it.
fn of_task(reader: &mut Reader<'_>, of: &Expr, member: &str) {
    if matches!(member, "Result" | "Wait" | "GetAwaiter" | "ContinueWith") {
        waited(reader, of);
    }
}

/// Somebody waits for a call, be it through `ConfigureAwait`.
fn waited(reader: &mut Reader<'_>, value: &Expr) {
    reader.awaited(value);
    if let Expr::Call(at) = value
        && let Some(Expr::Member(of, name)) = reader.module.calls.get(*at).map(|call| &call.callee)
        && let (Expr::Call(inner), "ConfigureAwait" | "AsTask" | "WaitAsync") = (&**of, name.as_str())
    {
        let inner = *inner;
        reader.awaited(&Expr::Call(inner));
    }
}

fn call(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let called = node.child_by_field_name("function").map_or(Expr::Other, |child| callee(reader, child));
    let list = node.child_by_field_name("arguments");
    let arguments = list.map(|list| arguments(reader, list)).unwrap_or_default();
    reader.call(called, arguments, CallRole::Plain, node)
}

fn arguments(reader: &mut Reader<'_>, list: Node<'_>) -> Vec<Argument> {
    parts(list)
        .into_iter()
        .map(|child| {
            let name = child.child_by_field_name("name").filter(|_| child.kind().ends_with("argument"));
            let value = parts(child).into_iter().rfind(|inner| Some(*inner) != name);
            let value = match value {
                Some(value) if child.kind().ends_with("argument") => visit(reader, value),
                _ => visit(reader, child),
            };
            Argument { name: name.map(|name| reader.text(name)), value }
        })
        .collect()
}

/// `new Kind(arguments) { Field = value }`: the fields are arguments by name.
fn make(reader: &mut Reader<'_>, node: Node<'_>, kind: Option<String>) -> Expr {
    let list = part(node, &["argument_list"]);
    let mut arguments = list.map(|list| arguments(reader, list)).unwrap_or_default();
    if let Some(initializer) = part(node, &["initializer_expression"]) {
        match self::initializer(reader, initializer) {
            (Expr::Object { fields, .. }, true) => {
                arguments.extend(fields.into_iter().map(|(name, value)| Argument { name: Some(name), value }));
            }
            (value, _) => arguments.push(Argument { name: None, value }),
        }
    }
    reader.call(kind.map_or(Expr::Other, Expr::Name), arguments, CallRole::Make, node)
}

/// `{ 1, 2 }` is a list, `{ ["a"] = 1 }` and `{ { "a", 1 } }` are objects, `{ Field = 1 }` is one of fields by name (true).
fn initializer(reader: &mut Reader<'_>, node: Node<'_>) -> (Expr, bool) {
    let mut fields = Vec::new();
    let mut items = Vec::new();
    let mut by_name = false;
    for child in parts(node) {
        if child.kind() == "assignment_expression" {
            let left = child.child_by_field_name("left");
            let name = match left {
                Some(left) if left.kind() == "identifier" => {
                    by_name = true;
                    reader.text(left)
                }
                Some(left) => key(first(reader, left)),
                None => String::new(),
            };
            let value = value_of(reader, child, "right");
            fields.push((name, value));
        } else if child.kind() == "initializer_expression" {
            let mut pair = parts(child).into_iter().map(|one| visit(reader, one)).collect::<Vec<_>>().into_iter();
            let name = pair.next().map(key).unwrap_or_default();
            fields.push((name, several(pair.collect()).unwrap_or(Expr::Other)));
        } else {
            items.push(visit(reader, child));
        }
    }
    if fields.is_empty() {
        return (Expr::List(items), false);
    }
    (Expr::Object { kind: None, fields }, by_name)
}

fn key(value: Expr) -> String {
    match value {
        Expr::Text(text) | Expr::Name(text) | Expr::Number(text) => text,
        _ => String::new(),
    }
}

/// `name = value, name`: the pairs of an object without a type.
fn pairs(reader: &mut Reader<'_>, node: Node<'_>) -> Vec<(String, Expr)> {
    let mut found = Vec::new();
    let mut name = None;
    for child in parts(node) {
        if child.next_sibling().is_some_and(|next| next.kind() == "=") {
            name = Some(reader.text(child));
            continue;
        }
        let value = visit(reader, child);
        let own = value.name().and_then(|name| name.rsplit('.').next()).unwrap_or_default().to_owned();
        found.push((name.take().unwrap_or(own), value));
    }
    found
}

fn assignment(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let value = value_of(reader, node, "right");
    let Some(left) = node.child_by_field_name("left") else { return value };
    if left.kind() == "tuple_expression" {
        bind_tuple(reader, left, Some(&value), node);
        return value;
    }
    let target = callee(reader, left);
    let operator = reader.field_text(node, "operator");
    if operator != "=" {
        return Expr::Operation(operator, vec![target, value]);
    }
    if let Expr::Name(name) = target {
        reader.bind(name, None, Some(copy(&value)), node);
    }
    value
}

fn string(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let holes: Vec<Node<'_>> = parts(node).into_iter().filter(|child| child.kind() == "interpolation").collect();
    let text = with_holes(reader, node, &holes);
    let text = text.trim_start_matches(['$', '@']);
    let text = text.strip_suffix("u8").or_else(|| text.strip_suffix("U8")).unwrap_or(text);
    let quotes = text.len() - text.trim_start_matches('"').len();
    let plain = if quotes >= 3 && node.kind() != "verbatim_string_literal" {
        block_text(text.trim_start_matches('"').trim_end_matches('"'))
    } else {
        text.get(1..text.len().saturating_sub(1)).unwrap_or_default().to_owned()
    };
    reader.literal(plain, node)
}

/// One section of a `switch` statement.
fn section(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let (body, labels): (Vec<_>, Vec<_>) = parts(node)
        .into_iter()
        .partition(|child| child.kind().ends_with("_statement") || matches!(child.kind(), "block" | "ERROR"));
    reader.inside(ScopeKind::Branch, String::new(), node, |reader| {
        let values = labels.into_iter().map(|label| visit(reader, label)).collect();
        reader.this().condition = several(values);
        for statement in body {
            visit(reader, statement);
        }
    });
    Expr::Other
}

/// `subject switch { pattern => value }`.
fn choice(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let mut values = Vec::new();
    for child in parts(node) {
        if child.kind() != "switch_expression_arm" {
            values.push(visit(reader, child));
            continue;
        }
        let mut patterns = parts(child);
        let result = patterns.pop();
        reader.inside(ScopeKind::Branch, String::new(), child, |reader| {
            let conditions = patterns.into_iter().filter(|pattern| pattern.kind() != "discard");
            let conditions = conditions.map(|pattern| visit(reader, pattern)).collect();
            reader.this().condition = several(conditions);
            values.extend(result.map(|result| visit(reader, result)));
        });
    }
    Expr::Operation("?".to_owned(), values)
}

fn repeat(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    // What a loop starts with and goes over is read once, before it.
    let over = node.child_by_field_name("right").map(|over| visit(reader, over));
    for start in fields(node, "initializer") {
        visit(reader, start);
    }
    reader.inside(ScopeKind::Loop, String::new(), node, |reader| {
        match node.child_by_field_name("left") {
            Some(tuple) if tuple.kind() == "tuple_pattern" => bind_tuple(reader, tuple, None, tuple),
            Some(name) => {
                let kind = node.child_by_field_name("type").and_then(|kind| named(reader, kind));
                let text = reader.text(name);
                reader.bind(text, kind, None, name);
            }
            None => (),
        }
        let condition = match over {
            Some(over) => Some(Expr::Operation("range".to_owned(), vec![over])),
            None => node.child_by_field_name("condition").map(|condition| visit(reader, condition)),
        };
        reader.this().condition = condition;
        for step in fields(node, "update") {
            visit(reader, step);
        }
        if let Some(body) = node.child_by_field_name("body") {
            reader.this().empty = is_empty(body);
            visit(reader, body);
        }
    });
    Expr::Other
}

fn trying(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    if let Some(body) = node.child_by_field_name("body") {
        reader.inside(ScopeKind::Try, String::new(), body, |reader| {
            visit(reader, body);
        });
    }
    for clause in parts(node) {
        match clause.kind() {
            "catch_clause" => catch(reader, clause),
            "finally_clause" => {
                reader.inside(ScopeKind::Finally, String::new(), clause, |reader| {
                    through(reader, clause);
                });
            }
            _ => (),
        }
    }
    Expr::Other
}

fn catch(reader: &mut Reader<'_>, node: Node<'_>) {
    let caught = part(node, &["catch_declaration"]);
    let variable = caught.map(|caught| reader.field_text(caught, "name")).unwrap_or_default();
    let kind = caught.and_then(|caught| caught.child_by_field_name("type")).and_then(|kind| named(reader, kind));
    reader.inside(ScopeKind::Catch, variable, node, |reader| {
        reader.this().types = kind.into_iter().collect();
        let filter = part(node, &["catch_filter_clause"]);
        if let Some(filter) = filter {
            let condition = first(reader, filter);
            reader.this().condition = Some(condition);
        }
        if let Some(body) = node.child_by_field_name("body") {
            // A filter has looked at what it is that is let go.
            reader.this().empty = filter.is_none() && is_empty(body);
            visit(reader, body);
        }
    });
}
