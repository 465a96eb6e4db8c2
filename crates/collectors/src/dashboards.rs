//! Grafana dashboards: in files of their own, in a ConfigMap and in objects of the Grafana operator.

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
        return Some(Dashboard { title: title(spec), place: node.place.clone(), panels });
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
    Some(Dashboard { title: title(node), place: node.place.clone(), panels })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tree;

    /// `title @line: panel @line [source] metrics`, and the gaps.
    fn check(path: &str, text: &str, expect: &[&str]) {
        let tree = Tree::from_memory([(path.to_owned(), text.as_bytes().to_vec())]);
        let found = gather(&Corpus::read(&tree));
        let line = |place: &Place| place.line().unwrap_or(0);
        let mut shown = Vec::new();
        for dashboard in &found.items {
            shown.push(format!("{} @{}", dashboard.title, line(&dashboard.place)));
            for panel in &dashboard.panels {
                let metrics: Vec<String> = panel
                    .queries
                    .iter()
                    .map(|(text, query)| {
                        query.as_ref().map_or_else(|_| format!("?{text}"), |query| query.metrics.join(" "))
                    })
                    .collect();
                let source = panel.datasource.as_deref().unwrap_or("-");
                shown.push(format!("{} @{} [{source}] {}", panel.title, line(&panel.place), metrics.join(", ")));
            }
        }
        shown.extend(found.gaps.iter().map(|gap| format!("gap @{}", line(&gap.place))));
        assert_eq!(shown, expect, "for {text}");
    }

    const PANELS: &str = r#"{
  "title": "Service", "schemaVersion": 39,
  "__inputs": [{"name": "DS", "pluginId": "prometheus"}],
  "panels": [
    {"type": "row", "panels": [
      {"datasource": "${DS}", "targets": [{"expr": "rate(a_total[$__rate_interval])"}, {"expr": "b", "hide": true}],
       "title": "Traffic"}
    ]},
    {"title": "Logs", "datasource": {"type": "loki"}, "targets": [{"expr": "{a=\"b\"} |= \"x\""}]},
    {"title": "Cloud", "datasource": {"type": "cloudwatch"}, "targets": [{"metricName": "Latency"}]},
    {"title": "Words", "type": "text"}
  ]
}"#;

    #[test]
    fn panels_are_read_wherever_they_lie() {
        let expect = [
            "Service @1",
            "Traffic @7 [prometheus] a_total",
            "Logs @9 [loki] ",
            "Cloud @10 [cloudwatch] ?Latency",
            "Words @11 [-] ",
        ];
        check("grafana/service.json", PANELS, &expect);
        check(
            "old.json",
            "{\"rows\": [{\"panels\": [{\"title\": \"A\", \"targets\": [{\"expr\": \"up\"}]}]}], \"refresh\": \"1m\"}",
            &["old @1", "A @1 [-] up"],
        );
    }

    #[test]
    fn dashboards_in_objects_have_lines_of_the_file() {
        let block = PANELS.replace('\n', "\n    ");
        let text = format!("kind: ConfigMap\ndata:\n  service.json: |\n    {block}\n");
        check(
            "deploy/dashboard.yaml",
            &text,
            &[
                "Service @4",
                "Traffic @10 [prometheus] a_total",
                "Logs @12 [loki] ",
                "Cloud @13 [cloudwatch] ?Latency",
                "Words @14 [-] ",
            ],
        );
        check("a.yaml", "kind: GrafanaDashboard\nspec:\n  json: |\n    {\"panels\": [\n", &["gap @4"]);
    }

    #[test]
    fn the_second_schema_is_read() {
        check(
            "v2.json",
            r#"{"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "spec": {"title": "Two", "elements": {"panel-1": {"kind": "Panel",
            "spec": {"title": "P", "data": {"spec": {"queries": [{"spec": {"query": {"kind": "prometheus", "spec": {"expr": "up"}}}}]}}}}}}}"#,
            &["Two @1", "P @2 [prometheus] up"],
        );
    }

    #[test]
    fn other_json_is_no_dashboard() {
        check("a.json", "{\"panels\": [{\"title\": \"x\"}]}", &[]);
        check("tests/a.json", PANELS, &[]);
    }
}
