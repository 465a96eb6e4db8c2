//! Renders Helm charts in memory, leading every line back to the template that wrote it.
//!
//! Text is printed with the place behind every run of bytes, the text is read as YAML, and each node takes the place
//! of its bytes: the line of the values file if one value is all there is, else the line of the template. What
//! cannot be rendered is a [`Problem`] of that template; the others are rendered all the same.

mod chart;
mod emit;
mod eval;
mod functions;
mod ignore;
mod merge;
mod parse;
mod places;
mod print;
mod text;
mod value;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;
use std::sync::Arc;

use gonogo_domain::{Node, Place};

use crate::ParseError;
use chart::Tree;
use eval::{Machine, Source, Unit};
use functions::versions::Version;
use merge::Instance;
use text::{Text, Trace};
use value::{Data, Entries, Files, Map, Object, Reader, Slot, Value};

/// The stack that templates run on: they call each other as deep as they like, within the evaluator's budget.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// The Kubernetes version that helm 4.1 assumes without a cluster.
const DEFAULT_KUBE_VERSION: &str = "1.35.0";
/// What helm 4.1 assumes that a cluster serves.
const API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// A chart with its subcharts, its templates parsed.
#[derive(Debug)]
pub struct Chart {
    tree: Tree,
    /// Every file of the chart's folder, to find out how a value was written.
    sources: BTreeMap<Arc<str>, Arc<str>>,
}

/// What `helm template` would be told.
#[derive(Clone, Debug)]
pub struct Options {
    pub release_name: String,
    pub namespace: String,
    /// Values files, merged in order over the chart's own values.yaml.
    pub values: Vec<Node>,
    /// `1.31`, `v1.31.4`
    pub kube_version: String,
    /// Group versions (and `group/version/Kind`) that the cluster serves beyond the built-in ones.
    pub api_versions: Vec<String>,
    /// What templates read as the present.
    pub now: jiff::Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            release_name: "release-name".to_owned(),
            namespace: "default".to_owned(),
            values: Vec::new(),
            kube_version: DEFAULT_KUBE_VERSION.to_owned(),
            api_versions: Vec::new(),
            now: jiff::Timestamp::UNIX_EPOCH,
        }
    }
}

/// What a chart renders to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendering {
    /// In the order of the templates' paths; hooks and tests are among them, `crds/` is not.
    pub documents: Vec<Node>,
    /// What is unknown, and why.
    pub problems: Vec<Problem>,
}

/// Something that could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The innermost line that failed.
    pub place: Place,
    pub reason: String,
    /// The file whose documents are unknown because of it: a template, or a Chart.yaml for everything under it.
    pub template: Arc<str>,
}

impl Chart {
    /// Loads the chart whose Chart.yaml is in the folder `root`. `files` holds everything below that folder, by path
    /// from the repository's root; it may hold more.
    pub fn load(files: &BTreeMap<Arc<str>, Arc<str>>, root: &str) -> Result<Self, ParseError> {
        let tree = chart::load(files, root)?;
        let prefix = tree.path.strip_suffix("Chart.yaml").unwrap_or_default().to_owned();
        let sources = files
            .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .take_while(|(path, _)| path.starts_with(&prefix))
            .map(|(path, text)| (Arc::clone(path), Arc::clone(text)))
            .collect();
        Ok(Self { tree, sources })
    }

    pub fn name(&self) -> &str {
        &self.tree.name
    }

    /// A library has nothing to deploy by itself: it renders to nothing.
    pub fn is_library(&self) -> bool {
        self.tree.library
    }

    /// Renders every template. Ends within fixed budgets of steps, depth and bytes, whatever the templates do.
    pub fn render(&self, options: &Options) -> Rendering {
        let work = || Run::new(self, options).finish();
        let rendered = std::thread::scope(|scope| {
            let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
            builder.spawn_scoped(scope, work).ok().and_then(|thread| thread.join().ok())
        });
        rendered.unwrap_or_else(|| Rendering {
            documents: Vec::new(),
            problems: vec![Problem {
                place: Place::whole(Arc::clone(&self.tree.path)),
                reason: "the renderer stopped".to_owned(),
                template: Arc::clone(&self.tree.path),
            }],
        })
    }

    /// The character that is written at a place of the chart's own files.
    fn first(&self, place: &Place) -> Option<char> {
        let text = self.sources.get(place.path())?;
        let Place::File { line, column, .. } = place else { return None };
        let line = text.lines().nth(usize::try_from(line.checked_sub(1)?).ok()?)?;
        line.chars().nth(usize::try_from(column.checked_sub(1)?).ok()?)
    }
}

/// A template of one chart instance, with the values it sees.
struct Job {
    /// `chart/charts/child/templates/x.yaml`
    name: String,
    base: String,
    depth: usize,
    path: Arc<str>,
    unit: Rc<Unit>,
    scope: Map,
}

struct Run<'a> {
    chart: &'a Chart,
    options: &'a Options,
    machine: Machine,
    rendering: Rendering,
}

impl<'a> Run<'a> {
    fn new(chart: &'a Chart, options: &'a Options) -> Self {
        let machine = Machine::new(Trace::new(), options.now.as_second());
        Self { chart, options, machine, rendering: Rendering::default() }
    }

    fn problem(&mut self, place: Place, reason: impl Into<String>, template: &Arc<str>) {
        let problem = Problem { place, reason: reason.into(), template: Arc::clone(template) };
        self.rendering.problems.push(problem);
    }

    fn read(&mut self, node: &Node) -> Map {
        let chart = self.chart;
        let mut reader = Reader {
            trace: &mut self.machine.trace,
            place: &|trace: &mut Trace, place: &Place| trace.add_place(place),
            first: &|place: &Place| chart.first(place),
        };
        Value::from_node(node, &mut reader).as_map().cloned().unwrap_or_default()
    }

    fn finish(mut self) -> Rendering {
        let chart = self.chart;
        self.report_errors(&chart.tree);
        if chart.tree.library {
            return self.rendering;
        }
        let given = Map::default();
        for node in &self.options.values {
            let values = self.read(node);
            merge::overlay(&given, &values);
        }
        let mut root = Instance::new(&chart.tree, &mut |tree: &Tree| {
            tree.values.as_ref().map(|node| self.read(node)).unwrap_or_default()
        });
        let mut missing = Vec::new();
        root.choose(&given, "", &mut missing);
        for absent in missing {
            let reason = format!(
                "dependency {:?} is not in the charts/ folder, so nothing is known of it",
                absent.dependency.name
            );
            self.problem(absent.dependency.place, reason, &absent.chart);
        }
        root.import();
        let values = merge::copy(&given);
        let mut clashes = Vec::new();
        root.coalesce(&values, false, 0, &mut clashes);
        if !clashes.is_empty() {
            for (name, place) in clashes {
                let path = Arc::clone(&chart.tree.path);
                let place = self.machine.trace.place(place).cloned().unwrap_or_else(|| Place::whole(Arc::clone(&path)));
                self.problem(place, format!("the values of subchart {name:?} are no mapping"), &path);
            }
            return self.rendering;
        }

        let shared = self.shared();
        let mut jobs = Vec::new();
        let scope = scope_values(&values);
        self.collect(&root, &root.name.clone(), &scope, &shared, &mut jobs);
        self.run(&jobs);
        self.rendering
    }

    fn report_errors(&mut self, tree: &Tree) {
        for error in &tree.errors {
            self.problem(error.place.clone(), error.reason.clone(), &tree.path);
        }
        for template in &tree.templates {
            if let Err(error) = &template.parsed {
                self.problem(error.place.clone(), error.reason.clone(), &template.path);
            }
        }
        for child in &tree.children {
            self.report_errors(child);
        }
    }

    /// `.Release` and `.Capabilities`, the same for every chart.
    fn shared(&mut self) -> [(&'static str, Value); 2] {
        let text = |text: &str| Value::str(text);
        let version = Version::parse(&self.options.kube_version).unwrap_or_else(|| {
            let (place, path) = (Place::whole(Arc::clone(&self.chart.tree.path)), Arc::clone(&self.chart.tree.path));
            let reason = format!("{:?} is no Kubernetes version", self.options.kube_version);
            self.problem(place, reason, &path);
            Version::parse(DEFAULT_KUBE_VERSION).unwrap_or_default()
        });
        self.check_kube_version(&version);
        let release = table([
            ("Name", text(&self.options.release_name)),
            ("Namespace", text(&self.options.namespace)),
            ("IsUpgrade", Value::bool(false)),
            ("IsInstall", Value::bool(true)),
            ("Revision", Value::int(1)),
            ("Service", text("Helm")),
        ]);
        let mut versions: Vec<String> = API_VERSIONS.iter().map(|version| (*version).to_owned()).collect();
        versions.extend(self.options.api_versions.iter().cloned());
        let helm = table([("Version", text("v4.1.4")), ("GoVersion", text("go1.25.9"))]);
        let capabilities = table([
            ("KubeVersion", Value::object(Object::KubeVersion(version))),
            ("APIVersions", Value::object(Object::ApiVersions(versions))),
            ("HelmVersion", Value::object(Object::Struct(helm))),
        ]);
        [("Release", Data::Map(release).into()), ("Capabilities", Value::object(Object::Struct(capabilities)))]
    }

    fn check_kube_version(&mut self, version: &Version) {
        let Some(node) = self.chart.tree.metadata.get("kubeVersion") else { return };
        let Some(constraint) = node.str().filter(|constraint| !constraint.is_empty()) else { return };
        if functions::versions::satisfies(constraint, &version.to_string()).unwrap_or(false) {
            return;
        }
        let reason = format!("chart requires kubeVersion {constraint}, which Kubernetes v{version} does not fulfil");
        let path = Arc::clone(&self.chart.tree.path);
        self.problem(node.place.clone(), reason, &path);
    }

    /// Collects the templates of a chart and its subcharts (helm's `recAllTpls`); gives the scope they see.
    fn collect(
        &mut self,
        instance: &Instance<'_>,
        full_path: &str,
        values: &Map,
        shared: &[(&'static str, Value); 2],
        jobs: &mut Vec<Job>,
    ) -> Map {
        let scope = Map::default();
        for (name, value) in shared {
            scope.set(*name, value.clone());
        }
        scope.set("Chart", self.metadata(instance, jobs.is_empty() && !full_path.contains('/')));
        scope.set("Files", Value::object(Object::Files(Files(Rc::new(instance.tree.files.clone())))));
        scope.insert("Values", values.slot("Values").unwrap_or_default());
        let inner = values.get("Values").and_then(|value| value.as_map().cloned()).unwrap_or_default();
        let subcharts = Map::default();
        for child in &instance.children {
            let path = format!("{full_path}/charts/{}", child.name);
            let table = inner.get(&child.name).and_then(|value| value.as_map().cloned()).unwrap_or_default();
            let scope = self.collect(child, &path, &scope_values(&table), shared, jobs);
            subcharts.set(child.name.as_str(), Data::Map(scope).into());
        }
        scope.set("Subcharts", Data::Map(subcharts).into());
        for template in &instance.tree.templates {
            let base = template.name.rsplit('/').next().unwrap_or_default();
            if instance.tree.library && !base.starts_with('_') {
                continue;
            }
            let Ok(parsed) = &template.parsed else { continue };
            let lines = places::line_starts(&parsed.text);
            let source = Source::File { path: Arc::clone(&template.path), lines };
            jobs.push(Job {
                name: format!("{full_path}/{}", template.name),
                base: format!("{full_path}/templates"),
                depth: full_path.matches('/').count(),
                path: Arc::clone(&template.path),
                unit: Rc::new(Unit { parsed: Arc::clone(parsed), source }),
                scope: scope.clone(),
            });
        }
        scope
    }

    /// `.Chart`: the fields of Chart.yaml by their Go names.
    fn metadata(&mut self, instance: &Instance<'_>, root: bool) -> Value {
        let read = self.read(&instance.tree.metadata);
        let entries = Map::default();
        for (name, key) in [
            ("Name", "name"),
            ("Home", "home"),
            ("Version", "version"),
            ("Description", "description"),
            ("Icon", "icon"),
            ("APIVersion", "apiVersion"),
            ("Condition", "condition"),
            ("Tags", "tags"),
            ("AppVersion", "appVersion"),
            ("KubeVersion", "kubeVersion"),
            ("Type", "type"),
        ] {
            // These are strings to helm, however they are written.
            let slot = read.slot(key).unwrap_or_default();
            let mark = match &slot.value.data {
                Data::Str(text) => text.mark_at(0),
                _ => slot.value.mark(),
            };
            let written = instance.tree.metadata.str_at(key).unwrap_or_default();
            let value = Value::text(Text::marked(written, mark));
            entries.insert(name, Slot { key_place: slot.key_place, value });
        }
        if *instance.name != *instance.tree.name {
            entries.set("Name", Value::str(instance.name.as_str()));
        }
        for (name, key) in [("Sources", "sources"), ("Keywords", "keywords")] {
            let slot = read.slot(key).filter(|slot| !slot.value.is_nil());
            entries.insert(name, slot.unwrap_or_else(|| Slot { key_place: 0, value: Value::list(Vec::new()) }));
        }
        for (name, key) in [("Maintainers", "maintainers"), ("Dependencies", "dependencies")] {
            let items = read.get(key).and_then(|value| value.as_items().map(<[Value]>::to_vec)).unwrap_or_default();
            entries.set(name, Value::list(items.iter().map(capitalized).collect()));
        }
        entries.insert("Annotations", read.slot("annotations").unwrap_or_default());
        entries.set("Deprecated", Value::bool(read.get("deprecated").is_some_and(|value| value.truth())));
        entries.set("IsRoot", Value::bool(root));
        Data::Map(entries).into()
    }

    fn run(&mut self, jobs: &[Job]) {
        let mut order: Vec<&Job> = jobs.iter().collect();
        order.sort_by(|a, b| b.depth.cmp(&a.depth).then_with(|| b.name.cmp(&a.name)));
        for job in &order {
            self.machine.define(&job.unit);
            self.machine.define_main(&job.name, &job.unit);
        }
        let mut outputs: Vec<(&Job, Text)> = Vec::new();
        for job in order {
            let base = job.name.rsplit('/').next().unwrap_or_default();
            if base.starts_with('_') {
                continue;
            }
            let template =
                table([("Name", Value::str(job.name.as_str())), ("BasePath", Value::str(job.base.as_str()))]);
            job.scope.set("Template", Data::Map(template).into());
            let dot = Value::from(Data::Map(job.scope.clone()));
            match self.machine.run(&job.unit, &dot) {
                Ok(output) if base == "NOTES.txt" => drop(output),
                Ok(output) => outputs.push((job, output.without("<no value>"))),
                Err(fault) => {
                    let place = self.machine.trace.place(fault.place).cloned();
                    let place = place.unwrap_or_else(|| Place::whole(Arc::clone(&job.path)));
                    self.problem(place, fault.reason, &job.path);
                }
            }
        }
        outputs.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        for (job, output) in outputs {
            self.read_documents(job, &output);
        }
    }

    /// Reads what a template printed, and leads each node back to what wrote it.
    fn read_documents(&mut self, job: &Job, output: &Text) {
        let stream = crate::yaml::parse(&job.path, output.as_str());
        let starts = places::line_starts(output.as_str());
        let mut problems = Vec::new();
        let origins =
            places::Origins { text: output, starts: &starts, trace: &self.machine.trace, fallback: &job.path };
        for error in stream.errors {
            problems.push((origins.place(&error.place), format!("the rendered text is no YAML: {}", error.reason)));
        }
        for document in stream.documents {
            let mut node = document.node;
            origins.move_node(&mut node);
            if matches!(node.value, gonogo_domain::Value::Mapping(_)) {
                self.rendering.documents.push(node);
            } else {
                problems.push((node.place, "the rendered document is no mapping".to_owned()));
            }
        }
        for (place, reason) in problems {
            self.problem(place, reason, &job.path);
        }
    }
}

fn table<const N: usize>(pairs: [(&str, Value); N]) -> Map {
    Map::new(pairs.into_iter().map(|(key, value)| (key.into(), Slot { key_place: 0, value })).collect())
}

/// The map that holds a chart's values under `Values`.
fn scope_values(values: &Map) -> Map {
    Map::new(Entries::from([("Values".into(), Slot { key_place: 0, value: Data::Map(values.clone()).into() })]))
}

/// A map with Go's field names: `name` → `Name`.
fn capitalized(value: &Value) -> Value {
    let Some(map) = value.as_map() else { return value.clone() };
    let entries = map
        .snapshot()
        .into_iter()
        .map(|(key, slot)| {
            let mut chars = key.chars();
            let name: String = chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect();
            (name.into(), slot)
        })
        .collect();
    Value { place: value.place, ..Value::map(entries) }
}

#[cfg(test)]
mod tests;
