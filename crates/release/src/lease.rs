//! One gonogo drives a rollout on this machine: a lock that the kernel takes back from whoever dies.
//!
//! Between machines the driver's own platform decides (a Lease in the cluster).

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Who drives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub who: String,
    pub host: String,
    pub process: u32,
    pub since: Timestamp,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} on {} (process {}, since {:.0})", self.who, self.host, self.process, self.since)
    }
}

#[derive(Debug, Error)]
pub enum LeaseError {
    #[error("it is driven by {0}; `gonogo rollout watch` looks on, and pause, abort and the like reach it")]
    Held(Box<Holder>),
    #[error("it is driven by somebody who left no name")]
    HeldByNobody,
    #[error("the lease {path} could not be taken: {reason}")]
    Broken { path: String, reason: String },
}

/// The lock; it ends with the process, however that ends.
#[derive(Debug)]
pub struct Lease {
    file: File,
    /// Who had it and died with it.
    pub before: Option<Holder>,
}

impl Lease {
    /// Takes the lease in this folder.
    pub fn take(folder: &Path, holder: &Holder) -> Result<Self, LeaseError> {
        let path = folder.join("lease");
        let broken =
            |error: std::io::Error| LeaseError::Broken { path: path.display().to_string(), reason: error.to_string() };
        fs::create_dir_all(folder).map_err(broken)?;
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(broken)?;
        let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        let before = read(&mut file);
        match locked {
            Ok(()) => {}
            Err(error) if error == rustix::io::Errno::WOULDBLOCK => {
                return Err(before.map_or(LeaseError::HeldByNobody, |holder| LeaseError::Held(Box::new(holder))));
            }
            Err(error) => return Err(broken(error.into())),
        }
        let text = serde_json::to_vec(holder).map_err(|error| broken(error.into()))?;
        let written = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).and_then(|_| file.write_all(&text));
        written.and_then(|()| file.sync_all()).map_err(broken)?;
        Ok(Self { file, before })
    }

    /// Who holds it now; none: nobody.
    pub fn holder(folder: &Path) -> Option<Holder> {
        let mut file = File::open(folder.join("lease")).ok()?;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => None,
            Err(_) => read(&mut file),
        }
    }
}

impl Drop for Lease {
    /// Whoever comes next does not find a dead holder where there was an end.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}

/// A record is short.
const LONGEST: u64 = 4096;

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(who: &str) -> Holder {
        Holder { who: who.to_owned(), host: "here".to_owned(), process: 7, since: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn the_second_is_refused_by_the_name_of_the_first_and_takes_over_when_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lease::take(folder.path(), &holder("ann")).unwrap();
        assert_eq!(first.before, None);
        let refused = Lease::take(folder.path(), &holder("bob")).unwrap_err();
        assert!(refused.to_string().contains("driven by ann on here (process 7"), "{refused}");
        assert_eq!(Lease::holder(folder.path()), Some(holder("ann")));
        // Killed, it has no time to say goodbye.
        let Lease { file, .. } = &first;
        let _ = flock(file, FlockOperation::Unlock);
        std::mem::forget(first);
        let second = Lease::take(folder.path(), &holder("bob")).unwrap();
        assert_eq!(second.before, Some(holder("ann")));
        drop(second);
        assert_eq!(Lease::holder(folder.path()), None);
        assert_eq!(Lease::take(folder.path(), &holder("cid")).unwrap().before, None);
    }
}
