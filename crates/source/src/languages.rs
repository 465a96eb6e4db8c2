//! One file a language: from its syntax tree to a module.

use std::{cell::RefCell, collections::BTreeMap, ops::ControlFlow};

use tree_sitter::{Node, ParseOptions, Parser};

use crate::{Expr, Language, Module, Spot, reader::Reader};

mod csharp;
mod go;
mod java;
mod javascript;
mod kotlin;
mod php;
mod python;
mod ruby;
mod rust;
mod steps;

/// Steps of the parser's progress, 100 operations each, that normal code never reaches: it takes a fiftieth of its bytes.
fn patience(bytes: usize) -> usize {
    1_000 + bytes / 10
}

thread_local! {
    static PARSERS: RefCell<BTreeMap<(Language, bool), Parser>> = const { RefCell::new(BTreeMap::new()) };
}

pub(crate) fn read(language: Language, bytes: &[u8]) -> Module {
    if language == Language::Go {
        let mut reader = Reader::new(language, bytes);
        if go::read(&mut reader, bytes).is_some() {
            return reader.module;
        }
    }
    by_grammar(language, bytes)
}

/// What the grammar of tree-sitter makes of a file.
pub(crate) fn by_grammar(language: Language, bytes: &[u8]) -> Module {
    let jsx = language == Language::TypeScript && bytes.windows(2).any(|two| two == b"</" || two == b"/>");
    PARSERS.with_borrow_mut(|parsers| {
        let parser = parsers.entry((language, jsx)).or_insert_with(|| parser(language, jsx));
        let mut steps = 0;
        let limit = patience(bytes.len());
        let mut watch = |_: &tree_sitter::ParseState| {
            steps += 1;
            if steps > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = ParseOptions::new().progress_callback(&mut watch);
        // Places stay as they are: what the grammar cannot read is blank.
        let blanked = if language == Language::Kotlin { kotlin::without_type_arguments(bytes) } else { None };
        let parsed = blanked.as_deref().unwrap_or(bytes);
        let tree = parser.parse_with_options(&mut |at, _| parsed.get(at..).unwrap_or_default(), None, Some(options));
        let mut reader = Reader::new(language, bytes);
        if let Some(tree) = &tree {
            if language == Language::Ruby {
                reader.heredocs = ruby::heredocs(tree.root_node());
            }
            if language == Language::Go {
                go::visit_tree(&mut reader, tree);
            } else {
                visit(&mut reader, tree.root_node());
            }
        } else {
            parser.reset();
            reader.module.broken.push(Spot { line: 1, ..Spot::default() });
        }
        reader.module
    })
}

fn parser(language: Language, jsx: bool) -> Parser {
    let grammar = match language {
        Language::Go => tree_sitter_go::LANGUAGE,
        Language::Python => tree_sitter_python::LANGUAGE,
        Language::JavaScript => tree_sitter_javascript::LANGUAGE,
        Language::TypeScript if jsx => tree_sitter_typescript::LANGUAGE_TSX,
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        Language::Java => tree_sitter_java::LANGUAGE,
        Language::Kotlin => tree_sitter_kotlin_ng::LANGUAGE,
        Language::CSharp => tree_sitter_c_sharp::LANGUAGE,
        Language::Ruby => tree_sitter_ruby::LANGUAGE,
        Language::Rust => tree_sitter_rust::LANGUAGE,
        Language::Php => tree_sitter_php::LANGUAGE_PHP,
    };
    let mut parser = Parser::new();
    parser.set_language(&grammar.into()).expect("the grammars are of a version that the library loads");
    parser
}

/// Reads a node by the rules of its language.
pub(crate) fn visit(reader: &mut Reader<'_>, node: Node<'_>) -> Expr {
    let read = match reader.module.language {
        Language::CSharp => csharp::visit_node,
        // It has a tree of its own.
        Language::Go => |_: &mut Reader<'_>, _: Node<'_>| Expr::Other,
        Language::Java => java::visit_node,
        Language::JavaScript | Language::TypeScript => javascript::visit_node,
        Language::Kotlin => kotlin::visit_node,
        Language::Php => php::visit_node,
        Language::Python => python::visit_node,
        Language::Ruby => ruby::visit_node,
        Language::Rust => rust::visit_node,
    };
    reader.deeper(node, |reader| {
        if node.is_error() || node.is_missing() {
            reader.broken(node);
        }
        read(reader, node)
    })
}
