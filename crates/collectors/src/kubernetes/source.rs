//! Where a set of objects comes from, and which of several sources of the same thing is the one to judge.

use std::sync::Arc;

use gonogo_domain::{Node, evidence::Role};

use crate::environment;

/// Objects that are applied together: a kustomization, a chart with its values, or a file.
#[derive(Debug)]
pub(super) struct Rendering {
    pub(super) origin: Origin,
    /// The folder or file that a person would name: an overlay, a values file, a manifest.
    pub(super) path: Arc<str>,
    pub(super) role: Role,
    pub(super) environment: Option<String>,
    pub(super) objects: Vec<Arc<Node>>,
}

/// How the objects came to be, the best source of a logical workload first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Origin {
    Kustomization,
    Chart,
    Manifest,
    /// A file that a tool writes from the others: a release bundle.
    Bundle,
    Compose,
    Platform,
}

impl Rendering {
    /// Customers are served from it, as far as its name tells.
    pub(super) fn production(&self) -> bool {
        self.role != Role::Test && self.environment.as_deref().is_none_or(environment::is_production)
    }

    /// The lower, the better: what a person edits to change the product comes first.
    pub(super) fn rank(&self) -> (u8, Origin, &str) {
        let role = match self.role {
            Role::Product => 0,
            Role::Generated => 1,
            Role::Documentation => 2,
            Role::Example => 3,
            Role::Test | Role::Fixture | Role::Vendored => 4,
        };
        (role, self.origin, &self.path)
    }

    /// It repeats what people edit elsewhere, or shows what could be: once the thing itself is there, it says nothing.
    pub(super) fn secondary(&self) -> bool {
        self.origin == Origin::Bundle || !matches!(self.role, Role::Product | Role::Generated)
    }
}
