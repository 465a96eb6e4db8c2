//! What files beside the source say of the program: how it logs, what its framework is told, what serves it.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Agent, Node, Place, Value, beside,
    evidence::{
        BodyUse, CommandForm, Container, EnvValue, EnvVar, EnvironmentRead, Fate, FileEntry, Function, FunctionId,
        FunctionKind, ImageBuild, InstructionKind, Meaning, Package, Role, Setting, SettingValue, SourceCode, Use,
    },
};
use gonogo_formats::{xml, yaml};

use super::program;
use crate::Tree;

/// Longer files configure nothing that is read here.
const SIZE_LIMIT: u64 = 1 << 18;
/// Settings of one file.
const SETTINGS: usize = 4096;
/// Settings nest no deeper than this.
const DEPTH: usize = 32;
/// Variables from which runtimes take options beside those of the command.
const OPTIONS: &[&str] = &["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS", "CATALINA_OPTS", "NODE_OPTIONS"];
/// Projects that one is built with.
const PROJECTS: usize = 64;

/// A file that configures the program.
#[derive(Debug)]
pub(crate) struct Told {
    pub path: Arc<str>,
    role: Role,
    loggers: Vec<Logger>,
    /// Flat: `server.shutdown` with its value and its line.
    settings: Vec<(String, String, u32)>,
    /// The whole text of files of a launcher: `uwsgi.ini`.
    text: String,
    /// The folders of the projects that a project is built with.
    references: Vec<String>,
}

#[derive(Debug)]
struct Logger {
    family: &'static str,
    line: u32,
    format: Option<&'static str>,
    level: Option<(String, u32)>,
    /// The file is read again while the program runs.
    watched: bool,
}

/// The command that starts a container or an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Start {
    pub place: Place,
    pub words: Vec<String>,
    /// `STOPSIGNAL` of the image.
    pub stop: Option<String>,
}

impl Start {
    pub(crate) fn of_image(image: &ImageBuild) -> Option<Self> {
        let entry = image.effective(|one| match &one.kind {
            InstructionKind::Entrypoint(form) => Some((one.place.clone(), form.clone())),
            _ => None,
        });
        let command = image.effective(|one| match &one.kind {
            InstructionKind::Cmd(form) => Some((one.place.clone(), form.clone())),
            _ => None,
        });
        let stop = image.effective(|one| match &one.kind {
            InstructionKind::StopSignal(signal) => Some(signal.clone()),
            _ => None,
        });
        let place = entry.as_ref().or(command.as_ref())?.0.clone();
        let words = entry.into_iter().chain(command).flat_map(|(_, form)| words(&form)).collect();
        Some(Self { place, words, stop })
    }

    /// What the variables of an image hand to its runtime, and whatever may switch that off.
    pub(crate) fn options_of_image(image: &ImageBuild) -> Vec<Self> {
        let variables = image.final_instructions().filter_map(|one| match &one.kind {
            InstructionKind::Env { name, value } => Some((name.as_str(), value.as_str(), &one.place)),
            _ => None,
        });
        variables.filter_map(|(name, value, place)| Self::options(name, value, place)).collect()
    }

    /// The same of a container.
    pub(crate) fn options_of_container(container: &Container) -> Vec<Self> {
        let literal = |one: &'_ EnvVar| match &one.value {
            EnvValue::Literal(value) => Self::options(&one.name, value, &one.place),
            _ => None,
        };
        container.env.iter().filter_map(literal).collect()
    }

    fn options(name: &str, value: &str, place: &Place) -> Option<Self> {
        let words = if OPTIONS.contains(&name) {
            split(value)
        } else if beside().agents.iter().any(|agent| agent.switches.contains_key(name)) {
            vec![format!("{name}={value}")]
        } else {
            return None;
        };
        Some(Self { place: place.clone(), words, stop: None })
    }

    pub(crate) fn of_container(container: &Container) -> Option<Self> {
        let place = container.command.as_ref().or(container.args.as_ref())?.place.clone();
        let words = container.command.iter().chain(&container.args).flat_map(|one| &one.value);
        Some(Self { place, words: words.flat_map(|word| split(word)).collect(), stop: None })
    }
}

fn words(form: &CommandForm) -> Vec<String> {
    match form {
        CommandForm::Exec(words) => words.iter().flat_map(|word| split(word)).collect(),
        CommandForm::Shell(text) => split(text),
    }
}

fn split(text: &str) -> Vec<String> {
    text.split_whitespace().map(|word| word.trim_matches(['"', '\'', ';']).to_owned()).collect()
}

pub(super) fn gather(tree: &Tree) -> Vec<Told> {
    // A project that tests says what it tests.
    let tests = |file: &FileEntry| file.role == Role::Test && file.name().ends_with(".csproj");
    let files = tree.files().iter().filter(|file| file.role == Role::Product || tests(file));
    files.filter(|file| file.size <= SIZE_LIMIT).filter_map(|file| read(tree, file)).collect()
}

fn read(tree: &Tree, file: &FileEntry) -> Option<Told> {
    let name = file.name();
    let mut told = Told {
        path: Arc::clone(&file.path),
        role: file.role,
        loggers: Vec::new(),
        settings: Vec::new(),
        text: String::new(),
        references: Vec::new(),
    };
    let (stem, end) = name.rsplit_once('.')?;
    let spring = matches!(stem, "application" | "bootstrap")
        || stem.starts_with("application-")
        || stem.starts_with("bootstrap-");
    match end {
        "xml" if stem.starts_with("logback") || stem.starts_with("log4j2") => {
            told.loggers.extend(of_the_jvm(&xml::parse(&file.path, &tree.text(&file.path).ok()?).ok()?));
        }
        "properties" if spring => told.settings = properties(&tree.text(&file.path).ok()?),
        "yml" | "yaml" if spring => {
            for document in yaml::parse(&file.path, &tree.text(&file.path).ok()?).documents {
                flatten(&document.node, &mut told.settings);
            }
        }
        "conf" | "ini" | "cfg" if stem.starts_with("log") => {
            told.loggers.extend(of_python(&tree.text(&file.path).ok()?));
        }
        "csproj" => {
            let root = xml::parse(&file.path, &tree.text(&file.path).ok()?).ok()?;
            root.walk(&mut |element| {
                let included = element.attribute("Include").filter(|_| element.name == "ProjectReference");
                told.references.extend(included.and_then(|path| folder_of(&file.path, path)));
            });
        }
        "ini" => told.text = tree.text(&file.path).ok().filter(|text| text.contains("[uwsgi]"))?.to_string(),
        _ => return None,
    }
    let empty =
        told.loggers.is_empty() && told.settings.is_empty() && told.text.is_empty() && told.references.is_empty();
    (!empty).then_some(told)
}

/// The folder of `..\Shared\Shared.csproj` beside a file.
fn folder_of(file: &str, path: &str) -> Option<String> {
    let path = path.replace('\\', "/");
    program::resolve(program::folder(file), path.rsplit_once('/')?.0)
}

/// The folders of the projects that a service is built with, beyond its own.
pub(super) fn referenced(all: &[Told], owns: &(dyn Fn(&str) -> bool + Sync)) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let built = || all.iter().filter(|one| one.role.counts());
    let own = built().filter(|one| owns(&one.path)).flat_map(|one| &one.references);
    let mut open: Vec<&String> = own.collect();
    while let Some(folder) = open.pop() {
        if found.len() >= PROJECTS || folder.is_empty() || found.contains(folder) {
            continue;
        }
        found.push(folder.clone());
        let below = format!("{folder}/");
        open.extend(built().filter(|one| one.path.starts_with(&below)).flat_map(|one| &one.references));
    }
    found
}

/// The folders of projects that test a service: they are built with it, or with what it is built with.
pub(super) fn tests(all: &[Told], owns: &(dyn Fn(&str) -> bool + Sync)) -> Vec<String> {
    let folder = |one: &Told| one.path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let mut projects = all.iter().filter(|one| one.role == Role::Test && !one.references.is_empty()).peekable();
    if projects.peek().is_none() {
        return Vec::new();
    }
    let with = referenced(all, owns);
    let tested = |folder: &String| owns(&format!("{folder}/")) || with.contains(folder);
    let tests = projects.filter(|one| one.references.iter().any(tested));
    tests.filter_map(folder).collect()
}

/// `logback.xml`, `log4j2.xml`: a layout of records, or patterns.
fn of_the_jvm(root: &xml::Element) -> Option<Logger> {
    let mut records = false;
    let mut text = false;
    let mut level = None;
    root.walk(&mut |element| {
        let class = element.attribute("class").or_else(|| element.attribute("resource")).unwrap_or_default();
        let pattern =
            element.attribute("pattern").or((element.name.eq_ignore_ascii_case("pattern")).then_some(&element.text));
        records |= beside().writes_records(&element.name) || beside().writes_records(class);
        match pattern.map(str::trim) {
            Some(pattern) if pattern.starts_with('{') => records = true,
            Some(pattern) if !pattern.is_empty() => text = true,
            _ => (),
        }
        if element.name.eq_ignore_ascii_case("root")
            && let Some(value) = element.attribute("level")
        {
            level = Some((value.to_owned(), element.place.line().unwrap_or(1)));
        }
    });
    let format = match (records, text) {
        (true, _) => Some("json"),
        (false, true) => Some("text"),
        (false, false) => None,
    };
    let watched = root.attribute("monitorInterval").is_some() || root.attribute("scan") == Some("true");
    (format.is_some() || level.is_some()).then(|| Logger {
        family: "backend",
        line: root.place.line().unwrap_or(1),
        format,
        level,
        watched,
    })
}

/// A file for `logging.config.fileConfig`: sections of formatters and loggers.
fn of_python(text: &str) -> Option<Logger> {
    let mut section = "";
    let mut logger = Logger { family: "logging", line: 1, format: None, level: None, watched: false };
    let mut known = false;
    for (line, number) in text.lines().zip(1_u32..) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            known |= name == "formatters" || name == "loggers";
            continue;
        }
        let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else { continue };
        if section.starts_with("formatter_") {
            let records = key == "format" && value.starts_with('{')
                || key == "class" && value.to_ascii_lowercase().contains("json");
            if records {
                (logger.format, logger.line) = (Some("json"), number);
            } else if key == "format" && logger.format.is_none() {
                (logger.format, logger.line) = (Some("text"), number);
            }
        } else if section == "logger_root" && key == "level" {
            logger.level = Some((value.to_owned(), number));
        }
    }
    (known && (logger.format.is_some() || logger.level.is_some())).then_some(logger)
}

/// `name = value`, `name: value`, as Java reads them.
fn properties(text: &str) -> Vec<(String, String, u32)> {
    let lines = text.lines().zip(1_u32..);
    lines
        .filter(|(line, _)| !line.trim_start().starts_with(['#', '!']))
        .filter_map(|(line, number)| {
            let (name, value) = line.split_once(['=', ':'])?;
            Some((name.trim().to_owned(), value.trim().to_owned(), number))
        })
        .take(SETTINGS)
        .collect()
}

fn flatten(root: &Node, found: &mut Vec<(String, String, u32)>) {
    let mut open = vec![(String::new(), root, 0)];
    while let Some((path, node, depth)) = open.pop() {
        if found.len() >= SETTINGS || depth > DEPTH {
            continue;
        }
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match &node.value {
            Value::Mapping(entries) => {
                open.extend(entries.iter().rev().map(|one| (below(&one.key), &one.node, depth + 1)));
            }
            Value::Sequence(items) => {
                let texts: Vec<&str> = items.iter().filter_map(Node::str).collect();
                found.push((path, texts.join(","), node.place.line().unwrap_or(1)));
            }
            Value::Scalar(scalar) => found.push((path, scalar.text.clone(), node.place.line().unwrap_or(1))),
            Value::Null => (),
        }
    }
}

/// Adds what is told to what the source says.
pub(super) fn tell(
    mut shared: Arc<SourceCode>,
    told: &[&Told],
    packages: &[Package],
    starts: &[Start],
) -> Arc<SourceCode> {
    let launched = starts.iter().any(|start| beside().launcher(&start.words).is_some());
    // Without a program there is nothing to say it of.
    let named = |name: &str| packages.iter().flat_map(|one| &one.dependencies).any(|one| one.name == name);
    let known = beside().starters.iter().any(|row| named(&row.package));
    let instrumented = starts.iter().any(|start| loaded(start).next().is_some());
    if told.is_empty() && !launched && !known && !instrumented || shared.files.is_empty() {
        return shared;
    }
    let code = Arc::make_mut(&mut shared);
    started(code, told, packages, true);
    for one in told {
        let function = top(code, &one.path, one.role);
        let place = |line: u32| Place::new(Arc::clone(&one.path), line, 1);
        let name = one.path.rsplit('/').next().unwrap_or_default();
        for logger in &one.loggers {
            let mut settings = BTreeMap::new();
            if let Some((level, line)) = &logger.level {
                settings.insert("level".to_owned(), Setting { value: value(level), place: place(*line) });
                reads(code, level, &place(*line), function);
            }
            let format = logger.format.map(|format| ("format", format));
            let changes = logger.watched.then_some(("changes", "level"));
            let defaults = [Some(("family", logger.family)), format, changes];
            let said = Said { meaning: Meaning::Logger, symbol: name, place: place(logger.line), settings };
            add(code, said, defaults.into_iter().flatten(), function);
        }
        spring(code, one, packages, function);
    }
    started(code, told, packages, false);
    launch(code, told, packages, starts);
    instrument(code, starts);
    shared
}

/// The agents that the words of a start load.
fn loaded(start: &Start) -> impl Iterator<Item = &'static Agent> {
    beside().agents.iter().filter(|agent| start.words.iter().any(|word| agent.is_loaded_by(word)))
}

/// What agents do that are loaded into the program from outside of its source, unless they are switched off.
fn instrument(code: &mut SourceCode, starts: &[Start]) {
    let languages: Vec<&str> = code.files.iter().filter(|file| file.role.counts()).map(|file| file.language).collect();
    let off = |agent: &Agent| {
        let mut switches = agent.switches.iter().map(|(name, value)| format!("{name}={value}"));
        switches.any(|switch| starts.iter().flat_map(|start| &start.words).any(|word| *word == switch))
    };
    let mut seen: Vec<&str> = Vec::new();
    for (start, agent) in starts.iter().flat_map(|start| loaded(start).map(move |agent| (start, agent))) {
        let speaks = agent.languages.iter().any(|one| languages.contains(&one.as_str()));
        if !speaks || off(agent) || seen.contains(&agent.word.as_str()) {
            continue;
        }
        seen.push(&agent.word);
        let path: Arc<str> = Arc::from(start.place.path());
        let function = top(code, &path, Role::Product);
        for (meaning, defaults) in &agent.means {
            let place = start.place.clone();
            let said = Said { meaning: *meaning, symbol: &agent.word, place, settings: BTreeMap::new() };
            add(code, said, defaults.iter().map(|(name, value)| (name.as_str(), value.as_str())), function);
        }
    }
}

/// What a framework sets up because it is on the class path: by itself, or once the program starts Spring Boot.
fn started(code: &mut SourceCode, told: &[&Told], packages: &[Package], alone: bool) {
    let boots = code.uses.iter().any(|one| {
        one.role.counts()
            && one.meaning == Meaning::Listen
            && one.package.as_deref() == Some("org.springframework.boot:spring-boot")
    });
    if !boots && !alone {
        return;
    }
    let here = || packages.iter().flat_map(|one| &one.dependencies).filter(|one| !one.development);
    for row in beside().starters.iter().filter(|row| row.alone == alone) {
        let Some(dependency) = here().find(|one| one.name == row.package) else { continue };
        let company = row.with.as_deref().is_none_or(|with| here().any(|one| one.name.starts_with(with)));
        let off = told.iter().flat_map(|one| &one.settings).any(|(key, value, _)| {
            *key == row.switch && value == if row.switch.ends_with("disabled") { "true" } else { "false" }
        });
        if !company || off {
            continue;
        }
        let path: Arc<str> = Arc::from(dependency.place.path());
        let function = top(code, &path, Role::Product);
        let said = Said {
            meaning: row.means,
            symbol: &row.package,
            place: dependency.place.clone(),
            settings: BTreeMap::new(),
        };
        add(code, said, row.defaults.iter().map(|(name, value)| (name.as_str(), value.as_str())), function);
    }
}

/// What Spring is told in `application.properties`.
fn spring(code: &mut SourceCode, told: &Told, packages: &[Package], function: FunctionId) {
    let name = told.path.rsplit('/').next().unwrap_or_default();
    let has = |ending: &str| {
        packages.iter().flat_map(|one| &one.dependencies).any(|one| !one.development && one.name.ends_with(ending))
    };
    for (key, text, line) in &told.settings {
        let place = Place::new(Arc::clone(&told.path), *line, 1);
        reads(code, text, &place, function);
        let setting =
            |name: &str| BTreeMap::from([(name.to_owned(), Setting { value: value(text), place: place.clone() })]);
        let key = key.as_str();
        let wanted = format!("{key}={text}");
        for server in code.uses.iter_mut().filter(|one| one.meaning == Meaning::Listen) {
            // Some values drain, or any value does.
            if server.defaults.get("setting").is_some_and(|setting| *setting == wanted || *setting == key) {
                server.defaults.insert("drain".to_owned(), "built in".to_owned());
            }
        }
        if key.starts_with("logging.structured.format.") {
            let said = Said { meaning: Meaning::Logger, symbol: name, place, settings: BTreeMap::new() };
            add(code, said, [("family", "backend"), ("format", "json")], function);
        } else if key.starts_with("logging.level.") {
            let said =
                Said { meaning: Meaning::Logger, symbol: name, place: place.clone(), settings: setting("level") };
            // Any variable of that name overrides it.
            add(code, said, [("family", "backend"), ("changes", "level")], function);
        } else if key == "management.endpoints.web.exposure.include"
            && (text.contains("prometheus") || text.contains('*'))
            && has("micrometer-registry-prometheus")
        {
            let said = Said {
                meaning: Meaning::MetricsEndpoint,
                symbol: name,
                place: place.clone(),
                settings: BTreeMap::new(),
            };
            add(code, said, [], function);
            let said =
                Said { meaning: Meaning::Metric, symbol: "http.server.requests", place, settings: BTreeMap::new() };
            add(code, said, [("of", "requests"), ("kind", "all")], function);
        }
    }
}

/// What serves the program instead of what it would start by itself.
fn launch(code: &mut SourceCode, told: &[&Told], packages: &[Package], starts: &[Start]) {
    let languages: Vec<&str> = code.files.iter().filter(|file| file.role.counts()).map(|file| file.language).collect();
    let found = starts.iter().find_map(|start| {
        let (launcher, rest) = beside().launcher(&start.words)?;
        launcher.languages.iter().any(|one| languages.contains(&one.as_str())).then_some((start, launcher, rest))
    });
    let Some((start, launcher, rest)) = found else { return };
    let path: Arc<str> = Arc::from(start.place.path());
    let function = top(code, &path, Role::Product);
    let mut defaults = launcher.defaults.clone();
    let spoken = || start.words.iter().chain(told.iter().map(|one| &one.text));
    let drains = launcher.unless.iter().any(|word| spoken().any(|text| text.contains(word.as_str())))
        || launcher.stops.is_some() && launcher.stops == start.stop;
    if drains {
        defaults.insert("drain".to_owned(), "built in".to_owned());
    }
    if packages.iter().flat_map(|one| &one.dependencies).any(|one| launcher.boundaries.contains(&one.name)) {
        defaults.insert("boundary".to_owned(), "built in".to_owned());
    }
    // What the program would be served by when it is started by hand stands aside; its framework's boundary stays.
    let of_language: Vec<Arc<str>> = code
        .files
        .iter()
        .filter(|file| launcher.languages.iter().any(|one| one == file.language))
        .map(|file| Arc::clone(&file.path))
        .collect();
    let stands_aside = |one: &Use| {
        one.meaning == Meaning::Listen
            && one.defaults.get("kind").is_some_and(|kind| kind == "http")
            && of_language.iter().any(|path| **path == *one.place.path())
    };
    if let Some(boundary) =
        code.uses.iter().filter(|one| stands_aside(one)).find_map(|one| one.defaults.get("boundary"))
        && boundary == "built in"
    {
        defaults.insert("boundary".to_owned(), boundary.clone());
    }
    for one in code.uses.iter_mut().filter(|one| stands_aside(one)) {
        one.role = Role::Example;
    }
    let said = Said {
        meaning: Meaning::Listen,
        symbol: &launcher.command,
        place: start.place.clone(),
        settings: BTreeMap::new(),
    };
    add(code, said, defaults.iter().map(|(name, value)| (name.as_str(), value.as_str())), function);
    for word in &start.words {
        reads(code, word, &start.place, function);
    }
    let Some(option) = &launcher.level else { return };
    let level = rest.iter().zip(rest.iter().skip(1).map(Some).chain([None])).find_map(|(word, next)| {
        let own = word.strip_prefix(option.as_str())?;
        own.strip_prefix('=').map(str::to_owned).or_else(|| next.cloned().filter(|_| own.is_empty()))
    });
    if let Some(level) = level {
        let setting = Setting { value: value(&level), place: start.place.clone() };
        let said = Said {
            meaning: Meaning::Logger,
            symbol: &launcher.command,
            place: start.place.clone(),
            settings: BTreeMap::from([("level".to_owned(), setting)]),
        };
        add(code, said, [("family", "logging")], function);
    }
}

struct Said<'a> {
    meaning: Meaning,
    symbol: &'a str,
    place: Place,
    settings: BTreeMap<String, Setting>,
}

fn add<'a>(
    code: &mut SourceCode,
    said: Said<'_>,
    defaults: impl IntoIterator<Item = (&'a str, &'a str)>,
    function: FunctionId,
) {
    let id = code.uses.len();
    code.uses.push(Use {
        meaning: said.meaning,
        symbol: said.symbol.to_owned(),
        package: None,
        version: None,
        place: said.place,
        role: Role::Product,
        function,
        settings: said.settings,
        defaults: defaults.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        wraps: Vec::new(),
        client: None,
        in_loop: false,
        in_branch: false,
        in_catch: false,
        fate: Fate::Kept,
    });
    if let Some(function) = code.functions.get_mut(function) {
        function.uses.push(id);
    }
}

/// A function for what a file says that holds none.
fn top(code: &mut SourceCode, path: &Arc<str>, role: Role) -> FunctionId {
    code.functions.push(Function {
        name: String::new(),
        place: Place::whole(Arc::clone(path)),
        role,
        calls: Vec::new(),
        perhaps: Vec::new(),
        uses: Vec::new(),
        unfollowed: Vec::new(),
        browser: false,
        parameters: 0,
        kind: FunctionKind::File,
        refuses: false,
        body: BodyUse::Unread,
        asserts: false,
        fields: Vec::new(),
    });
    code.functions.len() - 1
}

/// The variables that a text of a setting takes in: `${PORT:8080}`, `$LOG_LEVEL`.
fn reads(code: &mut SourceCode, text: &str, place: &Place, function: FunctionId) {
    for (name, default) in variables(text) {
        code.environment.push(EnvironmentRead {
            name,
            default: default.map(SettingValue::Text),
            place: place.clone(),
            role: Role::Product,
            function,
            behind: None,
        });
    }
}

fn value(text: &str) -> SettingValue {
    match variables(text).into_iter().next() {
        Some((name, default)) => {
            SettingValue::Environment(name, default.map(|text| Box::new(SettingValue::Text(text))))
        }
        None => SettingValue::Text(text.to_owned()),
    }
}

fn variables(text: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for part in text.split('$').skip(1) {
        let (inner, default) = if let Some(rest) = part.strip_prefix('{') {
            let inner = rest.split('}').next().unwrap_or_default();
            let inner = inner.strip_prefix("env:").unwrap_or(inner);
            inner
                .split_once(':')
                .map_or((inner, None), |(name, default)| (name, Some(default.trim_start_matches('-').to_owned())))
        } else {
            let end = part.find(|letter: char| !is_name(letter)).unwrap_or(part.len());
            (part.get(..end).unwrap_or_default(), None)
        };
        let first = inner.chars().next();
        if inner.chars().all(is_name) && first.is_some_and(|letter| letter.is_ascii_uppercase()) {
            found.push((inner.to_owned(), default));
        }
    }
    found
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_'
}
