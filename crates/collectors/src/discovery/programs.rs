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
            matches!(resource.kind.as_str(), "fly" | "render" | "app" | "app-engine" | "procfile" | "heroku").then(
                || {
                    (
                        Class::Server,
                        Message::new(format!("a platform runs it ({place})"), format!("由平台运行（{place}）")),
                    )
                },
            )
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
    "server.New(",
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

/// The line of a main file, or of another file of the same Go program, that opens a port.
pub(super) fn listens(declared: &Declared<'_>, path: &str) -> Option<Place> {
    let tree = declared.corpus.tree;
    let folder = paths::folder(path);
    let mut files = vec![path];
    if path.ends_with(".go") {
        let beside = tree.below(folder).filter(|entry| {
            paths::folder(&entry.path) == folder
                && entry.path.ends_with(".go")
                && entry.role == Role::Product
                && *entry.path != *path
        });
        files.extend(beside.map(|entry| &*entry.path).take(32));
    }
    files.into_iter().find_map(|path| {
        let text = tree.text(path).ok()?;
        let (_, line) = text.lines().zip(1_u32..).find(|(line, _)| {
            let code = line.trim_start();
            !code.starts_with("//") && !code.starts_with('#') && LISTENING.iter().any(|call| code.contains(call))
        })?;
        Some(Place::new(path, line, 1))
    })
}
