//! A service that is started from an image, by Docker or Podman.
//!
//! The engine's own command stays in front: it passes signals on and ends with the code of the container. What it does not
//! pass on (a pause, the end by force) is asked of the engine by the container's name.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Mark, Program, mark};

/// The label by which what is left over is found.
const LABEL: &str = "gonogo.exercise";

/// An engine that does not answer is not waited for.
const LONGEST: Duration = Duration::from_secs(20);

/// What runs containers on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine(PathBuf);

/// What is started.
#[derive(Clone, Debug)]
pub struct Image<'a> {
    pub image: &'a str,
    /// Arguments instead of those of the image; empty: none.
    pub command: &'a [String],
    pub environment: &'a BTreeMap<String, String>,
    /// A folder of this machine that it finds at the same place.
    pub folder: &'a Path,
}

impl Engine {
    /// Docker, else Podman, where one of them is on this path and answers: a client is often there without its daemon.
    pub fn find(path: &OsStr) -> Option<Self> {
        let found =
            |name: &str| std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| file.is_file());
        ["docker", "podman"].into_iter().filter_map(found).map(Self).find(|engine| engine.ask(&["version"]))
    }

    /// The command line. The container is on the network of this machine, so that it listens on the loopback and reaches
    /// the fault proxies there; values of variables do not stand on the command line, where everybody could read them. No
    /// `--init`: the service is the first process as it is in a cluster, where nobody ends it for it.
    pub fn run(&self, image: &Image<'_>, name: &str, mark: &Mark, directory: PathBuf) -> Program {
        let folder = image.folder.display();
        let mut command = vec![
            self.0.display().to_string(),
            "run".to_owned(),
            "--rm".to_owned(),
            format!("--name={name}"),
            format!("--label={LABEL}={mark}"),
            "--network=host".to_owned(),
            format!("--volume={folder}:{folder}"),
        ];
        let variables = image.environment.keys().map(String::as_str).chain([mark::VARIABLE]);
        command.extend(variables.map(|variable| format!("--env={variable}")));
        command.push(image.image.to_owned());
        command.extend(image.command.iter().cloned());
        Program { command, directory, environment: image.environment.clone() }
    }

    /// Asks it something about a container; whether it did so.
    pub(super) fn ask(&self, what: &[&str]) -> bool {
        let started =
            Command::new(&self.0).args(what).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(mut child) = started else { return false };
        let until = Instant::now() + LONGEST;
        while Instant::now() < until {
            if let Ok(Some(status)) = child.try_wait() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }

    /// Removes by force what carries the label of these marks.
    pub fn sweep(&self, whose: impl Fn(&Mark) -> bool) -> usize {
        let format = format!("--format={{{{.ID}}}} {{{{.Label \"{LABEL}\"}}}}");
        let filter = format!("--filter=label={LABEL}");
        let listed = Command::new(&self.0).args(["ps", "--all", &filter, &format]).stdin(Stdio::null()).output();
        let Ok(listed) = listed else { return 0 };
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let ours = text.lines().filter_map(|line| {
            let (id, mark) = line.split_once(' ')?;
            whose(&mark.trim().parse().ok()?).then_some(id)
        });
        ours.filter(|id| self.ask(&["rm", "--force", id])).count()
    }
}

/// A container by its name.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub engine: Engine,
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_names_of_variables_and_no_values() {
        let environment = BTreeMap::from([("CLAY_API_KEY".to_owned(), "of nobody".to_owned())]);
        let command = ["serve".to_owned()];
        let image =
            Image { image: "shop:1", command: &command, environment: &environment, folder: Path::new("/scratch") };
        let mark = Mark::own();
        let program = Engine(PathBuf::from("/bin/docker")).run(&image, "gonogo-1", &mark, PathBuf::from("/"));
        let label = format!("--label=gonogo.exercise={mark}");
        let expected = [
            "/bin/docker",
            "run",
            "--rm",
            "--name=gonogo-1",
            &label,
            "--network=host",
            "--volume=/scratch:/scratch",
            "--env=CLAY_API_KEY",
            "--env=GONOGO_EXERCISE",
            "shop:1",
            "serve",
        ];
        assert_eq!(program.command, expected);
        assert_eq!(program.environment, environment);
    }
}
