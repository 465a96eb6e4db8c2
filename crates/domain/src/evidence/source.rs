//! What the program's source says: functions, what they use, routes, environment reads, catches and tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use crate::{
    Place,
    evidence::{Callers, Decisions, Flows, Role, decisions},
};

/// The source of one service, as one program.
#[derive(Clone, Debug, Default)]
pub struct SourceCode {
    pub files: Vec<SourceFile>,
    pub functions: Vec<Function>,
    /// What the tables of `knowledge/source/` recognise, in the order of the places.
    pub uses: Vec<Use>,
    pub routes: Vec<ServedRoute>,
    pub environment: Vec<EnvironmentRead>,
    pub catches: Vec<Catch>,
    pub lost_errors: Vec<LostError>,
    pub texts: Vec<SourceText>,
    /// What its branches look at.
    pub decisions: Decisions,
    /// What flows into the uses that checks ask it of.
    pub flows: Flows,
    /// Addresses that the name of the environment chooses.
    pub choices: Vec<Choice>,
    pub tests: Vec<TestCase>,
    pub skips: Vec<TestSkip>,
}

/// A file of source code that belongs to the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    pub path: Arc<str>,
    /// `go`, `python`, `typescript` …
    pub language: &'static str,
    pub role: Role,
    /// Words like `SHOP_URL` that the texts of a product's file hold: whoever reads a variable names it.
    pub words: Arc<BTreeSet<String>>,
}

/// An index into [`SourceCode::functions`].
pub type FunctionId = usize;

/// An index into [`SourceCode::uses`].
pub type UseId = usize;

/// A function, a method, a lambda; also the top of a file, which runs when the file is loaded.
#[derive(Clone, Debug)]
pub struct Function {
    /// `Server.handle`; empty for a lambda and for the top of a file.
    pub name: String,
    pub place: Place,
    pub role: Role,
    /// The functions of the program that it calls, passes on, or holds.
    pub calls: Vec<FunctionId>,
    /// Those of them that it may only call: what is behind an interface may be any of several.
    pub perhaps: Vec<FunctionId>,
    /// What it uses itself.
    pub uses: Vec<UseId>,
    /// Calls that lead out of sight: to what may be behind an interface, a parameter, a library without a table.
    pub unfollowed: Vec<Unfollowed>,
    /// It runs in the browser of a user, beside a program that serves.
    pub browser: bool,
    /// How many parameters it takes.
    pub parameters: usize,
    pub kind: FunctionKind,
    /// It turns callers away itself: it answers 401 or 403, or raises what is called so.
    pub refuses: bool,
    /// It reads the body of a request, or hands the request to what may; known for Go, Python and JavaScript, and assumed elsewhere.
    pub body: BodyUse,
    /// It calls something that fails a test, as its name says: `assertEqual`, `expect`, `t.Fatal`.
    pub asserts: bool,
    /// The fields of the objects that it makes, where their value is not written out: `redis` of `{ redis: connected }`.
    pub fields: Vec<String>,
}

/// What a function does with the body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyUse {
    /// It never looks at one.
    Unread,
    /// It may read one.
    Taken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    /// The top of a file.
    File,
    Named,
    Lambda,
}

/// A call that was not followed, though somebody waits for it or for its error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfollowed {
    /// As far as it was followed.
    pub symbol: String,
    pub place: Place,
    /// It is called on a parameter of the function.
    pub on_parameter: bool,
}

/// A call, an object or an annotation whose meaning is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Use {
    pub meaning: Meaning,
    /// The symbol as the tables write it: `axios.get`, `net/http.Client.Do`.
    pub symbol: String,
    /// The package that it comes from; none for what the language brings along.
    pub package: Option<String>,
    /// As the lockfile resolves it.
    pub version: Option<String>,
    pub place: Place,
    pub role: Role,
    /// Where it stands.
    pub function: FunctionId,
    /// What is set, by the names of the tables: `timeout`, `attempts`, `path`.
    pub settings: BTreeMap<String, Setting>,
    /// What holds for a setting that is not set, as the tables write it: `none`, `5s`.
    pub defaults: BTreeMap<String, String>,
    /// The functions that were given to it, and those that it is an annotation of: what a breaker wraps, what a route
    /// calls.
    pub wraps: Vec<FunctionId>,
    /// The use that made the object that it is called on.
    pub client: Option<UseId>,
    /// A loop of the same function stands around it.
    pub in_loop: bool,
    /// It stands in one arm of a condition.
    pub in_branch: bool,
    /// It stands in the handler of an error.
    pub in_catch: bool,
    pub fate: Fate,
}

/// What becomes of what a call gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fate {
    /// It is waited for, or its error is looked at.
    Awaited,
    /// It is thrown away.
    Dropped,
    /// It is bound, passed on or put into something.
    Kept,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    pub value: SettingValue,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SettingValue {
    /// Milliseconds.
    Duration(f64),
    Number(f64),
    Text(String),
    /// Several in a list, or the rest of the arguments; what was not followed is left out.
    Texts(Vec<String>),
    Flag(bool),
    /// Read from the environment, with what stands in when it is not set.
    Environment(String, Option<Box<Self>>),
    /// Set, and what it is was not followed to its end.
    NotFollowed,
}

impl SettingValue {
    /// Milliseconds; an environment variable counts by its default.
    pub fn milliseconds(&self) -> Option<f64> {
        match self {
            Self::Duration(value) => Some(*value),
            Self::Environment(_, Some(default)) => default.milliseconds(),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) | Self::Duration(value) => Some(*value),
            Self::Environment(_, Some(default)) => default.number(),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// One text or several.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::Texts(texts) => texts.iter().map(String::as_str).collect(),
            Self::Environment(_, Some(default)) => default.texts(),
            _ => Vec::new(),
        }
    }
}

/// What a call means, as far as a check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    // Calls that leave the process.
    HttpCall,
    GrpcCall,
    DatabaseCall,
    CacheCall,
    QueuePublish,
    QueueConsume,
    StorageCall,
    /// An object that such calls go through; its settings hold for them.
    Client,
    // What a service answers with.
    Route,
    RouteGroup,
    /// The framework makes a description of its routes and publishes it.
    ApiDocument,
    Middleware,
    /// A function is put behind the layers of the chain that it ends.
    Stack,
    Listen,
    /// A command of a program that has several: `wraps` is what it runs.
    Command,
    // Lifecycle.
    Signal,
    Drain,
    HealthCheck,
    // Resilience.
    Deadline,
    CircuitBreaker,
    Retry,
    Bulkhead,
    RateLimit,
    OutboundLimit,
    ConcurrencyLimit,
    AdaptiveLimit,
    Fallback,
    Queue,
    Spawn,
    Sleep,
    Random,
    Cache,
    // Configuration.
    EnvironmentRead,
    ConfigLoad,
    ConfigValidation,
    ConfigReload,
    FeatureFlag,
    Vault,
    // Observability.
    Logger,
    LogCall,
    PrintCall,
    Metric,
    MetricsEndpoint,
    Tracing,
    Propagation,
    CorrelationId,
    Profiler,
    // Errors.
    ErrorBoundary,
    ErrorAnswer,
    /// A handler that says of everything that it is not there.
    NotFoundAnswer,
    DeadLetter,
    Exit,
    // Security.
    Authentication,
    Authorization,
    Validation,
    BodyLimit,
    SecurityHeaders,
    Cors,
    SignatureCheck,
    ConstantTimeCompare,
    /// A hash with a key, made or fed.
    KeyedHash,
    Dangerous,
    // Data.
    /// Text is made of what it stands for: `json.dumps`.
    Serialize,
    /// What a text stands for is made of it: `JSON.parse`, `request.json`.
    Parse,
    MigrationRun,
    Retention,
    // Testing.
    TestCase,
    TestFocused,
    TestSkipped,
    Assertion,
    HttpFake,
    ContractTest,
    BrowserTest,
    ChaosTest,
}

impl Meaning {
    /// The call leaves the process.
    pub fn is_outbound(self) -> bool {
        matches!(
            self,
            Self::HttpCall
                | Self::GrpcCall
                | Self::DatabaseCall
                | Self::CacheCall
                | Self::QueuePublish
                | Self::QueueConsume
                | Self::StorageCall
        )
    }
}

/// An address that the program answers at.
#[derive(Clone, Debug)]
pub struct ServedRoute {
    /// In capitals; none where it answers to all, or where that was not followed.
    pub method: Option<String>,
    /// With the prefixes of its groups, parameters as the framework writes them.
    pub path: String,
    pub handler: Option<FunctionId>,
    /// What runs before the handler: functions of the program and uses, the outermost first.
    pub guards: Vec<Guard>,
    pub place: Place,
    pub role: Role,
}

/// A middleware, a decorator, a dependency that stands before a route's handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// As the source names it.
    pub name: String,
    pub function: Option<FunctionId>,
    pub used: Option<UseId>,
}

/// `process.env.PORT || 3000`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentRead {
    pub name: String,
    pub default: Option<SettingValue>,
    pub place: Place,
    pub role: Role,
    pub function: FunctionId,
    /// The variable that must be set for the program to come here.
    pub behind: Option<String>,
}

/// The handler of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catch {
    pub place: Place,
    pub role: Role,
    pub function: FunctionId,
    /// What it catches, as written; empty is everything.
    pub types: Vec<String>,
    /// Nothing is done in it.
    pub empty: bool,
    pub does: Vec<Handling>,
}

/// A call of Go whose error nobody looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostError {
    /// What is called, as written: `s.store.Save`.
    pub call: String,
    pub place: Place,
    pub role: Role,
    pub function: FunctionId,
    /// `_ = f()`: somebody wrote that it does not matter; else the call is a statement of its own.
    pub by_name: bool,
    /// It stands where another error is being handled.
    pub in_catch: bool,
    /// The function of the program that is called.
    pub callee: Option<FunctionId>,
    pub used: Option<UseId>,
}

/// What the handler of an error does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Handling {
    /// It throws, or ends the process.
    Throws,
    /// It calls something, or gives something back.
    Acts,
    /// It logs or prints.
    Logs,
    /// It gives an answer of its own in place of the error: a value that stands in.
    Recovers,
}

/// A text of the source that is an address, a header's name or a statement of SQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceText {
    pub kind: SourceTextKind,
    pub text: String,
    pub place: Place,
    pub role: Role,
    pub function: FunctionId,
    /// The method that it is an argument of: `setHeader`; `{}writeHead` where it is a key of an object that is given.
    pub given_to: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SourceTextKind {
    /// `x-request-id`, `requestId`: the name of a header or a field that carries the id of a request.
    RequestId,
    /// `https://api.example.com/v1`.
    Address,
    Sql,
    /// The name of another header that checks ask for: `Retry-After`.
    Protocol,
    /// The name of an option that switches features: `enable-feature`.
    FeatureOption,
    /// The whole of a path that is asked for health: `/v1/health`.
    HealthPath,
    /// Something that belongs to a vendor of `knowledge/vendors.toml`: a header, a path, the name of an event.
    Vendor,
}

/// An address that holds in one environment only: `if env == "production" { "https://…" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The variable whose value decides.
    pub variable: String,
    pub text: String,
    pub place: Place,
    pub role: Role,
}

/// A test, as its framework finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    pub name: String,
    pub place: Place,
    pub function: FunctionId,
    /// It, or what it calls, can fail it.
    pub asserts: bool,
}

/// A test that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestSkip {
    pub place: Place,
    /// Something is said about why.
    pub reason: bool,
    /// Only where some condition holds.
    pub conditional: bool,
}

impl ServedRoute {
    /// What stands in a path for the part that was not followed.
    pub const UNFOLLOWED: &str = "…";

    /// The whole path is known.
    pub fn followed(&self) -> bool {
        !self.path.contains(Self::UNFOLLOWED)
    }
}

impl SourceCode {
    /// Whether a text of the product holds this word.
    pub fn names(&self, word: &str) -> bool {
        self.files.iter().any(|file| file.words.contains(word))
    }

    /// Which functions call each function, one step.
    pub fn callers(&self) -> Callers {
        Callers::of_all(self)
    }

    /// The same program without some of its files: what stands in them, and what leads there.
    #[must_use]
    pub fn without(mut self, left_out: &BTreeSet<Arc<str>>) -> Self {
        let paths: HashSet<&str> = left_out.iter().map(|path| &**path).collect();
        let kept = |place: &Place| !paths.contains(place.path());
        let functions = renumbered(self.functions.iter().map(|one| kept(&one.place)));
        let uses = renumbered(self.uses.iter().map(|one| kept(&one.place)));
        let at = |new: &[Option<usize>], old: usize| new.get(old).copied().flatten();
        let all =
            |new: &[Option<usize>], old: &mut Vec<usize>| *old = old.iter().filter_map(|one| at(new, *one)).collect();
        self.files.retain(|one| !left_out.contains(&one.path));
        self.functions.retain(|one| kept(&one.place));
        for function in &mut self.functions {
            all(&functions, &mut function.calls);
            all(&functions, &mut function.perhaps);
            all(&uses, &mut function.uses);
        }
        self.uses.retain(|one| kept(&one.place));
        for one in &mut self.uses {
            one.function = at(&functions, one.function).unwrap_or_default();
            all(&functions, &mut one.wraps);
            one.client = one.client.and_then(|client| at(&uses, client));
        }
        self.routes.retain(|one| kept(&one.place));
        for route in &mut self.routes {
            route.handler = route.handler.and_then(|handler| at(&functions, handler));
            for guard in &mut route.guards {
                guard.function = guard.function.and_then(|function| at(&functions, function));
                guard.used = guard.used.and_then(|used| at(&uses, used));
            }
        }
        self.environment.retain_mut(|one| moved(&mut one.function, &functions));
        self.catches.retain_mut(|one| moved(&mut one.function, &functions));
        self.lost_errors.retain_mut(|one| moved(&mut one.function, &functions));
        for one in &mut self.lost_errors {
            one.callee = one.callee.and_then(|callee| at(&functions, callee));
            one.used = one.used.and_then(|used| at(&uses, used));
        }
        self.texts.retain_mut(|one| moved(&mut one.function, &functions));
        self.tests.retain_mut(|one| moved(&mut one.function, &functions));
        self.choices.retain(|one| kept(&one.place));
        self.skips.retain(|one| kept(&one.place));
        self.decisions.renumber(&functions, &uses);
        let flows = std::mem::take(&mut self.flows).into_iter();
        self.flows = flows
            .filter_map(|(id, into)| {
                let into = into.into_iter().map(|(name, from)| {
                    (name, from.into_iter().filter_map(|one| decisions::renumbered(one, &uses)).collect())
                });
                Some((at(&uses, id)?, into.collect()))
            })
            .collect();
        self
    }

    /// What the product's code uses for one of these purposes; tests, fixtures and examples left out.
    pub fn uses_for(&self, meanings: &[Meaning]) -> impl Iterator<Item = (UseId, &Use)> {
        let meanings = meanings.to_vec();
        self.uses.iter().enumerate().filter(move |(_, one)| one.role.counts() && meanings.contains(&one.meaning))
    }

    /// A function, and those that it calls, directly or through others.
    pub fn reached(&self, from: FunctionId) -> BTreeSet<FunctionId> {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(self.functions.get(next).map(|one| one.calls.as_slice()).unwrap_or_default());
            }
        }
        reached
    }

    /// What a function uses, directly or through others.
    pub fn uses_of(&self, from: FunctionId) -> impl Iterator<Item = (UseId, &Use)> {
        self.reached(from)
            .into_iter()
            .filter_map(|at| self.functions.get(at))
            .flat_map(|function| &function.uses)
            .filter_map(|at| Some((*at, self.uses.get(*at)?)))
    }

    /// The uses of one of these purposes that run this one: a breaker whose function it stands in, an annotation on a
    /// method that leads to it.
    pub fn wrapping(&self, inner: UseId, meanings: &[Meaning]) -> Vec<UseId> {
        let Some(inner) = self.uses.get(inner) else { return Vec::new() };
        self.uses
            .iter()
            .enumerate()
            .filter(|(_, outer)| meanings.contains(&outer.meaning))
            .filter(|(_, outer)| outer.wraps.iter().any(|function| self.reached(*function).contains(&inner.function)))
            .map(|(at, _)| at)
            .collect()
    }
}

/// The places that remain for those that are kept.
fn renumbered(kept: impl Iterator<Item = bool>) -> Vec<Option<usize>> {
    let mut next = 0..;
    kept.map(|kept| if kept { next.next() } else { None }).collect()
}

/// Gives an index its new place; false where there is none.
fn moved(index: &mut usize, places: &[Option<usize>]) -> bool {
    let place = places.get(*index).copied().flatten();
    *index = place.unwrap_or_default();
    place.is_some()
}
