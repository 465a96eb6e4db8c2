//! Grafana dashboards: in files of their own, in a ConfigMap and in objects of the Grafana operator.

mod mixins;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use gonogo_domain::{
    Gap, Gathered, Node, Place, Source,
    evidence::{Dashboard, Object, Panel, Query, Role},
};

use crate::{Corpus, corpus::Format, embedded, queries};

/// Rows in rows do not occur; a file that has them is not followed for ever.
const DEPTH: usize = 8;

pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<Dashboard> {
    let mut gathered = Gathered::default();
    for file in corpus.data().filter(|file| file.format != Format::Toml && file.role != Role::Test) {
        let before = gathered.items.len();
        for document in &file.documents {
            if file.format == Format::Json {
                gathered.items.extend(dashboard(document, file.name()));
            }
            let (found, gaps) = of_object(document);
            gathered.items.extend(found);
            gathered.gaps.extend(gaps);
        }
        let ours = file.broken_with("\"panels\"") && file.broken_with("\"targets\"");
        if ours {
            gathered.gaps.extend(file.gaps(Source::Dashboards));
        }
        gathered.files += usize::from(ours || gathered.items.len() > before);
    }
    let gaps = mixins::join(corpus, &mut gathered.items);
    gathered.files += gaps.len();
    gathered.gaps.extend(gaps);
    gathered
}

/// Adds the dashboards in rendered objects. One that a plain file gave already is not added again.
pub(crate) fn with_objects(mut plain: Gathered<Dashboard>, objects: &[Object]) -> Gathered<Dashboard> {
    for object in objects {
        let (found, gaps) = of_object(&object.body);
        for dashboard in found {
            if !plain.items.iter().any(|known| known.place == dashboard.place) {
                plain.items.push(dashboard);
            }
        }
        plain.gaps.extend(gaps.into_iter().filter(|_| object.production));
    }
    plain.items.sort_by(|one, other| one.place.cmp(&other.place));
    plain.gaps.sort();
    plain.gaps.dedup();
    plain
}

/// The dashboards that an object of Kubernetes holds as text.
fn of_object(object: &Node) -> (Vec<Dashboard>, Vec<Gap>) {
    let (mut found, mut gaps) = (Vec::new(), Vec::new());
    if object.str_at("kind") == Some("List") {
        for item in object.list("items") {
            let (more, trouble) = of_object(item);
            found.extend(more);
            gaps.extend(trouble);
        }
        return (found, gaps);
    }
    let own = (object.str_at("kind") == Some("GrafanaDashboard")).then(|| object.at("spec.json")).flatten();
    let own = own.map(|json| (object.str_at("metadata.name").unwrap_or_default(), json));
    let held = embedded::files(object).filter(|(name, _)| is_json(name)).chain(own);
    for (name, holder) in held.filter(|(_, holder)| holder.str().is_some_and(|text| text.contains("\"panels\""))) {
        match embedded::json(holder) {
            Some(node) => found.extend(dashboard(&node, name)),
            None => gaps.push(Gap {
                source: Source::Dashboards,
                place: holder.place.clone(),
                reason: format!("the dashboard in `{name}` is not valid JSON"),
            }),
        }
    }
    (found, gaps)
}

fn is_json(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"))
}

/// A dashboard, if the value is one. An export for sharing has it one level deeper.
fn dashboard(node: &Node, name: &str) -> Option<Dashboard> {
    let node = node.get("dashboard").filter(|inner| inner.get("panels").is_some()).unwrap_or(node);
    // The second schema is an object of Kubernetes, or its spec alone.
    let second = node.get("spec").filter(|spec| spec.get("elements").is_some());
    let second = second.or_else(|| node.get("elements").is_some_and(|_| node.get("layout").is_some()).then_some(node));
    let named = |node: &Node| node.str_at("title").map(str::to_owned);
    let title = |node: &Node| named(node).unwrap_or_else(|| name.trim_end_matches(".json").to_owned());
    if let Some(spec) = second {
        let panels = spec.get("elements").map(Node::entries).unwrap_or_default().iter();
        let panels = panels.filter_map(|entry| panel_of_second_schema(entry.node.get("spec")?)).collect();
        return Some(Dashboard {
            title: title(spec),
            file: name.to_owned(),
            place: node.place.clone(),
            panels,
            compiled_from: None,
        });
    }
    let lists = !node.list("panels").is_empty() || !node.list("rows").is_empty();
    let grafana = ["schemaVersion", "templating", "refresh", "timepicker", "annotations", "editable", "uid"];
    if !lists || !grafana.iter().any(|key| node.get(key).is_some()) {
        return None;
    }
    let sources = Datasources::of(node);
    let mut panels = Vec::new();
    for row in node.list("rows") {
        collect(row.list("panels"), &sources, &mut panels, DEPTH);
    }
    collect(node.list("panels"), &sources, &mut panels, DEPTH);
    Some(Dashboard {
        title: title(node),
        file: name.to_owned(),
        place: node.place.clone(),
        panels,
        compiled_from: None,
    })
}

fn collect(nodes: &[Node], sources: &Datasources<'_>, panels: &mut Vec<Panel>, depth: usize) {
    for node in nodes {
        let below = node.list("panels");
        if node.str_at("type") == Some("row") || !below.is_empty() {
            if depth > 0 {
                collect(below, sources, panels, depth - 1);
            }
            continue;
        }
        panels.push(panel(node, sources));
    }
}

fn panel(node: &Node, sources: &Datasources<'_>) -> Panel {
    let targets = node.list("targets");
    let own = node.get("datasource").and_then(|source| sources.kind(source));
    let of_target = || targets.iter().find_map(|target| sources.kind(target.get("datasource")?));
    // "Mixed" says that each query has its own.
    let datasource = own.filter(|kind| kind != "mixed").or_else(of_target);
    let shown = targets.iter().filter(|target| target.bool_at("hide") != Some(true));
    let queries = shown
        .filter_map(|target| {
            let kind = target.get("datasource").and_then(|source| sources.kind(source));
            query(target, kind.as_deref().or(datasource.as_deref()))
        })
        .collect();
    let title = node.str_at("title").or_else(|| node.str_at("libraryPanel.name")).unwrap_or_default();
    Panel { title: title.to_owned(), place: place(node), queries, datasource }
}

/// A reader looks for the title, which can stand far below the panel's first line.
fn place(node: &Node) -> Place {
    node.get("title").map_or_else(|| node.place.clone(), |title| title.place.clone())
}

fn panel_of_second_schema(spec: &Node) -> Option<Panel> {
    let asked = spec.at("data.spec.queries")?.items();
    let mut datasource = None;
    let mut queries = Vec::new();
    for one in asked {
        let Some(data) = one.at("spec.query") else { continue };
        let kind = data.str_at("group").or_else(|| data.str_at("kind")).filter(|kind| *kind != "DataQuery");
        let kind = kind.map(str::to_ascii_lowercase);
        queries.extend(data.get("spec").and_then(|target| query(target, kind.as_deref())));
        datasource = datasource.or(kind);
    }
    let title = spec.str_at("title").unwrap_or_default().to_owned();
    Some(Panel { title, place: place(spec), queries, datasource })
}

/// The text of a query with what it says; only the languages of Prometheus and Loki are read.
fn query(target: &Node, datasource: Option<&str>) -> Option<(String, Result<Query, String>)> {
    let text = |key: &str| target.str_at(key).map(str::trim).filter(|text| !text.is_empty());
    if let Some(expression) = text("expr") {
        let read = match datasource {
            Some("loki") => Ok(queries::read_logql(expression)),
            _ => queries::read(expression),
        };
        return Some((expression.to_owned(), read));
    }
    let other = ["query", "rawSql", "rawQuery", "queryText", "target", "metricName", "expression", "measurement"];
    let found = other.into_iter().find_map(text)?;
    let language = datasource.unwrap_or("an unnamed data source");
    Some((found.to_owned(), Err(format!("a query of {language}, which is not read"))))
}

/// What the variables of data sources stand for.
struct Datasources<'a> {
    kinds: BTreeMap<&'a str, &'a str>,
}

impl<'a> Datasources<'a> {
    fn of(dashboard: &'a Node) -> Self {
        let mut kinds = BTreeMap::new();
        for input in dashboard.list("__inputs") {
            kinds.extend(input.str_at("name").zip(input.str_at("pluginId")));
        }
        for variable in dashboard.list("templating.list") {
            if variable.str_at("type") == Some("datasource") {
                kinds.extend(variable.str_at("name").zip(variable.str_at("query")));
            }
        }
        Self { kinds }
    }

    /// The kind of a data source that is written as an object, as a variable or by its name.
    fn kind(&self, source: &Node) -> Option<String> {
        if let Some(kind) = source.str_at("type") {
            return Some(kind.to_ascii_lowercase());
        }
        let written = source.str().or_else(|| source.str_at("uid"))?;
        let variable = written.trim_start_matches("${").trim_start_matches("[[").trim_start_matches('$');
        let variable = variable.trim_end_matches('}').trim_end_matches("]]");
        if let Some(kind) = self.kinds.get(variable) {
            return Some(kind.to_ascii_lowercase());
        }
        let lower = written.to_ascii_lowercase();
        if lower.contains("mixed") {
            return Some("mixed".to_owned());
        }
        ["prometheus", "loki", "cloudwatch", "elasticsearch", "tempo", "influxdb", "mimir", "thanos"]
            .into_iter()
            .find(|known| lower.contains(known))
            .map(|known| if matches!(known, "mimir" | "thanos") { "prometheus" } else { known }.to_owned())
    }
}
