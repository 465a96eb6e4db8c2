//! How an image is built: its base, its user, and what is left in it.

use gonogo_domain::{
    Finding, Place,
    evidence::{Healthcheck, ImageBuild, ImageRef, Instruction, InstructionKind, Purpose, Stage},
    purposes,
};

/// The user that the program of an image runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    Root,
    /// Another than root.
    Other,
    /// The base image decides, and it is not known.
    Unknown,
}

/// What is settled where the image runs.
pub(crate) struct Around {
    /// Every container that runs it is kept from root there.
    pub(crate) non_root_enforced: bool,
    /// Kubernetes is asked to verify that the user is not root, and is given no number.
    pub(crate) verified_without_number: Option<Place>,
    /// A file of environment variables lies in the folder that the build sees.
    pub(crate) environment_file: bool,
    /// No probe and no health check asks the container where it runs.
    pub(crate) nothing_asks_for_health: bool,
}

/// What is wrong with how an image is built, each at its line.
pub(crate) fn findings(build: &ImageBuild, around: &Around) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(build.stages.iter().filter_map(|stage| base(build, stage)));
    findings.extend(ends_as_root(build, around));
    findings.extend(tools_left(build));
    findings.extend(build.stages.iter().flat_map(|stage| &stage.instructions).filter_map(local_add));
    findings.extend(context(build, around));
    findings.extend(build.final_instructions().filter_map(package_cache));
    findings.extend(health(build, around));
    findings
}

/// The last USER of the final stages.
fn stated_user(build: &ImageBuild) -> Option<(String, Place)> {
    build.effective(|instruction| match &instruction.kind {
        InstructionKind::User(user) => Some((user.clone(), instruction.place.clone())),
        _ => None,
    })
}

/// The user that its program runs as.
pub(crate) fn user(build: &ImageBuild) -> User {
    match stated_user(build) {
        _ if build.switches_user.is_some() => User::Other,
        Some((user, _)) => match user.split(':').next().unwrap_or_default().trim() {
            "0" | "root" => User::Root,
            name if name.contains('$') => User::Unknown,
            _ => User::Other,
        },
        None => build.final_base().map_or(User::Unknown, |base| base_user(&base.value)),
    }
}

/// The user of a base image, as its publisher documents it.
fn base_user(base: &ImageRef) -> User {
    if base.templated {
        return User::Unknown;
    }
    let (repository, tag) = (base.repository.as_str(), base.tag.as_deref().unwrap_or_default());
    let name = repository.rsplit('/').next().unwrap_or(repository);
    let from = |prefix: &str| repository.starts_with(prefix);
    let non_root = tag.contains("nonroot")
        || name.contains("nonroot")
        || name.contains("unprivileged")
        || tag.contains("rootless")
        || from("cgr.dev/")
        || from("dhi.io/")
        || from("docker.io/bitnami/")
        || from("bitnami/")
        || (from("mcr.microsoft.com/dotnet/") && (tag.contains("chiseled") || tag.contains("distroless")))
        || (from("registry.access.redhat.com/ubi")
            && !name.starts_with("ubi")
            && !from("registry.access.redhat.com/ubi9/ubi"));
    if non_root {
        return User::Other;
    }
    let official = !repository.contains('/') || from("docker.io/library/") || from("library/");
    let known_root = official
        || from("gcr.io/distroless/")
        || from("mcr.microsoft.com/")
        || from("public.ecr.aws/docker/library/")
        || from("registry.access.redhat.com/");
    if known_root { User::Root } else { User::Unknown }
}

fn ends_as_root(build: &ImageBuild, around: &Around) -> Option<Finding> {
    let stated = stated_user(build);
    let name = stated.as_ref().map(|(user, _)| user.split(':').next().unwrap_or_default().trim().to_owned());
    if let (Some(flag), Some((_, place)), Some(name)) = (&around.verified_without_number, &stated, &name)
        && user(build) == User::Other
        && name.parse::<u32>().is_err()
    {
        return Some(
            Finding::new(
                place,
                format!("USER {name} is a name: Kubernetes cannot verify runAsNonRoot and refuses to start it"),
                format!("USER {name} 是名称：Kubernetes 无法验证 runAsNonRoot，将拒绝启动"),
            )
            .also(flag, "runAsNonRoot without runAsUser", "runAsNonRoot 未配 runAsUser"),
        );
    }
    if user(build) != User::Root || around.non_root_enforced {
        return None;
    }
    Some(match (stated, build.final_base()) {
        (Some((user, place)), _) => {
            Finding::new(&place, format!("the image ends on USER {user}"), format!("镜像最终用户为 {user}"))
        }
        (None, Some(base)) => Finding::new(
            &base.place,
            format!("no USER: a container of {} starts as root", base.value.text),
            format!("未设置 USER：{} 的容器以 root 启动", base.value.text),
        ),
        (None, None) => Finding::new(&build.place, "no USER: it starts as root", "未设置 USER：以 root 启动"),
    })
}

/// Official images that are published in variants; without one the operating system below changes with time.
const IN_VARIANTS: &[&str] =
    &["node", "python", "golang", "ruby", "php", "rust", "openjdk", "eclipse-temurin", "perl", "elixir"];
/// Words of tags that name a release.
const RELEASES: &[&str] = &[
    "bookworm",
    "bullseye",
    "buster",
    "trixie",
    "forky",
    "jammy",
    "noble",
    "focal",
    "nonroot",
    "windowsservercore",
    "nanoserver",
];

fn base(build: &ImageBuild, stage: &Stage) -> Option<Finding> {
    let image = &stage.base.value;
    if stage.base_stage.is_some() || image.templated || image.digest.is_some() || image.text == "scratch" {
        return None;
    }
    let is_final = build.final_base().is_some_and(|base| base.place == stage.base.place);
    let text = &image.text;
    let (en, zh) = match image.tag.as_deref() {
        None => (format!("base image {text} has no tag"), format!("基础镜像 {text} 没有标签")),
        Some("latest") => (format!("base image {text} changes with time"), format!("基础镜像 {text} 会随时间变化")),
        Some(tag) if !names_release(tag) => {
            (format!("base image {text} is pinned to no minor version"), format!("基础镜像 {text} 未固定到次版本"))
        }
        Some(tag) => {
            let name = image.repository.trim_start_matches("docker.io/").trim_start_matches("library/");
            let plain = tag.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
            if !(is_final && plain && IN_VARIANTS.contains(&name)) {
                return None;
            }
            (
                format!("base image {text} names no variant: the system below it changes with time"),
                format!("基础镜像 {text} 未指明变体，其底层系统会随时间变化"),
            )
        }
    };
    Some(Finding::new(&stage.base.place, en, zh))
}

/// The tag names a minor version, a day, a commit, or a release of a distribution.
fn names_release(tag: &str) -> bool {
    let lower = tag.to_ascii_lowercase();
    let minor = lower.split(['-', '_', '+']).any(|part| {
        let part = part.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
        let mut numbers = part.split('.');
        let digits =
            |text: Option<&str>| text.is_some_and(|text| text.starts_with(|letter: char| letter.is_ascii_digit()));
        digits(numbers.next()) && digits(numbers.next())
    });
    let long = lower.split(['-', '_', '.']).any(|part| {
        part.len() >= 6
            && part.chars().all(|letter| letter.is_ascii_hexdigit())
            && part.contains(|letter: char| letter.is_ascii_digit())
    });
    minor || long || RELEASES.iter().any(|word| lower.split(['-', '_']).any(|part| part == *word))
}

/// Why an image that is run can change under the same name.
pub(crate) fn unpinned_at_run_time(image: &ImageRef) -> Option<(String, String)> {
    if image.templated || image.digest.is_some() {
        return None;
    }
    let text = &image.text;
    match image.tag.as_deref() {
        None => Some((format!("image {text} has no tag"), format!("镜像 {text} 没有标签"))),
        Some(tag) if moving(tag) => {
            Some((format!("image {text} changes under the same name"), format!("镜像 {text} 的内容会变化")))
        }
        Some(_) => None,
    }
}

/// Tags that are moved by habit.
pub(crate) fn moving(tag: &str) -> bool {
    matches!(tag, "latest" | "stable" | "edge" | "main" | "master" | "dev" | "develop" | "nightly" | "head" | "HEAD")
}

/// Compilers and package tools that stay in the image, because it is built in one stage.
fn tools_left(build: &ImageBuild) -> Option<Finding> {
    const SDKS: &[&str] = &["golang", "rust", "maven", "gradle", "dotnet/sdk", "gcc", "haskell", "swift"];
    let base = build.final_base()?;
    let repository = base.value.repository.as_str();
    let sdk = SDKS
        .iter()
        .any(|name| repository == *name || repository.strip_suffix(name).is_some_and(|rest| rest.ends_with('/')))
        && !base.value.tag.as_deref().unwrap_or_default().contains("runtime");
    let copies = build.final_instructions().any(|one| matches!(&one.kind, InstructionKind::Copy { from: Some(_), .. }));
    let message = |place: &Place| {
        Finding::new(
            place,
            "the tools that build it stay in the image: build in one stage, copy into another",
            "构建工具留在了镜像中：应分阶段构建后再复制",
        )
    };
    if sdk {
        return Some(message(&base.place));
    }
    if copies {
        return None;
    }
    build
        .final_instructions()
        .find(|instruction| match &instruction.kind {
            InstructionKind::Run(text) => installs_compiler(text) || compiles(text),
            _ => false,
        })
        .map(|instruction| message(&instruction.place))
}

fn compiles(text: &str) -> bool {
    [
        "go build",
        "go install",
        "cargo build",
        "mvn ",
        "gradlew ",
        "gradle build",
        "dotnet publish",
        "npm run build",
        "yarn build",
        "pnpm build",
    ]
    .iter()
    .any(|command| text.contains(command))
        && text.split(['\n', ';', '&']).any(|line| purposes(line.trim()).contains(&Purpose::Build))
}

fn installs_compiler(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let installs = text.contains("install") || text.contains("apk add");
    let removes = text.contains("purge") || text.contains("apk del") || text.contains("autoremove");
    installs
        && !removes
        && words.iter().any(|word| matches!(*word, "build-essential" | "gcc" | "g++" | "build-base" | "make"))
}

/// ADD unpacks and fetches; for a plain copy it only hides which of them was meant.
fn local_add(instruction: &Instruction) -> Option<Finding> {
    let InstructionKind::Add { sources, .. } = &instruction.kind else { return None };
    let special = |source: &String| {
        let lower = source.to_ascii_lowercase();
        let archive = [".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".txz", ".tbz", ".tar.zst", ".gz", ".xz"];
        lower.contains("://")
            || lower.starts_with("git@")
            || lower.contains('$')
            || archive.iter().any(|end| lower.ends_with(end))
    };
    let plain = sources.iter().find(|source| !special(source))?;
    Some(Finding::new(&instruction.place, format!("ADD {plain}: COPY is meant"), format!("ADD {plain}：应使用 COPY")))
}

/// The whole context is copied into the image, and nothing keeps history and environment files out of it.
fn context(build: &ImageBuild, around: &Around) -> Option<Finding> {
    let copy = build.final_instructions().find(|instruction| match &instruction.kind {
        InstructionKind::Copy { from: None, sources, .. } | InstructionKind::Add { sources, .. } => {
            sources.iter().any(|source| matches!(source.as_str(), "." | "./" | "/" | "*" | "./*"))
        }
        _ => false,
    })?;
    let Some(ignore) = &build.ignore_file else {
        return Some(Finding::new(
            &copy.place,
            "copies the whole folder into the image, and there is no .dockerignore",
            "将整个目录复制进镜像，且没有 .dockerignore",
        ));
    };
    let covers = |name: &str| {
        ignore.patterns.iter().any(|pattern| {
            let pattern = pattern.trim().trim_start_matches("**/").trim_start_matches('/').trim_end_matches('/');
            let pattern = pattern.trim_end_matches("/**").trim_end_matches("/*");
            pattern == name
                || matches!(pattern, "*" | "**" | ".*" | ".")
                || pattern.strip_suffix('*').is_some_and(|start| !start.is_empty() && name.starts_with(start))
        })
    };
    // Git's folder lies at the root of the repository only.
    let there = [(".git", build.context == "."), (".env", around.environment_file)];
    let missing: Vec<&str> =
        there.into_iter().filter(|(name, there)| *there && !covers(name)).map(|(name, _)| name).collect();
    if missing.is_empty() {
        return None;
    }
    let list = missing.join(", ");
    Some(
        Finding::new(
            &ignore.place,
            format!("{list} not kept out of an image that copies the whole folder"),
            format!("镜像复制整个目录，但未排除 {list}"),
        )
        .also(&copy.place, "copies the whole folder", "复制整个目录"),
    )
}

/// Lists and archives of a package manager that stay in the layer.
fn package_cache(instruction: &Instruction) -> Option<Finding> {
    let InstructionKind::Run(text) = &instruction.kind else { return None };
    if text.contains("--mount=type=cache") {
        return None;
    }
    let tool =
        if (text.contains("apt-get install") || text.contains("apt install") || text.contains("apt-get -y install"))
            && !text.contains("/var/lib/apt/lists")
        {
            "apt"
        } else if text.contains("apk add") && !text.contains("--no-cache") && !text.contains("/var/cache/apk") {
            "apk"
        } else if ["yum", "dnf", "microdnf"]
            .iter()
            .any(|tool| text.contains(&format!("{tool} install")) || text.contains(&format!("{tool} -y install")))
            && !text.contains("clean all")
            && !text.contains("/var/cache")
        {
            "dnf"
        } else {
            return None;
        };
    Some(Finding::new(
        &instruction.place,
        format!("the cache of {tool} stays in the layer"),
        format!("{tool} 的缓存留在了镜像层中"),
    ))
}

fn health(build: &ImageBuild, around: &Around) -> Option<Finding> {
    let checked = build
        .final_instructions()
        .any(|instruction| matches!(&instruction.kind, InstructionKind::Healthcheck(Healthcheck::Probe(_))));
    (around.nothing_asks_for_health && !checked).then(|| {
        Finding::new(
            &build.place,
            "no HEALTHCHECK, and compose has none for it either",
            "没有 HEALTHCHECK，compose 中也未配置",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tag: &str, expect: bool) {
        assert_eq!(names_release(tag), expect, "{tag}");
    }

    #[test]
    fn a_tag_names_a_release_by_minor_version_day_commit_or_code_name() {
        check("3.12-slim", true);
        check("3.20", true);
        check("v1.2.3", true);
        check("bookworm-slim", true);
        check("node20.11-alpine", true);
        check("20240115", true);
        check("9f3ab2c", true);
        check("nonroot", true);
        check("20", false);
        check("20-alpine", false);
        check("alpine", false);
        check("lts", false);
        check("slim", false);
        check("stable", false);
    }
}
