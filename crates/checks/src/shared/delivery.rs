//! What brings a version into production besides pipelines: platforms' files and `GitOps` controllers.

use gonogo_domain::{
    Evidence, Missing, Place,
    evidence::{InfrastructureTool, Object, Resource},
};

/// The files by which a platform runs the service.
pub(crate) fn platform_file<'a>(evidence: &Evidence<'a>) -> Result<Option<&'a Resource>, Missing> {
    Ok(evidence.infrastructure()?.iter().find(|resource| {
        let platform = matches!(resource.tool, InfrastructureTool::Platform | InfrastructureTool::Serverless);
        platform && !is_beside(evidence, resource)
    }))
}

/// A file for a site's host, or a list of processes, that did not make the service: beside a server the first hosts the
/// documentation and the second starts everything on a laptop.
pub(crate) fn is_beside(evidence: &Evidence<'_>, resource: &Resource) -> bool {
    matches!(resource.kind.as_str(), "netlify" | "vercel" | "procfile")
        && !evidence.service().sources.iter().any(|source| source.place.path() == resource.place.path())
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
