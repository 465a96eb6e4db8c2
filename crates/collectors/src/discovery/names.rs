//! Names of the same thing in manifests, folders and images, and how they are compared.

/// A name as it is compared: letters and digits only, in lower case.
pub(crate) fn normal(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// `rs-cart` is `cart` with a project's prefix.
pub(crate) fn ends_with_word(name: &str, word: &str) -> bool {
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    (1..parts.len()).any(|start| parts.get(start..).is_some_and(|rest| normal(&rest.concat()) == word))
}

/// Folders whose name says what kind of thing lies in them, not whose.
pub(crate) fn generic_folder(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "." | "docker"
            | "dockerfiles"
            | "dockerfile"
            | "image"
            | "images"
            | "container"
            | "containers"
            | "build"
            | "builds"
            | "package"
            | "packages"
            | "packaging"
            | "deploy"
            | "deployment"
            | "deployments"
            | "src"
            | "source"
            | "ci"
            | "release"
            | "dist"
            | "ops"
            | "infra"
            | "infrastructure"
            | "config"
            | "cmd"
            | "app"
            | "application"
            | "main"
            | "root"
            | "prod"
            | "production"
            | "dev"
            | "local"
            | "services"
            | "apps"
            | "code"
            | "project"
            | ".docker"
            | "oci"
            | "cross"
            | "linux"
            | "amd64"
            | "bin"
            | "k8s"
            | "kubernetes"
            // Systems that a program is packed for.
            | "alpine"
            | "debian"
            | "ubuntu"
            | "distroless"
            | "scratch"
            | "rhel"
            | "redhat"
            | "ubi"
            | "ubi8"
            | "ubi9"
            | "centos"
            | "fedora"
            | "rockylinux"
            | "almalinux"
            | "windows"
            | "nanoserver"
            | "rpm"
            | "deb"
    )
}

/// Words behind `Dockerfile.` that say how, not what, is built.
pub(crate) fn variant(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let words = [
        "debug",
        "dev",
        "development",
        "prod",
        "production",
        "local",
        "test",
        "tests",
        "testing",
        "ci",
        "cross",
        "prebuilt",
        "alpine",
        "debian",
        "ubuntu",
        "ubi",
        "ubi8",
        "ubi9",
        "distroless",
        "scratch",
        "slim",
        "arm",
        "arm64",
        "amd64",
        "arm32v7",
        "arm64v8",
        "armhf",
        "ppc64le",
        "s390x",
        "x86_64",
        "windows",
        "linux",
        "nanoserver",
        "multi-arch",
        "multiarch",
        "multi-stage",
        "multistage",
        "buildx",
        "build",
        "builder",
        "release",
        "fips",
        "boringcrypto",
        "base",
        "e2e",
        "e2e-tests",
        "integration",
        "tilt",
        "native",
        "jvm",
        "legacy-jar",
        "native-micro",
        "goreleaser",
        "coverage",
        "static",
        "cuda",
        "gpu",
        "cpu",
        "rootless",
        "nonroot",
        "nightly",
        "staging",
        "stage",
        "fast",
        "quick",
        "hot",
        "live",
        "air",
        "lambda",
        "dapper",
        "cache",
        "deps",
        "dev-tools",
        "lint",
        "docs",
        "redhat",
        "rhel",
        "rocm",
    ];
    words.contains(&word.as_str()) || word.split(['-', '_', '.']).all(|part| words.contains(&part))
}

/// A part of a path says that what lies below helps to make the product and is no part of it.
pub(crate) fn tooling_folder(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        ".devcontainer"
            | "devcontainer"
            | ".gitpod"
            | ".github"
            | ".husky"
            | ".gitlab"
            | ".circleci"
            | ".ci"
            | "ci"
            | "hack"
            | "tools"
            | "tool"
            | "devtools"
            | "dev-tools"
            | "devenv"
            | "dev"
            | "debug"
            | "scripts"
            | "script"
            | "build-tools"
            | "benchmark"
            | "benchmarks"
            | "bench"
            | "perf"
            | "loadtest"
            | "load-test"
            | "load-tests"
            | "xtask"
            | ".buildkite"
            | ".cloudbuild"
            | "codegen"
            | "test-utils"
            | "sandbox"
            | "playground"
            | "docs"
            | "doc"
            | "website"
            | "documentation"
            | ".vscode"
            | "experiments"
            | "local-dev"
            | "testenv"
            | "test-env"
    ) || name.ends_with("-build-image")
        || name.starts_with("dev-")
        || name.ends_with("-test") && !name.starts_with("ab-")
}

/// The tooling folder that a path lies in.
pub(crate) fn tooling(path: &str) -> Option<&str> {
    path.rsplit('/').skip(1).find(|part| tooling_folder(part))
}

/// A name without the words at its end that say how it was built: `server` of `server.alpine.rootless`.
pub(crate) fn without_variant(name: &str) -> &str {
    match name.rsplit_once(['-', '_', '.']) {
        Some((stem, word)) if variant(word) && !stem.is_empty() => without_variant(stem),
        _ => name,
    }
}
