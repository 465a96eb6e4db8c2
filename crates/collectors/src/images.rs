//! Container files: how images are built, and what of the repository a build sees.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Entry, Gap, Gathered, Node, Place, Source,
    evidence::{
        CommandForm, FileEntry, Healthcheck, IgnoreFile, ImageBuild, Instruction, InstructionKind, Located, Probe,
        ProbeAction, Role, Stage,
    },
};
use gonogo_formats::dockerfile;

use crate::{Corpus, compose::Variables, discovery::generic_folder, image_name, paths};

mod entry;

pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<ImageBuild> {
    let contexts = contexts(corpus);
    let mut gathered = Gathered::default();
    for entry in corpus.files_where(is_container_file) {
        gathered.files += 1;
        let text = match corpus.tree.text(&entry.path) {
            Ok(text) => text,
            Err(reason) => {
                gathered.gaps.push(gap(Place::whole(Arc::clone(&entry.path)), reason));
                continue;
            }
        };
        let file = dockerfile::parse(&entry.path, &text);
        gathered.gaps.extend(file.errors.iter().map(|error| gap(error.place.clone(), error.reason.clone())));
        if file.stages.is_empty() {
            continue;
        }
        let stages: Vec<Stage> = file.stages.into_iter().map(stage).collect();
        let context =
            contexts.get(&*entry.path).cloned().unwrap_or_else(|| guess_context(corpus, &entry.path, &stages));
        let ignore_file = ignore_file(corpus, entry, &context, &mut gathered.gaps);
        let place = Place::whole(Arc::clone(&entry.path));
        let mut build = ImageBuild { place, context, stages, ignore_file, switches_user: None };
        build.switches_user = entry::switches_user(corpus, &build);
        gathered.items.push(build);
    }
    gathered
}

fn gap(place: Place, reason: String) -> Gap {
    Gap { source: Source::Images, place, reason }
}

fn is_container_file(entry: &FileEntry) -> bool {
    !matches!(entry.role, Role::Test | Role::Vendored | Role::Fixture) && container_file_name(entry.name())
}

/// `Dockerfile`, `Dockerfile.dev`, `Dockerfile-dev`, `api.Dockerfile`, `Containerfile`; not their ignore files and templates.
pub(crate) fn container_file_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let named = ["dockerfile", "containerfile"].iter().any(|word| {
        lower == *word
            || lower.strip_prefix(word).is_some_and(|rest| rest.starts_with(['.', '-', '_']))
            || lower.strip_suffix(word).is_some_and(|rest| rest.ends_with('.'))
    });
    let other = [
        ".dockerignore",
        ".md",
        ".txt",
        ".j2",
        ".tmpl",
        ".tpl",
        ".template",
        ".in",
        ".sh",
        ".yaml",
        ".yml",
        ".json",
        ".go",
        ".py",
        ".rs",
        ".js",
        ".ts",
        ".erb",
        ".lock",
        ".sample",
        ".bak",
        ".orig",
    ];
    named && !other.iter().any(|ending| lower.ends_with(ending))
}

/// The contexts that compose files, skaffold and bake files give: by the path of the container file.
fn contexts(corpus: &Corpus<'_>) -> BTreeMap<String, String> {
    let mut contexts = BTreeMap::new();
    for declared in declared_builds(corpus) {
        if let Some(file) = declared.file {
            contexts.entry(file).or_insert(declared.context);
        }
    }
    contexts
}

/// A build that a compose file or skaffold declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeclaredBuild {
    pub image: Option<String>,
    /// The folder of the sources.
    pub context: String,
    /// The container file, where there is one: jib, ko and buildpacks need none.
    pub file: Option<String>,
    pub place: Place,
    /// `compose service`, `skaffold`.
    pub kind: &'static str,
    /// The service of the compose file.
    pub service: Option<String>,
    /// Other programs go into the same repository of the registry: only the tag tells its image from theirs.
    pub by_tag: bool,
}

/// Every build that a compose file or skaffold declares, in the order of the files.
pub(crate) fn declared_builds(corpus: &Corpus<'_>) -> Vec<DeclaredBuild> {
    let mut builds = Vec::new();
    for file in corpus.data().filter(|file| !matches!(file.role, Role::Test)) {
        let name = file.name();
        for document in &file.documents {
            if name.contains("compose") {
                let variables = Variables::read(corpus, file.folder());
                for service in document.get("services").map_or(&[][..], Node::entries) {
                    if let Some(build) = service.node.get("build") {
                        builds.extend(compose_build(corpus, &variables, file.folder(), service, build));
                    }
                }
            } else if document.str_at("apiVersion").is_some_and(|version| version.starts_with("skaffold/")) {
                let profiles = document.list("profiles").iter().flat_map(|profile| profile.list("build.artifacts"));
                for artifact in document.list("build.artifacts").iter().chain(profiles) {
                    builds.extend(skaffold_artifact(corpus, file.folder(), artifact));
                }
            }
        }
    }
    builds
}

/// Where a build lies may be said in the variables of `.env`, as compose fills them in.
fn compose_build(
    corpus: &Corpus<'_>,
    variables: &Variables,
    folder: &str,
    service: &Entry,
    build: &Node,
) -> Option<DeclaredBuild> {
    let context = variables.fill(build.str().or_else(|| build.str_at("context")).unwrap_or("."));
    let context = paths::join(folder, &context)?;
    let named = build.str_at("dockerfile").and_then(|name| paths::join(&context, &variables.fill(name)));
    Some(DeclaredBuild {
        image: service.node.str_at("image").map(|image| variables.fill(image)),
        file: container_file(corpus, &context, named),
        context,
        place: build.place.clone(),
        kind: "compose service",
        service: Some(service.key.clone()),
        by_tag: false,
    })
}

fn skaffold_artifact(corpus: &Corpus<'_>, folder: &str, artifact: &Node) -> Option<DeclaredBuild> {
    let context = paths::join(folder, artifact.str_at("context").unwrap_or("."))?;
    let other_builder =
        ["jib", "ko", "buildpacks", "bazel", "custom"].iter().any(|builder| artifact.get(builder).is_some());
    // Jib names a module below the context: that is where the program lies.
    let module = artifact.str_at("jib.project").and_then(|module| paths::join(&context, module));
    let named = artifact.str_at("docker.dockerfile").and_then(|name| paths::join(&context, name));
    Some(DeclaredBuild {
        image: artifact.str_at("image").map(str::to_owned),
        file: if other_builder { None } else { container_file(corpus, &context, named) },
        context: module.unwrap_or(context),
        place: artifact.place.clone(),
        kind: "skaffold artifact",
        service: None,
        by_tag: false,
    })
}

fn container_file(corpus: &Corpus<'_>, context: &str, named: Option<String>) -> Option<String> {
    if let Some(named) = named {
        return corpus.tree.contains(&named).then_some(named);
    }
    ["Dockerfile", "Containerfile"]
        .iter()
        .filter_map(|name| paths::join(context, name))
        .find(|path| corpus.tree.contains(path))
}

/// The folder from which the sources of COPY exist: the file's own, else the root, else the nearest above.
fn guess_context(corpus: &Corpus<'_>, path: &str, stages: &[Stage]) -> String {
    let own = paths::folder(path);
    let instructions = || stages.iter().flat_map(|stage| &stage.instructions);
    let telling: Vec<&str> = instructions().flat_map(copied).filter(|source| tells(source)).collect();
    let found = |folder: &str| telling.iter().filter(|source| exists(corpus, folder, source)).count();
    if telling.is_empty() {
        let whole = instructions().flat_map(copied).any(|source| matches!(source.trim_matches('/'), "" | "."));
        return if whole && instructions().any(builds) { package_folder(corpus, own) } else { own.to_owned() };
    }
    let mut best = (found(own), own);
    for folder in paths::ancestors(own) {
        let count = found(folder);
        // The root is the common choice: it wins ties with folders between.
        if count > best.0 || (folder == "." && count == best.0 && best.1 != own) {
            best = (count, folder);
        }
    }
    best.1.to_owned()
}

/// Files that make a folder the place where a program is built.
const MANIFESTS: &[&str] = &[
    "go.mod",
    "package.json",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "Cargo.toml",
    "pyproject.toml",
    "requirements.txt",
    "setup.py",
    "Pipfile",
    "Gemfile",
    "composer.json",
    "CMakeLists.txt",
    MAKEFILE,
];
const MAKEFILE: &str = "Makefile";

/// The nearest folder, from this one upwards, with a package manifest; else this one.
fn package_folder(corpus: &Corpus<'_>, own: &str) -> String {
    let mut folders = std::iter::once(own).chain(paths::ancestors(own));
    folders.find(|folder| has_manifest(corpus, folder)).unwrap_or(own).to_owned()
}

/// A package manifest lies right in the folder.
pub(crate) fn has_manifest(corpus: &Corpus<'_>, folder: &str) -> bool {
    // Beside container files a Makefile builds images, and no program.
    let images_only = folder != "." && generic_folder(paths::name(folder));
    let manifests = MANIFESTS.iter().filter(|name| !(images_only && **name == MAKEFILE));
    manifests.filter_map(|name| paths::join(folder, name)).any(|path| corpus.tree.contains(&path))
}

/// What the image carries comes from this folder alone, though its context is one around it: it copies from there what
/// the repository holds, and neither the context as a whole nor the manifest of a package above. What it compiles has its
/// manifest in the folder.
pub(crate) fn packs_only(corpus: &Corpus<'_>, image: &ImageBuild, folder: &str) -> bool {
    let all = || image.stages.iter().flat_map(|stage| &stage.instructions);
    let sources: Vec<&str> = all().flat_map(copied).filter(|source| !source.contains("://")).collect();
    let fixed =
        |source: &str| source.split(['$', '*', '?', '[']).next().unwrap_or_default().trim_start_matches('/').to_owned();
    let path = |source: &str| paths::join(&image.context, &fixed(source)).unwrap_or_default();
    let own = |source: &str| paths::is_below(&path(source), folder);
    let beside = |source: &str| {
        let path = path(source);
        tells(source)
            && !paths::is_below(folder, &path)
            && !MANIFESTS.contains(&paths::name(&path))
            && exists(corpus, &image.context, source)
    };
    // What it compiles may come from another repository: then nothing of this one is in it.
    let fetches = |one: &Instruction| matches!(&one.kind, InstructionKind::Run(text) if text.contains("git clone") || text.contains("git fetch"));
    if sources.is_empty() {
        return all().any(fetches);
    }
    sources.iter().any(|source| own(source))
        && sources.iter().all(|source| own(source) || beside(source))
        && (has_manifest(corpus, folder) || !all().any(builds))
}

/// The folder of the one package that is copied into the image as a whole, beside what lies in the image's own folder:
/// `COPY web /src` of `docker/web/Dockerfile`.
pub(crate) fn packed_package(corpus: &Corpus<'_>, image: &ImageBuild, folder: &str) -> Option<String> {
    let sources = image.stages.iter().flat_map(|stage| &stage.instructions).flat_map(copied);
    let sources = sources.filter(|source| !source.contains("://"));
    let place = |source: &str| paths::join(&image.context, source.trim_end_matches('/')).filter(|_| tells(source));
    let mut others = sources.map(place).filter(|path| !path.as_ref().is_some_and(|path| paths::is_below(path, folder)));
    let first = others.next()??;
    let whole = !matches!(first.as_str(), "" | ".") && has_manifest(corpus, &first);
    (whole && others.all(|other| other.as_ref() == Some(&first))).then_some(first)
}

/// It compiles or installs what was copied.
fn builds(instruction: &Instruction) -> bool {
    let InstructionKind::Run(text) = &instruction.kind else { return false };
    [
        "go build",
        "go install",
        "make",
        "npm ",
        "yarn",
        "pnpm",
        "cargo ",
        "mvn",
        "gradle",
        "pip",
        "dotnet ",
        "bundle",
        "uv ",
    ]
    .iter()
    .any(|word| text.contains(word))
}

fn copied(instruction: &Instruction) -> Vec<&str> {
    match &instruction.kind {
        InstructionKind::Copy { from: None, sources, .. } | InstructionKind::Add { sources, .. } => {
            sources.iter().map(String::as_str).collect()
        }
        _ => Vec::new(),
    }
}

/// A source that says where the context is: no variable, no pattern, no URL, not the context as a whole.
fn tells(source: &str) -> bool {
    !source.contains(['$', '*', '?', '[', '<'])
        && !source.contains("://")
        && !matches!(source.trim_matches('/'), "" | ".")
}

fn exists(corpus: &Corpus<'_>, folder: &str, source: &str) -> bool {
    paths::join(folder, source.trim_start_matches('/'))
        .is_some_and(|path| corpus.tree.contains(&path) || corpus.tree.below(&path).next().is_some())
}

/// `NAME.dockerignore` beside the container file wins over `.dockerignore` of the context.
fn ignore_file(corpus: &Corpus<'_>, entry: &FileEntry, context: &str, gaps: &mut Vec<Gap>) -> Option<IgnoreFile> {
    let candidates = [Some(format!("{}.dockerignore", entry.path)), paths::join(context, ".dockerignore")];
    let path = candidates.into_iter().flatten().find(|path| corpus.tree.contains(path))?;
    let path: Arc<str> = Arc::from(path);
    match corpus.tree.text(&path) {
        Ok(text) => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            Some(IgnoreFile { patterns: lines.map(str::to_owned).collect(), place: Place::whole(path) })
        }
        Err(reason) => {
            gaps.push(gap(Place::whole(path), reason));
            None
        }
    }
}

fn stage(stage: dockerfile::Stage) -> Stage {
    let templated = stage.base.contains('$');
    let mut base = image_name::image(&stage.base);
    base.templated |= templated;
    Stage {
        name: stage.name,
        base: Located { value: base, place: stage.place },
        base_stage: stage.base_stage,
        instructions: stage.instructions.into_iter().flat_map(instructions).collect(),
    }
}

/// One instruction of the file may set several variables: each becomes one of its own.
fn instructions(instruction: dockerfile::Instruction) -> Vec<Instruction> {
    use dockerfile::Kind;
    let place = instruction.place;
    let one = |kind| vec![Instruction { place: place.clone(), kind }];
    match instruction.kind {
        Kind::Run { command, heredocs, .. } => {
            let mut text = match command {
                dockerfile::Command::Exec(words) => words.join(" "),
                dockerfile::Command::Shell(line) => line,
            };
            for heredoc in heredocs {
                text.push('\n');
                text.push_str(&heredoc.text);
            }
            one(InstructionKind::Run(text))
        }
        Kind::Cmd(command) => one(InstructionKind::Cmd(form(command))),
        Kind::Entrypoint(command) => one(InstructionKind::Entrypoint(form(command))),
        Kind::Env(pairs) => pairs
            .into_iter()
            .map(|pair| Instruction {
                place: pair.place,
                kind: InstructionKind::Env { name: pair.key, value: pair.value },
            })
            .collect(),
        Kind::Label(pairs) => pairs
            .into_iter()
            .map(|pair| Instruction {
                place: pair.place,
                kind: InstructionKind::Label { name: pair.key, value: pair.value },
            })
            .collect(),
        Kind::Arg(arguments) => arguments
            .into_iter()
            .map(|argument| Instruction {
                place: argument.place,
                kind: InstructionKind::Arg { name: argument.name, default: argument.default },
            })
            .collect(),
        Kind::Copy(transfer) => one(InstructionKind::Copy {
            from: transfer.from,
            sources: transfer.sources,
            destination: transfer.destination,
        }),
        Kind::Add(transfer) => {
            one(InstructionKind::Add { sources: transfer.sources, destination: transfer.destination })
        }
        Kind::User(user) => one(InstructionKind::User(user)),
        Kind::Expose(ports) => one(InstructionKind::Expose(ports)),
        Kind::StopSignal(signal) => one(InstructionKind::StopSignal(signal)),
        Kind::Healthcheck(dockerfile::Healthcheck::None) => one(InstructionKind::Healthcheck(Healthcheck::Disabled)),
        Kind::Healthcheck(dockerfile::Healthcheck::Cmd { interval, timeout, start_period, retries, command }) => {
            let seconds = |text: Option<String>, default| text.as_deref().and_then(seconds).unwrap_or(default);
            let command = match command {
                dockerfile::Command::Exec(words) => words,
                dockerfile::Command::Shell(line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line],
            };
            let probe = Probe {
                place: place.clone(),
                action: ProbeAction::Exec { command },
                initial_delay: 0,
                period: seconds(interval, 30),
                timeout: seconds(timeout, 30),
                failures: retries.and_then(|text| text.trim().parse().ok()).unwrap_or(3),
                start_period: start_period.as_deref().and_then(self::seconds),
            };
            one(InstructionKind::Healthcheck(Healthcheck::Probe(probe)))
        }
        _ => one(InstructionKind::Other { keyword: instruction.keyword, text: instruction.text }),
    }
}

fn form(command: dockerfile::Command) -> CommandForm {
    match command {
        dockerfile::Command::Exec(words) => CommandForm::Exec(words),
        dockerfile::Command::Shell(line) => CommandForm::Shell(line),
    }
}

/// Docker's durations, `1m30s`, in whole seconds; what is shorter than one counts as one.
fn seconds(text: &str) -> Option<u32> {
    let mut total = 0.0_f64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit_length = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_length);
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = next;
    }
    let whole = total.ceil();
    if !(0.0..4e9).contains(&whole) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    Some(whole as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tree;

    fn check(files: &[(&str, &str)], expect: &[&str]) {
        let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
        let gathered = gather(&Corpus::read(&tree));
        let mut seen: Vec<String> = gathered
            .items
            .iter()
            .map(|image| {
                let base = image.final_base().map(|base| base.value.text.clone()).unwrap_or_default();
                let ignored = image.ignore_file.as_ref().map_or(0, |file| file.patterns.len());
                format!("{} context {} base {base} ignores {ignored}", image.place, image.context)
            })
            .collect();
        seen.extend(gathered.gaps.iter().map(|gap| format!("gap {}", gap.place)));
        assert_eq!(seen, expect);
    }

    #[test]
    fn the_context_is_where_the_sources_are() {
        let copies = "FROM alpine:3\nCOPY src/main.c /\n";
        check(
            &[("docker/Dockerfile", copies), ("src/main.c", "")],
            &["docker/Dockerfile context . base alpine:3 ignores 0"],
        );
        check(
            &[("api/Dockerfile", copies), ("api/src/main.c", ""), ("src/main.c", "")],
            &["api/Dockerfile context api base alpine:3 ignores 0"],
        );
        check(
            &[("cmd/a/Dockerfile", "FROM golang\nCOPY . .\nRUN go build ./cmd/a\n"), ("go.mod", "module a\n")],
            &["cmd/a/Dockerfile context . base golang ignores 0"],
        );
    }

    #[test]
    fn compose_and_skaffold_say_the_context() {
        check(
            &[
                ("compose.yaml", "services:\n  a:\n    build: {context: ., dockerfile: docker/a.Dockerfile}\n"),
                ("docker/a.Dockerfile", "FROM scratch\n"),
                (".dockerignore", "# none\n.git\ntarget/\n"),
            ],
            &["docker/a.Dockerfile context . base scratch ignores 2"],
        );
        check(
            &[
                (
                    "skaffold.yaml",
                    "apiVersion: skaffold/v4beta1\nkind: Config\nbuild:\n  artifacts:\n  - image: b\n    context: svc/b\n    docker: {dockerfile: build/Dockerfile}\n",
                ),
                ("svc/b/build/Dockerfile", "FROM scratch\n"),
            ],
            &["svc/b/build/Dockerfile context svc/b base scratch ignores 0"],
        );
    }

    #[test]
    fn a_broken_file_is_a_gap_and_a_test_file_is_none() {
        check(
            &[("Dockerfile", "RUN x\n"), ("e2e/Dockerfile", "RUN x\n"), ("Dockerfile.tmpl", "RUN x\n")],
            &["gap Dockerfile:1"],
        );
    }

    #[test]
    fn a_healthcheck_becomes_a_probe() {
        let text =
            "FROM alpine\nHEALTHCHECK --interval=1m30s --timeout=500ms --retries=5 CMD curl -f http://localhost/\n";
        let tree = Tree::from_memory([("Dockerfile".to_owned(), text.as_bytes().to_vec())]);
        let gathered = gather(&Corpus::read(&tree));
        let probe = gathered.items[0].effective(|one| match &one.kind {
            InstructionKind::Healthcheck(Healthcheck::Probe(probe)) => Some(probe.clone()),
            _ => None,
        });
        let probe = probe.unwrap();
        assert_eq!((probe.period, probe.timeout, probe.failures, probe.place.line()), (90, 1, 5, Some(2)));
    }

    #[test]
    fn odd_durations_are_no_numbers() {
        for text in ["", "5", "5x", "1e3s", "s", "99999999999h"] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(seconds("1h1m1s"), Some(3661));
    }
}
