//! What the symbols of libraries mean: the tables of `knowledge/source/`.

use std::{collections::BTreeMap, sync::OnceLock};

use hashbrown::HashMap;
use serde::Deserialize;

use super::shapes::Shapes;
use crate::evidence::Meaning;

/// What is known of one library, or of what a language brings along.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    /// As its manifest names it; none for what the language brings along.
    #[serde(default)]
    pub package: Option<String>,
    /// Where its behaviour is written down.
    pub reference: String,
    /// What its calls give: `"axios.create" = "axios.AxiosInstance"`.
    #[serde(default)]
    pub gives: BTreeMap<String, String>,
    /// What stands for the far side once it was made over a connection: calls on a thing that was given the key when it
    /// was made are calls of the value, whatever that thing's own type is. Generated clients are of this kind.
    #[serde(default)]
    pub stubs: BTreeMap<String, String>,
    /// How modules end that its tools write into the program, and that are seldom checked in: they have what it has.
    #[serde(default)]
    pub generated: Vec<String>,
    #[serde(rename = "use", default)]
    pub uses: Vec<KnownUse>,
}

/// One row: symbols with one meaning.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownUse {
    pub means: Meaning,
    /// A last part of `*` stands for any member, a `*` elsewhere for any text: `*_pb2_grpc.*Stub.*`.
    pub symbols: Vec<String>,
    /// Members that a `*` does not stand for.
    #[serde(default)]
    pub except: Vec<String>,
    /// Versions of the package for which the row holds, `<2` or `>=1.4`; every version where it is left out.
    #[serde(default)]
    pub versions: Option<String>,
    /// Where its settings stand.
    #[serde(default)]
    pub settings: BTreeMap<String, Slots>,
    /// What holds for a setting that is not set; what is always so.
    #[serde(default)]
    pub defaults: BTreeMap<String, String>,
    /// Code in which the row is found.
    pub example: String,
    /// Code that looks alike and in which it is not.
    pub look_alike: String,
}

/// The places of a setting, the strongest first.
///
/// `1` is the second argument, `1*` is it and all that follow, `1.timeout` a field of it, `timeout=` the argument of that name, `~timeout` the first
/// argument of that method in the same chain of calls, `+Attempts` the first argument of a call of that name among the
/// arguments (`+Attempts.1` its second), `.Timeout` a field of the object that is made. `^` before any of
/// these looks at the call that made the object that this one is called on. `@deadline` behind one of them asks for the
/// deadline that what stands there carries: a context, a signal, a request that was made with one. `@text` behind one asks
/// for the text that is put together there, with `{}` for what comes from elsewhere; `@name` behind one asks for the name
/// that stands there, whatever it stands for; `@none` is set where nothing is given on purpose (`None`, `null`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    pub at: Vec<String>,
    /// A number there is a duration of this unit: `ms`, `s`, `m`.
    #[serde(default)]
    pub unit: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    library: Vec<Library>,
}

/// The rows for one language, found by symbol.
#[derive(Debug, Default)]
pub struct Symbols {
    /// Those of the language's own tables, then those that it shares with another.
    pub libraries: Vec<Library>,
    own: usize,
    exact: HashMap<String, Vec<(usize, usize)>>,
    /// By what stands before `.*`.
    families: HashMap<String, Vec<(usize, usize)>>,
    /// Variables of the environment are members of one of the families.
    environment: bool,
    /// Symbols with a `*` elsewhere.
    shapes: Shapes,
    gives: HashMap<String, String>,
    stubs: HashMap<String, String>,
    /// How modules end that the tools of a package write, with the package.
    generated: Vec<(String, String)>,
}

impl Symbols {
    fn new(libraries: Vec<Library>) -> Self {
        let mut symbols = Self::default();
        for (at, library) in libraries.iter().enumerate() {
            symbols.gives.extend(library.gives.clone());
            symbols.stubs.extend(library.stubs.clone());
            let package = library.package.iter();
            let generated = package.flat_map(|name| library.generated.iter().map(|end| (end.clone(), name.clone())));
            symbols.generated.extend(generated);
            for (row, known) in library.uses.iter().enumerate() {
                for symbol in &known.symbols {
                    match symbol.strip_suffix(".*") {
                        _ if symbol.trim_end_matches(".*").contains('*') => {
                            symbols.shapes.add(symbol, (at, row));
                        }
                        Some(family) => {
                            symbols.environment |= known.means == Meaning::EnvironmentRead;
                            symbols.families.entry(family.to_owned()).or_default().push((at, row));
                        }
                        None => symbols.exact.entry(symbol.clone()).or_default().push((at, row)),
                    }
                }
            }
        }
        symbols.libraries = libraries;
        symbols
    }

    /// The package whose tools wrote a module of the program.
    pub fn generated(&self, module: &str) -> Option<&str> {
        let ends = |end: &str| module.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
        self.generated.iter().find(|(end, _)| ends(end)).map(|(_, package)| package.as_str())
    }

    /// The libraries of the language's own tables.
    pub fn own(&self) -> &[Library] {
        self.libraries.get(..self.own).unwrap_or_default()
    }

    /// The rows of a symbol with their libraries.
    pub fn rows(&self, symbol: &str) -> Vec<(&Library, &KnownUse)> {
        let family = symbol.rsplit_once('.').and_then(|(family, _)| self.families.get(family));
        let mut found: Vec<&(usize, usize)> = self.exact.get(symbol).into_iter().chain(family).flatten().collect();
        if found.is_empty() {
            found.extend(self.shapes.rows(symbol));
            if found.is_empty() {
                return Vec::new();
            }
        }
        let last = symbol.rsplit('.').next().unwrap_or_default();
        found
            .into_iter()
            .filter_map(|(library, row)| {
                let library = self.libraries.get(*library)?;
                Some((library, library.uses.get(*row)?))
            })
            .filter(|(_, row)| !row.except.iter().any(|member| member == last))
            .collect()
    }

    /// Whether variables of the environment are members of something: `process.env.PORT`.
    pub fn has_environment(&self) -> bool {
        self.environment
    }

    /// What calls are on a thing that was made over this.
    pub fn stub_over(&self, symbol: &str) -> Option<&str> {
        self.stubs.get(symbol).map(String::as_str)
    }

    /// The type that calling this symbol gives.
    pub fn gives(&self, symbol: &str) -> Option<&str> {
        self.gives.get(symbol).map(String::as_str)
    }
}

/// The tables of a language, by its word: `go`, `python`, `javascript` (also for TypeScript) …
pub fn known_symbols(language: &str) -> &'static Symbols {
    // Each is read when a file of the language is there.
    static TABLES: OnceLock<BTreeMap<&'static str, OnceLock<Symbols>>> = OnceLock::new();
    static EMPTY: OnceLock<Symbols> = OnceLock::new();
    let tables = TABLES.get_or_init(|| TEXTS.iter().map(|(language, _)| (*language, OnceLock::new())).collect());
    let language = if language == "typescript" { "javascript" } else { language };
    match tables.get(language) {
        Some(table) => table.get_or_init(|| {
            let own = libraries(language);
            let count = own.len();
            // What runs on the JVM goes by the same names in both languages.
            let java = if language == "kotlin" { libraries("java") } else { Vec::new() };
            Symbols { own: count, ..Symbols::new(own.into_iter().chain(java).collect()) }
        }),
        None => EMPTY.get_or_init(Symbols::default),
    }
}

fn libraries(language: &str) -> Vec<Library> {
    let texts = TEXTS.iter().filter(|(one, _)| *one == language);
    texts
        .flat_map(|(_, text)| serde_json::from_str::<Table>(text).map(|table| table.library).unwrap_or_default())
        .collect()
}

/// The table of a topic in a language.
macro_rules! topic {
    ($language:literal, $topic:literal) => {
        ($language, table!(concat!("source/", $language, "/", $topic)))
    };
}

/// Every table with its language and its text.
pub const TEXTS: &[(&str, &str)] = &[
    topic!("csharp", "clients"),
    topic!("csharp", "configuration"),
    topic!("csharp", "observability"),
    topic!("csharp", "resilience"),
    topic!("csharp", "security"),
    topic!("csharp", "servers"),
    topic!("csharp", "signatures"),
    topic!("csharp", "testing"),
    topic!("go", "clients"),
    topic!("go", "configuration"),
    topic!("go", "observability"),
    topic!("go", "resilience"),
    topic!("go", "security"),
    topic!("go", "servers"),
    topic!("go", "signatures"),
    topic!("go", "testing"),
    topic!("java", "clients"),
    topic!("java", "configuration"),
    topic!("java", "observability"),
    topic!("java", "resilience"),
    topic!("java", "security"),
    topic!("java", "servers"),
    topic!("java", "signatures"),
    topic!("java", "testing"),
    topic!("javascript", "clients"),
    topic!("javascript", "configuration"),
    topic!("javascript", "observability"),
    topic!("javascript", "resilience"),
    topic!("javascript", "security"),
    topic!("javascript", "servers"),
    topic!("javascript", "signatures"),
    topic!("javascript", "testing"),
    topic!("kotlin", "clients"),
    topic!("kotlin", "configuration"),
    topic!("kotlin", "observability"),
    topic!("kotlin", "security"),
    topic!("kotlin", "servers"),
    topic!("kotlin", "testing"),
    topic!("php", "clients"),
    topic!("php", "configuration"),
    topic!("php", "observability"),
    topic!("php", "resilience"),
    topic!("php", "security"),
    topic!("php", "servers"),
    topic!("php", "signatures"),
    topic!("php", "testing"),
    topic!("python", "clients"),
    topic!("python", "configuration"),
    topic!("python", "observability"),
    topic!("python", "resilience"),
    topic!("python", "security"),
    topic!("python", "servers"),
    topic!("python", "signatures"),
    topic!("python", "testing"),
    topic!("ruby", "clients"),
    topic!("ruby", "configuration"),
    topic!("ruby", "observability"),
    topic!("ruby", "resilience"),
    topic!("ruby", "security"),
    topic!("ruby", "servers"),
    topic!("ruby", "signatures"),
    topic!("ruby", "testing"),
    topic!("rust", "clients"),
    topic!("rust", "configuration"),
    topic!("rust", "observability"),
    topic!("rust", "resilience"),
    topic!("rust", "security"),
    topic!("rust", "servers"),
    topic!("rust", "signatures"),
    topic!("rust", "testing"),
];

/// A way to write a length of time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Length {
    symbol: String,
    milliseconds: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedLength {
    symbol: String,
    milliseconds: BTreeMap<String, f64>,
}

/// How languages write lengths of time: `knowledge/source/durations.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lengths {
    unit: Vec<Length>,
    call: Vec<Length>,
    arguments: Vec<NamedLength>,
}

impl Lengths {
    /// Milliseconds of a constant: `time.Second`.
    pub fn unit(&self, symbol: &str) -> Option<f64> {
        self.unit.iter().find(|one| one.symbol == symbol).map(|one| one.milliseconds)
    }

    /// Milliseconds of one of what a function takes: `Duration.ofSeconds`.
    pub fn call(&self, symbol: &str) -> Option<f64> {
        self.call.iter().find(|one| one.symbol == symbol).map(|one| one.milliseconds)
    }

    /// Milliseconds of one of an argument of this name: `timedelta(seconds=…)`.
    pub fn argument(&self, symbol: &str, name: &str) -> Option<f64> {
        let function = self.arguments.iter().find(|one| one.symbol == symbol)?;
        function.milliseconds.get(name).copied()
    }
}

pub fn lengths() -> &'static Lengths {
    static TABLE: OnceLock<Lengths> = OnceLock::new();
    TABLE.get_or_init(|| serde_json::from_str(table!("source/durations")).unwrap_or_default())
}
