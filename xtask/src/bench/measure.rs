//! One process, measured by the kernel's own accounts.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// What a process and its children took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) wall: Duration,
    /// User and system time of all its threads and children.
    pub(super) processor: Duration,
    /// The largest resident set of the process or of one of its children, in kibibytes.
    pub(super) peak_kib: u32,
}

/// GNU time, which asks the kernel through `wait4`: our own code may hold nothing unsafe, and the standard library has no
/// such call.
pub(super) fn gnu_time() -> Option<PathBuf> {
    ["/usr/bin/time", "/usr/local/bin/gtime", "/opt/homebrew/bin/gtime"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.is_file())
}

/// The median of each figure over some runs, after one that is not counted and warms the page cache. Something may be done
/// before each of them.
pub(super) fn median(
    time: &Path,
    command: &[OsString],
    folder: &Path,
    runs: usize,
    before: &dyn Fn() -> Result<(), String>,
) -> Result<Measured, String> {
    if runs > 1 {
        once(time, command, folder)?;
    }
    let run = || before().and_then(|()| once(time, command, folder));
    let runs = (0..runs).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
    Ok(Measured {
        wall: middle(runs.iter().map(|run| run.wall)),
        processor: middle(runs.iter().map(|run| run.processor)),
        peak_kib: middle(runs.iter().map(|run| run.peak_kib)),
    })
}

fn middle<T: Ord + Copy + Default>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Runs it in the folder. A code other than 0 is no failure: the tools tell their findings by it, kingfisher by 200 and 205.
fn once(time: &Path, command: &[OsString], folder: &Path) -> Result<Measured, String> {
    let [program, arguments @ ..] = command else { return Err("no command".to_owned()) };
    let accounts = std::env::temp_dir().join(format!("gonogo-bench-{}", std::process::id()));
    let begun = std::time::Instant::now();
    let status = Command::new(time)
        .args(["--quiet", "-f", "%U %S %M", "-o"])
        .arg(&accounts)
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("could not be started: {error}"))?;
    let wall = begun.elapsed();
    if !matches!(status.code(), Some(0..=3 | 200 | 205)) {
        return Err(format!("failed: {status}"));
    }
    let text = std::fs::read_to_string(&accounts).map_err(|error| error.to_string())?;
    // Nothing is lost if the file stays.
    let _ = std::fs::remove_file(&accounts);
    read(&text, wall).ok_or_else(|| format!("GNU time said `{}`", text.trim()))
}

/// `user system kibibytes`.
fn read(text: &str, wall: Duration) -> Option<Measured> {
    let mut fields = text.lines().next_back()?.split_whitespace();
    let mut seconds = || fields.next()?.parse::<f64>().ok();
    let processor = Duration::try_from_secs_f64(seconds()? + seconds()?).ok()?;
    let peak_kib = fields.next()?.parse().ok()?;
    Some(Measured { wall, processor, peak_kib })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accounts_of_gnu_time_are_read() {
        let wall = Duration::from_millis(250);
        let measured = read("Command exited with non-zero status 1\n0.30 0.12 2048\n", wall).unwrap();
        assert_eq!(measured, Measured { wall, processor: Duration::from_millis(420), peak_kib: 2048 });
        assert_eq!(read("time: cannot run", wall), None);
    }

    #[test]
    fn the_median_is_one_of_the_runs() {
        assert_eq!(middle([5, 1, 9].into_iter()), 5);
        assert_eq!(middle([7].into_iter()), 7);
    }
}
