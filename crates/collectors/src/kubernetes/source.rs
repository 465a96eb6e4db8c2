//! Where a set of objects comes from, and which of several sources of the same thing is the one to judge.

use std::{ops::Deref, sync::Arc};

use gonogo_domain::{Gap, Node, Place, Source, evidence::Role};

use crate::environment;

/// Objects that are applied together: a kustomization, a chart with its values, or a file.
#[derive(Debug)]
pub(super) struct Rendering<'c> {
    pub(super) origin: Origin,
    /// The folder or file that a person would name: an overlay, a values file, a manifest.
    pub(super) path: Arc<str>,
    pub(super) role: Role,
    pub(super) environment: Option<String>,
    pub(super) objects: Vec<Held<'c>>,
}

/// An object as a file has it, or as a tool built it.
#[derive(Debug)]
pub(super) enum Held<'c> {
    Written(&'c Node),
    Built(Arc<Node>),
}

impl Deref for Held<'_> {
    type Target = Node;

    fn deref(&self) -> &Node {
        match self {
            Self::Written(node) => node,
            Self::Built(node) => node,
        }
    }
}

/// What could not be read, and of what part of the repository.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) role: Role,
    pub(super) place: Place,
    pub(super) reason: String,
}

impl Unread {
    /// The gap that it is, for workloads and objects alike: nobody knows what it declares.
    pub(super) fn gap(&self, source: Source) -> Gap {
        Gap { source, place: self.place.clone(), reason: self.reason.clone() }
    }
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

impl Rendering<'_> {
    /// Customers are served from it, as far as its name tells.
    pub(super) fn production(&self) -> bool {
        self.role != Role::Test && self.environment.as_deref().is_none_or(environment::is_production)
    }

    /// The lower, the better: what a person edits to change the product comes first, and extras that lie deep down last.
    pub(super) fn rank(&self) -> (u8, Origin, usize, &str) {
        let role = match self.role {
            Role::Product => 0,
            Role::Generated => 1,
            Role::Documentation => 2,
            Role::Example => 3,
            Role::Test | Role::Fixture | Role::Vendored => 4,
        };
        (role, self.origin, self.path.matches('/').count(), &self.path)
    }

    /// It repeats what people edit elsewhere, or shows what could be: once the thing itself is there, it says nothing.
    pub(super) fn secondary(&self) -> bool {
        self.origin == Origin::Bundle || !matches!(self.role, Role::Product | Role::Generated)
    }

    /// It shows how the product could be run.
    pub(super) fn demonstrates(&self) -> bool {
        matches!(self.role, Role::Example | Role::Documentation)
    }
}
