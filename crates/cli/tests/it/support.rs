//! Small repositories on disk, and the binary run on them as its users run it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// The day on which the tests judge.
pub(crate) const TODAY: &str = "2026-11-22";

/// A Deployment that serves a port, with probes of its own for readiness and liveness.
pub(crate) const PROBED: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: production}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
        - name: shop
          image: registry.example/shop:1.4.2
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /ready, port: 8080}}
          livenessProbe: {httpGet: {path: /live, port: 8080}}
";

/// The same without a readiness probe.
pub(crate) fn unready() -> String {
    PROBED.split_inclusive('\n').filter(|line| !line.contains("readinessProbe")).collect()
}

/// A folder that goes away with the test.
#[derive(Debug)]
pub(crate) struct Repository(TempDir);

impl Repository {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let repository = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        for (path, text) in files {
            repository.write(path, text);
        }
        repository
    }

    /// A folder as a repository of its own, without what a build or an exercise has left in it.
    pub(crate) fn copy(root: &Path) -> Self {
        let repository = Self::of(&[]);
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("the folder is there").flatten() {
                let path = entry.path();
                let inner = path.strip_prefix(root).expect("it lies in the folder").to_str().expect("its name is text");
                if !path.is_dir() {
                    repository.write(inner, fs::read(&path).expect("it can be read"));
                } else if inner != "target" && inner != ".gonogo" {
                    folders.push(path);
                }
            }
        }
        repository
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let file = self.at(path);
        fs::create_dir_all(file.parent().expect("a file lies in a folder")).expect("a folder can be made");
        fs::write(file, text).expect("a file can be written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).expect("the file is there")
    }

    /// `gonogo review` of this repository on the day of the tests.
    pub(crate) fn review(&self, arguments: &[&str]) -> Run {
        self.review_with(arguments, &[])
    }

    pub(crate) fn review_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let mut command = gonogo();
        command.arg("review").arg(self.path()).args(["--as-of", TODAY, "--color", "never"]).args(arguments);
        command.envs(environment.iter().copied());
        run(&mut command)
    }

    /// The JSON report.
    pub(crate) fn report(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = ["--json"].iter().chain(arguments).copied().collect();
        let run = self.review(&arguments);
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("no JSON ({error}): {}{}", run.out, run.err))
    }

    /// Makes a commit of everything that is there.
    pub(crate) fn commit(&self, day: &str) {
        if !self.at(".git").exists() {
            self.git(&["init", "--quiet", "--initial-branch=main"], day);
        }
        self.git(&["add", "--all"], day);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "a change"], day);
    }

    fn git(&self, arguments: &[&str], day: &str) {
        let when = format!("{day}T12:00:00Z");
        let run = run(Command::new("git")
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.path())
            .envs([("GIT_AUTHOR_DATE", when.as_str()), ("GIT_COMMITTER_DATE", when.as_str())])
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")]));
        assert_eq!(run.code, 0, "git {arguments:?}: {}", run.err);
    }
}

/// What a run of a program left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Fails unless the program ended with this code and wrote all of these to standard error.
    #[track_caller]
    pub(crate) fn fails_with(&self, code: i32, sentences: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        for sentence in sentences {
            assert!(self.err.contains(sentence), "`{sentence}` is not in:\n{}", self.err);
        }
    }
}

/// The binary, without what the environment of the developer would change.
pub(crate) fn gonogo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gonogo"));
    command.env_remove("NO_COLOR").env_remove("RAYON_NUM_THREADS").stdin(Stdio::null());
    command.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    command
}

/// `gonogo` with these arguments.
pub(crate) fn call(arguments: &[&str]) -> Run {
    run(gonogo().args(arguments))
}

pub(crate) fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("what is printed is UTF-8"),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The check of this id in the only service of a JSON report.
pub(crate) fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    let services = report["services"].as_array().expect("a report has services");
    assert_eq!(services.len(), 1, "one service was to be found");
    services[0]["checks"]
        .as_array()
        .and_then(|checks| checks.iter().find(|check| check["id"] == id))
        .unwrap_or_else(|| panic!("{id} was not judged"))
}
