//! The nouns and the pure decisions of gonogo: no I/O, no async, no clock, no SQL.
//!
//! In reading order: a [`Service`] is what is reviewed, [`Evidence`] is what was gathered about it, a [`Check`] judges
//! it and gives [`Readings`], [`settle()`] turns them into an [`Outcome`], and [`review()`] decides.

pub mod alerts;
mod attestation;
mod change;
mod check;
mod decision;
pub mod evidence;
pub mod exercise;
mod knowledge;
mod level;
mod node;
mod occasion;
mod place;
mod policy;
pub mod preflight;
mod reading;
mod review;
pub mod rollout;
pub mod rules;
mod run;
pub mod secret;
mod service;
mod settle;
pub mod slo;
mod text;
mod waiver;

pub use attestation::{Attestation, AttestationProblem};
pub use change::{Cause, Change, Outcomes, Stages, changes, outcomes};
pub use check::{Area, Check, Gate, Level, Standard, Strength};
pub use decision::{Decision, Reason, ReasonKind, decide};
pub use evidence::{Evidence, Facts, Gap, Gathered, Missing, Source};
pub use knowledge::{
    Agent, Answers, AnswersWith, Beside, Capability, Command, FileRoute, Known, KnownUse, Launcher, Layout, Lengths,
    Library, OutcomeWords, Router, SECRETS_TABLE, SOURCE_TABLES, Slots, Starter, Symbols, Vendor, action_purposes,
    analysers, answers, beside, commands, known_packages, known_symbols, lengths, package_capabilities, purposes,
    routers, test_kinds, vendors,
};
pub use level::{LevelReport, levels};
pub use node::{Entry, Node, Scalar, Value};
pub use occasion::Occasion;
pub use place::Place;
pub use policy::Policy;
pub use reading::{Conclusion, Count, Finding, Reading, Readings, Tally, merge};
pub use review::{Judged, Records, Review, Searched, review};
pub use run::{
    Behind, Digest, Encoding, LogLevel, LogLevelWay, Probes, Run, RunAuthentication, RunDependency, RunLimits,
    RunMigrations, RunReload, RunRequest, RunWebhook, Written,
};
pub use service::{Class, Classes, Dependency, Service, ServiceSource, State, Tier};
pub use settle::{Outcome, Settled, settle};
pub use text::{Lang, Message, Text};
pub use waiver::{Waiver, WaiverProblem};
