//! HAProxy over its runtime socket: two groups of servers of one backend, of which one has the traffic and the other is
//! the canary. No reload, no file: weights and states, and a promotion is that the groups change their roles.
//!
//! The new release runs in the idle group before the rollout starts, or a command brings it there. The group that had the
//! traffic stays as it is after a promotion, in maintenance: bringing it back takes as long as its health check.

mod servers;
mod socket;
mod weights;

use std::{collections::BTreeMap, time::Duration};

use gonogo_domain::rollout::{
    Done, Percent, Release, Revision, Share, Side, Sight, Trouble, TroubleKind, Unit, sequential::Trials,
};
use serde::{Deserialize, Serialize};

use crate::{Driver, command, http};

use servers::parse;
pub use servers::{Admin, Counters, Server};
pub use socket::Address;
use socket::Socket;

/// What it takes to drive one backend.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The path of the socket, or `HOST:PORT`. It needs `level admin`.
    pub socket: Address,
    pub backend: String,
    /// Two groups, each with a name and the servers that belong to it.
    pub groups: BTreeMap<String, Vec<String>>,
    pub version: Version,
    /// Brings the release into the idle group; the group and the revision are in `GONOGO_GROUP` and `GONOGO_REVISION`.
    #[serde(default)]
    pub prepare: Option<command::Line>,
}

/// How a server says which revision it runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Asked of each server itself, not through the proxy.
    pub path: String,
    /// Where in a JSON answer (RFC 6901); none: the whole answer, trimmed.
    #[serde(default)]
    pub pointer: Option<String>,
}

/// How long one exchange may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// A backend that is driven.
#[derive(Debug)]
pub struct HaProxy {
    config: Config,
    socket: Socket,
    /// The group that is the canary of the rollout that is under way.
    canary: Option<String>,
}

/// Whether a server is up, and which revision it says that it runs.
type Said = (bool, Result<Revision, String>);

/// Which group has which part, and what of it is seen.
struct Roles {
    /// The group that the rollout found idle.
    canary: String,
    /// The group that it found with the traffic.
    other: String,
    /// They have changed.
    promoted: bool,
}

impl HaProxy {
    /// `memo` is what [`Sight::memo`] said when the rollout began.
    pub fn new(config: Config, memo: Option<&str>) -> Result<Self, Trouble> {
        let at = config.socket.to_string();
        let wrong = |what: &str| {
            Trouble::new(TroubleKind::Refused, at.clone(), what, "write it as the guide shows: docs/rollout.md")
        };
        let named = |name: &String| {
            !name.is_empty() && name.chars().all(|letter| letter.is_ascii_graphic() && letter != ';' && letter != '/')
        };
        if config.groups.len() != 2 || config.groups.values().any(Vec::is_empty) {
            return Err(wrong("two groups of servers are needed, each with one at least"));
        }
        let mut all: Vec<&String> = config.groups.values().flatten().collect();
        if !all.iter().all(|name| named(name)) || !named(&config.backend) {
            return Err(wrong("a name of a backend or server is none"));
        }
        let count = all.len();
        all.sort();
        all.dedup();
        if all.len() != count {
            return Err(wrong("a server is in both groups"));
        }
        if !config.version.path.starts_with('/') {
            return Err(wrong("the path of the version does not begin with a slash"));
        }
        let canary = memo.map(str::to_owned).filter(|memo| config.groups.contains_key(memo));
        Ok(Self { socket: Socket::new(config.socket.clone()), config, canary })
    }

    /// The counters of stable and canary since HAProxy started: requests, server errors, client errors.
    pub async fn counters(&mut self) -> Result<(Option<Counters>, Option<Counters>), Trouble> {
        let servers = self.servers().await?;
        let roles = self.roles(&servers)?;
        let sum = |group: &str| self.of(group, &servers).map(|server| server.counters).reduce(Counters::plus);
        let (stable, canary) =
            if roles.promoted { (&roles.canary, &roles.other) } else { (&roles.other, &roles.canary) };
        Ok((sum(stable), sum(canary)))
    }

    /// The names of the groups that are stable and canary now: with a promotion they change.
    pub async fn groups(&mut self) -> Result<(String, String), Trouble> {
        let servers = self.servers().await?;
        let Roles { canary, other, promoted } = self.roles(&servers)?;
        Ok(if promoted { (canary, other) } else { (other, canary) })
    }

    /// Where the servers of stable and canary listen; those of a canary in maintenance are none, they may be gone.
    pub async fn addresses(&mut self) -> Result<(Vec<String>, Vec<String>), Trouble> {
        let servers = self.servers().await?;
        let roles = self.roles(&servers)?;
        let (stable, canary) =
            if roles.promoted { (&roles.canary, &roles.other) } else { (&roles.other, &roles.canary) };
        let stable = self.of(stable, &servers).filter_map(|server| server.address.clone()).collect();
        let canary = self.of(canary, &servers).filter(|server| server.admin != Admin::Maint);
        Ok((stable, canary.filter_map(|server| server.address.clone()).collect()))
    }

    fn trouble(&self, kind: TroubleKind, what: impl Into<String>, next: &str) -> Trouble {
        Trouble::new(kind, format!("{} {}", self.config.socket, self.config.backend), what, next)
    }

    async fn servers(&mut self) -> Result<BTreeMap<String, Server>, Trouble> {
        let backend = self.config.backend.clone();
        let state = self.socket.ask(&format!("show servers state {backend}")).await?;
        let stat = self.socket.ask(&format!("show stat {backend} 4 -1")).await?;
        for answer in [&state, &stat] {
            if answer.starts_with("Can't find backend") || answer.starts_with("No such proxy") {
                return Err(self.trouble(TroubleKind::Refused, "there is no such backend", "look at `show backend`"));
            }
            if answer.starts_with("Permission denied") {
                return Err(self.trouble(TroubleKind::Refused, "the socket may not be asked", "give it `level admin`"));
            }
        }
        let servers = parse(&state, &stat)
            .map_err(|why| self.trouble(TroubleKind::Unreachable, why, "is it the runtime socket of HAProxy?"))?;
        for name in self.config.groups.values().flatten() {
            if !servers.contains_key(name) {
                let what = format!("there is no server `{name}` in the backend");
                return Err(self.trouble(TroubleKind::Refused, what, "compare the groups with `show servers state`"));
            }
        }
        Ok(servers)
    }

    fn of<'a>(&self, group: &str, servers: &'a BTreeMap<String, Server>) -> impl Iterator<Item = &'a Server> {
        let names = self.config.groups.get(group).cloned().unwrap_or_default();
        names.into_iter().filter_map(|name| servers.get(&name))
    }

    /// The group that has no part in the traffic is the canary-to-be; once a rollout began, it is what it was then.
    fn roles(&self, servers: &BTreeMap<String, Server>) -> Result<Roles, Trouble> {
        let mut names = self.config.groups.keys().cloned();
        let (Some(one), Some(two)) = (names.next(), names.next()) else {
            return Err(self.trouble(TroubleKind::Refused, "two groups are needed", "name them in the rollout file"));
        };
        let taking =
            |group: &str| self.of(group, servers).any(|server| server.admin == Admin::Ready && server.weight > 0);
        let ready = |group: &str| self.of(group, servers).any(|server| server.admin == Admin::Ready);
        if let Some(canary) = &self.canary {
            let (canary, other) = if *canary == one { (one, two) } else { (two, one) };
            let promoted = !ready(&other);
            return Ok(Roles { canary, other, promoted });
        }
        match (taking(&one), taking(&two)) {
            (true, false) => Ok(Roles { canary: two, other: one, promoted: false }),
            (false, true) => Ok(Roles { canary: one, other: two, promoted: false }),
            (true, true) => Err(self.trouble(
                TroubleKind::Refused,
                format!("both `{one}` and `{two}` have traffic, and no rollout is under way"),
                "set the servers of the one that runs nothing new to maint",
            )),
            (false, false) => Err(self.trouble(
                TroubleKind::Refused,
                format!("neither `{one}` nor `{two}` has traffic"),
                "set the servers of the stable one to ready",
            )),
        }
    }

    /// What the servers of a group say that they run.
    async fn side(&self, group: &str, servers: &BTreeMap<String, Server>) -> Result<Side, Trouble> {
        let mut said: Vec<Said> = Vec::new();
        for server in self.of(group, servers) {
            let revision = match &server.address {
                Some(address) => self.version(address).await,
                None => Err("it has no address yet".to_owned()),
            };
            said.push((server.up, revision));
        }
        let mut counts: BTreeMap<&Revision, usize> = BTreeMap::new();
        for revision in said.iter().filter_map(|(_, revision)| revision.as_ref().ok()) {
            *counts.entry(revision).or_default() += 1;
        }
        let Some(revision) = counts.iter().max_by_key(|(_, count)| **count).map(|(revision, _)| (*revision).clone())
        else {
            let why = said.iter().find_map(|(_, revision)| revision.as_ref().err().cloned()).unwrap_or_default();
            return Err(self.trouble(
                TroubleKind::Unreachable,
                format!("no server of `{group}` says which revision it runs: {why}"),
                "are they up, and is [driver.haproxy] version right?",
            ));
        };
        let count = |wanted: &dyn Fn(&Said) -> bool| {
            u32::try_from(said.iter().filter(|one| wanted(one)).count()).unwrap_or(u32::MAX)
        };
        Ok(Side {
            wanted: count(&|_| true),
            ready: count(&|(up, said)| *up && said.as_ref().is_ok_and(|said| *said == revision)),
            old: count(&|(_, said)| said.as_ref().is_ok_and(|said| *said != revision)),
            restarts: 0,
            out_of_memory: 0,
            revision,
        })
    }

    async fn version(&self, address: &str) -> Result<Revision, String> {
        let answer = http::get(address, &self.config.version.path, PATIENCE).await?;
        if answer.status != 200 {
            return Err(format!("{}{} answers {}", address, self.config.version.path, answer.status));
        }
        let text = match &self.config.version.pointer {
            None => std::str::from_utf8(&answer.body).map_err(|_| "it is no text".to_owned())?.trim().to_owned(),
            Some(pointer) => {
                let value: serde_json::Value =
                    serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
                match value.pointer(pointer) {
                    Some(serde_json::Value::String(text)) => text.clone(),
                    Some(other) if !other.is_object() && !other.is_array() => other.to_string(),
                    _ => return Err(format!("nothing stands at {pointer}")),
                }
            }
        };
        if text.is_empty() || text.len() > 300 {
            Err("it is empty, or no version".to_owned())
        } else {
            Ok(Revision(text))
        }
    }

    /// Weights of the two groups for a share, as commands.
    fn weigh(&self, roles: &Roles, percent: Percent, servers: &BTreeMap<String, Server>) -> Vec<String> {
        let count = |group: &str| u32::try_from(self.of(group, servers).count()).unwrap_or(1);
        let weights = weights::for_share(count(&roles.canary), count(&roles.other), percent);
        let mut lines = self.to_weight(&roles.other, weights.stable, servers);
        let canary = self.to_weight(&roles.canary, weights.canary, servers);
        // Whichever comes first, nobody sees more than the larger of the two shares, as both go in one message.
        lines.extend(canary);
        lines
    }

    fn to_weight(&self, group: &str, weight: u16, servers: &BTreeMap<String, Server>) -> Vec<String> {
        self.of(group, servers)
            .filter(|server| server.weight != weight)
            .map(|server| format!("set weight {}/{} {weight}", self.config.backend, server.name))
            .collect()
    }

    fn to_state(&self, group: &str, admin: Admin, servers: &BTreeMap<String, Server>) -> Vec<String> {
        self.of(group, servers)
            .filter(|server| server.admin != admin)
            .map(|server| format!("set server {}/{} state {}", self.config.backend, server.name, admin.word()))
            .collect()
    }

    /// All in one message: HAProxy carries out a line as a whole, whatever becomes of who sent it.
    async fn carry_out(&mut self, lines: Vec<String>, what: impl Into<String>) -> Result<Done, Trouble> {
        if lines.is_empty() {
            return Ok(Done::AlreadySo);
        }
        let answer = self.socket.ask(&lines.join(";")).await?;
        // Every one of these commands says nothing when it was carried out.
        match answer.lines().map(str::trim).find(|line| !line.is_empty()) {
            None => Ok(Done::Changed(what.into())),
            Some(said) => Err(self.trouble(
                TroubleKind::Refused,
                format!("it answers: {said}"),
                "weights need a dynamic algorithm (roundrobin, leastconn) and `level admin`",
            )),
        }
    }
}

impl Driver for HaProxy {
    async fn observe(&mut self) -> Result<Sight, Trouble> {
        let servers = self.servers().await?;
        let roles = self.roles(&servers)?;
        let admin = |group: &str| self.of(group, &servers).map(|server| server.admin).min().unwrap_or(Admin::Maint);
        let (stable, other) =
            if roles.promoted { (&roles.canary, &roles.other) } else { (&roles.other, &roles.canary) };
        let side = self.side(stable, &servers).await?;
        // Servers in maintenance are no canary, whatever runs there; one that cannot be asked yet is one without a word.
        let canary = match admin(other) {
            Admin::Maint => None,
            Admin::Ready | Admin::Drain => Some(self.side(other, &servers).await.unwrap_or_else(|_| Side {
                revision: Revision(String::new()),
                wanted: u32::try_from(self.of(other, &servers).count()).unwrap_or(u32::MAX),
                ready: 0,
                old: 0,
                restarts: 0,
                out_of_memory: 0,
            })),
        };
        let weight = |group: &str| -> u64 {
            let ready = self.of(group, &servers).filter(|server| server.admin == Admin::Ready);
            ready.map(|server| u64::from(server.weight)).sum()
        };
        let share = if roles.promoted {
            Some(Percent::ZERO)
        } else {
            let canary = weight(&roles.canary);
            Percent::of_parts(canary, canary + weight(&roles.other)).or(Some(Percent::ZERO))
        };
        let past = match self.side(other, &servers).await {
            Ok(side) if side.revision != self.side(stable, &servers).await?.revision => vec![side.revision],
            _ => vec![],
        };
        let mut notices = Vec::new();
        if let Some(algorithm) = servers.values().find_map(|server| server.algorithm.as_deref())
            && algorithm != "roundrobin"
        {
            notices.push(format!("the backend balances by {algorithm}: weights are not shares of the requests there; the share is measured"));
        }
        if servers.values().any(|server| server.cookie) {
            notices.push("the backend keeps users at their server by a cookie: who has one does not move".to_owned());
        }
        Ok(Sight { stable: side, canary, share, past, holder: None, owner: None, memo: Some(roles.canary), notices })
    }

    fn reachable(&self, percent: Percent, sight: &Sight) -> Share {
        let wanted = sight.stable.wanted.max(1);
        let canary = sight.canary.as_ref().map_or_else(
            || {
                let memo = sight.memo.as_ref().and_then(|memo| self.config.groups.get(memo));
                memo.map_or(1, |servers| u32::try_from(servers.len()).unwrap_or(u32::MAX))
            },
            |canary| canary.wanted,
        );
        let weights = weights::for_share(canary, wanted, percent);
        Share::Parts {
            canary: canary * u32::from(weights.canary),
            stable: wanted * u32::from(weights.stable),
            unit: Unit::Weights,
        }
    }

    async fn prepare(&mut self, release: &Release) -> Result<Done, Trouble> {
        let servers = self.servers().await?;
        let roles = self.roles(&servers)?;
        self.canary = Some(roles.canary.clone());
        let admin = |group: &str| self.of(group, &servers).all(|server| server.admin == Admin::Ready);
        let runs = self.side(&roles.canary, &servers).await;
        let at_revision = runs.as_ref().is_ok_and(|side| side.revision == release.revision && side.old == 0);
        if !at_revision {
            if let Some(line) = self.config.prepare.clone() {
                let environment =
                    [("GONOGO_GROUP", roles.canary.as_str()), ("GONOGO_REVISION", release.revision.0.as_str())];
                command::run(&line, &environment, &[]).await?;
                return Ok(Done::Changed(format!("brought {} into `{}`", release.revision, roles.canary)));
            }
            let next =
                format!("start {} there, or name a command that does: [driver.haproxy] prepare", release.revision);
            return Err(match runs {
                Ok(side) => {
                    self.trouble(TroubleKind::Refused, format!("`{}` runs {}", roles.canary, side.revision), &next)
                }
                Err(trouble) => Trouble { next, ..trouble },
            });
        }
        if admin(&roles.canary) {
            return Ok(Done::AlreadySo);
        }
        // Without a weight before it is let in.
        let mut lines = self.to_weight(&roles.canary, 0, &servers);
        lines.extend(self.to_state(&roles.canary, Admin::Ready, &servers));
        self.carry_out(lines, format!("let `{}` in without traffic", roles.canary)).await
    }

    async fn set_share(&mut self, percent: Percent) -> Result<Done, Trouble> {
        let servers = self.servers().await?;
        let roles = self.roles(&servers)?;
        if roles.promoted {
            return Err(self.trouble(
                TroubleKind::Refused,
                "the groups have changed their roles already",
                "look at status",
            ));
        }
        let lines = self.weigh(&roles, percent, &servers);
        self.carry_out(lines, format!("weights for {percent}")).await
    }

    async fn promote(&mut self) -> Result<Done, Trouble> {
        let servers = self.servers().await?;
        let roles = self.roles(&servers)?;
        if self.canary.is_none() {
            return Err(self.trouble(TroubleKind::Refused, "no rollout is under way", "start one"));
        }
        if self.of(&roles.canary, &servers).any(|server| server.admin != Admin::Ready) && !roles.promoted {
            return Err(self.trouble(
                TroubleKind::Conflict,
                "the canary was taken out by somebody else",
                "look at status",
            ));
        }
        let count = |group: &str| u32::try_from(self.of(group, &servers).count()).unwrap_or(1);
        let full = weights::for_share(count(&roles.canary), count(&roles.other), Percent::WHOLE).canary;
        let mut lines = self.to_weight(&roles.canary, full, &servers);
        if !roles.promoted {
            lines.extend(self.to_state(&roles.other, Admin::Drain, &servers));
        }
        let what = format!("all traffic to `{}`; `{}` finishes what it has", roles.canary, roles.other);
        self.carry_out(lines, what).await
    }

    async fn retire(&mut self) -> Result<Done, Trouble> {
        let servers = self.servers().await?;
        let roles = self.roles(&servers)?;
        if !roles.promoted {
            return Err(self.trouble(TroubleKind::Refused, "nothing was promoted", "look at status"));
        }
        let lines = self.to_state(&roles.other, Admin::Maint, &servers);
        self.carry_out(lines, format!("`{}` put aside; it can be brought back", roles.other)).await
    }

    async fn abort(&mut self) -> Result<Done, Trouble> {
        let servers = self.servers().await?;
        let roles = self.roles(&servers)?;
        if roles.promoted {
            return Err(self.trouble(TroubleKind::Refused, "it was promoted", "undo it"));
        }
        let mut lines = self.weigh(&roles, Percent::ZERO, &servers);
        lines.extend(self.to_state(&roles.canary, Admin::Maint, &servers));
        self.carry_out(lines, format!("no traffic to `{}`", roles.canary)).await
    }

    async fn undo(&mut self, to: &Revision) -> Result<Done, Trouble> {
        let servers = self.servers().await?;
        let roles = self.roles(&servers)?;
        let back = self.side(&roles.other, &servers).await?;
        if back.revision != *to {
            let what = format!("`{}` runs {} and not {to}", roles.other, back.revision);
            return Err(self.trouble(TroubleKind::Refused, what, "start it there again"));
        }
        let count = |group: &str| u32::try_from(self.of(group, &servers).count()).unwrap_or(1);
        let full = weights::for_share(count(&roles.canary), count(&roles.other), Percent::ZERO).stable;
        let mut lines = self.to_weight(&roles.other, full, &servers);
        lines.extend(self.to_state(&roles.other, Admin::Ready, &servers));
        // The other way round nobody would serve between the two.
        if self.of(&roles.other, &servers).all(|server| server.up && server.admin == Admin::Ready) {
            lines.extend(self.to_weight(&roles.canary, 0, &servers));
            lines.extend(self.to_state(&roles.canary, Admin::Maint, &servers));
        } else {
            self.carry_out(lines, format!("let `{}` in again", roles.other)).await?;
            return Ok(Done::Changed(format!("let `{}` in again; it takes over once its check passes", roles.other)));
        }
        self.carry_out(lines, format!("all traffic back to `{}`", roles.other)).await
    }
}

/// What of the counters goes wrong, by what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bad {
    /// 5xx, and requests that no answer came to.
    ServerErrors,
    /// 4xx.
    ClientErrors,
}

impl Counters {
    pub fn trials(self, bad: Bad) -> Trials {
        let bad = match bad {
            Bad::ServerErrors => self.server_errors,
            Bad::ClientErrors => self.client_errors,
        };
        Trials { all: self.all, bad }
    }
}
