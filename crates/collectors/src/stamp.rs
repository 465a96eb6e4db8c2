//! When a file was last written, as its file system tells: a file whose stamp is the one that was seen before holds what it
//! held, as git takes it too.

use std::{
    fs::Metadata,
    time::{Duration, SystemTime},
};

/// A file may be written twice in one tick of the clock that stamps it.
const TICK: Duration = Duration::from_millis(100);

/// The tick where times are whole seconds.
const COARSE_TICK: Duration = Duration::from_secs(3);

/// What changes when a file is written, moved or replaced: sizes, times, and where it lies on its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    bytes: Vec<u8>,
    changed: SystemTime,
    tick: Duration,
}

impl Stamp {
    /// None where the system tells too little.
    #[cfg(unix)]
    pub(crate) fn of(meta: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        // Nobody sets the time of the last change: it tells of a file whose time of writing was set back.
        let (seconds, nanoseconds) = (meta.ctime(), meta.ctime_nsec());
        let since = Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanoseconds).ok()?);
        let all = [seconds, nanoseconds, meta.mtime(), meta.mtime_nsec()].map(i64::to_le_bytes);
        let place = [meta.size(), meta.ino(), meta.dev()].map(u64::to_le_bytes);
        Some(Self {
            bytes: all.into_iter().chain(place).flatten().collect(),
            changed: SystemTime::UNIX_EPOCH.checked_add(since)?,
            tick: if nanoseconds == 0 { COARSE_TICK } else { TICK },
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: &Metadata) -> Option<Self> {
        None
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file was not written just now, so that the next time that it is the stamp will be another one.
    pub(crate) fn is_settled(&self) -> bool {
        #[expect(
            clippy::disallowed_methods,
            reason = "whether a file may be written unseen decides nothing about a service"
        )]
        let now = SystemTime::now();
        now.duration_since(self.changed).is_ok_and(|age| age > self.tick)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_stamp_changes_though_the_time_of_writing_is_set_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one").unwrap();
        let before = fs::metadata(&path).unwrap();
        let stamp = Stamp::of(&before).unwrap();
        assert_eq!(Stamp::of(&fs::metadata(&path).unwrap()).unwrap(), stamp);
        // Until the clock of the file system has gone on.
        let changed = || {
            fs::write(&path, "two").unwrap();
            fs::File::open(&path).unwrap().set_modified(before.modified().unwrap()).unwrap();
            let now = fs::metadata(&path).unwrap();
            assert_eq!(now.modified().unwrap(), before.modified().unwrap());
            Stamp::of(&now).unwrap() != stamp
        };
        while !changed() {}
    }

    #[test]
    fn what_was_written_just_now_is_not_settled() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let stamp = |changed, tick| Stamp { bytes: Vec::new(), changed, tick };
        assert!(stamp(now, TICK).is_settled());
        assert!(!stamp(now, Duration::MAX).is_settled());
        assert!(!stamp(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 36), TICK).is_settled());
    }
}
