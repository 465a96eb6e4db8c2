//! One call of the program: what it runs, what it hands on, what the tables know of it.

use gonogo_domain::{
    KnownUse, Library,
    evidence::{Fate, FunctionId, Meaning, Unfollowed, Use},
    known_symbols,
};
use gonogo_source::{Call, CallRole, Expr, Language, Maker, ScopeId, ScopeKind};
use serde::{Deserialize, Serialize};

use super::{
    behaviour::behaviour,
    bodies, deadlines,
    facts::{Edge, Linker},
    handling::handles_errors,
    program::{self, FileId, Made},
    settings::{self, MadeIn},
    touched::touch,
    values::Context,
};

/// What the methods are called that ask something, where a call that is not followed may be one of many kinds.
const ASKING: &[&str] = &[
    "ping", "check", "health", "query", "exec", "select", "connect", "status", "ready", "alive", "fetch", "find",
    "count", "probe", "command", "test",
];

/// Classes and modules that a class of Ruby has methods from.
const ANCESTORS: usize = 16;

/// What is found about a call, in whatever order the files are read: it depends on what is declared alone.
#[derive(Serialize, Deserialize)]
pub(super) struct Resolved {
    /// An index into the calls of its module.
    pub(super) at: usize,
    /// Where the call stands.
    pub(super) function: FunctionId,
    /// It can fail a test.
    pub(super) asserts: bool,
    /// It turns a caller away.
    pub(super) refuses: bool,
    /// It reads what a request brings along.
    pub(super) takes_body: bool,
    /// The function of the program that it names.
    pub(super) callee: Option<FunctionId>,
    /// The name of a method that no class was found for.
    pub(super) open: Option<String>,
    /// The function that it runs, or methods of which it may run any; then those that it is given.
    pub(super) runs: Vec<Edge>,
    pub(super) handed: Vec<FunctionId>,
    pub(super) uses: Vec<Found>,
    /// Unless it runs a method.
    pub(super) unfollowed: Option<Unfollowed>,
}

impl Resolved {
    fn says_something(&self) -> bool {
        let Self { asserts, refuses, takes_body, callee, open, runs, uses, unfollowed, .. } = self;
        *asserts
            || *refuses
            || *takes_body
            || callee.is_some()
            || open.is_some()
            || unfollowed.is_some()
            || !(runs.is_empty() && uses.is_empty())
    }
}

/// A use that a call makes.
#[derive(Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) one: Use,
    /// None where it is no row of what is called itself.
    pub(super) of: Option<OfRow>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct OfRow {
    /// The slots that carry a deadline.
    pub(super) asked: Vec<String>,
    /// The call that made what this one is called on.
    pub(super) maker: Option<(FileId, usize)>,
}

/// How the way out of the function goes on behind a call: it ends the process (`exit`) in the same block or in one
/// around (`later exit`), or returns early (`return`).
fn way_out(context: Context<'_>, at: usize, call: &Call) -> Option<&'static str> {
    /// Calls behind it that are looked at: the way out is near.
    const LOOKED_AT: usize = 64;
    let module = context.module;
    let home = module.function(call.scope);
    let passed = |scope: ScopeId| module.function(scope) == home && module.within(call.scope, scope);
    let table = known_symbols(module.language.word());
    let ends = |other: &&Call| {
        let symbols = context.names.symbols(&other.callee, other.scope);
        symbols.iter().flat_map(|symbol| table.rows(symbol)).any(|(_, row)| row.means == Meaning::Exit)
    };
    let mut behind = module.calls.iter().skip(at + 1).take(LOOKED_AT).filter(|other| passed(other.scope));
    let exit = behind.find(ends);
    let returns = module.returns.iter().filter(|one| passed(one.scope) && one.spot.line >= call.spot.line);
    let first = returns.min_by_key(|one| one.spot.line);
    let before = |line: u32| exit.is_none_or(|exit| line < exit.spot.line);
    match (exit, first) {
        (_, Some(one)) if before(one.spot.line) => {
            // Every function comes to its end at last: what returns early is a branch of it.
            let branch = module.scopes.get(one.scope).is_some_and(|scope| scope.kind != ScopeKind::Function);
            (one.scope == call.scope || branch).then_some("return")
        }
        (Some(exit), _) if exit.scope == call.scope => Some("exit"),
        (Some(_), _) => Some("later exit"),
        (None, _) => None,
    }
}

impl<'p> Linker<'p> {
    /// All calls of a file.
    pub(super) fn resolve(&self, file: FileId) -> Vec<Resolved> {
        let Some(context) = self.context(file) else { return Vec::new() };
        let calls = context.module.calls.iter().enumerate();
        calls.filter_map(|(at, call)| self.call(context, file, at, call)).filter(Resolved::says_something).collect()
    }

    fn call(&self, context: Context<'p>, file: FileId, at: usize, call: &'p Call) -> Option<Resolved> {
        let function = self.function_at(file, call.scope)?;
        let (asserts, refuses) = behaviour(context, call);
        let symbols = context.names.symbols(&call.callee, call.scope);
        // A variable of the function around hides what its package declares by the same name.
        let hidden = call.callee.name().filter(|name| !name.contains('.')).and_then(|name| {
            let mut bound = context.names.bindings(name);
            let own = bound.find(|one| one.scope != 0 && context.module.within(call.scope, one.scope))?;
            match own.value {
                Some(Expr::Function(at)) => self.functions.get(&(file, at)).copied(),
                _ => None,
            }
        });
        let callee = hidden
            .or_else(|| symbols.first().and_then(|symbol| self.function_named(file, symbol)))
            .or_else(|| self.inherited(context, file, call));
        let mut runs = match symbols.first().filter(|_| call.role != CallRole::Annotation) {
            Some(symbol) => {
                let methods = || self.interface(file, symbol).map(|method| Edge::Methods(method.to_owned()));
                callee.map(Edge::To).or_else(methods).into_iter().collect()
            }
            None => Vec::new(),
        };
        let followed = call.role == CallRole::Annotation || callee.is_some();
        let takes_body = bodies::takes(context, call, callee.is_some());
        let mut handed = Vec::new();
        for argument in &call.arguments {
            self.functions_in(file, &argument.value, call.scope, &mut handed);
        }
        runs.extend(handed.iter().copied().map(Edge::To));
        let mut uses: Vec<Found> = Vec::new();
        if call.role == CallRole::Spawn {
            uses.extend(self.spawn(file, call, function, callee, &handed).map(|one| Found { one, of: None }));
        }
        let table = known_symbols(context.module.language.word());
        // What an interface declares and nobody here wrote is its base's as well.
        let own = callee.is_some_and(|callee| self.has_body(callee));
        let bases = symbols.first().filter(|_| !own).map(|symbol| self.bases(file, symbol)).unwrap_or_default();
        // A module of a library that the program opens again: `module Net`.
        let reopened: Vec<String> = match (context.module.language, symbols.first(), callee) {
            (Language::Ruby, Some(symbol), None) => symbol
                .strip_prefix('.')
                // What the program adds is its own: `HTTP.get` of a class in `module Net`.
                .filter(|plain| plain.split_once('.').is_none_or(|(_, inner)| !self.declares(file, inner)))
                .map(str::to_owned)
                .into_iter()
                .collect(),
            _ => Vec::new(),
        };
        let mut known =
            symbols.iter().chain(&bases).chain(&reopened).map(|symbol| (symbol.clone(), table.rows(symbol)));
        let stub = || {
            let symbol = Self::stub(context, call)?;
            let rows = table.rows(&symbol);
            Some((symbol, rows))
        };
        let known = known.find(|(_, rows)| !rows.is_empty()).or_else(stub);
        let mut unfollowed = None;
        if let Some((symbol, rows)) = known.filter(|(_, rows)| !rows.is_empty()) {
            let given = match call.role {
                CallRole::Annotation => self.annotated(file, call.scope),
                _ => handed.clone(),
            };
            let made = self.made(context, file, call);
            for row in rows.into_iter().filter(|(library, row)| self.in_force(library, row)) {
                let seen = self.seen(file, function, call.spot.line, &symbol, row);
                let maker = made.as_ref().and_then(|(owner, made)| match made.maker {
                    Maker::Call(maker) => Some((*owner, maker)),
                    _ => None,
                });
                let of = OfRow { asked: deadlines::asked(row.1), maker };
                let mut one = self.made_use(context, (file, at, call), seen, row.1, made, &given);
                if let Some(then) = (row.1.means == Meaning::PrintCall).then(|| way_out(context, at, call)).flatten() {
                    one.defaults.insert("then".to_owned(), then.to_owned());
                }
                uses.push(Found { one, of: Some(of) });
                if matches!(row.1.means, Meaning::Middleware | Meaning::RouteGroup | Meaning::Route) {
                    let beside = self.by_name(context, (file, at, call), function);
                    let answers = |one: &Use| {
                        let answers = [
                            Meaning::Profiler,
                            Meaning::MetricsEndpoint,
                            Meaning::HealthCheck,
                            Meaning::Authentication,
                        ];
                        row.1.means != Meaning::Route || answers.contains(&one.meaning)
                    };
                    uses.extend(beside.into_iter().filter(answers).map(|one| Found { one, of: None }));
                }
            }
        } else if let Some(symbol) = symbols.first().filter(|_| !followed) {
            unfollowed = self.unfollowed(file, context, call, symbol);
        }
        let callee = callee.filter(|_| call.role != CallRole::Annotation);
        let open = deadlines::open(call).filter(|_| callee.is_none()).map(str::to_owned);
        Some(Resolved { at, function, asserts, refuses, takes_body, callee, open, runs, handed, uses, unfollowed })
    }

    /// Whether the version that is locked is one that the row speaks of.
    fn in_force(&self, library: &Library, row: &KnownUse) -> bool {
        let version = library.package.as_deref().and_then(|package| self.version(package));
        row.versions.as_deref().zip(version).is_none_or(|(wanted, version)| holds(wanted, version))
    }

    /// What a class of the program extends: making one makes one of those, and what it calls of itself and does not have
    /// is theirs.
    fn bases(&self, file: FileId, symbol: &str) -> Vec<String> {
        let found = match symbol.strip_prefix('.') {
            Some(own) => Some((file, own)),
            None => symbol
                .strip_prefix('@')
                .and_then(|rest| rest.split_once('.'))
                .and_then(|(file, name)| Some((file.parse().ok()?, name)))
                .or_else(|| self.imported(file, symbol)),
        };
        let Some((file, name)) = found else { return Vec::new() };
        let (name, method) = name.split_once('.').map_or((name, None), |(name, method)| (name, Some(method)));
        // A file names what another one of its package declares as if it were its own.
        touch(file);
        let elsewhere = || {
            let other = self.program.class(file, name)?;
            touch(other);
            self.names.get(other)
        };
        let Some(names) = self.names.get(file).filter(|names| names.class(name).is_some()).or_else(elsewhere) else {
            return Vec::new();
        };
        let Some((class, around)) = names.class(name).map(|class| (class, class.parent.unwrap_or(0))) else {
            return Vec::new();
        };
        let bases = class.types.iter().flat_map(|base| names.symbols(&Expr::Name(base.clone()), around));
        bases.map(|base| method.map_or_else(|| base.clone(), |method| format!("{base}.{method}"))).collect()
    }

    /// A class of another package of the program, with its method: `shop.data.Orders.find`.
    fn imported<'s>(&self, file: FileId, symbol: &'s str) -> Option<(FileId, &'s str)> {
        let (kind, _) = symbol.rsplit_once('.')?;
        let (package, class) = kind.rsplit_once('.')?;
        let other = self.program.class(file, class)?;
        touch(other);
        let declared = &self.program.files.get(other)?.outline.package;
        (declared == package).then(|| symbol.get(package.len() + 1..)).flatten().map(|name| (other, name))
    }

    /// Something stands in the function: it is no mere declaration.
    fn has_body(&self, function: FunctionId) -> bool {
        let Some((file, scope)) = self.scopes.get(function).copied() else { return true };
        touch(file);
        let Some(unit) = self.program.files.get(file) else { return true };
        let module = &unit.module;
        let declares = matches!(module.language, Language::Java | Language::Kotlin | Language::CSharp | Language::Php);
        let inside = |at: ScopeId| module.within(at, scope);
        !declares
            || module.calls.iter().any(|one| one.role != CallRole::Annotation && inside(one.scope))
            || module.returns.iter().any(|one| inside(one.scope))
            || module.bindings.iter().any(|one| inside(one.scope))
            || module.reads.iter().any(|one| inside(one.scope))
    }

    /// The name of the methods that a call on an interface of the program may run.
    fn interface<'s>(&self, file: FileId, symbol: &'s str) -> Option<&'s str> {
        let (kind, method) = symbol.rsplit_once('.')?;
        self.program.is_type(file, kind).then_some(method)
    }

    /// A call that leads out of sight, where somebody waits for it or for its error.
    fn unfollowed(&self, file: FileId, context: Context<'_>, call: &Call, symbol: &str) -> Option<Unfollowed> {
        use Language::{CSharp, Java, Kotlin, Php, Python, Ruby};
        let name = call.callee.name()?;
        let (head, method) = (name.split('.').next().unwrap_or(name), name.rsplit('.').next().unwrap_or(name));
        let own = symbol.starts_with(['.', '@']) || symbol.contains("()");
        // `github.com/lib/pq.Conn.Ping` is of `github.com/lib/pq`.
        let library = || {
            let ends = symbol.match_indices(['.', '/', '(']).map(|(at, _)| at).chain([symbol.len()]);
            ends.filter_map(|end| symbol.get(..end)).any(|name| self.libraries.contains(name))
        };
        let throws = matches!(context.module.language, Python | Java | Kotlin | CSharp | Ruby | Php);
        let asks = words(method).any(|one| ASKING.iter().any(|word| one.starts_with(word)));
        let waits = call.awaited || throws;
        if call.role != CallRole::Plain || !waits || !(own && (asks || !throws) || asks && library()) {
            return None;
        }
        let inner = context.module.function(call.scope).and_then(|at| context.module.scopes.get(at));
        let on_parameter = inner.is_some_and(|scope| scope.parameters.iter().any(|one| one.name == head));
        Some(Unfollowed { symbol: plain(symbol).to_owned(), place: self.place(file, call.spot.line), on_parameter })
    }

    fn declares(&self, file: FileId, name: &str) -> bool {
        name.contains('.') && self.function_named(file, &format!(".{name}")).is_some()
    }

    /// A method that a class of Ruby calls on itself and has from a class above or from a module that it includes.
    fn inherited(&self, context: Context<'_>, file: FileId, call: &Call) -> Option<FunctionId> {
        if context.module.language != Language::Ruby {
            return None;
        }
        let name = call.callee.name().filter(|name| !name.contains('.'))?;
        let class = context.module.class(call.scope)?;
        let mut open: Vec<(FileId, ScopeId)> = vec![(file, class)];
        let mut seen = 0_usize;
        while let Some((file, class)) = open.pop().filter(|_| seen < ANCESTORS) {
            seen += 1;
            touch(file);
            let module = &self.program.files.get(file)?.module;
            let of_class = module.calls.iter().filter(|one| one.scope == class && one.callee.name() == Some("include"));
            let included = of_class.flat_map(|one| &one.arguments).filter_map(|one| one.value.name());
            let above = module.scopes.get(class).into_iter().flat_map(|scope| &scope.types).map(String::as_str);
            for base in above.chain(included) {
                if let Some(function) = self.function_named(file, &format!(".{base}.{name}")) {
                    return Some(function);
                }
                let Some(other) = self.program.class(file, base) else { continue };
                touch(other);
                let scopes = self.program.files.get(other).map(|unit| unit.module.scopes.as_slice());
                let at = scopes
                    .and_then(|all| all.iter().position(|scope| scope.kind == ScopeKind::Class && scope.name == base));
                open.extend(at.map(|at| (other, at)));
            }
        }
        None
    }

    /// The functions of the program that an expression holds: itself, in a list, as a field, as what a call is given.
    pub(super) fn functions_in(&self, file: FileId, value: &Expr, scope: ScopeId, found: &mut Vec<FunctionId>) {
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

    fn made_use(
        &self,
        context: Context<'p>,
        (file, at, call): (FileId, usize, &Call),
        seen: Use,
        row: &KnownUse,
        made: Option<(FileId, MadeIn<'p>)>,
        given: &[FunctionId],
    ) -> Use {
        let inner = || {
            let around = context.module.around(call.scope).map(|(_, scope)| scope);
            around.take_while(|scope| scope.kind != ScopeKind::Function)
        };
        // `_, cancel := context.WithTimeout(…)`: the deadline is made and thrown away.
        let discarded = || {
            let mut bound = context.names.bindings("_");
            bound.any(|one| one.nth == 0 && one.value == Some(Expr::Call(at)))
        };
        Use {
            settings: settings::settings(context, at, &self.receiver(context, file, call, made), row),
            wraps: given.to_vec(),
            in_loop: inner().any(|scope| scope.kind == ScopeKind::Loop),
            in_branch: inner().any(|scope| scope.kind == ScopeKind::Branch),
            in_catch: inner().any(|scope| handles_errors(context.module.language, scope)),
            fate: match call {
                _ if discarded() => Fate::Dropped,
                Call { awaited: true, .. } => Fate::Awaited,
                Call { dropped: true, .. } => Fate::Dropped,
                _ => Fate::Kept,
            },
            ..seen
        }
    }

    /// What a library brings and a router is given by its name: `r.Use(middleware.Recoverer)`, `app.register(rateLimit, …)`,
    /// `mount Exporter => "/metrics"`, `mux.HandleFunc("/debug/pprof/", pprof.Index)`. Its settings stand beside it.
    fn by_name(
        &self,
        context: Context<'p>,
        (file, at, call): (FileId, usize, &Call),
        function: FunctionId,
    ) -> Vec<Use> {
        let table = known_symbols(context.module.language.word());
        let symbol = |value: &Expr| context.names.symbols(value, call.scope);
        let given = call.arguments.iter().flat_map(|one| {
            let key = one.name.as_deref().filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()));
            let named = key.map(|name| symbol(&Expr::Name(name.to_owned())));
            let own = matches!(one.value, Expr::Name(_)).then(|| symbol(&one.value));
            named.into_iter().chain(own)
        });
        given
            .filter_map(|symbols| symbols.into_iter().find(|symbol| !table.rows(symbol).is_empty()))
            .flat_map(|symbol| {
                let rows = table.rows(&symbol).into_iter().filter(|(library, row)| self.in_force(library, row));
                let seen = rows.map(|row| (self.seen(file, function, call.spot.line, &symbol, row), row.1));
                seen.map(|(seen, row)| self.made_use(context, (file, at, call), seen, row, None, &[]))
                    .collect::<Vec<_>>()
            })
            .collect()
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
}

/// `isDatabaseHealthy` is `is`, `database`, `healthy`; `WriteString` has no `test` in it.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut before = '_';
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() && !before.is_uppercase() {
            words.push(String::new());
        }
        if letter != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words.into_iter()
}

/// A symbol without the file that it was found in: `@3.Store.get` is `Store.get`.
fn plain(symbol: &str) -> &str {
    symbol.strip_prefix('@').and_then(|rest| rest.split_once('.')).map_or(symbol, |(_, name)| name)
}

/// Whether a version meets a requirement of a table: `<2`, `>=1.4`, `<2, >=1`.
pub(super) fn holds(requirement: &str, version: &str) -> bool {
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
