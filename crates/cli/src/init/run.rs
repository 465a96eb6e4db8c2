//! Proposes how a service is started, for `gonogo exercise`: what the repository says of it, and what is left to fill in.

use std::{collections::BTreeSet, fmt, fmt::Write as _};

use gonogo_domain::{
    Class, Dependency, Facts,
    evidence::{Ecosystem, EnvironmentRead, Package, Probe, ProbeAction, Role},
};

use super::{key, quoted};

/// Requests that are proposed.
const REQUESTS: usize = 4;

/// How a program is made and started, and where that was seen.
struct Start {
    origin: String,
    build: Vec<String>,
    command: Vec<String>,
}

/// Writes `[service.NAME.run]` of what answers requests or takes work.
pub(super) fn section(text: &mut String, facts: &Facts) -> fmt::Result {
    let service = &facts.service;
    if !matches!(service.class, Class::Server | Class::Worker) {
        return Ok(());
    }
    let name = key(&service.name);
    let Some(start) = facts.packages.items.iter().find_map(|package| start(package, facts)) else {
        return writeln!(
            text,
            "\n# [service.{name}.run]        # how `gonogo exercise` starts it: nothing here says it in a way that can be run as it is\n\
             # command = [\"…\"]\n# environment = {{ PORT = \"{{port}}\" }}"
        );
    };
    writeln!(text, "\n[service.{name}.run]           # for `gonogo exercise`, as {} says", start.origin)?;
    if !start.build.is_empty() {
        writeln!(text, "build = {}", list(&start.build))?;
    }
    writeln!(text, "command = {}", list(&start.command))?;
    if service.path != "." {
        writeln!(text, "directory = {}", quoted(&service.path))?;
    }
    if let Some(grace) = facts.workloads.items.iter().find_map(|one| one.grace_seconds.as_ref()) {
        writeln!(text, "grace = \"{}s\"", grace.value)?;
    }
    let probes = Probes::of(facts);
    if let Some(startup) = probes.startup {
        writeln!(text, "startup = \"{startup}s\"")?;
    }
    let told = environment(text, &name, facts)?;
    probes.write(text, &name)?;
    requests(text, &name, facts, &probes)?;
    // What is in the process itself has no address.
    for dependency in service.dependencies.iter().filter(|one| !matches!(one.kind.as_str(), "sqlite" | "h2")) {
        self::dependency(text, &name, dependency, told.contains(&dependency.name))?;
    }
    Ok(())
}

fn start(package: &Package, facts: &Facts) -> Option<Start> {
    let origin = package.place.path().to_owned();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    match package.ecosystem {
        Ecosystem::Npm => {
            let (_, script, _) = package.scripts.iter().find(|(name, ..)| name == "start")?;
            // Through npm, signals would reach npm and not the program.
            let plain = !script.contains(['&', '|', ';', '$', '>', '"', '\'', '=']);
            let command = if plain {
                script.split_whitespace().map(str::to_owned).collect()
            } else {
                words(&["sh", "-c", &format!("exec {script}")])
            };
            let command: Vec<String> = command;
            let own = command.first().is_some_and(|first| first == "node" || first == "sh");
            let command = if own { command } else { [words(&["npx", "--no-install"]), command].concat() };
            Some(Start { origin, build: words(&["npm", "ci"]), command })
        }
        Ecosystem::Cargo => {
            let name = package.name.clone().filter(|_| package.program)?;
            let up = "../".repeat(depth(&facts.service.path));
            Some(Start {
                origin,
                build: words(&["cargo", "build", "--release"]),
                command: vec![format!("{up}target/release/{name}")],
            })
        }
        Ecosystem::Go => Some(Start {
            origin,
            build: words(&["go", "build", "-o", "{scratch}/service", "."]),
            command: words(&["{scratch}/service"]),
        }),
        Ecosystem::NuGet => Some(Start {
            origin,
            build: words(&["dotnet", "publish", "-o", "{scratch}/service"]),
            command: vec!["dotnet".to_owned(), format!("{{scratch}}/service/{}.dll", package.name.clone()?)],
        }),
        Ecosystem::Python | Ecosystem::Maven | Ecosystem::RubyGems | Ecosystem::Composer => image_command(facts),
    }
}

fn depth(path: &str) -> usize {
    if path == "." { 0 } else { path.split('/').count() }
}

/// What the image starts, where that is a program and its arguments.
fn image_command(facts: &Facts) -> Option<Start> {
    use gonogo_domain::evidence::{CommandForm, InstructionKind};
    facts.images.items.iter().find_map(|image| {
        let stage = image.stages.last()?;
        let (mut entrypoint, mut cmd) = (Vec::new(), Vec::new());
        for instruction in &stage.instructions {
            match &instruction.kind {
                InstructionKind::Entrypoint(CommandForm::Exec(words)) => entrypoint.clone_from(words),
                InstructionKind::Cmd(CommandForm::Exec(words)) => cmd.clone_from(words),
                _ => (),
            }
        }
        let command = [entrypoint, cmd].concat();
        let origin = image.place.path().to_owned();
        (!command.is_empty()).then_some(Start { origin, build: Vec::new(), command })
    })
}

/// Writes what it reads from the environment and has no default for; gives the dependencies whose address is told so.
fn environment(text: &mut String, name: &str, facts: &Facts) -> Result<BTreeSet<String>, fmt::Error> {
    let mut told = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let reads: Vec<&EnvironmentRead> = facts
        .source
        .environment
        .iter()
        .filter(|read| read.role == Role::Product && seen.insert(read.name.as_str()))
        .collect();
    writeln!(text, "\n[service.{name}.run.environment]")?;
    for read in reads {
        let variable = read.name.to_ascii_uppercase();
        let place = read.place.to_string().replace(char::is_control, " ");
        let dependency = facts.service.dependencies.iter().find(|one| is_address_of(&variable, one));
        let is_port = variable == "PORT" || variable.ends_with("_PORT") && dependency.is_none();
        if is_port {
            writeln!(text, "{} = \"{{port}}\"", key(&read.name))?;
        } else if let Some(dependency) = dependency {
            let found = &dependency.name;
            let value = match () {
                () if variable.ends_with("PORT") => format!("{{{found}.port}}"),
                () if variable.ends_with("HOST") => format!("{{{found}.host}}"),
                () if variable.contains("ADDR") => format!("{{{found}.address}}"),
                () => format!("{}://{{{found}.address}}", scheme(&dependency.kind)),
            };
            told.insert(found.clone());
            writeln!(text, "{} = {:<30} # {place}", key(&read.name), quoted(&value))?;
        } else if read.default.is_none() && read.behind.is_none() {
            writeln!(text, "# {} = \"\"                    # {place}: no default", key(&read.name))?;
        }
    }
    Ok(told)
}

/// The variable names the dependency, or what it is, and an address.
fn is_address_of(variable: &str, dependency: &Dependency) -> bool {
    let plain = |text: &str| text.to_ascii_uppercase().replace(['-', '.', ' '], "_");
    let (name, kind) = (plain(&dependency.name), plain(&dependency.kind));
    let speaks = ["URL", "URI", "HOST", "PORT", "ADDR", "DSN", "ENDPOINT", "CONNECTION"]
        .iter()
        .any(|word| variable.contains(word));
    let database = matches!(dependency.kind.as_str(), "postgresql" | "mysql" | "mariadb")
        && (variable.contains("DATABASE") || variable.starts_with("DB_"));
    speaks && (variable.contains(&name) || (kind != "HTTP" && variable.contains(&kind)) || database)
}

fn scheme(kind: &str) -> &str {
    match kind {
        "postgresql" => "postgres",
        "rabbitmq" => "amqp",
        "mongodb" | "mysql" | "redis" | "nats" => kind,
        _ => "http",
    }
}

#[derive(Default)]
struct Probes {
    readiness: Option<String>,
    liveness: Option<String>,
    health: Option<String>,
    startup: Option<u32>,
}

impl Probes {
    fn of(facts: &Facts) -> Self {
        let mut probes = Self::default();
        for container in facts.workloads.items.iter().flat_map(gonogo_domain::evidence::Workload::main_containers) {
            let path = |probe: &Option<Probe>| probe.as_ref().and_then(path);
            probes.readiness = probes.readiness.take().or_else(|| path(&container.readiness));
            probes.liveness = probes.liveness.take().or_else(|| path(&container.liveness));
            probes.startup = probes.startup.or_else(|| container.startup.as_ref().map(Probe::budget));
        }
        let routes = facts.source.routes.iter().filter(|route| route.role == Role::Product);
        let paths: Vec<&str> = routes.map(|route| route.path.as_str()).filter(|path| path.starts_with('/')).collect();
        let of = |words: &[&str]| {
            let last = |path: &&&str| path.rsplit('/').next().is_some_and(|last| words.contains(&last));
            paths.iter().find(last).map(|path| (*path).to_owned())
        };
        probes.readiness = probes.readiness.take().or_else(|| of(&["ready", "readyz", "readiness"]));
        probes.liveness =
            probes.liveness.take().or_else(|| of(&["live", "livez", "liveness", "healthz", "health_check"]));
        probes.health = of(&["health"]);
        probes
    }

    fn write(&self, text: &mut String, name: &str) -> fmt::Result {
        writeln!(text, "\n[service.{name}.run.probes]")?;
        let all = [("readiness", &self.readiness), ("liveness", &self.liveness), ("health", &self.health)];
        for (word, path) in all {
            let note = if word == "health" { "                # the one that names dependencies" } else { "" };
            match path {
                Some(path) => writeln!(text, "{word} = {}{note}", quoted(path))?,
                None => writeln!(text, "# {word} = \"/…\"{note}")?,
            }
        }
        Ok(())
    }
}

fn path(probe: &Probe) -> Option<String> {
    match &probe.action {
        ProbeAction::Http { path, .. } if path.starts_with('/') => Some(path.clone()),
        _ => None,
    }
}

/// A few routes that can be asked as they are.
fn requests(text: &mut String, name: &str, facts: &Facts, probes: &Probes) -> fmt::Result {
    let own = [probes.readiness.as_deref(), probes.liveness.as_deref()];
    let technical = ["health", "ready", "live", "metrics", "ping", "status", "debug", "favicon"];
    let mut paths: Vec<&str> = facts
        .source
        .routes
        .iter()
        .filter(|route| route.role == Role::Product && route.method.as_deref().is_none_or(|method| method == "GET"))
        .map(|route| route.path.as_str())
        .filter(|path| path.starts_with('/') && !path.contains([':', '{', '<', '*', '(', '[', '$']))
        .filter(|path| !own.contains(&Some(*path)) && !technical.iter().any(|word| path.contains(word)))
        .collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths.iter().take(REQUESTS) {
        writeln!(text, "\n[[service.{name}.run.request]]\npath = {}", quoted(path))?;
    }
    if paths.is_empty() {
        writeln!(
            text,
            "\n# [[service.{name}.run.request]]  # what its users ask; {{id}} is something that no other request has"
        )?;
        writeln!(text, "# method = \"POST\"\n# path = \"/…\"\n# body = '{{\"order\": \"{{id}}\"}}'")?;
    }
    Ok(())
}

/// What stands behind the proxy; a comment where nothing tells the service where that is.
fn dependency(text: &mut String, name: &str, dependency: &Dependency, told: bool) -> fmt::Result {
    let found = key(&dependency.name);
    let mark = if told { "" } else { "# " };
    let port = match dependency.kind.as_str() {
        "postgresql" => 5432,
        "mysql" | "mariadb" => 3306,
        "redis" => 6379,
        "mongodb" => 27017,
        "rabbitmq" => 5672,
        "kafka" => 9092,
        "nats" => 4222,
        _ => 8081,
    };
    writeln!(text)?;
    if !told {
        writeln!(
            text,
            "# no variable was seen that tells where {} is: put {{{}.address}} into it",
            found,
            dependency.name.replace(char::is_control, " ")
        )?;
    }
    writeln!(text, "{mark}[service.{name}.run.dependency.{found}]")?;
    if dependency.kind == "http" {
        writeln!(text, "{mark}http = true")?;
    }
    writeln!(
        text,
        "{mark}address = \"127.0.0.1:{port}\"     # one that runs; or `command` that starts one, or [[…answer]]s"
    )?;
    writeln!(text, "# bound = \"3s\"                  # how long it may be waited for")
}

fn list(words: &[String]) -> String {
    format!("[{}]", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", "))
}
