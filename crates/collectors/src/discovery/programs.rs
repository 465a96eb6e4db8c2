//! Programs and libraries that nothing deploys, and the files of platforms that run sources as they are.

use std::collections::BTreeSet;

use gonogo_domain::{
    Class, Message, Place, ServiceSource,
    evidence::{InfrastructureTool, Package, Role},
};

use super::{
    Candidate, Declared, LeftOut,
    built::{package_name, root_name},
    class::View,
    names::{generic_folder, tooling_folder},
    role_of,
};
use crate::paths;

/// One unit for each folder with a file of a platform.
pub(super) fn platforms(declared: &Declared<'_>, counts: &dyn Fn(Role) -> bool) -> Vec<Candidate> {
    let mut units: Vec<Candidate> = Vec::new();
    for resource in declared.infrastructure {
        let path = resource.place.path();
        if !matches!(resource.tool, InfrastructureTool::Platform | InfrastructureTool::Serverless)
            || matches!(resource.kind.as_str(), "procfile" | "cloud-deploy" | "code-deploy" | "nixpacks")
            || !role_of(declared, path).is_some_and(counts)
        {
            continue;
        }
        let folder = paths::folder(path);
        let source =
            ServiceSource { kind: paths::name(path).to_owned(), place: resource.place.clone(), environment: None };
        if let Some(known) = units.iter_mut().find(|unit| unit.folder.as_deref() == Some(folder)) {
            known.sources.insert(source);
            continue;
        }
        let name = if folder == "." { root_name(declared) } else { paths::name(folder).to_owned() };
        let static_site = matches!(resource.kind.as_str(), "netlify" | "vercel")
            && !declared.corpus.tree.below(folder).any(|entry| {
                let rest = entry.path.strip_prefix(folder).map_or(&*entry.path, |rest| rest.trim_start_matches('/'));
                rest.starts_with("api/") || rest.starts_with("netlify/functions/")
            });
        let class = static_site.then(|| {
            let place = &resource.place;
            (
                Class::StaticSite,
                Message::new(
                    format!("{} hands out its files ({place})", resource.kind),
                    format!("由 {} 提供其静态文件（{place}）", resource.kind),
                ),
            )
        });
        let class = class.or_else(|| {
            let place = &resource.place;
            matches!(
                resource.kind.as_str(),
                "fly"
                    | "render"
                    | "app-engine"
                    | "heroku"
                    | "railway"
                    | "digitalocean"
                    | "kamal"
                    | "cloud-foundry"
                    | "app-runner"
                    | "koyeb"
            )
            .then(|| {
                (Class::Server, Message::new(format!("a platform runs it ({place})"), format!("由平台运行（{place}）")))
            })
        });
        units.push(Candidate {
            name,
            folder: Some(folder.to_owned()),
            sources: BTreeSet::from([source]),
            class,
            ..Candidate::default()
        });
    }
    units
}

/// Packages that are programs; where there is none, the library that the repository is.
pub(super) fn programs(
    declared: &Declared<'_>,
    counts: &dyn Fn(Role) -> bool,
    left_out: &mut Vec<LeftOut>,
) -> Vec<Candidate> {
    let mut found: Vec<(usize, &Package)> = declared
        .packages
        .iter()
        .enumerate()
        .filter(|(_, package)| role_of(declared, package.place.path()).is_some_and(counts))
        .collect();
    found.retain(|(_, package)| {
        let path = package.place.path();
        let Some(folder) = paths::folder(path).split('/').find(|part| tooling_folder(part)) else { return true };
        if package.program {
            left_out.push(LeftOut {
                name: name(declared, package),
                reason: Message::new(
                    format!("it lies in {folder}/: it helps to make the product"),
                    format!("位于 {folder}/：属于辅助工具"),
                ),
                place: package.place.clone(),
            });
        }
        false
    });
    let programs: Vec<&(usize, &Package)> = found.iter().filter(|(_, package)| package.program).collect();
    if !programs.is_empty() {
        return programs.into_iter().map(|(index, package)| candidate(declared, *index, package)).collect();
    }
    // Several packages make one library: the one nearest to the root names it.
    let nearest = found.iter().min_by_key(|(_, package)| (package.place.path().matches('/').count(), &package.place));
    nearest.map(|(index, package)| candidate(declared, *index, package)).into_iter().collect()
}

fn candidate(declared: &Declared<'_>, index: usize, package: &Package) -> Candidate {
    Candidate {
        name: name(declared, package),
        packages: BTreeSet::from([index]),
        folder: Some(paths::folder(package.place.path()).to_owned()),
        sources: BTreeSet::from([ServiceSource {
            kind: paths::name(package.place.path()).to_owned(),
            place: package.place.clone(),
            environment: None,
        }]),
        ..Candidate::default()
    }
}

fn name(declared: &Declared<'_>, package: &Package) -> String {
    let named = package.name.as_deref().map(package_name).filter(|name| !name.is_empty());
    named.unwrap_or_else(|| {
        let folder = paths::name(paths::folder(package.place.path()));
        if generic_folder(folder) { root_name(declared) } else { folder.to_owned() }
    })
}

/// The file that a unit's program starts in, where its name is the usual one.
pub(super) fn main_file(view: &View<'_>) -> Option<String> {
    let tree = view.declared.corpus.tree;
    let folder = view.candidate.folder.as_deref().unwrap_or(".");
    let name = &view.candidate.name;
    let mut folders = vec![folder.to_owned()];
    folders.extend([folder, view.home].iter().filter_map(|base| paths::join(base, &format!("cmd/{name}"))));
    if !view.home_is_shared {
        folders.push(view.home.to_owned());
    }
    let files = [
        "main.go",
        "src/main.rs",
        "main.py",
        "app.py",
        "server.py",
        "__main__.py",
        "server.js",
        "index.js",
        "app.js",
        "src/index.js",
        "src/index.ts",
        "src/main.ts",
        "src/server.ts",
        "Program.cs",
        "config.ru",
    ];
    folders
        .iter()
        .flat_map(|folder| files.iter().filter_map(move |file| paths::join(folder, file)))
        .find(|path| tree.contains(path))
}

/// Calls that open a port, as they stand in the main files of the common languages.
const LISTENING: &[&str] = &[
    "ListenAndServe",
    "net.Listen(",
    "http.Server{",
    "grpc.NewServer(",
    ".listen(",
    "app.run(",
    "uvicorn.run(",
    "HttpServer::new(",
    "axum::serve(",
    "TcpListener::bind(",
    "serve_forever(",
    "createServer(",
    "WebApplication.CreateBuilder(",
    "router.Run(",
];

/// The line that opens a port: in a main file, in another file of the same Go program, or in a package of the
/// repository that the program imports.
pub(super) fn listens(declared: &Declared<'_>, path: &str) -> Option<Place> {
    if paths::extension(path) != "go" {
        return listening_line(declared, path);
    }
    let folder = paths::folder(path);
    let beside = go_files(declared, folder);
    let imported = beside.iter().flat_map(|path| imports(declared, path)).take(PACKAGES_READ);
    let imported: BTreeSet<String> = imported.collect();
    let own = beside.iter().find_map(|path| listening_line(declared, path));
    own.or_else(|| {
        imported
            .iter()
            .flat_map(|folder| go_files(declared, folder))
            .take(FILES_READ)
            .find_map(|path| listening_line(declared, path))
    })
}

/// Imported packages that are looked at, and files of them: a main file may import a whole product.
const PACKAGES_READ: usize = 16;
const FILES_READ: usize = 64;

/// The Go files of the product right in a folder.
fn go_files<'a>(declared: &Declared<'a>, folder: &str) -> Vec<&'a str> {
    let below = declared.corpus.tree.below(folder);
    let here = below.filter(|entry| {
        paths::folder(&entry.path) == folder && paths::extension(&entry.path) == "go" && entry.role == Role::Product
    });
    here.map(|entry| &*entry.path).take(FILES_READ).collect()
}

/// The folders of the repository's packages that a Go file imports, by the module in the nearest `go.mod`.
fn imports(declared: &Declared<'_>, path: &str) -> Vec<String> {
    let folder = paths::folder(path);
    let module = std::iter::once(folder).chain(paths::ancestors(folder)).find_map(|folder| {
        let text = declared.corpus.tree.text(&paths::join(folder, "go.mod")?).ok()?;
        let line = text.lines().find_map(|line| line.trim().strip_prefix("module "))?;
        Some((folder, line.trim().trim_matches('"').to_owned()))
    });
    let (Some((root, module)), Ok(text)) = (module, declared.corpus.tree.text(path)) else { return Vec::new() };
    // Imports stand at the top, before the first function.
    let head = text.lines().take_while(|line| !line.starts_with("func ")).take(200);
    head.filter_map(|line| {
        let quoted = line.split('"').nth(1)?;
        let inside = quoted.strip_prefix(&module)?.strip_prefix('/')?;
        paths::join(root, inside)
    })
    .collect()
}

fn listening_line(declared: &Declared<'_>, path: &str) -> Option<Place> {
    let text = declared.corpus.tree.text(path).ok()?;
    let (_, line) = text.lines().zip(1_u32..).find(|(line, _)| {
        let code = line.trim_start();
        // What listens on the loopback only is there for its own developers.
        let local = code.contains("\"localhost:") || code.contains("\"127.0.0.1:");
        !code.starts_with("//") && !code.starts_with('#') && !local && LISTENING.iter().any(|call| code.contains(call))
    })?;
    Some(Place::new(path, line, 1))
}
