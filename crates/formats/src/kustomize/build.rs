//! The order of a build: gather resources, generate, apply components, transform, and at the end settle the names.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use gonogo_domain::{Node, Place, Value};

use super::{
    Build, Chart, FILE_NAMES, Files, Problem, Unread,
    fields::{Config, FieldSpec, Kind},
    generate::generate,
    inline, is_kustomization, is_remote, join, json_patch,
    merge::{Left, merge},
    names::{self, Side},
    replace,
    resource::{Id, Resource},
    schema::Shape,
    selector::Selector,
    transform, tree, variables,
};

/// Kustomizations inside each other; people stay below ten.
const MAX_NESTING: usize = 32;
/// Directories visited in one build, each time it is included.
const MAX_VISITS: usize = 2_000;
const MAX_OBJECTS: usize = 50_000;
/// Nodes that one build may copy out of patches, labels, replacements and bases that it includes again.
const MAX_COPIES: usize = 2_000_000;
/// Nodes looked at by the transformations of one build: seconds of work, far above what people write.
const MAX_WORK: usize = 1 << 29;

/// The fields that a kustomization can have. kustomize refuses a file with any other.
const KNOWN: [&str; 38] = [
    "apiVersion",
    "bases",
    "buildMetadata",
    "commonAnnotations",
    "commonLabels",
    "components",
    "configMapGenerator",
    "configurations",
    "crds",
    "generatorOptions",
    "generators",
    "helmChartInflationGenerator",
    "helmCharts",
    "helmGlobals",
    "imageTags",
    "images",
    "inventory",
    "kind",
    "labels",
    "metadata",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "openapi",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replacements",
    "replicas",
    "resources",
    "secretGenerator",
    "sortOptions",
    "status",
    "transformers",
    "validators",
    "vars",
    "creationTimestamp",
    "spec",
];

/// What a kustomization has gathered so far.
#[derive(Default)]
struct Gathered {
    resources: Vec<Resource>,
    /// What `configurations:` added to the standard.
    config: Config,
    variables: Vec<Node>,
}

pub(super) struct Builder<'a> {
    pub(super) files: &'a dyn Files,
    problems: BTreeSet<Problem>,
    used: BTreeSet<Arc<str>>,
    bases: BTreeSet<String>,
    components: BTreeSet<String>,
    /// The directories being built, the outermost first.
    stack: Vec<String>,
    visits: usize,
    copies: usize,
    work: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Base,
    Component,
}

/// What `kustomize build DIRECTORY` would print.
pub fn build(files: &dyn Files, directory: &str) -> Build {
    let mut builder = Builder {
        files,
        problems: BTreeSet::new(),
        used: BTreeSet::new(),
        bases: BTreeSet::new(),
        components: BTreeSet::new(),
        stack: Vec::new(),
        visits: 0,
        copies: MAX_COPIES,
        work: MAX_WORK,
    };
    let whole = Place::whole(directory);
    let mut gathered = Gathered::default();
    if let Some(directory) = join(".", directory) {
        gathered = builder.accumulate(&directory, &whole, None, gathered);
    } else {
        builder.problem(&whole, "the directory is outside the repository");
    }
    names::add_hashes(&mut gathered.resources);
    let problems = names::fix_references(&mut gathered.resources, &gathered.config);
    builder.problems.extend(problems);
    let specs = both(&Config::standard().variables, &gathered.config.variables);
    let problems = variables::resolve(&mut gathered.resources, &gathered.variables, &specs);
    builder.problems.extend(problems);
    Build {
        objects: gathered.resources.into_iter().map(|resource| resource.node).filter(|node| !is_local(node)).collect(),
        problems: builder.problems.into_iter().collect(),
        used: builder.used,
        bases: builder.bases,
        components: builder.components,
    }
}

/// An object that only configures the build.
fn is_local(node: &Node) -> bool {
    let annotations = node.at("metadata.annotations");
    let mark = annotations.and_then(|annotations| annotations.get("config.kubernetes.io/local-config"));
    mark.is_some_and(|mark| mark.str() != Some("false"))
}

fn both<'a>(standard: &'a [FieldSpec], added: &[FieldSpec]) -> Cow<'a, [FieldSpec]> {
    if added.is_empty() { Cow::Borrowed(standard) } else { Cow::Owned([standard, added].concat()) }
}

impl Builder<'_> {
    pub(super) fn problem(&mut self, place: &Place, reason: impl Into<String>) {
        self.problems.insert(Problem::new(place, reason));
    }

    /// Notes a file as read and gives its path to share.
    pub(super) fn using(&mut self, path: &str) -> Arc<str> {
        if let Some(known) = self.used.get(path) {
            return Arc::clone(known);
        }
        let path: Arc<str> = path.into();
        self.used.insert(Arc::clone(&path));
        path
    }

    /// Takes copies from the budget; false when it is used up.
    fn copy(&mut self, amount: usize, place: &Place) -> bool {
        if let Some(left) = self.copies.checked_sub(amount) {
            self.copies = left;
            return true;
        }
        self.copies = 0;
        self.problem(place, "the build copies too much; this part is left out");
        false
    }

    /// Takes work from the budget; false when it is used up.
    fn spend(&mut self, amount: usize, place: &Place) -> bool {
        if let Some(left) = self.work.checked_sub(amount) {
            self.work = left;
            return true;
        }
        self.work = 0;
        self.problem(place, "the build is too large; this part is left out");
        false
    }

    fn parse(&mut self, path: &str, place: &Place) -> Option<Arc<Vec<Arc<Node>>>> {
        match self.files.parse(path) {
            Ok(documents) => {
                self.using(path);
                Some(documents)
            }
            Err(Unread::Missing) => {
                self.problem(place, format!("{path} is not in the repository"));
                None
            }
            Err(Unread::Broken(problem)) => {
                self.using(path);
                self.problems.insert(problem);
                None
            }
        }
    }

    /// Builds a directory on top of what is `gathered`: nothing for a base, the parent's objects for a component.
    fn accumulate(&mut self, directory: &str, from: &Place, role: Option<Role>, gathered: Gathered) -> Gathered {
        if self.stack.iter().any(|outer| outer == directory) {
            self.problem(from, format!("{directory} includes itself"));
            return gathered;
        }
        self.visits += 1;
        if self.stack.len() >= MAX_NESTING || self.visits > MAX_VISITS {
            self.problem(from, "kustomizations include each other too often; this one is left out");
            return gathered;
        }
        let Some(file) = self.kustomization(directory, from) else { return gathered };
        let is_component = file.str_at("kind") == Some("Component");
        match role {
            Some(Role::Base) if is_component => {
                self.problem(from, format!("{directory} is a component; it belongs under `components`"));
                return gathered;
            }
            Some(Role::Component) if !is_component => {
                self.problem(from, format!("{directory} is no component; it belongs under `resources`"));
                return gathered;
            }
            _ => (),
        }
        self.stack.push(directory.to_owned());
        let gathered = self.customize(directory, &file, gathered);
        self.stack.pop();
        gathered
    }

    fn kustomization(&mut self, directory: &str, from: &Place) -> Option<Arc<Node>> {
        for name in FILE_NAMES {
            let path = join(directory, name)?;
            if self.files.parse(&path).is_err_and(|unread| unread == Unread::Missing) {
                continue;
            }
            let documents = self.parse(&path, from)?;
            let Some(node) = documents.iter().find(|node| !node.is_null()) else {
                self.problem(&Place::whole(path), "the kustomization is empty");
                return None;
            };
            if !is_kustomization(node) || !matches!(node.value, Value::Mapping(_)) {
                self.problem(&node.place, "this is no kustomization of kustomize");
                return None;
            }
            if node.entries().iter().all(|entry| matches!(entry.key.as_str(), "apiVersion" | "kind" | "metadata")) {
                self.problem(&node.place, "the kustomization is empty");
            }
            return Some(Arc::clone(node));
        }
        self.problem(from, format!("{directory} has no kustomization file"));
        None
    }

    fn customize(&mut self, directory: &str, file: &Node, mut gathered: Gathered) -> Gathered {
        for entry in file.entries().iter().filter(|entry| !KNOWN.contains(&entry.key.as_str())) {
            self.problem(&entry.key_place, format!("kustomize knows no field `{}`", entry.key));
        }
        let mut seen: HashSet<Id> = gathered.resources.iter().map(identity).collect();
        for reference in file.list("resources").iter().chain(file.list("bases")) {
            self.resource(directory, reference, &mut gathered, &mut seen);
        }
        for reference in file.list("configurations") {
            if let Some(documents) = self.referenced(directory, reference) {
                documents.iter().for_each(|document| gathered.config.extend(document));
            }
        }
        if let Some(openapi) = file.entry("openapi") {
            self.problem(
                &openapi.key_place,
                "`openapi` is not read: lists of its custom kinds are replaced, not merged",
            );
        }
        self.generators(directory, file, &mut gathered, &mut seen);
        for reference in file.list("components") {
            let Some(target) = self.directory(directory, reference) else { continue };
            self.components.insert(target.clone());
            gathered = self.accumulate(&target, &reference.place, Some(Role::Component), gathered);
        }
        self.transform(directory, file, &mut gathered);
        gathered.variables.extend(file.list("vars").iter().cloned());
        gathered
    }

    /// The documents of a file that the kustomization names.
    fn referenced(&mut self, directory: &str, reference: &Node) -> Option<Arc<Vec<Arc<Node>>>> {
        let text = reference.str().unwrap_or_default();
        match join(directory, text) {
            Some(path) if !is_remote(text) || self.files.text(&path).is_some() => self.parse(&path, &reference.place),
            Some(_) => {
                self.problem(&reference.place, format!("{text} is remote and is not fetched"));
                None
            }
            None => {
                self.problem(&reference.place, format!("{text} is outside the repository"));
                None
            }
        }
    }

    /// The directory that the kustomization names.
    fn directory(&mut self, directory: &str, reference: &Node) -> Option<String> {
        let text = reference.str().unwrap_or_default();
        let target = join(directory, text);
        if let Some(target) = target.as_ref().filter(|target| self.files.is_directory(target)) {
            return Some(target.clone());
        }
        let reason = if is_remote(text) {
            format!("remote base {text} is not fetched")
        } else if target.is_none() {
            format!("{text} is outside the repository")
        } else {
            format!("{text} is not in the repository")
        };
        self.problem(&reference.place, reason);
        None
    }

    fn resource(&mut self, directory: &str, reference: &Node, gathered: &mut Gathered, seen: &mut HashSet<Id>) {
        let text = reference.str().unwrap_or_default();
        let path = join(directory, text);
        // A file wins over a directory, and both over what looks like an address.
        let read = path.as_deref().filter(|path| !self.files.is_directory(path)).map(|path| self.files.parse(path));
        match (read, path) {
            (Some(Ok(documents)), Some(path)) => {
                if self.used.contains(path.as_str()) {
                    let amount = documents.iter().map(|document| tree::size(document)).sum();
                    if !self.copy(amount, &reference.place) {
                        return;
                    }
                }
                self.using(&path);
                for document in documents.iter() {
                    self.object(document, gathered, seen);
                }
            }
            (Some(Err(Unread::Broken(problem))), Some(path)) => {
                self.using(&path);
                self.problems.insert(problem);
            }
            _ => {
                let Some(target) = self.directory(directory, reference) else { return };
                self.bases.insert(target.clone());
                let base = self.accumulate(&target, &reference.place, Some(Role::Base), Gathered::default());
                for resource in base.resources {
                    self.append(resource, gathered, seen);
                }
                gathered.config.absorb(base.config);
                gathered.variables.extend(base.variables);
                if gathered.config.references.len() > MAX_VISITS || gathered.variables.len() > MAX_VISITS {
                    self.problem(&reference.place, "there are too many field specs and variables; they are left out");
                    gathered.config = Config::default();
                    gathered.variables.clear();
                }
            }
        }
    }

    /// One document of a resource file; a list stands for its items.
    fn object(&mut self, document: &Arc<Node>, gathered: &mut Gathered, seen: &mut HashSet<Id>) {
        if document.is_null() || document.entries().is_empty() && matches!(document.value, Value::Mapping(_)) {
            return;
        }
        let kind = tree::text(document, "kind");
        if kind.ends_with("List") && document.get("items").is_some_and(|items| !items.is_null()) {
            for item in document.list("items") {
                if tree::text(item, "kind").is_empty() {
                    self.problem(&item.place, "the item of the list has no kind");
                } else {
                    self.append(Resource::new(Arc::new(item.clone())), gathered, seen);
                }
            }
            return;
        }
        if kind.is_empty() {
            self.problem(&document.place, "the document has no kind, so it is no Kubernetes object");
        } else if document.str_at("metadata.name").is_none() && document.str_at("metadata.generateName").is_none() {
            self.problem(&document.place, format!("the {kind} has no name"));
        } else {
            self.append(Resource::new(Arc::clone(document)), gathered, seen);
        }
    }

    fn append(&mut self, resource: Resource, gathered: &mut Gathered, seen: &mut HashSet<Id>) {
        let id = identity(&resource);
        if gathered.resources.len() >= MAX_OBJECTS {
            self.problem(&resource.node.place, "the build has too many objects; this one is left out");
        } else if !id.name.is_empty() && seen.contains(&id) {
            let reason = format!("{} {} is there twice in one kustomization", id.kind.kind, id.name);
            self.problem(&resource.node.place, reason);
        } else {
            seen.insert(id);
            gathered.resources.push(resource);
        }
    }

    fn generators(&mut self, directory: &str, file: &Node, gathered: &mut Gathered, seen: &mut HashSet<Id>) {
        let options = file.get("generatorOptions");
        for (key, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
            for entry in file.list(key) {
                if self.spend(gathered.resources.len() * 16 + 1, &entry.place) {
                    generate(self, directory, kind, entry, options, &mut gathered.resources);
                }
            }
        }
        for chart in file.list("helmCharts").iter().chain(file.list("helmChartInflationGenerator")) {
            self.chart(directory, file, chart, gathered, seen);
        }
        for reference in file.list("generators") {
            for config in self.plugin_configs(directory, reference) {
                let kind = tree::text(&config, "kind").to_owned();
                let kind = match (tree::text(&config, "apiVersion"), kind.as_str()) {
                    ("builtin", "ConfigMapGenerator") => "ConfigMap",
                    ("builtin", "SecretGenerator") => "Secret",
                    _ => {
                        self.problem(&config.place, format!("generator {kind} is a plugin and is not run"));
                        continue;
                    }
                };
                let mut entry = Node::clone(&config);
                for key in ["name", "namespace"] {
                    if let Some(node) = config.get("metadata").and_then(|metadata| metadata.get(key)) {
                        tree::put(&mut entry, key, &node.place, node.clone());
                    }
                }
                generate(self, directory, kind, &entry, options, &mut gathered.resources);
            }
        }
    }

    fn chart(&mut self, directory: &str, file: &Node, entry: &Node, gathered: &mut Gathered, seen: &mut HashSet<Id>) {
        let text = |key: &str| entry.str_at(key).map(str::to_owned);
        let name = text("name").or_else(|| text("chartName")).unwrap_or_default();
        let home = file.str_at("helmGlobals.chartHome").or_else(|| entry.str_at("chartHome")).unwrap_or("charts");
        let home = join(directory, home);
        let inside = home.and_then(|home| join(&home, &name)).filter(|path| self.files.is_directory(path));
        let files = entry.get("valuesFile").into_iter().chain(entry.list("additionalValuesFiles"));
        let chart = Chart {
            place: entry.place.clone(),
            directory: inside,
            repository: text("repo").or_else(|| text("chartRepo")),
            version: text("version").or_else(|| text("chartVersion")),
            release: text("releaseName").unwrap_or_else(|| name.clone()),
            namespace: text("namespace")
                .or_else(|| text("releaseNamespace"))
                .or_else(|| file.str_at("namespace").map(str::to_owned)),
            values_files: files.filter_map(|node| join(directory, node.str()?)).collect(),
            values: entry.get("valuesInline").cloned(),
            include_crds: entry.bool_at("includeCRDs").unwrap_or(false),
            name,
        };
        match self.files.chart(&chart) {
            Some(objects) => objects.iter().for_each(|object| self.object(object, gathered, seen)),
            None => self.problem(&entry.place, format!("Helm chart {} is not rendered", chart.name)),
        }
    }

    /// The configurations of plugins that an entry of `generators`, `transformers` or `validators` leads to.
    fn plugin_configs(&mut self, directory: &str, reference: &Node) -> Vec<Arc<Node>> {
        let text = reference.str().unwrap_or_default();
        if text.contains('\n') {
            return self.inline(reference).into_iter().map(Arc::new).collect();
        }
        if join(directory, text).is_some_and(|path| self.files.is_directory(&path)) {
            let Some(target) = self.directory(directory, reference) else { return Vec::new() };
            self.bases.insert(target.clone());
            let base = self.accumulate(&target, &reference.place, Some(Role::Base), Gathered::default());
            return base.resources.into_iter().map(|resource| resource.node).collect();
        }
        self.referenced(directory, reference)
            .map(|documents| documents.iter().filter(|document| !document.is_null()).cloned().collect())
            .unwrap_or_default()
    }

    fn inline(&mut self, node: &Node) -> Vec<Node> {
        let (documents, problems) = inline::documents(self.files, node);
        self.problems.extend(problems);
        documents
    }

    fn transform(&mut self, directory: &str, file: &Node, gathered: &mut Gathered) {
        for reference in file.list("patchesStrategicMerge") {
            for patch in self.merge_patches(directory, reference) {
                self.merge_patch(&patch, None, None, gathered);
            }
        }
        for entry in file.list("patches") {
            self.patch(directory, entry, gathered);
        }
        let standard = Config::standard();
        if let Some(namespace) = file.get("namespace") {
            let specs = both(&standard.namespace, &gathered.config.namespace);
            transform::namespace(&mut gathered.resources, namespace, &specs, false);
            self.unique(namespace, gathered);
        }
        if let Some(prefix) = file.get("namePrefix") {
            let specs = both(&standard.prefix, &gathered.config.prefix);
            names::affix(&mut gathered.resources, prefix, Side::Prefix, &specs);
        }
        if let Some(suffix) = file.get("nameSuffix") {
            let specs = both(&standard.suffix, &gathered.config.suffix);
            names::affix(&mut gathered.resources, suffix, Side::Suffix, &specs);
        }
        for label in file.list("labels") {
            self.labels(label, gathered);
        }
        for (key, specs) in [
            ("commonLabels", both(&standard.common_labels, &gathered.config.common_labels).into_owned()),
            ("commonAnnotations", both(&standard.annotations, &gathered.config.annotations).into_owned()),
        ] {
            if let Some(map) = file.get(key) {
                self.pairs(map, &specs, gathered);
            }
        }
        for entry in file.list("patchesJson6902") {
            self.patch(directory, entry, gathered);
        }
        for entry in file.list("replicas") {
            let specs = both(&standard.replicas, &gathered.config.replicas);
            self.replicas(entry, &specs, gathered);
        }
        let images: Vec<Node> = file.list("images").iter().chain(file.list("imageTags")).cloned().collect();
        if !images.is_empty() {
            let specs = both(&standard.images, &gathered.config.images);
            self.images(&images, &specs, gathered);
        }
        for entry in file.list("replacements") {
            self.replacement(directory, entry, gathered);
        }
        for reference in file.list("transformers") {
            for config in self.plugin_configs(directory, reference) {
                self.built_in(directory, &config, gathered);
            }
        }
        for reference in file.list("validators") {
            self.problem(&reference.place, "the validator is a plugin and is not run");
        }
    }

    /// Objects of two namespaces can become one.
    fn unique(&mut self, namespace: &Node, gathered: &mut Gathered) {
        let mut seen = HashSet::new();
        gathered.resources.retain(|resource| {
            let id = identity(resource);
            let reason = format!("{} {} is there twice once all are in one namespace", id.kind.kind, id.name);
            let first = id.name.is_empty() || seen.insert(id);
            if !first {
                self.problems.insert(Problem::new(&namespace.place, reason));
            }
            first
        });
    }

    fn labels(&mut self, label: &Node, gathered: &mut Gathered) {
        let standard = Config::standard();
        let mut specs: Vec<FieldSpec> = label.list("fields").iter().filter_map(FieldSpec::read).collect();
        specs.extend(gathered.config.labels.iter().cloned());
        let flag = |key: &str| label.bool_at(key) == Some(true);
        if flag("includeSelectors") {
            specs.extend_from_slice(&standard.common_labels);
            specs.extend_from_slice(&gathered.config.common_labels);
        } else {
            if flag("includeTemplates") {
                specs.extend_from_slice(&standard.template_labels);
                specs.extend_from_slice(&gathered.config.template_labels);
            }
            let is_claim = |spec: &&FieldSpec| spec.path.iter().any(|key| key == "volumeClaimTemplates[]");
            if flag("includeVolumeClaimTemplates") {
                specs.extend(standard.common_labels.iter().filter(is_claim).cloned());
            }
            // The first of them is `metadata/labels` of every kind.
            specs.extend(standard.template_labels.first().cloned());
        }
        if let Some(pairs) = label.get("pairs") {
            self.pairs(pairs, &specs, gathered);
        }
    }

    fn pairs(&mut self, map: &Node, specs: &[FieldSpec], gathered: &mut Gathered) {
        let pairs = map.entries();
        let cost = (pairs.len() + 8).saturating_mul(pairs.len()).saturating_mul(gathered.resources.len());
        let copies = tree::size(map).saturating_mul(gathered.resources.len());
        if !pairs.is_empty() && self.spend(cost, &map.place) && self.copy(copies, &map.place) {
            transform::pairs(&mut gathered.resources, pairs, specs);
        }
    }

    fn replicas(&mut self, entry: &Node, specs: &[FieldSpec], gathered: &mut Gathered) {
        if self.spend(gathered.resources.len() * 16 * specs.len(), &entry.place) {
            let problem = transform::replicas(&mut gathered.resources, entry, specs);
            self.problems.extend(problem);
        }
    }

    fn images(&mut self, entries: &[Node], specs: &[FieldSpec], gathered: &mut Gathered) {
        let nodes: usize = gathered
            .resources
            .iter()
            .filter(|resource| resource.kind().kind != "CustomResourceDefinition")
            .map(|resource| tree::size(&resource.node))
            .sum();
        if let Some(first) = entries.first()
            && self.spend(nodes.saturating_mul(entries.len()), &first.place)
        {
            transform::images(&mut gathered.resources, entries, specs);
        }
    }

    fn replacement(&mut self, directory: &str, entry: &Node, gathered: &mut Gathered) {
        let files;
        let entries: Vec<&Node> = match entry.get("path") {
            None => vec![entry],
            Some(path) => {
                let Some(documents) = self.referenced(directory, path) else { return };
                files = documents;
                files
                    .iter()
                    .flat_map(|document| match &document.value {
                        Value::Sequence(items) => items.iter().collect(),
                        _ => vec![document.as_ref()],
                    })
                    .collect()
            }
        };
        for entry in entries {
            let cost = gathered.resources.len().saturating_mul(16 * (1 + entry.list("targets").len()));
            if self.spend(cost, &entry.place) {
                let problems = replace::apply(&mut gathered.resources, entry, &mut self.copies);
                self.problems.extend(problems);
            }
        }
    }

    /// An entry of `patches` or `patchesJson6902`: either kind of patch, inline or in a file.
    fn patch(&mut self, directory: &str, entry: &Node, gathered: &mut Gathered) {
        let inline = entry.get("patch").or_else(|| entry.get("jsonOp")).filter(|node| !node.is_null());
        let documents: Vec<Arc<Node>> = match (inline, entry.get("path")) {
            (Some(inline), _) => self.inline(inline).into_iter().map(Arc::new).collect(),
            (None, Some(path)) => match self.referenced(directory, path) {
                Some(documents) => documents.iter().cloned().collect(),
                None => return,
            },
            (None, None) => {
                self.problem(&entry.place, "the patch has neither `patch` nor `path`");
                return;
            }
        };
        let selector = match entry.get("target").filter(|node| !node.is_null()).map(Selector::read) {
            Some(Ok(selector)) => Some(selector),
            Some(Err(problem)) => {
                self.problems.insert(problem);
                return;
            }
            None => None,
        };
        for document in documents.iter().filter(|document| !document.is_null()) {
            match (&document.value, &selector) {
                (Value::Sequence(operations), Some(selector)) => self.json_patch(operations, selector, entry, gathered),
                (Value::Sequence(_), None) => self.problem(&entry.place, "a JSON patch needs a `target`"),
                (_, selector) => self.merge_patch(document, selector.as_ref(), entry.get("options"), gathered),
            }
        }
    }

    fn json_patch(&mut self, operations: &[Node], selector: &Selector, entry: &Node, gathered: &mut Gathered) {
        let weight: usize = operations.iter().map(tree::size).sum();
        if !self.spend(gathered.resources.len() * 16 + 1, &entry.place) {
            return;
        }
        let mut index = 0;
        while let Some(resource) = gathered.resources.get_mut(index) {
            index += 1;
            if !resource.selected(selector) {
                continue;
            }
            let cost = tree::size(&resource.node);
            resource.remember();
            self.copies = self.copies.saturating_sub(weight);
            match json_patch::apply(&resource.node, operations, &mut self.copies) {
                Ok(node) => resource.node = Arc::new(node),
                Err(problem) => {
                    self.problems.insert(problem);
                }
            }
            if !self.spend(cost, &entry.place) || !self.copy(1, &entry.place) {
                break;
            }
        }
        gathered.resources.retain(|resource| !resource.node.entries().is_empty());
    }

    fn merge_patches(&mut self, directory: &str, reference: &Node) -> Vec<Arc<Node>> {
        let text = reference.str().unwrap_or_default();
        if text.contains('\n') || text.trim_start().starts_with('{') {
            return self.inline(reference).into_iter().map(Arc::new).collect();
        }
        self.referenced(directory, reference).map(|documents| documents.to_vec()).unwrap_or_default()
    }

    fn merge_patch(
        &mut self,
        patch: &Node,
        selector: Option<&Selector>,
        options: Option<&Node>,
        gathered: &mut Gathered,
    ) {
        if patch.is_null() {
            return;
        }
        let id = Id::of(patch);
        if selector.is_none() && (id.name.is_empty() || id.kind.kind.is_empty()) {
            self.problem(&patch.place, "the patch has no kind and name, and no `target`");
            return;
        }
        if !self.spend(gathered.resources.len() * 16 + 1, &patch.place) {
            return;
        }
        let chosen: Vec<usize> = gathered
            .resources
            .iter()
            .enumerate()
            .filter(|(_, resource)| match selector {
                Some(selector) => resource.selected(selector),
                None => resource.is_or_was(|other| other.same(&id)),
            })
            .map(|(index, _)| index)
            .collect();
        if selector.is_none() && chosen.len() != 1 {
            let count = if chosen.is_empty() { "no object" } else { "more than one object" };
            self.problem(&patch.place, format!("the patch fits {count}: {} {}", id.kind.kind, id.name));
            return;
        }
        let allow = |key: &str| options.and_then(|options| options.bool_at(key)) == Some(true);
        let (rename, rekind) = (allow("allowNameChange"), allow("allowKindChange"));
        let body = body(patch, rename, rekind);
        let weight = tree::size(&body);
        let mut gone = Vec::new();
        for index in chosen {
            let Some(resource) = gathered.resources.get_mut(index) else { continue };
            let cost = tree::size(&resource.node).saturating_mul(weight) / 4;
            let kind: Kind = resource.kind();
            if !self.spend(cost, &patch.place) || !self.copy(weight, &patch.place) {
                break;
            }
            let Some(resource) = gathered.resources.get_mut(index) else { continue };
            if rename || rekind {
                resource.remember();
            }
            if merge(resource.edit(), &body, Shape::of(&kind)) == Left::Nothing {
                gone.push(index);
            }
        }
        for index in gone.into_iter().rev() {
            gathered.resources.remove(index);
        }
    }

    /// A transformer that comes with kustomize, configured by an object of its own.
    fn built_in(&mut self, directory: &str, config: &Node, gathered: &mut Gathered) {
        let kind = tree::text(config, "kind");
        if tree::text(config, "apiVersion") != "builtin" {
            self.problem(&config.place, format!("transformer {kind} is a plugin and is not run"));
            return;
        }
        let specs: Vec<FieldSpec> = config.list("fieldSpecs").iter().filter_map(FieldSpec::read).collect();
        let standard = Config::standard();
        let or = |fallback: &[FieldSpec]| if specs.is_empty() { fallback.to_vec() } else { specs.clone() };
        match kind {
            "LabelTransformer" => {
                if let Some(labels) = config.get("labels") {
                    self.pairs(labels, &specs, gathered);
                }
            }
            "AnnotationsTransformer" => {
                if let Some(annotations) = config.get("annotations") {
                    self.pairs(annotations, &specs, gathered);
                }
            }
            "NamespaceTransformer" => {
                if let Some(namespace) = config.at("metadata.namespace") {
                    let unset_only = config.bool_at("unsetOnly") == Some(true);
                    transform::namespace(&mut gathered.resources, namespace, &specs, unset_only);
                    self.unique(namespace, gathered);
                }
            }
            "PrefixTransformer" | "SuffixTransformer" | "PrefixSuffixTransformer" => {
                for (key, side) in [("prefix", Side::Prefix), ("suffix", Side::Suffix)] {
                    if let Some(text) = config.get(key) {
                        names::affix(&mut gathered.resources, text, side, &or(&standard.prefix));
                    }
                }
            }
            "ImageTagTransformer" => {
                if let Some(image) = config.get("imageTag") {
                    self.images(std::slice::from_ref(image), &specs, gathered);
                }
            }
            "ReplicaCountTransformer" => {
                if let Some(replica) = config.get("replica") {
                    self.replicas(replica, &or(&standard.replicas), gathered);
                }
            }
            "PatchTransformer" | "PatchJson6902Transformer" => self.patch(directory, config, gathered),
            "PatchStrategicMergeTransformer" => {
                for reference in config.list("paths") {
                    for patch in self.merge_patches(directory, reference) {
                        self.merge_patch(&patch, None, None, gathered);
                    }
                }
                for patch in config.get("patches").map(|node| self.inline(node)).unwrap_or_default() {
                    self.merge_patch(&patch, None, None, gathered);
                }
            }
            "ReplacementTransformer" => {
                for entry in config.list("replacements") {
                    self.replacement(directory, entry, gathered);
                }
            }
            _ => self.problem(&config.place, format!("transformer {kind} is not known")),
        }
    }
}

/// What a patch changes: never the API version or the namespace, and kind and name only when it may.
fn body(patch: &Node, rename: bool, rekind: bool) -> Node {
    let mut body = patch.clone();
    tree::remove(&mut body, "apiVersion");
    if !rekind {
        tree::remove(&mut body, "kind");
    }
    if let Some(metadata) = body.get_mut("metadata") {
        tree::remove(metadata, "namespace");
        if !rename {
            tree::remove(metadata, "name");
        }
    }
    body
}

/// The current name with the namespace that it stands for, to find doubles.
fn identity(resource: &Resource) -> Id {
    let mut id = resource.id();
    let namespace = id.effective_namespace().to_owned();
    id.namespace = namespace;
    id
}
