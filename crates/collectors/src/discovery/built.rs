//! What the repository builds: container files and builds that compose and skaffold declare, one for each program.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Message, Place, ServiceSource,
    evidence::{CommandForm, ImageBuild, ImageRef, InstructionKind, Role},
};

use super::{
    Declared, modules,
    names::{ends_with_word, generic_folder, normal, tooling, tooling_folder, variant, without_variant},
    products, role_of,
};
use crate::{
    image_name,
    images::{DeclaredBuild, declared_builds, has_manifest},
    paths,
};

/// One program that the repository builds an image of.
#[derive(Clone, Debug)]
pub(super) struct Build {
    pub name: String,
    /// Names under which manifests may know it, as they are compared.
    pub aliases: BTreeSet<String>,
    /// Images that compose and skaffold give to it, without tags.
    pub declared: BTreeSet<String>,
    /// Services of compose files that build it, as they are compared.
    pub compose: BTreeSet<String>,
    /// Indexes of its container files.
    pub images: BTreeSet<usize>,
    /// The folder of the program.
    pub folder: String,
    pub sources: BTreeSet<ServiceSource>,
    pub verdict: Verdict,
    pub place: Place,
    /// The product of others that its image stands on.
    pub base_product: Option<&'static products::Product>,
    /// The last part of the name of the image that it stands on.
    pub base_name: Option<String>,
    /// The program that its image starts.
    pub entry: Option<String>,
}

/// Whether a build is a service where no workload runs it.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Service,
    /// It builds an image that nothing here needs a container file for; a workload decides.
    OnlyDeclared,
    LeftOut(Message),
}

pub(super) fn builds(declared: &Declared<'_>, counts: &dyn Fn(Role) -> bool) -> Vec<Build> {
    let outside = told_apart_by_tags(declared_builds(declared.corpus));
    let mut builds: Vec<Build> = Vec::new();
    for (index, image) in declared.images.iter().enumerate() {
        if !role_of(declared, image.place.path()).is_some_and(counts) {
            continue;
        }
        let build = from_image(declared, index, image, &outside);
        match builds.iter_mut().find(|known| same(known, &build)) {
            Some(known) => absorb(known, build),
            None => builds.push(build),
        }
    }
    for one in outside.iter().filter(|one| one.file.is_none()) {
        let counted = role_of(declared, one.place.path()).is_some_and(counts);
        let Some(build) = without_file(one).filter(|_| counted) else { continue };
        match builds.iter_mut().find(|known| same(known, &build)) {
            Some(known) => absorb(known, build),
            None => builds.push(build),
        }
    }
    modules::add(declared, counts, &mut builds);
    builds
}

/// Programs may share one repository of a registry and differ in their tags, as `demo:1.0-cart` and `demo:1.0-mail` do:
/// there the tag belongs to the name of the image.
fn told_apart_by_tags(mut outside: Vec<DeclaredBuild>) -> Vec<DeclaredBuild> {
    let mut made: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for one in &outside {
        if let (Some(image), Some(file)) = (one.image.as_deref().map(image_name::image), &one.file) {
            made.entry(image.repository).or_default().insert((image.tag.unwrap_or_default(), file.clone()));
        }
    }
    let several = |repository: &str| {
        let Some(made) = made.get(repository) else { return false };
        let tags: BTreeSet<&str> = made.iter().map(|(tag, _)| tag.as_str()).collect();
        let files: BTreeSet<&str> = made.iter().map(|(_, file)| file.as_str()).collect();
        tags.len() > 1 && files.len() > 1
    };
    for one in &mut outside {
        let image = one.image.as_deref().map(image_name::image);
        one.by_tag = image.is_some_and(|image| several(&image.repository));
    }
    outside
}

/// The name under which a build's image is known: without its tag, unless only the tag tells it from others.
fn image_key(one: &DeclaredBuild) -> Option<String> {
    let image = image_name::image(one.image.as_deref()?);
    Some(match image.tag {
        Some(tag) if one.by_tag => format!("{}:{tag}", image.repository),
        _ => image.repository,
    })
}

/// The last part of the name of an image, as manifests may use it for the program.
fn image_alias(key: &str) -> Option<String> {
    let name = paths::name(key);
    (!name.contains(':')).then(|| normal(name))
}

/// Two container files make the same program.
fn same(known: &Build, build: &Build) -> bool {
    if known.declared.iter().any(|image| build.declared.contains(image)) {
        return true;
    }
    let (one, other) = (normal(&known.name), normal(&build.name));
    let variants = normal(without_variant(&known.name)) == other || one == normal(without_variant(&build.name));
    let folders = known.folder == build.folder || apart(&known.folder) || apart(&build.folder);
    (one == other && folders) || (variants && paths::folder(&known.folder) == paths::folder(&build.folder))
}

/// A folder that says nothing about the program in it: one of container files, or of tools.
fn apart(folder: &str) -> bool {
    generic_folder(paths::name(folder)) || folder.split('/').any(tooling_folder)
}

fn absorb(known: &mut Build, mut build: Build) {
    known.aliases.append(&mut build.aliases);
    known.declared.append(&mut build.declared);
    known.compose.append(&mut build.compose);
    match (&known.verdict, &build.verdict) {
        // What only helps to develop says nothing about the image that is shipped.
        (Verdict::Service, Verdict::LeftOut(_)) => {
            known.entry = known.entry.take().or(build.entry);
            return;
        }
        (Verdict::LeftOut(_), Verdict::Service) => {
            build.aliases.append(&mut known.aliases);
            build.declared.append(&mut known.declared);
            build.compose.append(&mut known.compose);
            build.entry = build.entry.take().or(known.entry.take());
            *known = build;
            return;
        }
        (Verdict::OnlyDeclared, _) if !build.images.is_empty() => {
            known.verdict = build.verdict;
            known.folder.clone_from(&build.folder);
            known.place = build.place;
            known.base_product = build.base_product;
            known.base_name = build.base_name;
        }
        _ => (),
    }
    if known.name != build.name && without_variant(&known.name) == build.name {
        known.name = build.name;
        known.folder = build.folder;
    }
    known.images.append(&mut build.images);
    known.sources.append(&mut build.sources);
    known.entry = known.entry.take().or(build.entry);
}

fn without_file(one: &DeclaredBuild) -> Option<Build> {
    let image = image_key(one);
    let name = one.service.clone().or_else(|| image.as_deref().map(|image| paths::name(image).to_owned()))?;
    Some(Build {
        aliases: [Some(normal(&name)), image.as_deref().and_then(image_alias)].into_iter().flatten().collect(),
        declared: image.into_iter().collect(),
        compose: one.service.iter().map(|service| normal(service)).collect(),
        images: BTreeSet::new(),
        folder: one.context.clone(),
        sources: BTreeSet::from([source(one)]),
        verdict: Verdict::OnlyDeclared,
        place: one.place.clone(),
        base_product: None,
        base_name: None,
        entry: None,
        name,
    })
}

fn source(one: &DeclaredBuild) -> ServiceSource {
    ServiceSource { kind: one.kind.to_owned(), place: one.place.clone(), environment: None }
}

fn from_image(declared: &Declared<'_>, index: usize, image: &ImageBuild, outside: &[DeclaredBuild]) -> Build {
    let path = image.place.path();
    let entry = entry(image);
    let base = image.final_base().map(|base| &base.value);
    let here: Vec<&DeclaredBuild> = outside
        .iter()
        .filter(|one| one.file.as_deref() == Some(path))
        .filter(|one| role_of(declared, one.place.path()) != Some(Role::Test))
        .collect();
    let own_name = own_name(declared, image, entry.as_deref());
    let mut aliases: BTreeSet<String> = BTreeSet::from([normal(&own_name)]);
    aliases.extend(entry.as_deref().filter(|entry| !runner(entry)).map(normal));
    // `app` names no program, but an image of that name is made here.
    aliases.insert(normal(paths::name(paths::folder(path))));
    let declared_images: BTreeSet<String> = here.iter().filter_map(|one| image_key(one)).collect();
    aliases.extend(declared_images.iter().filter_map(|image| image_alias(image)));
    let compose: BTreeSet<String> = here.iter().filter_map(|one| one.service.as_deref()).map(normal).collect();
    aliases.extend(compose.iter().cloned());
    aliases.remove("");
    let mut sources: BTreeSet<ServiceSource> = here.iter().map(|one| source(one)).collect();
    sources.insert(ServiceSource {
        kind: if path.to_ascii_lowercase().contains("containerfile") { "Containerfile" } else { "Dockerfile" }
            .to_owned(),
        place: image.place.clone(),
        environment: None,
    });
    let base_product = base.and_then(products::product);
    let base_name = base.map(|base| normal(paths::name(&base.repository)));
    let verdict = verdict(declared, image, &own_name, entry.as_deref(), base_product);
    Build {
        folder: folder(declared, image, &own_name, entry.as_deref()),
        name: own_name,
        aliases,
        declared: declared_images,
        compose,
        images: BTreeSet::from([index]),
        sources,
        verdict,
        place: image.place.clone(),
        base_product,
        base_name,
        entry,
    }
}

/// The name of what is built: the folder's, the file's, or that of the package in the root.
fn own_name(declared: &Declared<'_>, image: &ImageBuild, entry: Option<&str>) -> String {
    let path = image.place.path();
    let file = paths::name(path);
    let folder = paths::folder(path);
    let by_file = file_word(file).filter(|word| !variant(word)).map(without_variant).filter(|word| {
        if products::test_runner(word) {
            return true;
        }
        // `helm.Dockerfile` beside a plain one is the same program with something added, unless it starts another.
        let mut plain = ["Dockerfile", "Containerfile"].iter().filter_map(|plain| paths::join(folder, plain));
        let beside = plain.find_map(|plain| declared.images.iter().find(|other| other.place.path() == plain));
        match (beside, entry) {
            (None, _) => true,
            (Some(beside), Some(own)) => self::entry(beside).is_none_or(|other| normal(&other) != normal(own)),
            (Some(_), None) => program_folder(declared, folder, word).is_some(),
        }
    });
    if let Some(word) = by_file {
        return word.to_owned();
    }
    let parts = std::iter::once(folder).chain(paths::ancestors(folder)).filter(|folder| *folder != ".");
    if let Some(name) = parts.map(paths::name).find(|name| !generic_folder(name)) {
        // Deep in the tooling, what is started says more than where the file lies.
        let inside_tooling = folder.split('/').any(tooling_folder);
        match entry {
            Some(entry) if inside_tooling && normal(entry) == normal(&root_name(declared)) => return entry.to_owned(),
            _ => return name.to_owned(),
        }
    }
    root_name(declared)
}

/// `api` of `api.Dockerfile`, `Dockerfile.api` and `Dockerfile-api`.
fn file_word(file: &str) -> Option<&str> {
    let lower = file.to_ascii_lowercase();
    for word in ["dockerfile", "containerfile"] {
        if lower.strip_suffix(word).is_some_and(|rest| rest.ends_with('.')) {
            return file.get(..file.len().saturating_sub(word.len() + 1));
        }
        if lower.strip_prefix(word).is_some_and(|rest| rest.starts_with(['.', '-', '_'])) {
            return file.get(word.len() + 1..);
        }
    }
    None
}

/// The folder of a program of this name below a folder: `cmd/NAME`, `NAME`.
fn program_folder(declared: &Declared<'_>, folder: &str, name: &str) -> Option<String> {
    ["cmd", ".", "src", "apps", "services", "crates", "packages", "bin"]
        .iter()
        .filter_map(|between| paths::join(folder, &format!("{between}/{name}")))
        .find(|path| declared.corpus.tree.below(path).next().is_some())
}

/// What the repository as a whole is called: by the package in its root, by its one chart, by its folder.
pub(super) fn root_name(declared: &Declared<'_>) -> String {
    let in_root = declared.packages.iter().filter(|package| paths::folder(package.place.path()) == ".");
    let named = in_root.filter_map(|package| package.name.as_deref()).map(package_name).find(|name| !name.is_empty());
    if let Some(name) = named {
        return name;
    }
    let mut charts = declared.corpus.data().filter(|file| file.name() == "Chart.yaml" && file.role == Role::Product);
    match (charts.next(), charts.next()) {
        (Some(chart), None) => chart.documents.first().and_then(|chart| chart.str_at("name")).map(str::to_owned),
        _ => None,
    }
    .or_else(|| declared.corpus.tree.name())
    .unwrap_or_else(|| "service".to_owned())
}

/// The last part of a package's name: of a module path without its version, of a scoped name, of a coordinate.
pub(super) fn package_name(name: &str) -> String {
    let mut parts = name.rsplit(['/', ':']).filter(|part| !part.is_empty());
    let last = parts.next().unwrap_or_default();
    let version =
        last.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()));
    if version { parts.next().unwrap_or(last) } else { last }.to_owned()
}

/// The folder of the program that an image carries.
fn folder(declared: &Declared<'_>, image: &ImageBuild, name: &str, entry: Option<&str>) -> String {
    let own = paths::folder(image.place.path());
    if file_word(paths::name(image.place.path())).is_some_and(|word| !variant(word)) {
        let mut named = [Some(name), entry].into_iter().flatten();
        if let Some(folder) = named.find_map(|name| program_folder(declared, own, name)) {
            return folder;
        }
    }
    if !apart(own) || own == "." || has_manifest(declared.corpus, own) {
        return own.to_owned();
    }
    // A file that lies apart from what it builds: the program that the repository is, or the sources of its context.
    if normal(name) == normal(&root_name(declared)) {
        return ".".to_owned();
    }
    match program_folder(declared, &image.context, name) {
        Some(folder) if folder != "." => folder,
        _ => program_folder(declared, ".", name).unwrap_or_else(|| {
            let context = if image.context == own { paths::folder(own) } else { &image.context };
            context.to_owned()
        }),
    }
}

/// The words that an image starts with.
fn started(image: &ImageBuild) -> Vec<String> {
    let words = |form: &CommandForm| match form {
        CommandForm::Exec(words) => words.clone(),
        CommandForm::Shell(line) => line.split_whitespace().map(str::to_owned).collect(),
    };
    let entrypoint = image.effective(|one| match &one.kind {
        InstructionKind::Entrypoint(form) => Some(words(form)),
        _ => None,
    });
    let command = image.effective(|one| match &one.kind {
        InstructionKind::Cmd(form) => Some(words(form)),
        _ => None,
    });
    entrypoint.into_iter().flatten().chain(command.into_iter().flatten()).collect()
}

/// The program that an image starts, where that is a program of the image and no interpreter.
pub(super) fn entry(image: &ImageBuild) -> Option<String> {
    super::deployed::program(&started(image)).filter(|program| {
        !program.contains(['$', '.', ' '])
            && !matches!(normal(program).as_str(), "start" | "entrypoint" | "run" | "app" | "main" | "server" | "")
    })
}

/// A program that runs others' code: its name says nothing about whose.
pub(super) fn runner(name: &str) -> bool {
    matches!(
        normal(name).as_str(),
        "gunicorn"
            | "uvicorn"
            | "hypercorn"
            | "daphne"
            | "uwsgi"
            | "flask"
            | "celery"
            | "puma"
            | "unicorn"
            | "sidekiq"
            | "rackup"
            | "nginx"
            | "httpd"
            | "apache2foreground"
            | "phpfpm"
            | "supervisord"
            | "pm2"
            | "serve"
            | "catalina"
            | "javaopts"
            | "manager"
            | "nginxdebug"
            | "s6svscan"
            | "init"
    )
}

/// The image starts something, and not only a shell for whoever comes.
fn starts(image: &ImageBuild) -> bool {
    match started(image)[..] {
        [] => false,
        [ref only] => !matches!(paths::name(only), "sh" | "bash" | "ash" | "zsh"),
        _ => true,
    }
}

/// What an image starts runs tests and nothing else.
pub(super) fn tests_only(entry: Option<&str>, base: Option<&str>) -> Option<Message> {
    let runner = |name: Option<&str>| name.filter(|name| products::test_runner(name)).map(str::to_owned);
    if let Some(runner) = runner(entry) {
        return Some(Message::new(
            format!("it starts {runner}: it tests others and is no production service"),
            format!("它启动 {runner}：用于测试其他服务，不是生产服务"),
        ));
    }
    let runner = runner(base)?;
    Some(Message::new(
        format!("its image is {runner} with something added: it tests others and is no production service"),
        format!("其镜像基于 {runner}：用于测试其他服务，不是生产服务"),
    ))
}

/// What an image starts is a script that builds: its name says so, and it answers nobody.
fn builds_only(image: &ImageBuild) -> Option<Message> {
    let script = started(image).into_iter().find_map(|word| {
        let name = paths::name(&word).to_owned();
        let stem = name.strip_suffix(".sh")?;
        stem.split(['-', '_']).any(|part| matches!(part, "build" | "package")).then_some(name)
    })?;
    (!serves(image)).then(|| {
        Message::new(
            format!("it starts {script}: it builds the product and is no production service"),
            format!("它启动 {script}：用于构建产品，不是生产服务"),
        )
    })
}

/// It says that it answers on a port, or how it is asked.
fn serves(image: &ImageBuild) -> bool {
    image
        .final_instructions()
        .any(|one| matches!(one.kind, InstructionKind::Expose { .. } | InstructionKind::Healthcheck(_)))
}

fn verdict(
    declared: &Declared<'_>,
    image: &ImageBuild,
    name: &str,
    entry: Option<&str>,
    base_product: Option<&'static products::Product>,
) -> Verdict {
    let path = image.place.path();
    let whole = normal(&root_name(declared));
    let is_product = normal(name) == whole || entry.is_some_and(|entry| normal(entry) == whole);
    if let Some(folder) = tooling(path).filter(|_| !is_product) {
        return Verdict::LeftOut(Message::new(
            format!("it lies in {folder}/: it helps to make the product"),
            format!("位于 {folder}/：属于辅助工具"),
        ));
    }
    let word = file_word(paths::name(path)).map(str::to_ascii_lowercase);
    let helps = [
        "dev",
        "development",
        "debug",
        "local",
        "ci",
        "coverage",
        "test",
        "tests",
        "testing",
        "e2e",
        "integration",
        "builder",
        "build",
        "lint",
        "docs",
        "tilt",
        "tools",
        "hot",
        "live",
        "air",
    ];
    if let Some(word) = word.filter(|word| word.split(['.', '-', '_']).any(|part| helps.contains(&part))) {
        return Verdict::LeftOut(Message::new(
            format!("a container file for {word} is not for production"),
            format!("用于 {word} 的容器文件不用于生产环境"),
        ));
    }
    let own_base = image.final_base().map(|base| base.value.repository.as_str()).unwrap_or_default();
    if base_product.is_some_and(|product| product.agent) {
        return Verdict::LeftOut(Message::new(
            format!("it adds to {own_base}, a product of others that only observes"),
            format!("在仅用于观测的第三方产品 {own_base} 之上添加内容"),
        ));
    }
    let base_name = image.final_base().map(|base| paths::name(&base.value.repository));
    if let Some(reason) = tests_only(entry, base_name).or_else(|| builds_only(image)) {
        return Verdict::LeftOut(reason);
    }
    if base_product.is_none() && !starts(image) {
        if own_base == "scratch" {
            return Verdict::LeftOut(Message::new(
                "the image starts nothing: it only carries files",
                "该镜像不启动任何程序，只携带文件",
            ));
        }
        if products::toolchain(own_base) && !serves(image) {
            return Verdict::LeftOut(Message::new(
                format!("the image starts nothing: it adds files and tools to {own_base}"),
                format!("该镜像不启动任何程序：只在 {own_base} 之上添加文件与工具"),
            ));
        }
    }
    Verdict::Service
}

impl Build {
    /// How surely an image of a manifest is this build's: 0 not at all, 3 by its declared name.
    pub(super) fn matches(&self, image: &ImageRef) -> u8 {
        let repository = image.repository.as_str();
        if self.declared.contains(repository) {
            return 4;
        }
        let by_tag = |key: &String| key.strip_prefix(repository).is_some_and(|rest| rest.starts_with(':'));
        if self.declared.iter().any(by_tag) {
            // One repository for many programs: the version in the tag may be another than the one built here.
            let tag = image.tag.as_deref().unwrap_or_default();
            return match self.declared.contains(&format!("{repository}:{tag}")) {
                true => 4,
                false if self.aliases.iter().any(|alias| ends_with_word(tag, alias)) => 3,
                false => 0,
            };
        }
        let name = paths::name(repository);
        let own = normal(name);
        if self.declared.iter().any(|image| normal(paths::name(image)) == own) {
            return 3;
        }
        // The product that an image stands on has the folder's name, and is another image.
        if self.base_name.as_deref() == Some(own.as_str()) {
            return 0;
        }
        if self.aliases.contains(&own) {
            return 2;
        }
        u8::from(self.aliases.iter().any(|alias| ends_with_word(name, alias)))
    }
}
