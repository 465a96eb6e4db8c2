//! From the modules of a program to the facts that checks read.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use gonogo_domain::{
    KnownUse, Library, Place,
    evidence::{
        Fate, Function, FunctionId, FunctionKind, Meaning, Package, Role, SourceCode, SourceFile, Unfollowed, Use,
        UseId,
    },
    known_symbols,
};
use gonogo_source::{Call, CallRole, Expr, Language, Maker, Names, ScopeId, ScopeKind};

use rayon::prelude::*;

use super::{
    deadlines,
    handling::handles_errors,
    program::{self, FileBeyond, FileId, Made, Program},
    settings::{self, MadeIn},
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
    for file in 0..program.files.len() {
        linker.reads(file);
        linker.catches(file);
        linker.texts(file);
        linker.choices(file);
    }
    linker.helpers();
    linker.cases();
    linker.routes();
    left_out.par_iter().map(|left_out| linker.without(left_out)).collect()
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
    pub(super) receivers: HashMap<UseId, (FileId, usize)>,
    /// The methods of the program by their name alone.
    methods: HashMap<String, Vec<FunctionId>>,
    pub(super) code: SourceCode,
}

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
                    kind: match (top, scope.name.as_str()) {
                        (true, _) => FunctionKind::File,
                        (false, "") => FunctionKind::Lambda,
                        (false, _) => FunctionKind::Named,
                    },
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

    /// What a class of the program extends: making one makes one of those, and what it calls of itself and does not have
    /// is theirs.
    fn bases(&self, file: FileId, symbol: &str) -> Vec<String> {
        let found = match symbol.strip_prefix('.') {
            Some(own) => Some((file, own)),
            None => symbol
                .strip_prefix('@')
                .and_then(|rest| rest.split_once('.'))
                .and_then(|(file, name)| Some((file.parse().ok()?, name))),
        };
        let Some((file, name)) = found else { return Vec::new() };
        let (name, method) = name.split_once('.').map_or((name, None), |(name, method)| (name, Some(method)));
        let (Some(unit), Some(names)) = (self.program.files.get(file), self.names.get(file)) else { return Vec::new() };
        let class = unit.module.scopes.iter().find(|scope| scope.kind == ScopeKind::Class && scope.name == name);
        let Some((class, around)) = class.map(|class| (class, class.parent.unwrap_or(0))) else { return Vec::new() };
        let bases = class.types.iter().flat_map(|base| names.symbols(&Expr::Name(base.clone()), around));
        bases.map(|base| method.map_or_else(|| base.clone(), |method| format!("{base}.{method}"))).collect()
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
        let bases =
            symbols.first().filter(|_| callee.is_none()).map(|symbol| self.bases(file, symbol)).unwrap_or_default();
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
}

/// The last name of what is called.
pub(super) fn method(callee: &Expr) -> Option<&str> {
    match callee {
        Expr::Name(path) => path.rsplit('.').next(),
        Expr::Member(_, name) => Some(name),
        _ => None,
    }
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
