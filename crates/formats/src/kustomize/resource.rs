//! An object on its way through the build: what it says, and the names it had before.

use std::sync::Arc;

use gonogo_domain::{Node, Place, Value};

use super::{
    fields::{FieldSpec, Kind},
    selector::Selector,
    tree,
};

/// What names an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Id {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) namespace: String,
}

#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) node: Arc<Node>,
    /// Earlier names, the first one first.
    pub(super) before: Vec<Id>,
    pub(super) prefixes: Vec<String>,
    pub(super) suffixes: Vec<String>,
    /// The name gets a hash of the content at the end.
    pub(super) hashed: bool,
}

impl Id {
    pub(super) fn of(node: &Node) -> Self {
        Self {
            kind: Kind::of(node),
            name: tree::text(node, "metadata.name").to_owned(),
            namespace: tree::text(node, "metadata.namespace").to_owned(),
        }
    }

    /// The namespace that Kubernetes would put it in; none outside namespaces.
    pub(super) fn effective_namespace(&self) -> &str {
        if self.kind.cluster_scoped() {
            ""
        } else if self.namespace.is_empty() {
            "default"
        } else {
            &self.namespace
        }
    }

    /// The same object: `default` and no namespace are one.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.name == other.name && self.kind == other.kind && self.effective_namespace() == other.effective_namespace()
    }
}

impl Resource {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self { node, before: Vec::new(), prefixes: Vec::new(), suffixes: Vec::new(), hashed: false }
    }

    pub(super) fn id(&self) -> Id {
        Id::of(&self.node)
    }

    pub(super) fn kind(&self) -> Kind {
        Kind::of(&self.node)
    }

    /// To be called before the name, namespace or kind may change.
    pub(super) fn remember(&mut self) {
        let id = self.id();
        if self.before.last() != Some(&id) {
            self.before.push(id);
        }
    }

    /// The names it had and has.
    pub(super) fn is_or_was(&self, mut fits: impl FnMut(&Id) -> bool) -> bool {
        self.before.iter().any(&mut fits) || fits(&self.id())
    }

    pub(super) fn edit(&mut self) -> &mut Node {
        Arc::make_mut(&mut self.node)
    }

    /// Visits a field of the object. An object without the field stays shared with its file: some are huge.
    pub(super) fn visit(&mut self, spec: &FieldSpec, place: &Place, visit: &mut dyn FnMut(&mut Node)) {
        if spec.reaches(&self.node) {
            spec.visit(self.edit(), place, visit);
        }
    }

    /// The first or the current name fits the target of a patch.
    pub(super) fn selected(&self, selector: &Selector) -> bool {
        let current = self.id();
        let original = self.before.first().unwrap_or(&current);
        selector.fits(original, &current, &self.node)
    }

    pub(super) fn rename(&mut self, name: &str) {
        if let Some(node) = self.edit().get_mut("metadata").and_then(|metadata| metadata.get_mut("name"))
            && let Value::Scalar(scalar) = &mut node.value
        {
            // The place stays: a person changes the name where it is written.
            name.clone_into(&mut scalar.text);
            scalar.plain = false;
        }
    }
}
