//! What a driver sees when it looks at the world.

use serde::{Deserialize, Serialize};

use super::{Percent, Revision};

/// How things are now. Seen, never remembered: what gonogo asked for is not in here until it is so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    pub stable: Side,
    /// None: there is none, or it is gone.
    pub canary: Option<Side>,
    /// What share of the traffic the canary is configured to get now: 0 where there is no canary, 100 % once stable gets
    /// none. None: nobody can say (a rolling update that is under way).
    pub share: Option<Percent>,
    /// The revisions that stable can be brought back to, newest first, without the one that it has.
    pub past: Vec<Revision>,
    /// Who else drives this service now, as they call themselves.
    pub holder: Option<String>,
    /// What would undo a change from outside: a controller such as Argo CD or Flux.
    pub owner: Option<Owner>,
    /// What the driver needs to be given back as long as this rollout lasts (which of two server groups is the canary).
    /// It is stored with the state before the first act.
    pub memo: Option<String>,
    /// What a person should know, a sentence each.
    pub notices: Vec<String>,
}

/// One of the two: what runs there and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// What it is to run.
    pub revision: Revision,
    /// How many replicas or servers are asked for.
    pub wanted: u32,
    /// How many of them run this revision and can take traffic.
    pub ready: u32,
    /// How many of another revision are still among them: an update that is under way.
    pub old: u32,
    /// Restarts of its containers or processes since they were made, where the platform counts them.
    pub restarts: u32,
    /// How many were killed for want of memory.
    pub out_of_memory: u32,
}

impl Side {
    /// All that is asked for is there, at one revision.
    pub fn settled(&self) -> bool {
        self.old == 0 && self.ready >= self.wanted
    }
}

/// A controller that writes the same objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Argo CD, Flux.
    pub tool: String,
    /// Its object, as a person would look for it.
    pub object: String,
    /// Whether it undoes what others change.
    pub reverts: Option<bool>,
}
