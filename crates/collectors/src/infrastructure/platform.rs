//! The files by which platforms run a service: Fly, Render, Vercel, Netlify, App Engine, Heroku …

use std::sync::Arc;

use gonogo_domain::{
    Entry, Node, Place, Value,
    evidence::{InfrastructureTool, Resource, Role},
};

use super::Found;
use crate::{Corpus, DataFile, roles::has_extension};

pub(super) fn gather(corpus: &Corpus<'_>, found: &mut Found) {
    let counts = |role: Role| !matches!(role, Role::Test | Role::Documentation);
    for file in corpus.data().filter(|file| counts(file.role)) {
        let Some(kind) = kind(file) else { continue };
        found.whole(file, |root| {
            let name = ["name", "app", "service", "id"].iter().find_map(|key| root.str_at(key)).unwrap_or_default();
            resource(kind, name.to_owned(), root.clone())
        });
    }
    for entry in corpus.files_where(|entry| counts(entry.role) && procfile(entry.name())) {
        found.files += 1;
        match corpus.tree.text(&entry.path) {
            Ok(text) => found.items.push(resource("procfile", String::new(), processes(&entry.path, &text))),
            Err(reason) => found.gap(Place::whole(Arc::clone(&entry.path)), reason),
        }
    }
}

fn resource(kind: &str, name: String, body: Node) -> Resource {
    let place = Place::whole(body.place.path());
    Resource { tool: InfrastructureTool::Platform, kind: kind.to_owned(), name, place, body }
}

/// `Procfile` is what Heroku and its like run; `Procfile.dev` and others are for a developer's machine.
fn procfile(name: &str) -> bool {
    name == "Procfile"
}

/// The platform of a file, by its name and by what it holds where the name is common.
fn kind(file: &DataFile) -> Option<&'static str> {
    let root = file.documents.first();
    let has = |key: &str| root.is_some_and(|root| root.get(key).is_some());
    let name = file.name();
    match name {
        "fly.toml" => Some("fly"),
        name if name.starts_with("fly.") && has_extension(name, "toml") => Some("fly"),
        "render.yaml" | "render.yml" => Some("render"),
        "vercel.json" | "now.json" => Some("vercel"),
        "netlify.toml" => Some("netlify"),
        "railway.json" | "railway.toml" => Some("railway"),
        "heroku.yml" => Some("heroku"),
        "app.json" if has("buildpacks") || has("formation") || has("addons") || has("stack") => Some("heroku"),
        "host.json" if has("version") || has("extensionBundle") => Some("azure-functions"),
        "app.yaml" | "app.yml" if file.folder().rsplit('/').next() == Some(".do") => Some("digitalocean"),
        "app.yaml" | "app.yml" if has("runtime") || has("env_variables") => Some("app-engine"),
        "wrangler.toml" | "wrangler.json" | "wrangler.jsonc" => Some("cloudflare"),
        "apprunner.yaml" => Some("app-runner"),
        "firebase.json" => Some("firebase"),
        "nixpacks.toml" => Some("nixpacks"),
        "koyeb.yaml" => Some("koyeb"),
        "azure.yaml" if has("services") => Some("azure-developer"),
        "clouddeploy.yaml" | "clouddeploy.yml" => Some("cloud-deploy"),
        "appspec.yml" | "appspec.yaml" if has("version") => Some("code-deploy"),
        "deploy.yml" if file.folder().rsplit('/').next() == Some("config") && has("service") && has("image") => {
            Some("kamal")
        }
        "manifest.yml" | "manifest.yaml" if has("applications") => Some("cloud-foundry"),
        _ => None,
    }
}

/// `web: node server.js`, one process type a line.
fn processes(path: &Arc<str>, text: &str) -> Node {
    let mut entries = Vec::new();
    for (line, number) in text.lines().zip(1_u32..) {
        let Some((name, command)) = line.split_once(':') else { continue };
        let name = name.trim();
        if name.is_empty() || name.starts_with('#') || name.contains(char::is_whitespace) {
            continue;
        }
        let column = u32::try_from(line.find(':').unwrap_or(0)).unwrap_or(0).saturating_add(2);
        let place = Place::new(Arc::clone(path), number, column);
        entries.push(Entry {
            key: name.to_owned(),
            key_place: Place::new(Arc::clone(path), number, 1),
            node: Node::text(place, command.trim()),
        });
    }
    Node::new(Place::new(Arc::clone(path), 1, 1), Value::Mapping(entries))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn files_of_platforms_are_known() {
        check(
            &[
                ("fly.toml", "app = \"shop\"\n"),
                ("Procfile", "# a\nweb: node server.js\nworker: node w.js\n"),
                ("Procfile.dev", "web: a\n"),
                ("vercel.json", r#"{"rewrites": []}"#),
                ("gae/app.yaml", "runtime: go122\n"),
                ("k8s/app.yaml", "apiVersion: v1\n"),
                ("app.json", r#"{"expo": {}}"#),
                (".do/app.yaml", "name: shop\n"),
            ],
            &[
                ".do/app.yaml Platform digitalocean \"shop\" {\"name\":\"shop\"}",
                "Procfile Platform procfile \"\" {\"web\":\"node server.js\",\"worker\":\"node w.js\"}",
                "fly.toml Platform fly \"shop\" {\"app\":\"shop\"}",
                "gae/app.yaml Platform app-engine \"\" {\"runtime\":\"go122\"}",
                "vercel.json Platform vercel \"\" {\"rewrites\":[]}",
            ],
        );
    }
}
