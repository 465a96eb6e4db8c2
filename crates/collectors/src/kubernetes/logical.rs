//! One logical workload: the same thing seen in several sources is judged once for each environment.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Gap, Gathered, Node, Source,
    evidence::{Object, Role, Workload, WorkloadKind},
};

use super::{
    Cluster, Declaration, lower, names,
    source::{Origin, Rendering, Unread},
};
use crate::{Corpus, environment, image_name};

/// Renderings of one logical thing; nobody has that many environments.
const MAX_RENDERINGS: usize = 1_000;

/// An object in one source.
pub(super) struct Candidate<'r> {
    /// Names the logical thing: `Deployment/frontend`.
    key: String,
    pub(super) name: String,
    pub(super) rendering: &'r Rendering<'r>,
    pub(super) object: &'r Node,
    pub(super) environment: Option<String>,
    namespace: Option<&'r str>,
    /// For workloads: their kind and their pod.
    pod: Option<(WorkloadKind, &'r Node)>,
    /// For workloads: what the image of the first container is called.
    pub(super) image: Option<String>,
    set_aside: bool,
    /// It shows how the product could be run.
    demonstration: bool,
}

/// Joins the renderings of a repository. `files` were read for them.
pub(super) fn join(
    corpus: &Corpus<'_>,
    mut renderings: Vec<Rendering<'_>>,
    files: usize,
    mut unread: Vec<Unread>,
) -> Cluster {
    renderings
        .sort_by(|one, other| one.rank().cmp(&other.rank()).then_with(|| one.environment.cmp(&other.environment)));
    let templates = Templates::new(&renderings);
    let mut workloads = Vec::new();
    let mut objects = Vec::new();
    for rendering in &renderings {
        for object in &rendering.objects {
            match lower::shape(object) {
                None => objects.push(Candidate::object(object, rendering)),
                Some(shape) => match shape.template.or_else(|| templates.referenced(object, rendering)) {
                    Some(template) => {
                        let mut candidate = Candidate::workload(object, rendering, shape.kind, template);
                        candidate.set_aside = templates.only_a_template(object, rendering);
                        workloads.push(candidate);
                    }
                    None => unread.push(Unread {
                        role: rendering.role,
                        place: lower::place_of(object).clone(),
                        reason: "the pod template that workloadRef names is not in the repository".to_owned(),
                    }),
                },
            }
        }
    }
    names::unify(corpus, &mut workloads);
    choose(&mut workloads);
    choose(&mut objects);

    // A broken example is nobody's trouble and an example serves nobody, unless there is nothing but examples.
    let product = workloads.iter().any(|candidate| !candidate.set_aside && !candidate.rendering.secondary());
    for candidate in workloads.iter_mut().chain(&mut objects) {
        candidate.demonstration = product && candidate.rendering.demonstrates();
    }

    let mut declarations: Vec<Declaration> = workloads.iter().flat_map(Candidate::declarations).collect();
    declarations.sort_by(|one, other| {
        let order =
            |one: &Declaration| (one.place.clone(), one.key.clone(), one.environment.clone(), one.container.clone());
        order(one).cmp(&order(other))
    });
    let mut workloads: Vec<Workload> = workloads.iter().filter_map(Candidate::lower_workload).collect();
    workloads.sort_by(|one, other| {
        (&one.place, &one.key, &one.environment).cmp(&(&other.place, &other.key, &other.environment))
    });
    let mut objects: Vec<Object> = objects.iter().filter_map(Candidate::lower_object).collect();
    objects.sort_by(|one, other| {
        (&one.place, &one.kind, &one.name, &one.environment).cmp(&(
            &other.place,
            &other.kind,
            &other.name,
            &other.environment,
        ))
    });
    let counts = |unread: &&Unread| match unread.role {
        Role::Product | Role::Generated => true,
        Role::Documentation | Role::Example => !product,
        Role::Test | Role::Fixture | Role::Vendored => false,
    };
    let gaps = |source: Source| {
        let mut gaps: Vec<Gap> = unread.iter().filter(counts).map(|unread| unread.gap(source)).collect();
        gaps.sort();
        gaps.dedup();
        gaps
    };
    Cluster {
        workloads: Gathered::new(workloads, files, gaps(Source::Workloads)),
        objects: Gathered::new(objects, files, gaps(Source::Objects)),
        declarations,
    }
}

/// Sets all but the best source aside, for each logical thing and environment. The candidates come best first.
fn choose(candidates: &mut [Candidate<'_>]) {
    let mut by_key: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, candidate) in candidates.iter().enumerate().filter(|(_, candidate)| !candidate.set_aside) {
        by_key.entry(&candidate.key).or_default().push(index);
    }
    let mut aside = BTreeSet::new();
    let mut renamed = Vec::new();
    let mut by_namespace: Vec<(usize, String)> = Vec::new();
    for indexes in by_key.values() {
        let all = || indexes.iter().filter_map(|index| Some((*index, candidates.get(*index)?)));
        let primary = all().any(|(_, candidate)| !candidate.rendering.secondary());
        let mut kept: Vec<&Candidate<'_>> = Vec::new();
        let mut kept_indexes = Vec::new();
        for (index, candidate) in all() {
            if primary && candidate.rendering.secondary() {
                aside.insert(index);
                continue;
            }
            if let Some(first) = all().map(|(_, first)| first).next()
                && first.is_another(candidate)
            {
                renamed.push((index, candidate.image.clone().unwrap_or_default()));
            }
            if kept.len() >= MAX_RENDERINGS || kept.iter().any(|kept| kept.stands_for(candidate)) {
                aside.insert(index);
            } else {
                kept.push(candidate);
                kept_indexes.push(index);
            }
        }
        if kept.iter().filter(|candidate| candidate.environment.is_none()).count() > 1 {
            by_namespace.extend(kept_indexes.iter().zip(&kept).filter_map(|(index, candidate)| {
                let namespace = candidate.namespace.filter(|_| candidate.environment.is_none())?;
                Some((*index, namespace.to_owned()))
            }));
        }
    }
    // One workload in several namespaces: the namespace is what people would call the environment.
    for (index, namespace) in by_namespace {
        if let Some(candidate) = candidates.get_mut(index) {
            candidate.environment = Some(namespace);
        }
    }
    for index in aside {
        if let Some(candidate) = candidates.get_mut(index) {
            candidate.set_aside = true;
        }
    }
    for (index, image) in renamed {
        if let Some(candidate) = candidates.get_mut(index) {
            candidate.key = format!("{} ({image})", candidate.key);
        }
    }
}

impl<'r> Candidate<'r> {
    fn object(object: &'r Node, rendering: &'r Rendering<'r>) -> Self {
        let name = lower::name_of(object).to_owned();
        let kind = object.str_at("kind").unwrap_or_default();
        Self::new(format!("{kind}/{name}"), name, object, rendering)
    }

    fn workload(object: &'r Node, rendering: &'r Rendering<'r>, kind: WorkloadKind, template: &'r Node) -> Self {
        let name = lower::name_of(object).to_owned();
        let image = template.list("spec.containers").first().and_then(|container| container.str_at("image"));
        let image = image.map(image_name::image).filter(|image| !image.templated);
        Self {
            image: image.map(|image| image_name::base_name(&image.repository).to_owned()),
            ..Self::new(format!("{}/{name}", kind.name()), name, object, rendering).with_pod(kind, template)
        }
    }

    fn new(key: String, name: String, object: &'r Node, rendering: &'r Rendering<'r>) -> Self {
        let namespace = object.str_at("metadata.namespace");
        // Manifests of several environments in one folder are told apart by their namespaces.
        let by_namespace = namespace.filter(|namespace| environment::is_clear(namespace)).map(str::to_owned);
        Self {
            key,
            name,
            rendering,
            object,
            environment: rendering.environment.clone().or(by_namespace),
            namespace,
            pod: None,
            image: None,
            set_aside: false,
            demonstration: false,
        }
    }

    fn with_pod(self, kind: WorkloadKind, template: &'r Node) -> Self {
        Self { pod: Some((kind, template)), ..self }
    }

    /// Calls the workload by another name than its object has.
    pub(super) fn rename(&mut self, name: &str) {
        if let Some((kind, _)) = &self.pod {
            name.clone_into(&mut self.name);
            self.key = format!("{}/{name}", kind.name());
        }
    }

    pub(super) fn production(&self) -> bool {
        !self.demonstration
            && self.rendering.production()
            && self.environment.as_deref().is_none_or(environment::is_production)
    }

    /// They only share a name: two hand-written workloads, in different files, that run different programs.
    fn is_another(&self, other: &Self) -> bool {
        let hand_written = |one: &Self| matches!(one.rendering.origin, Origin::Manifest | Origin::Kustomization);
        hand_written(self)
            && self.rendering.origin == other.rendering.origin
            && self.image.is_some()
            && other.image.is_some()
            && self.image != other.image
            && lower::place_of(self.object).path() != lower::place_of(other.object).path()
    }

    /// To judge this one is to judge the other.
    fn stands_for(&self, other: &Self) -> bool {
        if self.environment != other.environment || self.is_another(other) {
            return false;
        }
        let same_source = std::ptr::eq(self.rendering, other.rendering)
            || (self.rendering.origin == other.rendering.origin && self.rendering.origin == Origin::Manifest);
        !(same_source && self.namespace != other.namespace && self.namespace.is_some() && other.namespace.is_some())
    }

    fn lower_workload(&self) -> Option<Workload> {
        if self.set_aside {
            return None;
        }
        let (kind, template) = self.pod.clone()?;
        Some(Workload {
            key: self.key.clone(),
            environment: self.environment.clone(),
            production: self.production(),
            ..lower::workload(self.object, kind, template)
        })
    }

    fn lower_object(&self) -> Option<Object> {
        if self.set_aside {
            return None;
        }
        Some(Object {
            environment: self.environment.clone(),
            production: self.production(),
            ..lower::object(self.object)
        })
    }

    fn declarations(&self) -> Vec<Declaration> {
        let Some((kind, template)) = &self.pod else { return Vec::new() };
        let containers = lower::containers(template);
        containers
            .iter()
            .filter(|container| !container.sidecar)
            .map(|container| Declaration {
                key: self.key.clone(),
                name: self.name.clone(),
                kind: kind.clone(),
                place: lower::place_of(self.object).clone(),
                environment: self.environment.clone(),
                production: self.production(),
                origin: self.rendering.origin,
                container: container.name.clone(),
                image: container.image.as_ref().map(|image| image.value.text.clone()),
                build_context: None,
                container_file: None,
                set_aside: self.set_aside,
            })
            .collect()
    }
}

/// Pod templates that rollouts borrow from other workloads.
struct Templates<'r> {
    by_name: BTreeMap<(&'r str, &'r str), Vec<(&'r Rendering<'r>, &'r Node)>>,
    /// By kind and name: the environments in which a rollout borrows it.
    borrowed: BTreeMap<(&'r str, &'r str), BTreeSet<Option<&'r str>>>,
}

impl<'r> Templates<'r> {
    fn new(renderings: &'r [Rendering<'r>]) -> Self {
        let objects = || {
            renderings.iter().flat_map(|rendering| rendering.objects.iter().map(move |object| (rendering, &**object)))
        };
        let mut borrowed: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (rendering, object) in objects() {
            if let Some(name) = reference(object) {
                borrowed.entry(name).or_default().insert(rendering.environment.as_deref());
            }
        }
        let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
        if !borrowed.is_empty() {
            for (rendering, object) in objects() {
                let name = (object.str_at("kind").unwrap_or_default(), lower::name_of(object));
                if borrowed.contains_key(&name) {
                    by_name.entry(name).or_default().push((rendering, object));
                }
            }
        }
        Self { by_name, borrowed }
    }

    /// The template that a rollout refers to, from the same source or else from the best one.
    fn referenced(&self, rollout: &Node, rendering: &Rendering<'_>) -> Option<&'r Node> {
        let targets = self.by_name.get(&reference(rollout)?)?;
        let near = |(source, _): &&(&Rendering<'_>, &Node)| std::ptr::eq(*source, rendering);
        let alike = |(source, _): &&(&Rendering<'_>, &Node)| source.environment == rendering.environment;
        let target = targets.iter().find(near).or_else(|| targets.iter().find(alike)).or_else(|| targets.first());
        target?.1.at("spec.template").or_else(|| target?.1.get("template"))
    }

    /// A rollout of the same environment runs it: by itself it has no replicas.
    fn only_a_template(&self, object: &Node, rendering: &Rendering<'_>) -> bool {
        let name = (object.str_at("kind").unwrap_or_default(), lower::name_of(object));
        self.borrowed.get(&name).is_some_and(|environments| environments.contains(&rendering.environment.as_deref()))
    }
}

/// What kind and name the `workloadRef` of a rollout gives.
fn reference(object: &Node) -> Option<(&str, &str)> {
    if object.str_at("kind") != Some("Rollout") {
        return None;
    }
    let reference = object.at("spec.workloadRef")?;
    Some((reference.str_at("kind")?, reference.str_at("name")?))
}
