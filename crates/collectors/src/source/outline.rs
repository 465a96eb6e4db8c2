//! What a file of source declares: enough to link the files that it did not change for, without its module.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    sync::{Arc, OnceLock},
};

use gonogo_domain::{known_symbols, vendors};
use gonogo_source::{Beyond, CallRole, Expr, Import, Language, Module, Names, Scope, ScopeId, ScopeKind};
use serde::{Deserialize, Serialize};

use super::{
    bodies, given,
    variables::{self, written},
    vendors::each_text,
};
use crate::cache::Rest;

/// Fields of the objects of one function.
const FIELDS: usize = 64;

/// What stands for the exports of a module of JavaScript.
const EXPORTS: &[&str] = &["module.exports", "default"];

/// It depends on nothing but the module.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Outline {
    pub(super) package: String,
    pub(super) imports: Vec<Import>,
    /// Helpers of tests, whatever the name of the file.
    pub(super) helps_tests: bool,
    /// Every function, and the top of the file, in the order of their scopes.
    pub(super) functions: Vec<Declaration>,
    /// Functions that go by a name, methods by `Class.method`.
    pub(super) named: BTreeMap<String, ScopeId>,
    /// Symbols of what functions give back, of fields by `Class.field`, of classes and of what is bound at the top.
    pub(super) gifts: Vec<(String, String)>,
    pub(super) fields: Vec<(String, String)>,
    pub(super) names: Vec<(String, String)>,
    pub(super) classes: Vec<String>,
    /// Symbols of what another file may ask for by its name, and of what is exported under another one.
    pub(super) tops: BTreeMap<String, String>,
    pub(super) exports: BTreeMap<String, String>,
    /// What a module of JavaScript gives under a name that is not its own: its default, what it has from elsewhere. Under
    /// `*` everything of another module; of no module is what stands here.
    pub(super) handed_on: Vec<(String, Import)>,
    /// Words of its texts that may be names of variables.
    pub(super) words: Arc<BTreeSet<String>>,
    /// The fields of the objects that functions make, where something is asked for their value.
    pub(super) objects: Vec<(usize, Vec<String>)>,
    /// Functions that turn the caller away by what they give back.
    pub(super) refuses: Vec<usize>,
    /// Functions that may read what a request brings along, by their places; said of Python and JavaScript.
    pub(super) reads_body: BTreeSet<usize>,
    /// The vendors that its texts show it to talk to, by their places in the table.
    pub(super) shows: Vec<usize>,
    /// It reads elements of something by a key that is no plain word.
    pub(super) reads_by_key: bool,
    /// It can be started by itself.
    pub(super) starts: bool,
    /// What a script says of where it runs.
    pub(super) side: Side,
}

/// Where a script runs, as far as it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Side {
    #[default]
    Any,
    /// It asks what only a browser has: `window`, `document`.
    Browser,
    /// It says `"use client"`: whoever draws on the server leaves it to the browser.
    Client,
}

/// A function, or the top of a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Declaration {
    pub(super) scope: ScopeId,
    pub(super) top: bool,
    /// Empty for a lambda and for the top of the file.
    pub(super) own: String,
    pub(super) class: Option<String>,
    pub(super) line: u32,
    pub(super) parameters: usize,
    /// The function that a lambda stands in, by its place among these.
    pub(super) outer: Option<usize>,
    /// Only tests are built with it.
    pub(super) in_tests: bool,
    /// It is a test by its name and what it is given, where its file is one of tests.
    pub(super) tests: bool,
}

impl Outline {
    pub(super) fn of(module: &Module) -> Self {
        let known = Known(known_symbols(module.language.word()));
        let names = Names::new(module, &known);
        let classes = module.scopes.iter().filter(|one| one.kind == ScopeKind::Class && !one.name.is_empty());
        let classes: Vec<String> = classes.map(|class| class.name.clone()).collect();
        let by_class = classes.iter().map(|class| (class.clone(), format!(".{class}")));
        let tops = module.bindings.iter().filter(|one| one.scope == 0);
        let tops = tops.filter_map(|one| Some((one.name.clone(), names.top(&one.name)?)));
        let functions = declarations(module);
        let of_scope: BTreeMap<ScopeId, usize> =
            functions.iter().enumerate().map(|(at, one)| (one.scope, at)).collect();
        let function_of = |scope: ScopeId| of_scope.get(&module.function(scope).unwrap_or(0)).copied();
        Self {
            package: module.package.clone(),
            imports: module.imports.clone(),
            helps_tests: helps_tests(module),
            named: names.functions().iter().map(|(name, scope)| (name.clone(), *scope)).collect(),
            gifts: names.gifts().map(|(name, symbol)| (name.to_owned(), symbol)).collect(),
            fields: names.fields().collect(),
            names: by_class.chain(tops).collect(),
            classes,
            tops: asked_for(module, &names),
            exports: exports(module, &names),
            handed_on: handed_on(module),
            words: Arc::new(variables::words(module)),
            objects: objects(module, &function_of),
            refuses: refuses(module, &function_of),
            reads_body: bodies::readers(module).into_iter().filter_map(&function_of).collect(),
            shows: shows(module),
            reads_by_key: module.reads.iter().any(|read| matches!(read.value, Expr::Index(..))),
            starts: starts(module),
            side: side(module),
            functions,
        }
    }
}

fn declarations(module: &Module) -> Vec<Declaration> {
    let tests = inline_tests(module);
    let mut found: Vec<Declaration> = Vec::new();
    let mut of_scope: BTreeMap<ScopeId, usize> = BTreeMap::new();
    for (at, scope) in module.scopes.iter().enumerate() {
        let top = scope.kind == ScopeKind::File;
        if scope.kind != ScopeKind::Function && !top {
            continue;
        }
        let class = module.class(at).and_then(|class| module.scopes.get(class)).map(|class| &class.name);
        // A method of Go names the type that it is for.
        let class = class.or_else(|| scope.types.first().filter(|_| module.language == Language::Go));
        // What a decorator gives back runs as what it decorates.
        let lambda = !top && (scope.name.is_empty() || is_given_back(module, at));
        let outer = scope.parent.filter(|_| lambda).map(|parent| module.function(parent).unwrap_or(0));
        of_scope.insert(at, found.len());
        found.push(Declaration {
            scope: at,
            top,
            own: scope.name.clone(),
            class: class.cloned(),
            line: scope.spot.line,
            parameters: scope.parameters.len(),
            outer: outer.and_then(|outer| of_scope.get(&outer).copied()),
            in_tests: !tests.is_empty() && module.around(at).any(|(scope, _)| tests.contains(&scope)),
            tests: !top && is_test(module, at),
        });
    }
    found
}

/// A function that stands in another one of Python, which gives it back.
fn is_given_back(module: &Module, at: ScopeId) -> bool {
    let Some(scope) = module.scopes.get(at).filter(|_| module.language == Language::Python) else { return false };
    let home = scope.parent.and_then(|parent| module.function(parent));
    home.is_some()
        && module.returns.iter().any(|one| one.value.name() == Some(&scope.name) && module.function(one.scope) == home)
}

/// Tests that go by the names of their functions.
fn is_test(module: &Module, at: ScopeId) -> bool {
    let Some(scope) = module.scopes.get(at) else { return false };
    match module.language {
        Language::Go => {
            let mut kinds = scope.parameters.iter().filter_map(|one| one.kind.as_deref());
            scope.name.starts_with("Test") && kinds.any(|kind| kind.trim_start_matches('*').ends_with("testing.T"))
        }
        Language::Python => {
            scope.name.starts_with("test") && module.function(scope.parent.unwrap_or_default()).is_none()
        }
        Language::Php => scope.name.starts_with("test"),
        _ => false,
    }
}

/// The modules of Rust that only tests are built with, `#[cfg(test)] mod tests`, and the functions of Go that are handed a
/// test.
fn inline_tests(module: &Module) -> BTreeSet<ScopeId> {
    if module.language == Language::Go {
        return module.scopes.iter().enumerate().filter(|(_, one)| takes_test(one)).map(|(at, _)| at).collect();
    }
    let asked = module.calls.iter().filter(|call| {
        call.role == CallRole::Annotation
            && call.callee.name() == Some("cfg")
            && call.arguments.iter().any(|one| matches!(&one.value, Expr::Name(name) if name == "test"))
    });
    asked.filter(|_| module.language == Language::Rust).map(|call| call.scope).filter(|scope| *scope != 0).collect()
}

/// What runs tests of JavaScript.
const TEST_RUNNERS: &[&str] =
    &["vitest", "@jest/globals", "@playwright/test", "mocha", "chai", "sinon", "supertest", "jest-mock"];

/// Helpers of tests in files that do not go by the name of one: scripts take what runs tests; of Go the package says so, or
/// most functions are handed a test. One of many that is leaves the rest to the program.
fn helps_tests(module: &Module) -> bool {
    if is_script(module) {
        return module.imports.iter().any(|import| TEST_RUNNERS.contains(&import.module.as_str()));
    }
    if module.language != Language::Go {
        return false;
    }
    let imports = |name: &str| module.imports.iter().any(|import| import.module.starts_with(name));
    if ["suite", "mock"].iter().any(|part| imports(&format!("github.com/stretchr/testify/{part}"))) {
        return true;
    }
    let named = || module.scopes.iter().filter(|one| one.kind == ScopeKind::Function && !one.name.is_empty());
    let handed = named().filter(|one| takes_test(one)).count();
    let package = module.package.as_str();
    let says = package.starts_with("test") || ["test", "tests", "testing"].iter().any(|word| package.ends_with(word));
    handed > 0 && (says || handed * 2 >= named().count())
}

/// A function of Go that is handed a test.
fn takes_test(scope: &Scope) -> bool {
    let kinds = scope.parameters.iter().filter_map(|one| one.kind.as_deref());
    kinds.map(|kind| kind.trim_start_matches('*')).any(|kind| {
        matches!(kind, "testing.T" | "testing.B" | "testing.F" | "testing.M" | "testing.TB")
            || matches!(kind, "require.TestingT" | "assert.TestingT")
    })
}

/// What files of languages ask for that import names from each other.
fn asked_for(module: &Module, names: &Names<'_>) -> BTreeMap<String, String> {
    if !matches!(module.language, Language::JavaScript | Language::TypeScript | Language::Python | Language::Rust) {
        return BTreeMap::new();
    }
    let bound = module.bindings.iter().map(|one| one.name.as_str());
    let classes = module.scopes.iter().filter(|one| one.kind == ScopeKind::Class).map(|one| one.name.as_str());
    let all: BTreeSet<&str> = bound.chain(classes).chain(names.functions().keys().map(String::as_str)).collect();
    all.into_iter().filter_map(|name| Some((name.to_owned(), names.top(name)?))).collect()
}

fn exports(module: &Module, names: &Names<'_>) -> BTreeMap<String, String> {
    let bound = module.bindings.iter().filter(|one| one.scope == 0).map(|one| one.name.as_str());
    let all: BTreeSet<&str> = bound.filter(|name| EXPORTS.contains(name) || name.starts_with("exports.")).collect();
    all.into_iter().filter_map(|name| Some((name.to_owned(), exported(names, &[name])?))).collect()
}

/// `export { a as b }`, `export { a } from "./x"`, `export * from "./x"`, `module.exports = Shop`.
fn handed_on(module: &Module) -> Vec<(String, Import)> {
    if !is_script(module) {
        return Vec::new();
    }
    let given = |local: &str| match local {
        "default" | "module.exports" => Some(local.to_owned()),
        _ => local.strip_prefix("exports.").map(str::to_owned),
    };
    let taken = module.imports.iter().filter_map(|import| Some((given(&import.local)?, import.clone())));
    let bound = module.bindings.iter().filter(|one| one.scope == 0).filter_map(|one| {
        let name = one.value.as_ref()?.name().filter(|name| !name.contains('.'))?;
        let given = given(&one.name)?;
        let import = module.imports.iter().find(|import| import.local == name).cloned();
        let own =
            || Import { module: String::new(), name: Some(name.to_owned()), local: name.to_owned(), spot: one.spot };
        (import.is_some() || name != given).then(|| (given, import.unwrap_or_else(own)))
    });
    taken.chain(bound).collect()
}

fn objects(module: &Module, function_of: &dyn Fn(ScopeId) -> Option<usize>) -> Vec<(usize, Vec<String>)> {
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (value, scope, _) in written(module) {
        value.walk(&mut |inner| {
            let Expr::Object { fields, .. } = inner else { return };
            let Some(function) = function_of(scope) else { return };
            for (name, value) in fields {
                let constant = matches!(value, Expr::Text(_) | Expr::Number(_) | Expr::Bool(_) | Expr::Null);
                if constant {
                    continue;
                }
                let known = found.entry(function).or_default();
                if known.len() < FIELDS && !known.contains(name) {
                    known.push(name.clone());
                }
            }
        });
    }
    found.into_iter().collect()
}

/// `return "no", 401`
fn refuses(module: &Module, function_of: &dyn Fn(ScopeId) -> Option<usize>) -> Vec<usize> {
    let mut found = BTreeSet::new();
    for returned in &module.returns {
        let mut refuses = false;
        returned.value.walk(&mut |value| {
            refuses |= matches!(value, Expr::Number(number) if matches!(number.as_str(), "401" | "403"));
        });
        if refuses {
            found.extend(function_of(returned.scope));
        }
    }
    found.into_iter().collect()
}

fn shows(module: &Module) -> Vec<usize> {
    let mut found = BTreeSet::new();
    each_text(module, &mut |text, _, _| {
        found.extend(vendors().iter().enumerate().filter(|(_, vendor)| vendor.shows(text)).map(|(at, _)| at));
    });
    found.into_iter().collect()
}

/// A module that is read from the cache when somebody looks into it: most files are those of the last review, and all that
/// linking needs of these is known.
#[derive(Debug)]
pub(crate) struct Unread {
    language: Language,
    kept: Option<Rest>,
    /// Apart, since most are never looked into.
    module: OnceLock<Box<Module>>,
}

impl Unread {
    pub(super) fn known(module: Module) -> Self {
        Self { language: module.language, kept: None, module: OnceLock::from(Box::new(module)) }
    }

    pub(super) fn kept(language: Language, kept: Rest) -> Self {
        Self { language, kept: Some(kept), module: OnceLock::new() }
    }

    #[cfg(test)]
    pub(super) fn is_read(&self) -> bool {
        self.module.get().is_some()
    }
}

impl Deref for Unread {
    type Target = Module;

    fn deref(&self) -> &Module {
        self.module.get_or_init(|| {
            // The cache has the hash of what was written, and this is where it was written.
            let kept = self.kept.as_ref().and_then(Rest::get);
            Box::new(kept.unwrap_or_else(|| gonogo_source::read(self.language, &[])))
        })
    }
}

/// The symbol that the first of these names of the file stands for, where it leads to one of another package.
fn exported(names: &Names<'_>, exports: &[&str]) -> Option<String> {
    exports.iter().find_map(|export| {
        let value = names.top_value(export)?;
        names.symbols(value, 0).into_iter().next().filter(|symbol| !symbol.starts_with('.'))
    })
}

/// What libraries give, and nothing of other files: enough for the names that a file exports.
struct Known(&'static gonogo_domain::Symbols);

impl Beyond for Known {
    fn imported(&self, import: &Import) -> Option<String> {
        given::generated(import)
    }

    fn gives(&self, symbol: &str) -> Option<&str> {
        self.0.gives(symbol)
    }
}

fn is_script(module: &Module) -> bool {
    matches!(module.language, Language::JavaScript | Language::TypeScript)
}

fn side(module: &Module) -> Side {
    let first = module.literals.first().filter(|one| one.scope == 0);
    match first {
        _ if !is_script(module) => Side::Any,
        Some(first) if first.text == "use client" => Side::Client,
        _ if asks_browser(module) => Side::Browser,
        _ => Side::Any,
    }
}

/// Names of the browser, where the file means nothing else by them. A parameter that is called `window` is the browser's.
fn asks_browser(module: &Module) -> bool {
    let global = |name: &str| {
        let head = name.split('.').next().unwrap_or(name);
        matches!(head, "window" | "document" | "localStorage" | "sessionStorage")
    };
    let own = || {
        let parameters = module.scopes.iter().flat_map(|scope| &scope.parameters).map(|one| one.name.as_str());
        // `const { document } = window`
        let other = |value: &Expr| !value.name().is_some_and(|name| name.starts_with("window."));
        let bound = module.bindings.iter().filter(|one| one.value.as_ref().is_none_or(other));
        let bound = bound.map(|one| one.name.as_str());
        let imported = module.imports.iter().map(|one| one.local.as_str());
        let mut names = parameters.filter(|name| *name != "window").chain(bound).chain(imported);
        names.any(|name| !name.contains('.') && global(name))
    };
    let called = module.calls.iter().filter_map(|call| call.callee.name());
    let read = module.reads.iter().filter_map(|read| read.value.name());
    let bound = module.bindings.iter().filter_map(|one| one.value.as_ref()?.name());
    called.chain(read).chain(bound).any(global) && !own()
}

/// It runs when somebody starts it: `if __name__ == "__main__"`, a `main` of its own, calls at the top of a script.
fn starts(module: &Module) -> bool {
    match module.language {
        Language::Python => module.scopes.iter().any(|scope| {
            let mut asks = false;
            if let Some(condition) = scope.condition.as_ref().filter(|_| scope.kind == ScopeKind::Branch) {
                condition.walk(&mut |inner| asks |= inner.name() == Some("__name__"));
            }
            asks
        }),
        Language::Java | Language::Kotlin => {
            module.scopes.iter().any(|scope| scope.kind == ScopeKind::Function && scope.name == "main")
        }
        Language::JavaScript | Language::TypeScript => {
            module.calls.iter().any(|call| call.scope == 0 && call.dropped && call.callee.name() != Some("require"))
        }
        _ => false,
    }
}
