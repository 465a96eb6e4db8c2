//! What is known about commands beyond what they are for: which do nothing, hide a failure, start a cluster.

use std::sync::OnceLock;

use regex::Regex;

use crate::pipelines::shell;

/// `bin/golangci-lint-v2.4.0 run` as `bin/golangci-lint run`: tools that are installed under their versions.
pub(super) fn without_version(line: &str) -> String {
    let bare = |(index, word): (usize, &str)| {
        let versioned = word.match_indices("-v").find(|(at, _)| {
            let rest = word.get(at + 2..).unwrap_or_default();
            rest.starts_with(|char: char| char.is_ascii_digit()) && rest.contains('.') && !rest.contains('/')
        });
        let end = versioned.filter(|_| index == 0 || word.contains('/')).map_or(word.len(), |(at, _)| at);
        word.get(..end).unwrap_or(word).to_owned()
    };
    line.split(' ').enumerate().map(bare).collect::<Vec<_>>().join(" ")
}

/// Commands that print, move files or prepare the machine: their arguments are no commands of the project.
pub(super) fn quiet(command: &shell::Command) -> bool {
    let name = command.name().rsplit('/').next().unwrap_or_default();
    let first = command.words.get(1).map_or("", String::as_str);
    match name {
        "npm" | "pnpm" | "yarn" | "bun" | "pip" | "pip3" | "pipx" | "gem" | "cargo" | "composer" | "conda"
        | "mamba" | "poetry" | "uv" | "pdm" | "bundle" | "deno" => {
            matches!(
                first,
                "install"
                    | "i"
                    | "ci"
                    | "add"
                    | "require"
                    | "global"
                    | "get"
                    | "sync"
                    | "config"
                    | "cache"
                    | "login"
                    | "init"
                    | "fetch"
                    | "update"
                    | "upgrade"
                    | "tool"
                    | "link"
                    | "set"
                    | "version"
                    | "-v"
                    | "--version"
            ) && !command.words.iter().any(|word| word == "audit" || word == "publish")
        }
        "go" => matches!(first, "install" | "get" | "mod" | "env" | "version" | "list" | "clean"),
        "git" => first != "push" && first != "secrets",
        "gh" | "glab" => first != "release",
        "docker" => matches!(first, "login" | "logout" | "pull" | "ps" | "logs" | "inspect" | "images" | "rm" | "tag"),
        "dotnet" => matches!(first, "tool" | "restore" | "add"),
        _ => QUIET.contains(&name),
    }
}

const QUIET: &[&str] = &[
    "echo",
    "printf",
    ":",
    "true",
    "false",
    "mkdir",
    "rmdir",
    "rm",
    "cp",
    "mv",
    "ln",
    "ls",
    "cat",
    "head",
    "tail",
    "tee",
    "grep",
    "egrep",
    "fgrep",
    "rg",
    "sed",
    "awk",
    "gawk",
    "jq",
    "yq",
    "tr",
    "cut",
    "sort",
    "uniq",
    "wc",
    "sleep",
    "wait",
    "kill",
    "date",
    "printenv",
    "export",
    "unset",
    "set",
    "shopt",
    "test",
    "[",
    "[[",
    "chmod",
    "chown",
    "touch",
    "tar",
    "unzip",
    "zip",
    "gzip",
    "gunzip",
    "which",
    "type",
    "hash",
    "uname",
    "hostname",
    "whoami",
    "id",
    "pwd",
    "read",
    "let",
    "local",
    "declare",
    "return",
    "exit",
    "trap",
    "umask",
    "ulimit",
    "apt",
    "apt-get",
    "apk",
    "yum",
    "dnf",
    "brew",
    "choco",
    "pacman",
    "snap",
    "diff",
    "md5sum",
    "sha256sum",
    "base64",
    "openssl",
    "gpg",
    "ssh-keygen",
    "ssh-add",
    "ssh-keyscan",
    "basename",
    "dirname",
    "popd",
    "readonly",
    "shift",
    "break",
    "continue",
    "envsubst",
    "seq",
    "cmp",
    "alias",
    "getopts",
    "tput",
    "clear",
    "nproc",
    "df",
    "du",
    "free",
    "ps",
    "ip",
    "getent",
    "update-alternatives",
    "setx",
    "Write-Host",
    "Write-Output",
    "install",
    "fold",
    "paste",
    "column",
    "rev",
    "stat",
    "file",
    "realpath",
    "readlink",
    "mktemp",
    "cosign-installer",
    "addgroup",
    "adduser",
    "usermod",
    "modprobe",
    "sysctl",
    "swapoff",
    "codesign",
    "man",
    "yes",
    "expr",
    "od",
    "xxd",
    "strings",
    "less",
    "more",
];

/// Options that make a tool succeed whatever it finds.
pub(super) fn hides_failure(command: &shell::Command) -> bool {
    command.words.iter().any(|word| {
        let word = word.as_str();
        matches!(
            word,
            "--passWithNoTests"
                | "--pass-with-no-tests"
                | "--exit-zero"
                | "--soft-fail"
                | "-no-fail"
                | "--no-fail"
                | "--fail-never"
                | "-Dmaven.test.failure.ignore"
                | "-Dmaven.test.failure.ignore=true"
                | "-DtestFailureIgnore=true"
                | "--exit-code=0"
        )
    }) || command.words.windows(2).any(|pair| matches!(pair, [flag, code] if flag == "--exit-code" && code == "0"))
        || (command.name() == "make" && command.words.iter().any(|word| word == "-i" || word == "--ignore-errors"))
}

/// The line starts a cluster on the machine that runs the job.
pub(super) fn starts_cluster(line: &str) -> bool {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    PATTERN
        .get_or_init(|| {
            Regex::new(
                r"(?i-u)\b(kind create cluster|k3d cluster create|minikube start|microk8s (start|install)|ctlptl create|kind-action|setup-kind|setup-minikube|k3d-action|setup-k3d|get\.k3s\.io|k3s server|actions-k3s|setup-k3s|kubernetes_e2e_tests|envtest)\b",
            )
            .ok()
        })
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(line))
}
