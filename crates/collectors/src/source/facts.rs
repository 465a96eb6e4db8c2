//! From the modules of a program to the facts that checks read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gonogo_domain::{
    KnownUse, Library, Place,
    evidence::{
        BodyUse, Fate, Function, FunctionId, FunctionKind, Meaning, Package, Role, SourceCode, SourceFile, Use, UseId,
    },
    known_symbols,
};
use gonogo_source::{CallRole, Expr, Language, Names, ScopeId, ScopeKind};

use hashbrown::{HashMap, HashSet, hash_map::Entry};
use rayon::prelude::*;

use super::{
    SourceUnit,
    calls::Resolved,
    program::{FileBeyond, FileId, Program},
    values::Context,
    variables,
};

/// The facts of the program, once for each set of its files that is left out.
pub(super) fn facts(program: &Program<'_>, packages: &[Package], left_out: &[BTreeSet<FileId>]) -> Vec<SourceCode> {
    let beyond: Vec<FileBeyond<'_, '_>> = (0..program.files.len()).map(|file| program.beyond(file)).collect();
    let names: Vec<Names<'_>> =
        beyond.iter().enumerate().filter_map(|(file, beyond)| program.names(file, beyond)).collect();
    let mut linker = Linker {
        program,
        names: &names,
        versions: versions(packages),
        libraries: packages.iter().flat_map(|one| &one.dependencies).map(|one| one.name.as_str()).collect(),
        callees: HashMap::new(),
        functions: HashMap::new(),
        scopes: Vec::new(),
        sites: HashMap::new(),
        open_calls: HashMap::new(),
        handed: HashSet::new(),
        asked: Vec::new(),
        uses: HashMap::new(),
        calls_of: HashMap::new(),
        receivers: HashMap::new(),
        methods: HashMap::new(),
        code: SourceCode::default(),
    };
    linker.declare();
    let all = 0..program.files.len();
    let calls: Vec<_> = all
        .clone()
        .into_par_iter()
        .map(|file| (linker.effects(file).into_iter().chain(linker.objects(file)).collect(), linker.resolve(file)))
        .collect();
    for (file, (effects, resolved)) in calls.into_iter().enumerate() {
        linker.note(file, effects, resolved);
    }
    linker.stacks();
    linker.bounding_helpers();
    let contents: Vec<_> = all
        .clone()
        .into_par_iter()
        .map(|file| {
            let reads = (linker.reads(file), linker.settings_fields(file));
            (reads, linker.catches(file), linker.lost_errors(file), linker.texts(file), linker.choices(file))
        })
        .collect();
    for ((reads, fields), catches, lost_errors, texts, choices) in contents {
        linker.code.environment.extend(reads);
        linker.code.environment.extend(fields);
        linker.code.catches.extend(catches);
        linker.code.lost_errors.extend(lost_errors);
        linker.code.texts.extend(texts);
        linker.code.choices.extend(choices);
    }
    for file in 0..program.files.len() {
        linker.fields(file);
    }
    linker.helpers();
    let vendors = linker.vendors();
    let decisions: Vec<_> =
        all.into_par_iter().map(|file| (linker.decisions(file), linker.keeping(file, &vendors))).collect();
    for (looked_at, kept) in decisions {
        linker.code.decisions.append(looked_at);
        linker.code.decisions.append(kept);
    }
    linker.flows(!vendors.is_empty());
    linker.cases();
    linker.routes();
    let alone = linker.alone();
    left_out.par_iter().map(|left_out| linker.without(&(left_out | &alone))).collect()
}

pub(super) struct Linker<'p> {
    pub(super) program: &'p Program<'p>,
    pub(super) names: &'p [Names<'p>],
    /// The versions of packages as the first lockfile that has them resolves them.
    versions: HashMap<&'p str, &'p str>,
    /// What the manifests depend on.
    pub(super) libraries: HashSet<&'p str>,
    /// The function of the program that a call runs.
    pub(super) callees: HashMap<(FileId, usize), FunctionId>,
    /// The function of every scope that is one, and of the tops of files.
    pub(super) functions: HashMap<(FileId, ScopeId), FunctionId>,
    /// Where each function is declared, in their order.
    pub(super) scopes: Vec<(FileId, ScopeId)>,
    /// The calls of each function of the program.
    pub(super) sites: HashMap<FunctionId, Vec<(FileId, usize)>>,
    /// Calls of methods whose object was followed to nothing that is known, by the method's name.
    pub(super) open_calls: HashMap<String, Vec<(FileId, usize)>>,
    /// Functions that are handed on as values.
    pub(super) handed: HashSet<FunctionId>,
    /// The uses whose deadline is carried by an argument, with the slots of it.
    pub(super) asked: Vec<(UseId, FileId, usize, Vec<String>)>,
    /// The first use of a call.
    pub(super) uses: HashMap<(FileId, usize), UseId>,
    /// The call of each use that is the first one of it.
    pub(super) calls_of: HashMap<UseId, (FileId, usize)>,
    /// The call that made what a use is called on.
    pub(super) receivers: HashMap<UseId, (FileId, usize)>,
    /// The methods of the program by their name alone.
    pub(super) methods: HashMap<String, Vec<FunctionId>>,
    pub(super) code: SourceCode,
}

impl<'p> Linker<'p> {
    pub(super) fn context(&self, file: FileId) -> Option<Context<'p>> {
        let unit = self.program.files.get(file)?;
        Some(Context { module: &unit.module, names: self.names.get(file)?, path: &unit.path })
    }

    pub(super) fn place(&self, file: FileId, line: u32) -> Place {
        let path = self.program.files.get(file).map_or_else(|| Arc::from(""), |unit| Arc::clone(&unit.path));
        Place::new(path, line, 1)
    }

    /// The program without some of its files.
    fn without(&self, left_out: &BTreeSet<FileId>) -> SourceCode {
        let mut code = self.code.clone();
        for (id, setting) in self.deadlines(left_out) {
            if let Some(one) = code.uses.get_mut(id) {
                one.settings.insert("timeout".to_owned(), setting);
            }
        }
        if left_out.is_empty() {
            return code;
        }
        let units = left_out.iter().filter_map(|file| self.program.files.get(*file));
        code.without(&units.map(|unit| Arc::clone(&unit.path)).collect())
    }

    fn declare(&mut self) {
        let browser = self.program.in_browser();
        for (file, unit) in self.program.files.iter().enumerate() {
            self.code.files.push(SourceFile {
                path: Arc::clone(&unit.path),
                language: unit.module.language.word(),
                role: unit.role,
                words: if unit.role.counts() { variables::words(&unit.module) } else { BTreeSet::new() },
            });
            let tests = inline_tests(unit);
            for (at, scope) in unit.module.scopes.iter().enumerate() {
                let top = scope.kind == ScopeKind::File;
                if scope.kind != ScopeKind::Function && !top {
                    continue;
                }
                let class = unit.module.class(at).and_then(|class| unit.module.scopes.get(class));
                let class = class.map(|class| class.name.as_str()).or_else(|| {
                    scope.types.first().filter(|_| unit.module.language == Language::Go).map(String::as_str)
                });
                let name = match class {
                    Some(class) if !scope.name.is_empty() => format!("{class}.{}", scope.name),
                    _ => scope.name.clone(),
                };
                self.functions.insert((file, at), self.code.functions.len());
                self.scopes.push((file, at));
                if class.is_some() && !scope.name.is_empty() && unit.role.counts() {
                    self.methods.entry(scope.name.clone()).or_default().push(self.code.functions.len());
                }
                let inside = !tests.is_empty() && unit.module.around(at).any(|(scope, _)| tests.contains(&scope));
                let role = if inside { Role::Test } else { unit.role };
                self.code.functions.push(Function {
                    name,
                    place: Place::new(Arc::clone(&unit.path), scope.spot.line, 1),
                    role,
                    calls: Vec::new(),
                    perhaps: Vec::new(),
                    uses: Vec::new(),
                    unfollowed: Vec::new(),
                    browser: browser.contains(&file),
                    parameters: scope.parameters.len(),
                    kind: match (top, scope.name.as_str()) {
                        (true, _) => FunctionKind::File,
                        (false, "") => FunctionKind::Lambda,
                        (false, _) => FunctionKind::Named,
                    },
                    refuses: false,
                    body: if unit.module.language == Language::Go { BodyUse::Unread } else { BodyUse::Taken },
                    asserts: false,
                    fields: Vec::new(),
                });
                // A lambda runs with the function that it stands in.
                if !top
                    && scope.name.is_empty()
                    && let Some(outer) = scope.parent.and_then(|parent| self.function_at(file, parent))
                {
                    let inner = self.code.functions.len() - 1;
                    self.edge(outer, inner);
                }
            }
        }
    }

    pub(super) fn edge(&mut self, from: FunctionId, to: FunctionId) {
        if let Some(function) = self.code.functions.get_mut(from)
            && !function.calls.contains(&to)
        {
            function.calls.push(to);
        }
    }

    /// The function that a scope stands in, the top of the file where there is none.
    pub(super) fn function_at(&self, file: FileId, scope: ScopeId) -> Option<FunctionId> {
        let module = &self.program.files.get(file)?.module;
        self.functions.get(&(file, module.function(scope).unwrap_or(0))).copied()
    }

    /// What the file of a function is there for, or the part of it that only tests are built with.
    pub(super) fn role(&self, function: FunctionId) -> Role {
        self.code.functions.get(function).map_or(Role::Product, |one| one.role)
    }

    /// The function of the program that a symbol names.
    pub(super) fn function_named(&self, file: FileId, symbol: &str) -> Option<FunctionId> {
        let (file, name) = if let Some(own) = symbol.strip_prefix('.') {
            if self.names.get(file)?.functions().contains_key(own) {
                (file, own)
            } else {
                (self.program.function_beside(file, own)?, own)
            }
        } else if let Some(placed) = symbol.strip_prefix('@') {
            let (file, name) = placed.split_once('.')?;
            (file.parse().ok()?, name)
        } else {
            // `App.Services.Fraud.up`, by the package of the class.
            let (class, _) = symbol.rsplit_once('.')?;
            let (package, _) = class.rsplit_once('.')?;
            let name = symbol.get(package.len() + 1..)?;
            let target = self.program.function_beside(file, name)?;
            if self.program.files.get(target)?.module.package != package {
                return None;
            }
            (target, name)
        };
        if let Some(scope) = self.names.get(file)?.functions().get(name) {
            return self.functions.get(&(file, *scope)).copied();
        }
        let file = self.program.function_beside(file, name)?;
        let scope = self.names.get(file)?.functions().get(name)?;
        self.functions.get(&(file, *scope)).copied()
    }

    /// What a file imports for its effect alone: `import _ "net/http/pprof"`, `import "dd-trace/init"`.
    fn effects(&self, file: FileId) -> Vec<Use> {
        let Some(context) = self.context(file) else { return Vec::new() };
        let Some(function) = self.functions.get(&(file, 0)).copied() else { return Vec::new() };
        let table = known_symbols(context.module.language.word());
        // In Python any import runs what it imports.
        let python = context.module.language == Language::Python;
        let effects =
            context.module.imports.iter().filter(|one| one.name.as_deref() == Some("") || python && one.name.is_none());
        effects
            .flat_map(|import| table.rows(&import.module).into_iter().map(move |row| (import, row)))
            .map(|(import, row)| self.seen(file, function, import.spot.line, &import.module, row))
            .collect()
    }

    /// A use of which no more is known than that it stands there.
    pub(super) fn seen(
        &self,
        file: FileId,
        function: FunctionId,
        line: u32,
        symbol: &str,
        (library, row): (&Library, &KnownUse),
    ) -> Use {
        Use {
            package: library.package.clone(),
            version: library.package.as_deref().and_then(|package| self.version(package)).map(str::to_owned),
            defaults: row.defaults.clone(),
            ..self.bare(file, function, line, symbol, row.means)
        }
    }

    /// A use of no library.
    pub(super) fn bare(&self, file: FileId, function: FunctionId, line: u32, symbol: &str, meaning: Meaning) -> Use {
        Use {
            meaning,
            symbol: symbol.to_owned(),
            package: None,
            version: None,
            place: self.place(file, line),
            role: self.role(function),
            function,
            settings: BTreeMap::new(),
            defaults: BTreeMap::new(),
            wraps: Vec::new(),
            client: None,
            in_loop: false,
            in_branch: false,
            in_catch: false,
            fate: Fate::Kept,
        }
    }

    /// Adds a use to those of its function.
    fn add(&mut self, one: Use) -> UseId {
        let id = self.code.uses.len();
        if let Some(function) = self.code.functions.get_mut(one.function) {
            function.uses.push(id);
        }
        self.code.uses.push(one);
        id
    }

    /// Adds what was found about the calls of a file.
    fn note(&mut self, file: FileId, effects: Vec<Use>, resolved: Vec<Resolved>) {
        for one in effects {
            self.add(one);
        }
        for call in resolved {
            if let Some(function) = self.code.functions.get_mut(call.function) {
                function.asserts |= call.asserts;
                function.refuses |= call.refuses;
                if call.takes_body {
                    function.body = BodyUse::Taken;
                }
                function.perhaps.extend(call.perhaps);
                function.unfollowed.extend(call.unfollowed);
            }
            for callee in &call.runs {
                self.edge(call.function, *callee);
            }
            self.handed.extend(call.handed);
            if call.uses.iter().all(|one| one.of.is_none()) {
                self.site(call.callee, call.open, (file, call.at));
            }
            if let Some(callee) = call.callee {
                self.callees.insert((file, call.at), callee);
            }
            for found in call.uses {
                let id = self.add(found.one);
                let Some(of) = found.of else { continue };
                if !of.asked.is_empty() {
                    self.asked.push((id, file, call.at, of.asked));
                }
                if let Entry::Vacant(first) = self.uses.entry((file, call.at)) {
                    first.insert(id);
                    self.calls_of.insert(id, (file, call.at));
                }
                if let Some(maker) = of.maker {
                    self.receivers.insert(id, maker);
                    if let Some(client) = self.uses.get(&maker).copied()
                        && let Some(one) = self.code.uses.get_mut(id)
                    {
                        one.client = Some(client);
                    }
                }
            }
        }
    }

    /// The version of a package as the lockfiles resolve it.
    pub(super) fn version(&self, package: &str) -> Option<&'p str> {
        let group = || {
            // What a group releases together has one version: that of its plugin, its parent, its bill of materials.
            let (group, _) = package.split_once(':')?;
            let mut of_group: Vec<(&&str, &&str)> = self
                .versions
                .iter()
                .filter(|(name, _)| {
                    **name == group || name.strip_prefix(group).is_some_and(|rest| rest.starts_with(':'))
                })
                .collect();
            of_group.sort_unstable();
            of_group.first().map(|(_, version)| **version)
        };
        self.versions.get(package).copied().or_else(group)
    }
}

fn versions(packages: &[Package]) -> HashMap<&str, &str> {
    let mut versions = HashMap::new();
    for dependency in packages.iter().flat_map(|package| &package.dependencies) {
        if let Some(version) = &dependency.version {
            versions.entry(dependency.name.as_str()).or_insert(version.as_str());
        }
    }
    versions
}

/// The last name of what is called.
pub(super) fn method(callee: &Expr) -> Option<&str> {
    match callee {
        Expr::Name(path) => path.rsplit('.').next(),
        Expr::Member(_, name) => Some(name),
        _ => None,
    }
}

/// The modules of Rust that only tests are built with: `#[cfg(test)] mod tests`.
fn inline_tests(unit: &SourceUnit) -> HashSet<ScopeId> {
    let asked = unit.module.calls.iter().filter(|call| {
        call.role == CallRole::Annotation
            && call.callee.name() == Some("cfg")
            && call.arguments.iter().any(|one| matches!(&one.value, Expr::Name(name) if name == "test"))
    });
    asked
        .filter(|_| unit.module.language == Language::Rust)
        .map(|call| call.scope)
        .filter(|scope| *scope != 0)
        .collect()
}
