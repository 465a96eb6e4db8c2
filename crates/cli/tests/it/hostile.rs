//! Bad and hostile input: a clear answer, in bounded time and memory, and nothing is run or written.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::support::{PROBED, Repository, Run, TODAY, call, gonogo, run, unready};

#[test]
fn what_is_no_folder_is_refused() {
    let repository = Repository::of(&[("deploy.yaml", PROBED)]);
    let file = repository.at("deploy.yaml");
    call(&["review", &file.to_string_lossy()]).fails_with(2, &["is not a folder"]);
    call(&["review", "no/such/folder"]).fails_with(2, &["no/such/folder does not exist"]);
}

#[test]
fn an_empty_folder_is_no_pass() {
    Repository::of(&[]).review(&[]).fails_with(2, &["holds no file to review"]);
}

#[test]
fn a_repository_without_a_service_is_no_pass() {
    let repository = Repository::of(&[("notes.txt", "nothing\n"), ("docs/a.md", "# A\n")]);
    repository.review(&[]).fails_with(2, &["no deployable unit was found", "(2 files)", "[service.NAME]"]);
}

#[test]
fn every_error_of_the_configuration_is_shown_at_its_place() {
    let configuration =
        "[policy]\nwaiver_day = 3\n\n[service.shop]\ntier = 7\n\n[[waiver]]\ncheck = \"health.readines\"\n";
    let repository = Repository::of(&[("deploy.yaml", PROBED), ("gonogo.toml", configuration)]);
    repository.review(&[]).fails_with(
        2,
        &[
            "nothing was reviewed",
            "gonogo.toml:2: unknown key `waiver_day`; did you mean `waiver_days`?",
            "    2 | waiver_day = 3\n      | ^",
            "gonogo.toml:5: `tier` is none of 1, 2, 3",
            "gonogo.toml:7: `approver` is missing",
            "gonogo.toml:8: there is no check `health.readines`; did you mean `health.readiness`?",
        ],
    );
}

#[test]
fn a_configuration_that_is_no_toml_is_one_error() {
    let repository = Repository::of(&[("deploy.yaml", PROBED), ("gonogo.toml", "[service.shop\n")]);
    repository.review(&[]).fails_with(2, &["gonogo.toml has 1 error(s)", "gonogo.toml:1"]);
}

#[test]
fn the_configuration_cannot_act_on_the_terminal() {
    let repository = Repository::of(&[("deploy.yaml", PROBED), ("gonogo.toml", "\"\\u001b[2J\u{9b}x\" = 1\n")]);
    let run = repository.review(&[]);
    assert_eq!(run.code, 2);
    assert!(!run.err.chars().any(|letter| letter.is_control() && letter != '\n'), "{:?}", run.err);
}

/// Reviews under a limit of memory; fails unless it answers in time with a decision.
#[track_caller]
fn answers(repository: &Repository) -> Run {
    let begun = Instant::now();
    // One arena, so that the limit bounds what is used and not what threads reserve.
    let script = "ulimit -v 1500000; exec \"$0\" review \"$1\" --json --as-of \"$2\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_gonogo")]).arg(repository.path()).arg(TODAY);
    let run = run(command.env("MALLOC_ARENA_MAX", "1"));
    assert!(matches!(run.code, 0 | 1 | 3), "{}: {}", run.code, run.err);
    // A debug build on a busy machine; what has no bound does not come near.
    assert!(begun.elapsed() < Duration::from_mins(1), "it took {:?}", begun.elapsed());
    run
}

/// Beside this file, a service is still found and judged; the answer says that the file could not be read.
#[track_caller]
fn unread(path: &str, bytes: impl AsRef<[u8]>) {
    let repository = Repository::of(&[("deploy.yaml", &unready())]);
    repository.write(path, bytes);
    let run = answers(&repository);
    let report: serde_json::Value = serde_json::from_str(&run.out).expect("a report");
    assert_eq!(report["services"][0]["name"], "shop");
    let unread = report["unread"].to_string();
    assert!(unread.contains(path), "{path} is not among what could not be read: {unread}");
}

/// The same for a file that is understood, at whatever cost its writer hoped for.
#[track_caller]
fn survived(path: &str, bytes: impl AsRef<[u8]>) {
    let repository = Repository::of(&[("deploy.yaml", &unready())]);
    repository.write(path, bytes);
    assert!(answers(&repository).out.contains("\"shop\""));
}

#[test]
fn a_bomb_of_aliases_is_defused() {
    let mut bomb = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\na0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        let _ = writeln!(bomb, "a{level}: &a{level} [{aliases}]");
    }
    survived("bomb.yaml", bomb);
}

#[test]
fn deep_nesting_is_refused() {
    unread(
        "deep.yaml",
        format!("apiVersion: apps/v1\nkind: Deployment\nspec: {}{}\n", "[".repeat(100_000), "]".repeat(100_000)),
    );
    survived("openapi.json", format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000)));
    survived("main.tf", format!("a = {}{}\n", "[".repeat(100_000), "]".repeat(100_000)));
    survived("Cargo.toml", format!("a = {}{}\n", "[".repeat(100_000), "]".repeat(100_000)));
    survived("pom.xml", format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000)));
    survived("README.md", format!("{}{}", ">".repeat(50_000), "[".repeat(50_000)));
    survived(
        "rules.yaml",
        format!(
            "groups: [{{name: a, rules: [{{alert: A, expr: \"{}1{}\"}}]}}]\n",
            "(".repeat(100_000),
            ")".repeat(100_000)
        ),
    );
}

#[test]
fn entities_of_xml_do_not_multiply() {
    let mut bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE project [\n<!ENTITY a0 \"lol\">\n".to_owned();
    for level in 1..12 {
        let inner = format!("&a{};", level - 1).repeat(10);
        let _ = writeln!(bomb, "<!ENTITY a{level} \"{inner}\">");
    }
    bomb.push_str("<!ENTITY f SYSTEM \"file:///etc/passwd\">\n]>\n<project>&a11;&f;</project>\n");
    let repository = Repository::of(&[("deploy.yaml", &unready()), ("pom.xml", &bomb)]);
    assert!(!answers(&repository).out.contains("root:"));
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let repository = Repository::of(&[
        ("deploy.yaml", &unready()),
        ("chart/Chart.yaml", "apiVersion: v2\nname: bomb\nversion: 1.0.0\n"),
        ("chart/templates/_a.tpl", "{{- define \"a\" }}{{ include \"a\" . }}{{ include \"a\" . }}{{ end }}"),
        (
            "chart/templates/a.yaml",
            "a: {{ include \"a\" . }}\nb: {{ range until 1000000000 }}x{{ end }}\nc: {{ repeat 1000000000 \"x\" }}\n",
        ),
    ]);
    answers(&repository);
}

#[test]
fn kustomizations_that_include_each_other_are_stopped() {
    let repository = Repository::of(&[
        ("deploy.yaml", &unready()),
        ("a/kustomization.yaml", "resources: [../b, ../../../../../../etc]\n"),
        ("b/kustomization.yaml", "resources: [../a]\n"),
    ]);
    answers(&repository);
}

#[test]
fn contents_that_are_no_text_are_reported() {
    unread("binary.yaml", b"apiVersion: apps/v1\nkind: Deployment\n\xff\xfe\x00\x01\x02name: x\n");
    survived("Dockerfile", b"FROM alpine\n\xc3\x28\xa0\xa1RUN \xff\n");
    survived("README.md", b"# \xf0\x28\x8c\x28\n");
    survived("a.sql", b"CREATE TABLE \xff\x00;");
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_survived() {
    use std::os::unix::ffi::OsStrExt as _;
    let repository = Repository::of(&[("deploy.yaml", &unready())]);
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9-\xff.yaml");
    fs::write(repository.path().join(name), "kind: [\n").expect("a file can be written");
    answers(&repository);
}

#[test]
fn a_file_of_a_gigabyte_is_not_read() {
    let repository = Repository::of(&[("deploy.yaml", &unready())]);
    for name in ["huge.yaml", "Dockerfile", "huge.json", "package-lock.json"] {
        File::create(repository.at(name)).and_then(|file| file.set_len(1 << 30)).expect("a sparse file can be made");
    }
    let run = answers(&repository);
    assert!(run.out.contains("larger than"), "{}", run.out);
}

#[test]
fn a_long_line_and_many_documents_are_survived() {
    survived("line.yaml", format!("a: \"{}\"\n", "x".repeat(4 << 20)));
    survived("many.yaml", "---\nkind: ConfigMap\nmetadata: {name: a}\n".repeat(20_000));
    survived("wide.sh", format!("{}\n", "a|".repeat(200_000)));
    survived("Makefile", format!("all:\n\t{}\n", "$(MAKE) ".repeat(50_000)));
}

#[cfg(unix)]
#[test]
fn pipes_and_links_are_left_alone() {
    use std::os::unix::fs::symlink;
    let outside = Repository::of(&[("secret.yaml", &unready().replace("shop", "outsider"))]);
    let repository = Repository::of(&[("deploy.yaml", &unready())]);
    for name in ["pipe.yaml", "Dockerfile", "gonogo.yaml"] {
        let made = run(Command::new("mkfifo").arg(repository.at(name)));
        assert_eq!(made.code, 0, "{}", made.err);
    }
    symlink(".", repository.at("circle")).expect("a link can be made");
    symlink("circle", repository.at("self.yaml")).expect("a link can be made");
    symlink(repository.at("loop.yaml"), repository.at("loop.yaml")).expect("a link can be made");
    symlink(outside.path(), repository.at("outside")).expect("a link can be made");
    symlink(outside.at("secret.yaml"), repository.at("secret.yaml")).expect("a link can be made");
    symlink("/dev/zero", repository.at("zero.yaml")).expect("a link can be made");
    let run = answers(&repository);
    assert!(!run.out.contains("outsider"), "a link was followed");
}

#[cfg(unix)]
#[test]
fn a_configuration_that_is_a_pipe_does_not_block() {
    let repository = Repository::of(&[("deploy.yaml", &unready())]);
    let made = run(Command::new("mkfifo").arg(repository.at("gonogo.toml")));
    assert_eq!(made.code, 0, "{}", made.err);
    answers(&repository);
}

/// Everything in a folder: kind, bytes and time of change.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, Option<std::time::SystemTime>)> {
    let mut seen = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read").flatten() {
            let meta = entry.metadata().expect("an entry has metadata");
            if meta.is_dir() {
                folders.push(entry.path());
                seen.insert(entry.path(), (Vec::new(), meta.modified().ok()));
            } else {
                seen.insert(entry.path(), (fs::read(entry.path()).unwrap_or_default(), meta.modified().ok()));
            }
        }
    }
    seen
}

#[test]
fn a_review_writes_nothing_and_runs_nothing() {
    let trap = "touch \"$(git rev-parse --show-toplevel 2>/dev/null || pwd)/trapped\"\n";
    let repository = Repository::of(&[
        ("deploy.yaml", &unready()),
        ("Makefile", &format!("$(shell {})\nall:\n\t{trap}", trap.trim())),
        ("package.json", "{\"name\":\"a\",\"scripts\":{\"preinstall\":\"touch trapped\",\"test\":\"touch trapped\"}}"),
        ("setup.py", "open('trapped', 'w')\n"),
        ("build.rs", "fn main() { std::fs::write(\"trapped\", \"\").unwrap(); }\n"),
        ("chart/Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
        ("chart/templates/a.yaml", "a: {{ .Files.Get \"../../../../etc/hostname\" }}\n"),
    ]);
    repository.commit("2026-11-20");
    // Settings of git that name programs to run.
    let settings = format!(
        "{}\n[core]\n\tfsmonitor = touch trapped; false\n\tsshCommand = touch trapped\n[filter \"x\"]\n\tsmudge = touch trapped\n\tclean = touch trapped\n[diff]\n\texternal = touch trapped\n",
        repository.read(".git/config")
    );
    repository.write(".git/config", settings);
    repository.write(".gitattributes", "* filter=x\n");
    let before = snapshot(repository.path());
    let elsewhere = Repository::of(&[]);
    let mut command = gonogo();
    command.args(["review", "--as-of", TODAY, "--since", "HEAD", "--verbose"]).arg(repository.path());
    let first = run(command.current_dir(elsewhere.path()));
    assert!(matches!(first.code, 1 | 3), "{}", first.err);
    let mut command = gonogo();
    let second = run(command.args(["review", ".", "--as-of", TODAY]).current_dir(repository.path()));
    assert!(matches!(second.code, 1 | 3), "{}", second.err);
    assert!(before == snapshot(repository.path()), "the repository was changed");
    assert!(snapshot(elsewhere.path()).is_empty(), "something was written to the working folder");
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let repository = Repository::of(&[("deploy.yaml", PROBED)]);
    repository
        .review(&["--format", "json=no/such/folder/report.json"])
        .fails_with(2, &["no/such/folder/report.json could not be written"]);
}

#[test]
fn ignored_files_are_not_reviewed() {
    let other = unready().replace("shop", "till");
    let repository = Repository::of(&[
        ("deploy.yaml", PROBED),
        ("old/deploy.yaml", &other),
        ("tmp/deploy.yaml", &other.replace("till", "scratch")),
        (".gonogoignore", "old/\n"),
        (".gitignore", "tmp/\n"),
    ]);
    let report = repository.report(&[]);
    let names: Vec<_> = report["services"].as_array().expect("services").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["shop"]);
}
