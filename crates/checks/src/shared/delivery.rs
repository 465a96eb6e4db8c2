//! What brings a version into production besides pipelines: platforms' files and `GitOps` controllers.

use gonogo_domain::{
    Evidence, Missing, Place,
    evidence::{InfrastructureTool, Object, Resource},
};

/// The files by which a platform runs the service. A file for a site's host counts only where it made the service: beside
/// a server it hosts the documentation.
pub(crate) fn platform_file<'a>(evidence: &Evidence<'a>) -> Result<Option<&'a Resource>, Missing> {
    let sources = &evidence.service().sources;
    Ok(evidence.infrastructure()?.iter().find(|resource| {
        let platform = matches!(resource.tool, InfrastructureTool::Platform | InfrastructureTool::Serverless);
        let site = matches!(resource.kind.as_str(), "netlify" | "vercel");
        platform && (!site || sources.iter().any(|source| source.place.path() == resource.place.path()))
    }))
}

/// An object of Argo CD or Flux that deploys the service from this repository.
pub(crate) fn delivered(evidence: &Evidence<'_>) -> Result<Option<Place>, Missing> {
    let workloads = evidence.workloads()?;
    let service = evidence.service().name.as_str();
    let deploys = |object: &&Object| {
        let version = object.api_version.as_str();
        let gitops = match object.kind.as_str() {
            "Application" | "ApplicationSet" => version.starts_with("argoproj.io/"),
            "Kustomization" => version.starts_with("kustomize.toolkit.fluxcd.io/"),
            "HelmRelease" => version.starts_with("helm.toolkit.fluxcd.io/"),
            _ => false,
        };
        gitops && object.production && !rehearsed(object.place.path()) && {
            let paths = paths(object);
            let holds =
                |path: &String| path.contains("{{") || workloads.iter().any(|one| lies_in(one.place.path(), path));
            object.name.split(['-', '.']).any(|part| part == service)
                || object.name == service
                || paths.iter().any(holds)
        }
    };
    Ok(evidence.objects()?.iter().find(deploys).map(|object| object.place.clone()))
}

/// It lies among examples or tests.
fn rehearsed(path: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "example",
        "examples",
        "sample",
        "samples",
        "demo",
        "test",
        "tests",
        "testdata",
        "e2e",
        "integration",
        "fixtures",
    ];
    path.split('/').any(|part| FOLDERS.contains(&part))
}

/// The folders that an object deploys from.
fn paths(object: &Object) -> Vec<String> {
    let single = ["spec.source.path", "spec.template.spec.source.path", "spec.path", "spec.chart.spec.chart"];
    let one = single.iter().filter_map(|path| object.body.str_at(path));
    let several = ["spec.sources", "spec.template.spec.sources"];
    let many = several.iter().flat_map(|path| object.body.list(path)).filter_map(|source| source.str_at("path"));
    one.chain(many).map(|path| path.trim_start_matches("./").trim_matches('/').to_owned()).collect()
}

fn lies_in(path: &str, folder: &str) -> bool {
    matches!(folder, "" | ".") || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
