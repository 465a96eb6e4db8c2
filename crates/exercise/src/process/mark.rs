//! A mark in the environment, by which everything that a run started is found again.
//!
//! Linux shows the environment of processes in `/proc`; elsewhere only process groups are stopped.

use std::{fmt, fs, str::FromStr};

use rustix::process::{Pid, Signal, getpgid, kill_process};

/// The variable that carries it.
pub(super) const VARIABLE: &str = "GONOGO_EXERCISE";

/// A process that starts more processes while they are killed is looked at so often.
const ROUNDS: usize = 50;

/// Whom a process belongs to: the gonogo of this number that began at this time, in ticks since the machine did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pid: u32,
    began: u64,
}

impl Mark {
    /// The mark of what this process starts.
    pub fn own() -> Self {
        let pid = std::process::id();
        Self { pid, began: began(pid).unwrap_or_default() }
    }

    /// Kills everything that carries it.
    pub fn sweep(&self) {
        kill_all(|mark| mark == self);
    }

    pub(super) fn is_alive(&self) -> bool {
        began(self.pid) == Some(self.began)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.pid, self.began)
    }
}

impl FromStr for Mark {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (pid, began) = text.split_once('.').ok_or(())?;
        Ok(Self { pid: pid.parse().map_err(|_| ())?, began: began.parse().map_err(|_| ())? })
    }
}

/// Kills what runs whose owner and keeper were killed left over; says how many processes that were.
pub(super) fn sweep_left_over() -> usize {
    kill_all(|mark| !mark.is_alive())
}

fn kill_all(whose: impl Fn(&Mark) -> bool) -> usize {
    let mut killed = 0;
    for _ in 0..ROUNDS {
        let found: Vec<u32> =
            marked().into_iter().filter(|(pid, mark)| whose(mark) && !is_dead(*pid)).map(|(pid, _)| pid).collect();
        if found.is_empty() {
            break;
        }
        for pid in found {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw)
                && kill_process(pid, Signal::KILL).is_ok()
            {
                killed += 1;
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    killed
}

/// Every process of this user that carries a mark, but this one.
fn marked() -> Vec<(u32, Mark)> {
    let own = std::process::id();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != own).filter_map(|pid| Some((pid, mark_of(pid)?))).collect()
}

/// Every process that carries this mark, but this one.
pub(super) fn carriers(mark: &Mark) -> impl Iterator<Item = u32> {
    marked().into_iter().filter(move |(_, found)| found == mark).map(|(pid, _)| pid)
}

fn mark_of(pid: u32) -> Option<Mark> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let prefix = format!("{VARIABLE}=");
    let value = environment.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(prefix.as_bytes()))?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The fields of `/proc/PID/stat` after the name, which may hold anything; the first is the state, field 3 of proc(5).
fn stat(pid: impl fmt::Display) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn is_dead(pid: u32) -> bool {
    stat(pid).is_none_or(|fields| matches!(fields.first().map(String::as_str), Some("Z" | "X")))
}

/// When a process began, in ticks since the machine did: field 22 of proc(5).
fn began(pid: u32) -> Option<u64> {
    stat(pid)?.get(19)?.parse().ok()
}

/// What a process used of the processors, itself and in the system's name, in ticks: fields 14 and 15 of proc(5).
pub(super) fn ticks(pid: impl fmt::Display) -> Option<u64> {
    let fields = stat(pid)?;
    let field = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(field(11)? + field(12)?)
}

/// The resident sets of a program and what it started: its process group, which other programs of the run do not share.
pub(super) fn resident_bytes(mark: &Mark, leader: u32) -> Option<u64> {
    let group = Pid::from_raw(i32::try_from(leader).ok()?)?;
    let belongs =
        |pid: u32| i32::try_from(pid).ok().and_then(Pid::from_raw).is_some_and(|pid| getpgid(Some(pid)) == Ok(group));
    let pages: Vec<u64> = marked()
        .into_iter()
        .filter(|(pid, found)| found == mark && belongs(*pid))
        .filter_map(|(pid, _)| {
            let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
            text.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .collect();
    let page = u64::try_from(rustix::param::page_size()).ok()?;
    (!pages.is_empty()).then(|| pages.iter().sum::<u64>() * page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_is_written() {
        let mark = Mark::own();
        assert_eq!(mark.to_string().parse(), Ok(mark.clone()));
        assert!(mark.is_alive() && !Mark { began: mark.began + 1, ..mark }.is_alive());
        assert_eq!("12".parse::<Mark>(), Err(()));
    }
}
