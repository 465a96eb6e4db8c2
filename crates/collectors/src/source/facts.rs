//! From the modules of a program to the facts that checks read.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    sync::Arc,
};

use gonogo_domain::{
    KnownUse, Library, Place,
    evidence::{
        BodyUse, EnvironmentRead, Fate, Function, FunctionId, FunctionKind, Meaning, Package, Role, Setting,
        SourceCode, SourceFile, Unfollowed, Use, UseId,
    },
    known_symbols,
};
use gonogo_source::{Expr, Language, ScopeId};

use hashbrown::{HashMap, HashSet, hash_map::Entry};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Cache;

use super::{
    kept::{self, Calls, Contents, Found, Held, Kept, Numbers},
    program::{AllNames, FileBeyond, FileId, Program, Unasked},
    touched::{Own, Touched, touch, touching},
    values::Context,
};

/// A method that more types than this have is no trail.
const IMPLEMENTORS: usize = 8;

/// One of the programs that are linked together.
pub(super) struct View {
    /// Whether a file is none of its own, by the file's place.
    pub(super) absent: Vec<bool>,
    /// Its scripts run in browsers alone.
    pub(super) handed_out: bool,
    /// The sets of its files that are left out, one for each of its facts.
    pub(super) left_out: Vec<BTreeSet<FileId>>,
}

/// The facts of each program that these files hold, once for each set of its files that is left out. None for a program
/// about which a file that it does not have had a say: it must be linked by itself.
pub(super) fn facts(
    program: &Program<'_>,
    packages: &[Package],
    views: &[View],
    cache: &Cache,
) -> Vec<Option<Vec<SourceCode>>> {
    let beyond = (0..program.files.len()).into_par_iter().map(|file| {
        // Asked for later by what looks at one file after the other.
        program.imported(file);
        program.beyond(file)
    });
    let beyond: Vec<FileBeyond<'_, '_>> = beyond.collect();
    let names = Unasked::new(program, &beyond);
    let mut linker = Linker {
        tables: Arc::new(Tables {
            program,
            names: &names,
            versions: versions(packages),
            libraries: packages.iter().flat_map(|one| &one.dependencies).map(|one| one.name.as_str()).collect(),
            callees: HashMap::new(),
            functions: HashMap::new(),
            scopes: Vec::new(),
            starts: Vec::new(),
            sites: HashMap::new(),
            open_calls: HashMap::new(),
            handed: HashMap::new(),
            asked: Vec::new(),
            uses: HashMap::new(),
            calls_of: HashMap::new(),
            receivers: HashMap::new(),
            methods: HashMap::new(),
            edges: Vec::new(),
            unfollowed: Vec::new(),
            reads: Vec::new(),
            cases: Vec::new(),
        }),
        code: SourceCode::default(),
        absent: vec![false; program.files.len()],
    };
    linker.declare();
    // What a file rests on is of use where there are programs without some of the files.
    let apart = views.iter().any(|view| view.absent.contains(&true));
    let mut touched = vec![Touched::default(); program.files.len()];
    let all = 0..program.files.len();
    let kept = Kept::of(program, packages, cache);
    let held = kept.as_ref().map(Kept::held).unwrap_or_default();
    let with = kept.as_ref().map(|kept| (kept, held.as_slice()));
    let calls: Vec<_> = all.clone().into_par_iter().map(|file| linker.calls_in(file, with)).collect();
    linker.make_room(&calls);
    // The first use of each file, and whether its calls are as they were.
    let (mut first, mut known, mut digests) = (Vec::new(), Vec::new(), Vec::new());
    for ((file, all), calls) in touched.iter_mut().enumerate().zip(calls) {
        if apart {
            all.add(&calls.touched);
        }
        first.push(linker.code.uses.len());
        known.push(calls.known);
        digests.push(calls.digest);
        linker.note(file, calls.what);
    }
    let uses = (first.as_slice(), linker.code.uses.len());
    let contents: Vec<_> = known
        .into_par_iter()
        .enumerate()
        .map(|(file, known)| {
            let numbers = Numbers::of(&linker.tables, file, uses);
            kept::once(with, "contents", numbers.as_ref(), known, || linker.contents(file))
        })
        .collect();
    for (all, contents) in touched.iter_mut().zip(contents) {
        if apart {
            all.add(&contents.touched);
        }
        let contents = contents.what;
        linker.tables_mut().reads.extend(contents.reads);
        linker.code.catches.extend(contents.catches);
        linker.code.lost_errors.extend(contents.lost_errors);
        linker.code.texts.extend(contents.texts);
        linker.code.choices.extend(contents.choices);
        linker.code.decisions.append(contents.decisions);
    }
    linker.helpers(&mut touched);
    let vendors = linker.vendors();
    if views.len() > 1 && !vendors.is_empty() {
        // Which of them talks to the vendor is another question for each.
        return views.iter().map(|_| None).collect();
    }
    // Where values come from is followed through other files, and looks at what their calls do.
    let held = kept::with_calls(&held, &digests);
    let with = kept.as_ref().filter(|_| vendors.is_empty()).map(|kept| (kept, held.as_slice()));
    let keeping: Vec<_> = all
        .into_par_iter()
        .map(|file| {
            let numbers = Numbers::of(&linker.tables, file, uses);
            kept::once(with, "keeping", numbers.as_ref(), true, || linker.keeping(file, &vendors))
        })
        .collect();
    for (all, looked_at) in touched.iter_mut().zip(keeping) {
        if apart {
            all.add(&looked_at.touched);
        }
        linker.code.decisions.append(looked_at.what);
    }
    linker.flows(!vendors.is_empty(), &mut touched);
    linker.cases();
    // The last one takes what the others copied.
    let Some((last, others)) = views.split_last() else { return Vec::new() };
    let mut found: Vec<Option<Vec<SourceCode>>> =
        others.par_iter().map(|view| linker.clone().view(view, &touched)).collect();
    found.push(linker.view(last, &touched));
    found
}

/// Programs that have most of their files in common are linked once: everything here holds for all of them but for what
/// [`Linker::view`] adds.
#[derive(Clone)]
pub(super) struct Linker<'p> {
    tables: Arc<Tables<'p>>,
    pub(super) code: SourceCode,
    /// Whether a file is none of the program's, by its place.
    absent: Vec<bool>,
}

impl<'p> Deref for Linker<'p> {
    type Target = Tables<'p>;

    fn deref(&self) -> &Tables<'p> {
        &self.tables
    }
}

/// A function that another one calls, passes on or holds.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Edge {
    To(FunctionId),
    /// Every method of this name, where there are not too many.
    Methods(String),
}

/// What is known when all calls are.
#[derive(Clone)]
pub(super) struct Tables<'p> {
    pub(super) program: &'p Program<'p>,
    pub(super) names: &'p dyn AllNames<'p>,
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
    /// The first function of each file.
    pub(super) starts: Vec<FunctionId>,
    /// The calls of each function of the program.
    pub(super) sites: HashMap<FunctionId, Vec<(FileId, usize)>>,
    /// Calls of methods whose object was followed to nothing that is known, by the method's name.
    pub(super) open_calls: HashMap<String, Vec<(FileId, usize)>>,
    /// Functions that are handed on as values, with the files where.
    pub(super) handed: HashMap<FunctionId, Vec<FileId>>,
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
    /// Where each function leads, in the order of its calls.
    edges: Vec<Vec<Edge>>,
    /// Calls of each function that lead out of sight, unless a method of this name is what they run.
    unfollowed: Vec<Vec<(Option<String>, Unfollowed)>>,
    /// Reads of the environment with their scopes.
    pub(super) reads: Vec<(FileId, ScopeId, EnvironmentRead)>,
    /// Tests with their names.
    pub(super) cases: Vec<(FunctionId, String)>,
}

impl<'p> Linker<'p> {
    pub(super) fn tables_mut(&mut self) -> &mut Tables<'p> {
        Arc::make_mut(&mut self.tables)
    }

    /// Whether a file is of the program.
    pub(super) fn has(&self, file: FileId) -> bool {
        !self.absent.get(file).copied().unwrap_or(true)
    }

    /// The uses of the program, by their places.
    pub(super) fn used(&self) -> impl Iterator<Item = (UseId, &Use)> {
        let here = |one: &Use| self.scopes.get(one.function).is_some_and(|(file, _)| self.has(*file));
        self.code.uses.iter().enumerate().filter(move |(_, one)| here(one))
    }

    /// The methods of the program that go by a name, where there are not too many to mean anything.
    fn implementors(&self, method: &str) -> Vec<FunctionId> {
        let here = |function: &&FunctionId| self.scopes.get(**function).is_some_and(|(file, _)| self.has(*file));
        let all = self.methods.get(method).into_iter().flatten().filter(here);
        let some: Vec<FunctionId> = all.copied().take(IMPLEMENTORS + 1).collect();
        if some.len() > IMPLEMENTORS { Vec::new() } else { some }
    }

    /// The facts of one of the programs; none where files that are not its own had a say.
    fn view(mut self, view: &View, touched: &[Touched]) -> Option<Vec<SourceCode>> {
        self.absent.clone_from(&view.absent);
        let own = Own::of(self.program, &view.absent);
        let alone = !view.absent.contains(&true);
        if !alone && touched.iter().enumerate().any(|(file, one)| self.has(file) && !one.is_within(&own)) {
            return None;
        }
        let (found, last) = touching(|| {
            self.lead(view.handed_out);
            self.stacks();
            self.bounding_helpers();
            self.environment();
            self.tests();
            self.routes();
            self.file_routes();
            self.factories();
            let alone = &self.alone() | &self.commands();
            let absent: BTreeSet<FileId> = (0..self.absent.len()).filter(|file| !self.has(*file)).collect();
            let left_out = |one: &BTreeSet<FileId>| &(one | &alone) | &absent;
            let Some((last, others)) = view.left_out.split_last() else { return Vec::new() };
            let mut found: Vec<SourceCode> = others
                .iter()
                .map(left_out)
                .map(|left_out| self.without(self.code.clone(), self.deadlines(&left_out), &left_out))
                .collect();
            let (left_out, deadlines) = (left_out(last), self.deadlines(&left_out(last)));
            let code = std::mem::take(&mut self.code);
            found.push(self.without(code, deadlines, &left_out));
            found
        });
        (alone || last.is_within(&own)).then_some(found)
    }

    /// Says of each function where it leads in this program.
    fn lead(&mut self, handed_out: bool) {
        let browser = self.program.in_browser(&self.absent, handed_out);
        let mut functions = std::mem::take(&mut self.code.functions);
        let leads = self.edges.iter().zip(&self.unfollowed).zip(&self.scopes);
        for (function, ((edges, unfollowed), (file, _))) in functions.iter_mut().zip(leads) {
            function.browser = browser.contains(file);
            let add = |calls: &mut Vec<FunctionId>, to: FunctionId| {
                if !calls.contains(&to) {
                    calls.push(to);
                }
            };
            for edge in edges {
                match edge {
                    Edge::To(to) => add(&mut function.calls, *to),
                    Edge::Methods(name) => {
                        let all = self.implementors(name);
                        for to in &all {
                            add(&mut function.calls, *to);
                        }
                        if all.len() > 1 {
                            function.perhaps.extend(all);
                        }
                    }
                }
            }
            let lost = unfollowed
                .iter()
                .filter(|(method, _)| method.as_deref().is_none_or(|method| self.implementors(method).is_empty()));
            function.unfollowed.extend(lost.map(|(_, one)| one.clone()));
        }
        self.code.functions = functions;
    }

    pub(super) fn context(&self, file: FileId) -> Option<Context<'p>> {
        touch(file);
        let unit = self.program.files.get(file)?;
        Some(Context { module: &unit.module, names: self.names.get(file)?, path: &unit.path })
    }

    pub(super) fn place(&self, file: FileId, line: u32) -> Place {
        let path = self.program.files.get(file).map_or_else(|| Arc::from(""), |unit| Arc::clone(&unit.path));
        Place::new(path, line, 1)
    }

    /// The program without some of its files, with the deadlines that hold then.
    fn without(
        &self,
        mut code: SourceCode,
        deadlines: Vec<(UseId, Setting)>,
        left_out: &BTreeSet<FileId>,
    ) -> SourceCode {
        for (id, setting) in deadlines {
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
        let program = self.program;
        // In one piece instead of by doubling: there are many.
        let count = program.files.iter().map(|unit| unit.outline.functions.len()).sum();
        self.code.functions.reserve_exact(count);
        self.code.files.reserve_exact(program.files.len());
        let tables = self.tables_mut();
        tables.functions.reserve(count);
        tables.scopes.reserve_exact(count);
        tables.edges.reserve_exact(count);
        tables.unfollowed.reserve_exact(count);
        for (file, unit) in program.files.iter().enumerate() {
            let first = self.code.functions.len();
            self.tables_mut().starts.push(first);
            let outline = &unit.outline;
            self.code.files.push(SourceFile {
                path: Arc::clone(&unit.path),
                language: unit.language.word(),
                role: unit.role,
                words: if unit.role.counts() { Arc::clone(&outline.words) } else { Arc::default() },
            });
            for (at, one) in outline.functions.iter().enumerate() {
                let function = self.code.functions.len();
                let tables = self.tables_mut();
                tables.functions.insert((file, one.scope), function);
                tables.scopes.push((file, one.scope));
                tables.edges.push(Vec::new());
                tables.unfollowed.push(Vec::new());
                let named = !one.own.is_empty();
                if one.class.is_some() && named && unit.role.counts() {
                    tables.methods.entry(one.own.clone()).or_default().push(function);
                }
                self.code.functions.push(Function {
                    name: match &one.class {
                        Some(class) if named => format!("{class}.{}", one.own),
                        _ => one.own.clone(),
                    },
                    place: Place::new(Arc::clone(&unit.path), one.line, 1),
                    role: if one.in_tests { Role::Test } else { unit.role },
                    calls: Vec::new(),
                    perhaps: Vec::new(),
                    uses: Vec::new(),
                    unfollowed: Vec::new(),
                    browser: false,
                    parameters: one.parameters,
                    kind: match (one.top, named) {
                        (true, _) => FunctionKind::File,
                        (false, false) => FunctionKind::Lambda,
                        (false, true) => FunctionKind::Named,
                    },
                    refuses: false,
                    body: match unit.language {
                        Language::Go => BodyUse::Unread,
                        Language::Python | Language::JavaScript | Language::TypeScript
                            if !outline.reads_body.contains(&at) =>
                        {
                            BodyUse::Unread
                        }
                        // A body comes as a parameter; a lambda of Kotlin may take it from what it is called on.
                        Language::Java | Language::Kotlin | Language::CSharp if named && one.parameters == 0 => {
                            BodyUse::Unread
                        }
                        _ => BodyUse::Taken,
                    },
                    asserts: false,
                    fields: Vec::new(),
                });
                // A lambda runs with the function that it stands in.
                if let Some(outer) = one.outer {
                    self.edge(first + outer, Edge::To(function));
                }
            }
            for (at, fields) in &outline.objects {
                if let Some(function) = self.code.functions.get_mut(first + at) {
                    function.fields.clone_from(fields);
                }
            }
            for at in &outline.refuses {
                if let Some(function) = self.code.functions.get_mut(first + at) {
                    function.refuses = true;
                }
            }
        }
    }

    fn edge(&mut self, from: FunctionId, edge: Edge) {
        if let Some(edges) = self.tables_mut().edges.get_mut(from) {
            edges.push(edge);
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
            if self.program.files.get(file)?.outline.named.contains_key(own) {
                (file, own)
            } else {
                (self.program.function_beside(file, own)?, own)
            }
        } else if let Some(placed) = symbol.strip_prefix('@') {
            let (file, name) = placed.split_once('.')?;
            let file = file.parse().ok()?;
            touch(file);
            (file, name)
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
        if let Some(scope) = self.program.files.get(file)?.outline.named.get(name) {
            return self.functions.get(&(file, *scope)).copied();
        }
        let file = self.program.function_beside(file, name)?;
        touch(file);
        let scope = self.program.files.get(file)?.outline.named.get(name)?;
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
    pub(super) fn add(&mut self, one: Use) -> UseId {
        let id = self.code.uses.len();
        if let Some(function) = self.code.functions.get_mut(one.function) {
            function.uses.push(id);
        }
        self.code.uses.push(one);
        id
    }

    /// What the calls of a file do.
    fn calls_in(&self, file: FileId, kept: Option<(&Kept<'_>, &[Held])>) -> Found<Calls> {
        let numbers = Numbers::of(&self.tables, file, (&[], 0));
        kept::once(kept, "calls", numbers.as_ref(), true, || Calls {
            effects: self.effects(file).into_iter().chain(self.objects(file)).collect(),
            resolved: self.resolve(file),
        })
    }

    /// What stands in a file besides its calls. It rests on these: where they are new, so is this.
    fn contents(&self, file: FileId) -> Contents {
        Contents {
            reads: self.reads(file).into_iter().chain(self.settings_fields(file)).collect(),
            catches: self.catches(file),
            lost_errors: self.lost_errors(file),
            texts: self.texts(file),
            choices: self.choices(file),
            decisions: self.decisions(file),
        }
    }

    /// What is to be noted, in one piece instead of by doubling.
    fn make_room(&mut self, found: &[Found<Calls>]) {
        let resolved = || found.iter().flat_map(|one| &one.what.resolved);
        let uses: usize = resolved().map(|call| call.uses.len()).sum();
        let callees = resolved().filter(|call| call.callee.is_some()).count();
        self.code.uses.reserve(uses);
        let tables = self.tables_mut();
        tables.uses.reserve(uses);
        tables.calls_of.reserve(uses);
        tables.callees.reserve(callees);
    }

    /// Adds what was found about the calls of a file.
    fn note(&mut self, file: FileId, calls: Calls) {
        for one in calls.effects {
            self.add(one);
        }
        for call in calls.resolved {
            if let Some(function) = self.code.functions.get_mut(call.function) {
                function.asserts |= call.asserts;
                function.refuses |= call.refuses;
                if call.takes_body {
                    function.body = BodyUse::Taken;
                }
            }
            let tables = self.tables_mut();
            if let Some(one) = call.unfollowed
                && let Some(unfollowed) = tables.unfollowed.get_mut(call.function)
            {
                let method = match call.runs.first() {
                    Some(Edge::Methods(method)) => Some(method.clone()),
                    _ => None,
                };
                unfollowed.push((method, one));
            }
            for function in call.handed {
                let files = tables.handed.entry(function).or_default();
                if files.last() != Some(&file) {
                    files.push(file);
                }
            }
            if let Some(edges) = tables.edges.get_mut(call.function) {
                edges.extend(call.runs);
            }
            if call.uses.iter().all(|one| one.of.is_none()) {
                self.site(call.callee, call.open, (file, call.at));
            }
            if let Some(callee) = call.callee {
                self.tables_mut().callees.insert((file, call.at), callee);
            }
            for found in call.uses {
                let id = self.add(found.one);
                let Some(of) = found.of else { continue };
                if !of.asked.is_empty() {
                    self.tables_mut().asked.push((id, file, call.at, of.asked));
                }
                let tables = self.tables_mut();
                if let Entry::Vacant(first) = tables.uses.entry((file, call.at)) {
                    first.insert(id);
                    tables.calls_of.insert(id, (file, call.at));
                }
                if let Some(maker) = of.maker {
                    tables.receivers.insert(id, maker);
                    if let Some(client) = tables.uses.get(&maker).copied()
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
