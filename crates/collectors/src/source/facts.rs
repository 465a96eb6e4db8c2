//! From the modules of a program to the facts that checks read.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use gonogo_domain::{
    KnownUse, Library, Place,
    evidence::{
        Catch, EnvironmentRead, Fate, Function, FunctionId, Guard, Handling, Meaning, Package, Role, ServedRoute,
        SettingValue, SourceCode, SourceFile, SourceText, SourceTextKind, Unfollowed, Use, UseId,
    },
    known_symbols,
};
use gonogo_source::{Call, CallRole, Expr, Language, Maker, Names, ScopeId, ScopeKind};

use super::{
    deadlines,
    handling::{handles_errors, stands_in},
    program::{self, FileBeyond, FileId, Made, Program},
    settings::{self, MadeIn},
    values::{self, Context},
    variables,
};

pub(super) fn facts(program: &Program<'_>, packages: &[Package]) -> SourceCode {
    let beyond: Vec<FileBeyond<'_, '_>> = (0..program.files.len()).map(|file| program.beyond(file)).collect();
    let names: Vec<Names<'_>> =
        program.files.iter().zip(&beyond).map(|(file, beyond)| Names::new(&file.module, beyond)).collect();
    let mut linker = Linker {
        program,
        names: &names,
        packages,
        functions: HashMap::new(),
        scopes: Vec::new(),
        sites: HashMap::new(),
        open_calls: HashMap::new(),
        handed: HashSet::new(),
        asked: Vec::new(),
        uses: HashMap::new(),
        receivers: HashMap::new(),
        methods: HashMap::new(),
        code: SourceCode::default(),
    };
    linker.declare();
    for file in 0..program.files.len() {
        linker.effects(file);
        linker.calls(file);
    }
    linker.deadlines();
    for file in 0..program.files.len() {
        linker.reads(file);
        linker.catches(file);
        linker.texts(file);
        linker.words(file);
        linker.choices(file);
    }
    linker.helpers();
    linker.cases();
    linker.routes();
    linker.code
}

pub(super) struct Linker<'p> {
    pub(super) program: &'p Program<'p>,
    pub(super) names: &'p [Names<'p>],
    packages: &'p [Package],
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
    /// The call that made what a use is called on.
    receivers: HashMap<UseId, (FileId, usize)>,
    /// The methods of the program by their name alone.
    methods: HashMap<String, Vec<FunctionId>>,
    pub(super) code: SourceCode,
}

/// Annotations and middleware nest no deeper than this.
const GROUPS: usize = 8;

/// A method that more types than this have is no trail.
const IMPLEMENTORS: usize = 8;

/// What the methods are called that ask something, where a call that is not followed may be one of many kinds.
const ASKING: &[&str] = &[
    "ping", "check", "health", "query", "exec", "select", "connect", "status", "ready", "alive", "fetch", "find",
    "count", "probe", "command", "test",
];

impl<'p> Linker<'p> {
    pub(super) fn context(&self, file: FileId) -> Option<Context<'p>> {
        let unit = self.program.files.get(file)?;
        Some(Context { module: &unit.module, names: self.names.get(file)?, path: &unit.path })
    }

    pub(super) fn place(&self, file: FileId, line: u32) -> Place {
        let path = self.program.files.get(file).map_or_else(|| Arc::from(""), |unit| Arc::clone(&unit.path));
        Place::new(path, line, 1)
    }

    fn declare(&mut self) {
        let browser = self.program.in_browser();
        for (file, unit) in self.program.files.iter().enumerate() {
            self.code.files.push(SourceFile {
                path: Arc::clone(&unit.path),
                language: unit.module.language.word(),
                role: unit.role,
            });
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
                self.code.functions.push(Function {
                    name,
                    place: Place::new(Arc::clone(&unit.path), scope.spot.line, 1),
                    role: unit.role,
                    calls: Vec::new(),
                    uses: Vec::new(),
                    unfollowed: Vec::new(),
                    browser: browser.contains(&file),
                    parameters: scope.parameters.len(),
                    asynchronous: scope.asynchronous,
                    top,
                    refuses: false,
                    asserts: false,
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

    fn edge(&mut self, from: FunctionId, to: FunctionId) {
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

    /// The function of the program that a symbol names.
    pub(super) fn function_named(&self, file: FileId, symbol: &str) -> Option<FunctionId> {
        let (file, name) = if let Some(own) = symbol.strip_prefix('.') {
            if self.names.get(file)?.functions().contains_key(own) {
                (file, own)
            } else {
                (self.program.function_beside(file, own)?, own)
            }
        } else {
            let (file, name) = symbol.strip_prefix('@')?.split_once('.')?;
            (file.parse().ok()?, name)
        };
        if let Some(scope) = self.names.get(file)?.functions().get(name) {
            return self.functions.get(&(file, *scope)).copied();
        }
        let file = self.program.function_beside(file, name)?;
        let scope = self.names.get(file)?.functions().get(name)?;
        self.functions.get(&(file, *scope)).copied()
    }

    /// What a class of the program extends: making one makes one of those.
    fn bases(&self, file: FileId, symbol: &str) -> Vec<String> {
        let found = match symbol.strip_prefix('.') {
            Some(own) => Some((file, own)),
            None => symbol
                .strip_prefix('@')
                .and_then(|rest| rest.split_once('.'))
                .and_then(|(file, name)| Some((file.parse().ok()?, name))),
        };
        let Some((file, name)) = found.filter(|(_, name)| !name.contains('.')) else { return Vec::new() };
        let (Some(unit), Some(names)) = (self.program.files.get(file), self.names.get(file)) else { return Vec::new() };
        let class = unit.module.scopes.iter().find(|scope| scope.kind == ScopeKind::Class && scope.name == name);
        let Some((class, around)) = class.map(|class| (class, class.parent.unwrap_or(0))) else { return Vec::new() };
        class.types.iter().flat_map(|base| names.symbols(&Expr::Name(base.clone()), around)).collect()
    }

    /// The methods that a call on an interface of the program may run.
    fn implementors(&self, file: FileId, symbol: &str) -> Vec<FunctionId> {
        let Some((kind, method)) = symbol.rsplit_once('.') else { return Vec::new() };
        let found =
            self.methods.get(method).filter(|all| all.len() <= IMPLEMENTORS && self.program.is_type(file, kind));
        found.cloned().unwrap_or_default()
    }

    /// What a file imports for its effect alone: `import _ "net/http/pprof"`, `import "dd-trace/init"`.
    fn effects(&mut self, file: FileId) {
        let Some(context) = self.context(file) else { return };
        let Some(function) = self.functions.get(&(file, 0)).copied() else { return };
        let table = known_symbols(context.module.language.word());
        for import in context.module.imports.iter().filter(|one| one.name.as_deref() == Some("")) {
            for (library, row) in table.rows(&import.module) {
                let id = self.code.uses.len();
                self.code.uses.push(Use {
                    meaning: row.means,
                    symbol: import.module.clone(),
                    package: library.package.clone(),
                    version: library.package.as_deref().and_then(|package| self.version(package)),
                    place: self.place(file, import.spot.line),
                    role: self.program.files.get(file).map_or(Role::Product, |unit| unit.role),
                    function,
                    settings: BTreeMap::new(),
                    defaults: row.defaults.clone(),
                    wraps: Vec::new(),
                    client: None,
                    in_loop: false,
                    in_branch: false,
                    in_catch: false,
                    fate: Fate::Kept,
                });
                if let Some(function) = self.code.functions.get_mut(function) {
                    function.uses.push(id);
                }
            }
        }
    }

    /// Notes a call that leads out of sight, where somebody waits for it or for its error.
    fn unfollowed(&mut self, file: FileId, context: Context<'_>, call: &Call, symbol: &str, function: FunctionId) {
        use Language::{CSharp, Java, Kotlin, Php, Python, Ruby};
        let Some(name) = call.callee.name() else { return };
        let (head, method) = (name.split('.').next().unwrap_or(name), name.rsplit('.').next().unwrap_or(name));
        let own = symbol.starts_with(['.', '@']) || symbol.contains("()");
        let library =
            || self.packages.iter().flat_map(|one| &one.dependencies).any(|one| symbol.starts_with(&one.name));
        let lower = method.to_ascii_lowercase();
        let throws = matches!(context.module.language, Python | Java | Kotlin | CSharp | Ruby | Php);
        let asks = ASKING.iter().any(|word| lower.contains(word));
        let waits = call.awaited || throws;
        if call.role != CallRole::Plain || !waits || !(own && (asks || !throws) || asks && library()) {
            return;
        }
        let inner = context.module.function(call.scope).and_then(|at| context.module.scopes.get(at));
        let on_parameter = inner.is_some_and(|scope| scope.parameters.iter().any(|one| one.name == head));
        let place = self.place(file, call.spot.line);
        if let Some(function) = self.code.functions.get_mut(function) {
            function.unfollowed.push(Unfollowed { symbol: symbol.to_owned(), place, on_parameter });
        }
    }

    /// The functions of the program that an expression holds: itself, in a list, as a field, as what a call is given.
    fn functions_in(&self, file: FileId, value: &Expr, scope: ScopeId, found: &mut Vec<FunctionId>) {
        let Some(names) = self.names.get(file) else { return };
        value.walk(&mut |inner| {
            let function = match inner {
                Expr::Function(at) => self.functions.get(&(file, *at)).copied(),
                Expr::Name(_) | Expr::Member(..) => {
                    names.symbols(inner, scope).first().and_then(|symbol| self.function_named(file, symbol))
                }
                _ => None,
            };
            found.extend(function);
        });
        // `wrap(handler)` hands the handler on.
        if let Expr::Call(at) = value
            && let Some(call) = self.program.files.get(file).and_then(|unit| unit.module.calls.get(*at))
        {
            for argument in call.arguments.iter().filter(|one| !matches!(one.value, Expr::Call(_))) {
                self.functions_in(file, &argument.value, call.scope, found);
            }
        }
    }

    fn calls(&mut self, file: FileId) {
        let Some(context) = self.context(file) else { return };
        for (at, call) in context.module.calls.iter().enumerate() {
            self.call(context, file, at, call);
        }
    }

    fn call(&mut self, context: Context<'p>, file: FileId, at: usize, call: &'p Call) {
        let Some(function) = self.function_at(file, call.scope) else { return };
        self.behaves(context, call, function);
        let symbols = context.names.symbols(&call.callee, call.scope);
        let mut followed = call.role == CallRole::Annotation;
        let callee = symbols.first().and_then(|symbol| self.function_named(file, symbol));
        if call.role != CallRole::Annotation
            && let Some(symbol) = symbols.first()
        {
            let callees = callee.map_or_else(|| self.implementors(file, symbol), |callee| vec![callee]);
            followed = !callees.is_empty();
            for callee in callees {
                self.edge(function, callee);
            }
        }
        let mut given = Vec::new();
        for argument in &call.arguments {
            self.functions_in(file, &argument.value, call.scope, &mut given);
        }
        for inner in &given {
            self.edge(function, *inner);
        }
        self.handed.extend(given.iter().copied());
        if call.role == CallRole::Spawn {
            self.spawn(file, call, function, callee, &given);
        }
        let table = known_symbols(context.module.language.word());
        let bases = symbols.first().map(|symbol| self.bases(file, symbol)).unwrap_or_default();
        let stub = Self::stub(context, call);
        let Some((symbol, rows)) = symbols
            .iter()
            .chain(&bases)
            .chain(&stub)
            .map(|symbol| (symbol, table.rows(symbol)))
            .find(|(_, rows)| !rows.is_empty())
        else {
            if let Some(symbol) = symbols.first().filter(|_| !followed) {
                self.unfollowed(file, context, call, symbol, function);
            }
            self.site(callee, file, at, call);
            return;
        };
        if call.role == CallRole::Annotation {
            given = self.annotated(file, call.scope);
        }
        let made = self.made(context, file, call);
        for (library, row) in rows {
            let version = library.package.as_deref().and_then(|package| self.version(package));
            if !row.versions.as_deref().zip(version.as_deref()).is_none_or(|(wanted, version)| holds(wanted, version)) {
                continue;
            }
            let one = self.made_use(context, (file, at, call), (library, row), symbol, made, &given, version, function);
            let id = self.code.uses.len();
            self.code.uses.push(one);
            let asked = deadlines::asked(row);
            if !asked.is_empty() {
                self.asked.push((id, file, at, asked));
            }
            self.uses.entry((file, at)).or_insert(id);
            if let Some(function) = self.code.functions.get_mut(function) {
                function.uses.push(id);
            }
            if row.means == Meaning::Middleware {
                self.by_name(context, file, call, function);
            }
            if let Some((owner, maker)) = made
                && let Maker::Call(maker) = maker.maker
            {
                self.receivers.insert(id, (owner, maker));
                if let Some(client) = self.uses.get(&(owner, maker)).copied()
                    && let Some(one) = self.code.uses.get_mut(id)
                {
                    one.client = Some(client);
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is one of the things that a use is put together from")]
    fn made_use(
        &self,
        context: Context<'p>,
        (file, at, call): (FileId, usize, &Call),
        (library, row): (&Library, &KnownUse),
        symbol: &str,
        made: Option<(FileId, MadeIn<'p>)>,
        given: &[FunctionId],
        version: Option<String>,
        function: FunctionId,
    ) -> Use {
        let around = |kind: ScopeKind| {
            let inner = context.module.around(call.scope).take_while(|(_, scope)| scope.kind != ScopeKind::Function);
            inner.into_iter().any(|(_, scope)| scope.kind == kind)
        };
        Use {
            meaning: row.means,
            symbol: symbol.to_owned(),
            package: library.package.clone(),
            version,
            place: self.place(file, call.spot.line),
            role: self.program.files.get(file).map_or(Role::Product, |unit| unit.role),
            function,
            settings: settings::settings(context, at, &self.receiver(context, file, call, made), row),
            defaults: row.defaults.clone(),
            wraps: given.to_vec(),
            client: None,
            in_loop: around(ScopeKind::Loop),
            in_branch: around(ScopeKind::Branch),
            in_catch: context
                .module
                .around(call.scope)
                .take_while(|(_, scope)| scope.kind != ScopeKind::Function)
                .any(|(_, scope)| handles_errors(context.module.language, scope)),
            fate: match call {
                // `_, cancel := context.WithTimeout(…)`: the deadline is made and thrown away.
                _ if context
                    .module
                    .bindings
                    .iter()
                    .any(|one| one.name == "_" && one.nth == 0 && one.value == Some(Expr::Call(at))) =>
                {
                    Fate::Dropped
                }
                Call { awaited: true, .. } => Fate::Awaited,
                Call { dropped: true, .. } => Fate::Dropped,
                _ => Fate::Kept,
            },
        }
    }

    /// What a library brings and a router is given by its name: `r.Use(middleware.Recoverer)`.
    fn by_name(&mut self, context: Context<'p>, file: FileId, call: &Call, function: FunctionId) {
        let table = known_symbols(context.module.language.word());
        let given = call.arguments.iter().filter(|one| matches!(one.value, Expr::Name(_)));
        for symbol in given.filter_map(|one| context.names.symbols(&one.value, call.scope).into_iter().next()) {
            for (library, row) in table.rows(&symbol) {
                let id = self.code.uses.len();
                self.code.uses.push(Use {
                    meaning: row.means,
                    symbol: symbol.clone(),
                    package: library.package.clone(),
                    version: library.package.as_deref().and_then(|package| self.version(package)),
                    place: self.place(file, call.spot.line),
                    role: self.program.files.get(file).map_or(Role::Product, |unit| unit.role),
                    function,
                    settings: BTreeMap::new(),
                    defaults: row.defaults.clone(),
                    wraps: Vec::new(),
                    client: None,
                    in_loop: false,
                    in_branch: false,
                    in_catch: false,
                    fate: Fate::Kept,
                });
                if let Some(function) = self.code.functions.get_mut(function) {
                    function.uses.push(id);
                }
            }
        }
    }

    /// What an annotation stands on: a function, or every function of a class.
    fn annotated(&self, file: FileId, scope: ScopeId) -> Vec<FunctionId> {
        let Some(unit) = self.program.files.get(file) else { return Vec::new() };
        if let Some(function) = self.functions.get(&(file, scope)) {
            return vec![*function];
        }
        let inside = (0..unit.module.scopes.len()).filter(|at| unit.module.class(*at) == Some(scope));
        inside.filter_map(|at| self.functions.get(&(file, at)).copied()).collect()
    }

    /// What made the object that a call is made on, and the file where.
    fn made(&self, context: Context<'p>, file: FileId, call: &'p Call) -> Option<(FileId, MadeIn<'p>)> {
        let maker = match &call.callee {
            Expr::Name(path) => context.names.maker_of(path.rsplit_once('.')?.0, call.scope)?,
            Expr::Member(of, _) => context.names.maker(of, call.scope)?,
            _ => return None,
        };
        let made = program::follow(self.program, self.names, Made { file, maker })?;
        Some((made.file, MadeIn { context: self.context(made.file)?, maker: made.maker }))
    }

    /// The version of a package as the lockfiles resolve it.
    fn version(&self, package: &str) -> Option<String> {
        self.packages.iter().find_map(|one| one.dependencies.iter().find(|one| one.name == package)?.version.clone())
    }

    fn reads(&mut self, file: FileId) {
        let Some(context) = self.context(file) else { return };
        let values =
            context.module.reads.iter().map(|read| (&read.value, read.default.as_ref(), read.scope, read.spot.line));
        let mut found: Vec<EnvironmentRead> = Vec::new();
        for (value, default, scope, line) in values {
            let Some((name, _)) = values::environment(context, value, scope) else { continue };
            let default = default.map(|default| values::setting(context, default, scope, None, line).value);
            let default = default.or_else(|| self.stand_in(file, value, scope));
            found.extend(self.environment_read(file, name, default, scope, line));
        }
        for (at, call) in context.module.calls.iter().enumerate() {
            let called = Expr::Call(at);
            // `process.env.HOSTS.split(",")` reads as well.
            let prefix =
                call.callee.name().and_then(|path| path.rsplit_once('.')).map(|(of, _)| Expr::Name(of.to_owned()));
            let read = if self
                .uses
                .get(&(file, at))
                .and_then(|id| self.code.uses.get(*id))
                .is_some_and(|one| one.meaning == Meaning::EnvironmentRead)
            {
                values::environment(context, &called, call.scope)
            } else {
                prefix.and_then(|prefix| {
                    values::environment(context, &prefix, call.scope).filter(|_| {
                        // A variable that holds what was read is no second read.
                        prefix
                            .name()
                            .is_some_and(|path| path.contains('.') && context.names.value(path, call.scope).is_none())
                    })
                })
            };
            if let Some((name, default)) = read {
                let default = default.or_else(|| self.stand_in(file, &called, call.scope));
                found.extend(self.environment_read(file, name, default, call.scope, call.spot.line));
            }
        }
        found.dedup();
        self.code.environment.extend(found);
    }

    pub(super) fn environment_read(
        &self,
        file: FileId,
        name: String,
        default: Option<SettingValue>,
        scope: ScopeId,
        line: u32,
    ) -> Option<EnvironmentRead> {
        let (name, default) = variables::placeholder(name, default);
        Some(EnvironmentRead {
            name,
            default,
            place: self.place(file, line),
            role: self.program.files.get(file)?.role,
            function: self.function_at(file, scope)?,
        })
    }

    fn catches(&mut self, file: FileId) {
        let Some(context) = self.context(file) else { return };
        let module = context.module;
        let mut found = Vec::new();
        for (at, scope) in module.scopes.iter().enumerate() {
            let handles = handles_errors(module.language, scope);
            let Some(function) = self.function_at(file, at).filter(|_| handles) else { continue };
            let calls = || module.calls.iter().enumerate().filter(|(_, call)| module.within(call.scope, at));
            let meanings =
                calls().filter_map(|(call, _)| self.uses.get(&(file, call))).filter_map(|id| self.code.uses.get(*id));
            let logs = meanings.clone().any(|one| matches!(one.meaning, Meaning::LogCall | Meaning::PrintCall));
            let ends = meanings.clone().any(|one| one.meaning == Meaning::Exit);
            let throws = ends || calls().any(|(_, call)| call.role == CallRole::Throw);
            let recovers = !throws
                && module.returns.iter().any(|one| {
                    module.within(one.scope, at)
                        && stands_in(module.language, &one.value, &|call| {
                            self.uses.get(&(file, call)).and_then(|id| self.code.uses.get(*id)).is_some_and(|one| {
                                matches!(one.meaning, Meaning::CacheCall | Meaning::Cache | Meaning::Fallback)
                            })
                        })
                });
            let acts = calls().next().is_some() || module.returns.iter().any(|one| module.within(one.scope, at));
            found.push(Catch {
                place: self.place(file, scope.spot.line),
                role: self.program.files.get(file).map_or(Role::Product, |unit| unit.role),
                function,
                types: scope.types.clone(),
                empty: scope.empty,
                does: [
                    (throws, Handling::Throws),
                    (acts, Handling::Acts),
                    (logs, Handling::Logs),
                    (recovers, Handling::Recovers),
                ]
                .into_iter()
                .filter_map(|(does, what)| does.then_some(what))
                .collect(),
            });
        }
        // `promise.catch(() => {})`
        for call in &module.calls {
            let is_catch = match &call.callee {
                Expr::Member(_, name) => name == "catch",
                Expr::Name(path) => path.rsplit_once('.').is_some_and(|(_, name)| name == "catch"),
                _ => false,
            };
            let Some(Expr::Function(handler)) = call.arguments.first().map(|one| &one.value).filter(|_| is_catch)
            else {
                continue;
            };
            let (Some(scope), Some(function)) = (module.scopes.get(*handler), self.function_at(file, call.scope))
            else {
                continue;
            };
            found.push(Catch {
                place: self.place(file, call.spot.line),
                role: self.program.files.get(file).map_or(Role::Product, |unit| unit.role),
                function,
                types: Vec::new(),
                empty: scope.empty,
                does: if scope.empty { Vec::new() } else { vec![Handling::Acts] },
            });
        }
        self.code.catches.extend(found);
    }

    fn texts(&mut self, file: FileId) {
        let Some(context) = self.context(file) else { return };
        for literal in &context.module.literals {
            let Some(kind) = text_kind(&literal.text) else { continue };
            let Some(function) = self.function_at(file, literal.scope) else { continue };
            let given_to = || {
                let holds = |one: &&Call| {
                    one.arguments.iter().any(|argument| argument.value.text() == Some(literal.text.as_str()))
                        && one.spot.contains(literal.spot)
                };
                let call = context.module.calls.iter().filter(holds).min_by_key(|one| one.spot.end - one.spot.start)?;
                method(&call.callee).map(str::to_owned)
            };
            let text = SourceText {
                kind,
                text: literal.text.clone(),
                place: self.place(file, literal.spot.line),
                role: self.program.files.get(file).map_or(Role::Product, |unit| unit.role),
                function,
                given_to: (kind == SourceTextKind::RequestId).then(given_to).flatten(),
            };
            self.code.texts.push(text);
        }
        // `{ headers: { "x-request-id": id } }`
        for call in &context.module.calls {
            let Some(function) = self.function_at(file, call.scope) else { continue };
            let mut keys = Vec::new();
            for argument in &call.arguments {
                argument.value.walk(&mut |value| {
                    if let Expr::Object { fields, .. } = value {
                        keys.extend(fields.iter().map(|(key, _)| key).filter(|key| is_header(key)));
                    }
                });
            }
            for key in keys {
                self.code.texts.push(SourceText {
                    kind: SourceTextKind::RequestId,
                    text: key.clone(),
                    place: self.place(file, call.spot.line),
                    role: self.program.files.get(file).map_or(Role::Product, |unit| unit.role),
                    function,
                    given_to: Some("{}".to_owned()),
                });
            }
        }
    }

    fn routes(&mut self) {
        let calls: BTreeMap<UseId, (FileId, usize)> = self.uses.iter().map(|(call, id)| (*id, *call)).collect();
        let mounts = self.mounts(&calls);
        let enclosing = self.enclosing(&calls);
        let mut routes = Vec::new();
        for (id, one) in self.code.uses.iter().enumerate().filter(|(_, one)| one.meaning == Meaning::Route) {
            let Some((file, at)) = calls.get(&id).copied() else { continue };
            let Some(call) = self.program.files.get(file).and_then(|unit| unit.module.calls.get(at)) else { continue };
            let own = one.settings.get("path").and_then(|setting| setting.value.text());
            let piece =
                own.is_none().then(|| call.arguments.iter().take(2).find_map(|one| self.path_piece(file, &one.value)));
            let own = own.map(|path| path.rsplit("{}").next().unwrap_or(path)).or_else(|| piece.flatten());
            // `app.get("env")` of Express reads a setting: a route has somebody to answer it.
            if one.wraps.is_empty() && call.arguments.len() < 2 && call.role != CallRole::Annotation {
                continue;
            }
            let (mut prefix, mut guards) = self.around_route(id, &mounts, GROUPS);
            let (outer, around) = self.enclosed(one.function, &mounts, &enclosing);
            prefix = joined(&outer, &prefix);
            guards.splice(0..0, around);
            let handler = match call.role {
                CallRole::Annotation => one.wraps.first().copied(),
                _ => one.wraps.last().copied(),
            };
            if call.role == CallRole::Annotation {
                guards.extend(self.beside_annotation(file, call, at));
                prefix.push_str(&self.class_prefix(handler));
            } else {
                let middle = call.arguments.len().saturating_sub(1);
                for argument in call.arguments.iter().take(middle).skip(1) {
                    guards.extend(self.guard(file, &argument.value, call.scope));
                }
            }
            // `GET /healthz` is how net/http writes both.
            let (before, own) = own.map_or((None, None), |own| match own.split_once(' ') {
                Some((method, path)) if method.bytes().all(|byte| byte.is_ascii_uppercase()) && !method.is_empty() => {
                    (Some(method.to_owned()), Some(path.trim_start()))
                }
                _ => (None, Some(own)),
            });
            let method = one.settings.get("method").and_then(|setting| setting.value.text()).map(str::to_owned);
            let method =
                method.map(|name| name.rsplit('.').next().unwrap_or_default().trim_start_matches("Method").to_owned());
            let method = before.or(method).or_else(|| one.defaults.get("method").cloned()).or_else(|| {
                let last = one.symbol.rsplit('.').next().unwrap_or_default().to_ascii_uppercase();
                let last = last.trim_end_matches("MAPPING").trim_start_matches("MAP").to_owned();
                matches!(last.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS")
                    .then_some(last)
            });
            routes.push(ServedRoute {
                method: method.map(|method| method.to_ascii_uppercase()),
                path: joined(&prefix, own.unwrap_or_default()),
                handler,
                guards,
                place: one.place.clone(),
                role: one.role,
            });
        }
        self.code.routes = routes;
    }

    /// The part of a path that is written where the rest is put together: `prefixed("/healthz")`, `base + "/healthz"`.
    fn path_piece(&self, file: FileId, value: &'p Expr) -> Option<&'p str> {
        let piece =
            |text: &'p str| Some(text).filter(|text| text.len() > 1 && text.starts_with('/') && !text.contains(' '));
        match value {
            Expr::Text(text) => piece(text.rsplit("{}").next()?),
            Expr::Operation(operator, items) if operator == "+" => {
                items.iter().rev().find_map(|item| piece(item.text()?))
            }
            Expr::Call(at) => {
                let call = self.program.files.get(file)?.module.calls.get(*at)?;
                call.arguments.iter().rev().find_map(|argument| piece(argument.value.text()?))
            }
            _ => None,
        }
    }

    /// The groups that are given a function in which their routes are made: `r.Route("/v1", func(r chi.Router) { … })`.
    fn enclosing(&self, calls: &BTreeMap<UseId, (FileId, usize)>) -> HashMap<FunctionId, UseId> {
        let mut enclosing = HashMap::new();
        for (id, one) in self.code.uses.iter().enumerate().filter(|(_, one)| one.meaning == Meaning::RouteGroup) {
            let Some((file, at)) = calls.get(&id).copied() else { continue };
            let call = self.program.files.get(file).and_then(|unit| unit.module.calls.get(at));
            if call.is_some_and(|call| call.role != CallRole::Annotation) {
                for function in &one.wraps {
                    enclosing.entry(*function).or_insert(id);
                }
            }
        }
        enclosing
    }

    /// The prefix and the guards of the groups that a function's routes stand in.
    fn enclosed(
        &self,
        function: FunctionId,
        mounts: &HashMap<(FileId, usize), UseId>,
        enclosing: &HashMap<FunctionId, UseId>,
    ) -> (String, Vec<Guard>) {
        let mut prefix = String::new();
        let mut guards = Vec::new();
        let mut inner = function;
        for _ in 0..GROUPS {
            let Some((id, group)) = enclosing.get(&inner).and_then(|id| Some((*id, self.code.uses.get(*id)?))) else {
                break;
            };
            let path = group.settings.get("path").and_then(|setting| setting.value.text()).unwrap_or_default();
            let (before, around) = self.around_route(id, mounts, GROUPS);
            prefix = joined(&joined(&before, path), &prefix);
            let beside = self.code.uses.iter().enumerate().filter(|(_, one)| {
                one.meaning == Meaning::Middleware && one.function == inner && !one.settings.contains_key("path")
            });
            let beside: Vec<Guard> = beside.flat_map(|(at, _)| self.guards_of(at, mounts)).collect();
            guards.splice(0..0, around.into_iter().chain(beside));
            if group.function == inner {
                break;
            }
            inner = group.function;
        }
        (prefix, guards)
    }

    /// Who mounts what: the call that made a group, and the use that hangs it somewhere.
    fn mounts(&self, calls: &BTreeMap<UseId, (FileId, usize)>) -> HashMap<(FileId, usize), UseId> {
        let mut mounts = HashMap::new();
        let groups = self
            .code
            .uses
            .iter()
            .enumerate()
            .filter(|(_, one)| matches!(one.meaning, Meaning::Middleware | Meaning::RouteGroup));
        for (id, _) in groups {
            let Some((file, at)) = calls.get(&id).copied() else { continue };
            let Some(context) = self.context(file) else { continue };
            let Some(call) = context.module.calls.get(at) else { continue };
            for argument in &call.arguments {
                let Some(maker) = context.names.maker(&argument.value, call.scope) else { continue };
                let Some(made) = program::follow(self.program, self.names, Made { file, maker }) else { continue };
                if let Maker::Call(maker) = made.maker {
                    mounts.entry((made.file, maker)).or_insert(id);
                }
            }
        }
        mounts
    }

    /// The prefix and the guards of what a use is called on.
    fn around_route(&self, id: UseId, mounts: &HashMap<(FileId, usize), UseId>, depth: usize) -> (String, Vec<Guard>) {
        let Some((receiver, depth)) = self.receivers.get(&id).zip(depth.checked_sub(1)) else {
            return (String::new(), Vec::new());
        };
        let path = |id: UseId| {
            let one = self.code.uses.get(id)?;
            one.settings.get("path").and_then(|setting| setting.value.text()).map(str::to_owned)
        };
        let mut prefix = String::new();
        let mut guards = Vec::new();
        // The group itself, with what it hangs on.
        let group = self.uses.get(receiver).copied().filter(|group| {
            self.code.uses.get(*group).is_some_and(|one| one.meaning == Meaning::RouteGroup) && *group != id
        });
        for outer in [mounts.get(receiver).copied().filter(|mount| *mount != id), group].into_iter().flatten() {
            let (outer_prefix, outer_guards) = self.around_route(outer, mounts, depth);
            prefix = joined(&prefix, &joined(&outer_prefix, &path(outer).unwrap_or_default()));
            guards.extend(outer_guards);
            guards.extend(self.guards_of(outer, mounts));
        }
        // Middleware of the same object, unless it is for another path.
        for (other, one) in self.code.uses.iter().enumerate() {
            if one.meaning == Meaning::Middleware
                && self.receivers.get(&other) == Some(receiver)
                && path(other).is_none()
            {
                guards.extend(self.guards_of(other, mounts));
            }
        }
        (prefix, guards)
    }

    /// What a use is given as guards.
    fn guards_of(&self, id: UseId, mounts: &HashMap<(FileId, usize), UseId>) -> Vec<Guard> {
        let Some(((file, at), _)) = self.uses.iter().find(|(_, one)| **one == id) else { return Vec::new() };
        let Some(call) = self.program.files.get(*file).and_then(|unit| unit.module.calls.get(*at)) else {
            return Vec::new();
        };
        let mounted = |value: &Expr| {
            let maker = self.names.get(*file)?.maker(value, call.scope)?;
            let made = program::follow(self.program, self.names, Made { file: *file, maker })?;
            match made.maker {
                Maker::Call(at) => mounts.get(&(made.file, at)),
                _ => None,
            }
        };
        let guards = call.arguments.iter().filter(|argument| mounted(&argument.value) != Some(&id));
        guards.flat_map(|argument| self.guard(*file, &argument.value, call.scope)).collect()
    }

    fn guard(&self, file: FileId, value: &Expr, scope: ScopeId) -> Vec<Guard> {
        let Some(names) = self.names.get(file) else { return Vec::new() };
        match value {
            Expr::List(items) => items.iter().flat_map(|item| self.guard(file, item, scope)).collect(),
            Expr::Object { fields, .. } => fields.iter().flat_map(|(_, item)| self.guard(file, item, scope)).collect(),
            Expr::Call(at) => {
                let Some(call) = self.program.files.get(file).and_then(|unit| unit.module.calls.get(*at)) else {
                    return Vec::new();
                };
                let symbol = names.symbols(&call.callee, call.scope).into_iter().next();
                let function = symbol.as_deref().and_then(|symbol| self.function_named(file, symbol));
                vec![Guard { name: symbol.unwrap_or_default(), function, used: self.uses.get(&(file, *at)).copied() }]
            }
            Expr::Name(_) | Expr::Member(..) | Expr::Function(_) => {
                let symbol = names.symbols(value, scope).into_iter().next();
                let function = match value {
                    Expr::Function(at) => self.functions.get(&(file, *at)).copied(),
                    _ => symbol.as_deref().and_then(|symbol| self.function_named(file, symbol)),
                };
                vec![Guard { name: symbol.unwrap_or_default(), function, used: None }]
            }
            _ => Vec::new(),
        }
    }

    /// The other annotations of a handler and of its class.
    fn beside_annotation(&self, file: FileId, call: &Call, at: usize) -> Vec<Guard> {
        let Some(context) = self.context(file) else { return Vec::new() };
        let class = context.module.class(call.scope);
        let beside = context.module.calls.iter().enumerate().filter(|(other, one)| {
            *other != at && one.role == CallRole::Annotation && (one.scope == call.scope || Some(one.scope) == class)
        });
        beside
            .flat_map(|(other, one)| {
                let name = context.names.symbols(&one.callee, one.scope).into_iter().next().unwrap_or_default();
                let function = self.function_named(file, &name);
                let own = Guard { name, function, used: self.uses.get(&(file, other)).copied() };
                let given = one.arguments.iter().flat_map(|argument| self.guard(file, &argument.value, one.scope));
                std::iter::once(own).chain(given.collect::<Vec<_>>()).collect::<Vec<_>>()
            })
            .collect()
    }

    /// The path that the class of a handler puts before its own.
    fn class_prefix(&self, handler: Option<FunctionId>) -> String {
        let Some(handler) = handler else { return String::new() };
        let mut groups =
            self.code.uses.iter().filter(|one| one.meaning == Meaning::RouteGroup && one.wraps.contains(&handler));
        let path = groups.find_map(|one| one.settings.get("path")?.value.text());
        path.unwrap_or_default().to_owned()
    }
}

/// Two parts of a path with one slash between them.
fn joined(prefix: &str, path: &str) -> String {
    match (prefix.trim_end_matches('/'), path.trim_start_matches('/')) {
        ("", _) => path.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, path) => format!("{prefix}/{path}"),
    }
}

/// The last name of what is called.
pub(super) fn method(callee: &Expr) -> Option<&str> {
    match callee {
        Expr::Name(path) => path.rsplit('.').next(),
        Expr::Member(_, name) => Some(name),
        _ => None,
    }
}

/// The name of a header or a field that carries the id of a request: `x-request-id`, `traceparent`, `requestId`.
fn is_header(text: &str) -> bool {
    if !(5..=40).contains(&text.len()) {
        return false;
    }
    let lower = text.to_ascii_lowercase().replace('_', "-");
    let plain = lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let carries = ["request", "correlation", "trace"].iter().any(|word| lower.contains(word));
    plain && (lower == "traceparent" || carries && lower.ends_with("id"))
}

/// The headers that checks ask for.
const HEADERS: &[&str] = &[
    "Idempotency-Key",
    "X-Idempotency-Key",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-Forwarded-For",
    "Warning",
];

fn text_kind(text: &str) -> Option<SourceTextKind> {
    if is_header(text) {
        return Some(SourceTextKind::RequestId);
    }
    let start = text.trim_start();
    if start.split_once("://").is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && (2..=20).contains(&scheme.len())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
    }) {
        return Some(SourceTextKind::Address);
    }
    if HEADERS.iter().any(|header| header.eq_ignore_ascii_case(text)) {
        return Some(SourceTextKind::Protocol);
    }
    let word = start.split(|letter: char| !letter.is_ascii_alphabetic()).next()?.to_ascii_uppercase();
    let more = start.len() > word.len() + 6;
    let sql =
        more && matches!(
            word.as_str(),
            "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "CREATE" | "ALTER" | "DROP" | "WITH" | "TRUNCATE"
        ) && ["FROM", "INTO", "SET", "TABLE", "INDEX", "SELECT"]
            .iter()
            .any(|other| start.to_ascii_uppercase().contains(other));
    sql.then_some(SourceTextKind::Sql)
}

/// Whether a version meets a requirement of a table: `<2`, `>=1.4`, `<2, >=1`.
fn holds(requirement: &str, version: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        let plain = text.trim().trim_start_matches('v');
        plain.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
    };
    let version = numbers(version);
    requirement.split(',').map(str::trim).all(|one| {
        if let Some(bound) = one.strip_prefix(">=") {
            version >= numbers(bound)
        } else if let Some(bound) = one.strip_prefix('<') {
            version < numbers(bound)
        } else {
            version.starts_with(&numbers(one.trim_start_matches('=')))
        }
    })
}
