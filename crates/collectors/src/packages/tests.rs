//! Small repositories, and what is read of their packages.

use std::fmt::Write as _;

use crate::{Corpus, Tree};

/// One line a package and one a dependency, then the gaps.
fn check(files: &[(&str, &str)], expect: &str) {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let gathered = super::gather(&Corpus::read(&tree));
    let mut out = String::new();
    for package in &gathered.items {
        let name = package.name.as_deref().unwrap_or("?");
        let _ = write!(out, "{} {name} at {}", package.ecosystem.name(), package.place);
        if let Some(lockfile) = &package.lockfile {
            let _ = write!(out, ", locked by {lockfile}");
        }
        for (holds, word) in
            [(package.pinned_in_manifest, "pinned"), (package.program, "program"), (package.published, "published")]
        {
            if holds {
                let _ = write!(out, ", {word}");
            }
        }
        out.push('\n');
        for one in &package.dependencies {
            let version = one.version.as_deref().unwrap_or("?");
            let development = if one.development { " (dev)" } else { "" };
            let _ = writeln!(out, "  {}: {} {} -> {version}{development}", one.place, one.name, one.requirement);
        }
        for (name, command, place) in &package.scripts {
            let _ = writeln!(out, "  {place}: script {name} = {command}");
        }
    }
    for gap in &gathered.gaps {
        let _ = writeln!(out, "gap {}: {}", gap.place, gap.reason);
    }
    assert_eq!(out.trim_end(), expect.trim(), "got:\n{out}");
}

#[test]
fn a_go_module_has_its_direct_dependencies_at_their_versions() {
    check(
        &[
            (
                "a/go.mod",
                "module example.com/a\n\ngo 1.24\n\nrequire (\n\tgithub.com/lib/pq v1.10.9\n\tgithub.com/x/y/v2 v2.0.0 // indirect\n)\nrequire github.com/stretchr/testify v1.9.0\nreplace github.com/lib/pq v1.10.9 => github.com/me/pq v1.11.0\n",
            ),
            ("a/go.sum", ""),
            ("a/cmd/a/run.go", "package main"),
            ("a/lib/go.mod", "module example.com/a/lib"),
            ("a/lib/lib.go", "package lib"),
            (".bingo/go.mod", "module _"),
            ("b/go.mod", "go 1.24"),
        ],
        "
Go example.com/a at a/go.mod, locked by a/go.sum, program
  a/go.mod:6: github.com/lib/pq v1.10.9 -> v1.11.0
  a/go.mod:9: github.com/stretchr/testify v1.9.0 -> v1.9.0 (dev)
Go example.com/a/lib at a/lib/go.mod, pinned, published
gap b/go.mod: names no module",
    );
}

#[test]
fn a_go_program_is_told_by_its_layout() {
    check(
        &[("go.mod", "module a"), ("server.go", "// A server.\npackage main\n"), ("go.sum", "")],
        "Go a at go.mod, locked by go.sum, pinned, program",
    );
    check(
        &[
            ("go.mod", "module a"),
            ("a.go", "package a\n"),
            ("hack/gen/main.go", "package main"),
            ("vendor/modules.txt", ""),
        ],
        "Go a at go.mod, locked by vendor/modules.txt, pinned",
    );
}

#[test]
fn a_python_project_is_read_from_all_its_files() {
    check(
        &[
            (
                "pyproject.toml",
                "[project]\nname = 'My_App'\ndependencies = [\n  'Flask[async]>=3; python_version > \"3.9\"',\n]\n[project.scripts]\nserve = 'app:main'\n[dependency-groups]\ndev = ['ruff==0.5.0']\n",
            ),
            ("uv.lock", "[[package]]\nname = \"flask\"\nversion = \"3.1.0\"\n"),
        ],
        "
Python my-app at pyproject.toml, locked by uv.lock, program
  pyproject.toml:4: flask >=3 -> 3.1.0
  pyproject.toml:9: ruff ==0.5.0 -> 0.5.0 (dev)
  pyproject.toml:7: script serve = app:main",
    );
    check(
        &[
            (
                "pyproject.toml",
                "[tool.poetry]\nname = 'lib'\nversion = '1'\n[tool.poetry.dependencies]\npython = '^3.9'\nhttpx = {version = '^0.27', extras = ['http2']}\n[tool.poetry.group.test.dependencies]\nmoto = '*'\n[build-system]\nrequires = []\n",
            ),
            ("poetry.lock", "[[package]]\nname = \"httpx\"\nversion = \"0.27.2\"\n"),
        ],
        "
Python lib at pyproject.toml, locked by poetry.lock, published
  pyproject.toml:6: httpx ^0.27 -> 0.27.2
  pyproject.toml:8: moto * -> ? (dev)",
    );
}

#[test]
fn requirements_files_include_each_other_and_end() {
    check(
        &[
            (
                "requirements.txt",
                "# ours\n-r base.txt\nflask==3.0.0 \\\n    --hash=sha256:aa\nredis>=5 ; sys_platform == 'linux'\n",
            ),
            ("base.txt", "requests==2.32.0  # for calls\n-r requirements.txt\n"),
            ("requirements-dev.txt", "-r requirements.txt\nblack\n-r missing.txt\n"),
            ("app.py", ""),
        ],
        "
Python ? at requirements.txt, program
  requirements.txt:3: flask ==3.0.0 -> 3.0.0
  requirements.txt:5: redis >=5 -> ?
  base.txt:1: requests ==2.32.0 -> 2.32.0
  requirements-dev.txt:2: black  -> ? (dev)
gap requirements-dev.txt:3: includes missing.txt, which is not there",
    );
}

#[test]
fn what_pip_tools_wrote_is_a_lockfile() {
    let lock = "#\n# This file is autogenerated by pip-compile with Python 3.12\n#\nflask==3.0.3\n    # via -r requirements.in\nwerkzeug==3.0.1\n    # via flask\n";
    check(
        &[("requirements.in", "flask\n"), ("requirements.txt", lock)],
        "
Python ? at requirements.in, locked by requirements.txt
  requirements.in:1: flask  -> 3.0.3",
    );
    check(
        &[("requirements.txt", lock)],
        "
Python ? at requirements.txt, locked by requirements.txt, pinned
  requirements.txt:4: flask ==3.0.3 -> 3.0.3",
    );
}

#[test]
fn setup_files_and_pipfiles_are_read() {
    check(
        &[(
            "setup.py",
            "from setuptools import setup\nsetup(\n    name='pkg',\n    install_requires=['a[x]>=1',  # why\n        \"b\"],\n    tests_require=['c'])\n",
        )],
        "
Python pkg at setup.py, published
  setup.py:4: a >=1 -> ?
  setup.py:5: b  -> ?
  setup.py:6: c  -> ? (dev)",
    );
    check(
        &[(
            "setup.cfg",
            "[metadata]\nname = pkg\n[options]\ninstall_requires =\n    a>=1\n    b\n[options.entry_points]\nconsole_scripts =\n    pkg = pkg:main\n",
        )],
        "
Python pkg at setup.cfg, program
  setup.cfg:5: a >=1 -> ?
  setup.cfg:6: b  -> ?",
    );
    check(
        &[
            ("Pipfile", "[packages]\ndjango = '~=5.0'\n[dev-packages]\nblack = '*'\n"),
            ("Pipfile.lock", "{\"_meta\": {\"hash\": {}}, \"default\": {\"django\": {\"version\": \"==5.0.4\"}}}"),
        ],
        "
Python ? at Pipfile, locked by Pipfile.lock
  Pipfile:2: django ~=5.0 -> 5.0.4
  Pipfile:4: black * -> ? (dev)",
    );
}

const MANIFEST: &str = r#"{
  "name": "a",
  "scripts": {"start": "node ."},
  "dependencies": {
    "express": "^4.0.0"
  },
  "devDependencies": {"jest": "29.0.0"}
}"#;

fn locked(name: &str, lock: &str) {
    check(
        &[("package.json", MANIFEST), (name, lock)],
        &format!(
            "
npm a at package.json, locked by {name}, program
  package.json:5: express ^4.0.0 -> 4.19.2
  package.json:7: jest 29.0.0 -> 29.0.0 (dev)
  package.json:3: script start = node ."
        ),
    );
}

#[test]
fn every_lockfile_of_npm_packages_is_read() {
    locked(
        "package-lock.json",
        r#"{"packages": {"": {}, "node_modules/express": {"version": "4.19.2"}, "node_modules/jest": {"version": "29.0.0"},
            "node_modules/jest/node_modules/express": {"version": "3.0.0"}}}"#,
    );
    locked(
        "npm-shrinkwrap.json",
        r#"{"dependencies": {"express": {"version": "4.19.2", "requires": {"version": "1"}}, "jest": {"version": "29.0.0"}}}"#,
    );
    locked(
        "yarn.lock",
        "# yarn lockfile v1\n\nexpress@^3.0.0:\n  version \"3.0.0\"\n\nexpress@^4.0.0, express@^4.1.0:\n  version \"4.19.2\"\n  dependencies:\n    version \"1\"\n\njest@29.0.0:\n  version \"29.0.0\"\n",
    );
    locked(
        "yarn.lock",
        "__metadata:\n  version: 8\n\n\"express@npm:^4.0.0\":\n  version: 4.19.2\n\n\"jest@npm:29.0.0\":\n  version: 29.0.0\n",
    );
    locked(
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      express:\n        specifier: ^4.0.0\n        version: 4.19.2(debug@4.0.0)\n    devDependencies:\n      jest:\n        specifier: 29.0.0\n        version: 29.0.0\n\npackages:\n",
    );
    locked(
        "pnpm-lock.yaml",
        "lockfileVersion: 5.4\n\nspecifiers:\n  express: ^4.0.0\n\ndependencies:\n  express: 4.19.2_debug@4\n\ndevDependencies:\n  jest: 29.0.0\n\npackages:\n",
    );
    locked(
        "bun.lock",
        r#"{"lockfileVersion": 1, "packages": {"express": ["express@4.19.2", "", {}, "sha"], "jest": ["jest@29.0.0", ""],},}"#,
    );
}

#[test]
fn a_workspace_serves_its_members_only() {
    check(
        &[
            ("package.json", r#"{"name": "root", "private": true, "workspaces": ["packages/*", "!packages/x"]}"#),
            (
                "package-lock.json",
                r#"{"packages": {"node_modules/pg": {"version": "8.0.0"}, "packages/b/node_modules/pg": {"version": "7.0.0"}}}"#,
            ),
            ("packages/a/package.json", r#"{"name": "a", "dependencies": {"pg": "^8"}}"#),
            ("packages/b/package.json", r#"{"name": "b", "dependencies": {"pg": "^7"}}"#),
            ("packages/x/package.json", r#"{"name": "x", "dependencies": {"pg": "^7"}}"#),
        ],
        "
npm root at package.json, locked by package-lock.json, pinned
npm a at packages/a/package.json, locked by package-lock.json
  packages/a/package.json:1: pg ^8 -> 8.0.0
npm b at packages/b/package.json, locked by package-lock.json
  packages/b/package.json:1: pg ^7 -> 7.0.0
npm x at packages/x/package.json
  packages/x/package.json:1: pg ^7 -> ?",
    );
}

#[test]
fn broken_files_are_gaps() {
    check(&[("package.json", "{\"dependencies\": {")], "gap package.json:1: has no quoted key or `}` here");
    check(&[("pyproject.toml", "[project\n")], "gap pyproject.toml:1: unclosed table, expected `]`");
    check(
        &[("package.json", MANIFEST), ("package-lock.json", "{\n<<<<<<< HEAD\n")],
        "
npm a at package.json, locked by package-lock.json, program
  package.json:5: express ^4.0.0 -> ?
  package.json:7: jest 29.0.0 -> ? (dev)
  package.json:3: script start = node .
gap package-lock.json:2: has an unfinished merge",
    );
}

#[test]
fn a_cargo_package_inherits_from_its_workspace() {
    check(
        &[
            (
                "Cargo.toml",
                "[workspace]\nmembers = ['a']\n[workspace.package]\nversion = '1.0.0'\n[workspace.dependencies]\naxum = { version = '0.8', features = [] }\n",
            ),
            (
                "Cargo.lock",
                "[[package]]\nname = \"axum\"\nversion = \"0.7.9\"\n\n[[package]]\nname = \"axum\"\nversion = \"0.8.1\"\n",
            ),
            (
                "a/Cargo.toml",
                "[package]\nname = 'a'\nversion.workspace = true\n[dependencies]\naxum.workspace = true\n[dev-dependencies]\nserde_json = '1'\n[target.'cfg(unix)'.dependencies]\nx = { package = 'libc', version = '=0.2.1' }\n",
            ),
            ("a/src/lib.rs", ""),
        ],
        "
Cargo a at a/Cargo.toml, locked by Cargo.lock, published
  a/Cargo.toml:5: axum 0.8 -> 0.8.1
  a/Cargo.toml:7: serde_json 1 -> ? (dev)
  a/Cargo.toml:9: libc =0.2.1 -> ?",
    );
}

#[test]
fn what_a_manifest_of_tests_needs_is_not_of_the_program() {
    check(
        &[("tests/package.json", r#"{"name": "t", "scripts": {"start": "x"}, "dependencies": {"express": "1.0.0"}}"#)],
        "
npm t at tests/package.json, pinned
  tests/package.json:1: express 1.0.0 -> ? (dev)
  tests/package.json:1: script start = x",
    );
}

#[test]
fn a_maven_project_inherits_versions_and_plugins() {
    check(
        &[
            (
                "pom.xml",
                "<project><groupId>g</groupId><artifactId>parent</artifactId><version>1</version>
<properties><pg>42.7.3</pg></properties>
<dependencyManagement><dependencies><dependency><groupId>org.postgresql</groupId><artifactId>postgresql</artifactId><version>${pg}</version></dependency></dependencies></dependencyManagement>
</project>",
            ),
            (
                "a/pom.xml",
                "<project><parent><groupId>g</groupId><artifactId>parent</artifactId><version>1</version></parent>
<artifactId>a</artifactId>
<dependencies>
 <dependency>
  <groupId>org.postgresql</groupId>
  <artifactId>postgresql</artifactId>
 </dependency>
 <dependency><groupId>x</groupId><artifactId>y</artifactId><version>[1,2)</version></dependency>
 <dependency><groupId>t</groupId><artifactId>t</artifactId><version>1</version><scope>test</scope></dependency>
</dependencies>
<build><plugins><plugin><groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build>
</project>",
            ),
            ("b/pom.xml", "<project>"),
        ],
        "
Maven g:a at a/pom.xml, program
  a/pom.xml:6: org.postgresql:postgresql ${pg} -> 42.7.3
  a/pom.xml:8: x:y [1,2) -> ?
  a/pom.xml:9: t:t 1 -> 1 (dev)
  a/pom.xml:11: org.springframework.boot:spring-boot-maven-plugin  -> ? (dev)
Maven g:parent at pom.xml, pinned
gap b/pom.xml:1: ends before its elements are closed",
    );
}

#[test]
fn a_gradle_build_is_read_in_its_usual_forms() {
    check(
        &[
            ("settings.gradle.kts", "rootProject.name = \"shop\"\n"),
            (
                "gradle/libs.versions.toml",
                "[versions]\nktor = '3.0.0'\n[libraries]\nktor-server-core = { module = 'io.ktor:ktor-server-core', version.ref = 'ktor' }\npg = 'org.postgresql:postgresql:42.7.3'\n[bundles]\nall = ['pg']\n",
            ),
            (
                "build.gradle.kts",
                "plugins {\n    id(\"org.springframework.boot\") version \"3.3.0\"\n}\nval grpc = \"1.60.0\"\ndependencies {\n    // implementation(\"no:no:1\")\n    implementation(\"io.grpc:grpc-netty:$grpc\")\n    implementation(libs.ktor.server.core)\n    implementation(libs.bundles.all)\n    implementation \"a:b:1.0\",\n        \"c:d:2.+\"\n    implementation group: 'e', name: 'f', version: '3.0'\n    testImplementation(platform(\"org.junit:junit-bom:5.10.0\"))\n}\n",
            ),
            ("gradle.lockfile", "# made\nc:d:2.7=runtimeClasspath\n"),
        ],
        "
Maven shop at build.gradle.kts, locked by gradle.lockfile, program
  build.gradle.kts:2: org.springframework.boot 3.3.0 -> 3.3.0 (dev)
  build.gradle.kts:7: io.grpc:grpc-netty $grpc -> 1.60.0
  build.gradle.kts:8: io.ktor:ktor-server-core 3.0.0 -> 3.0.0
  build.gradle.kts:9: org.postgresql:postgresql 42.7.3 -> 42.7.3
  build.gradle.kts:10: a:b 1.0 -> 1.0
  build.gradle.kts:11: c:d 2.+ -> 2.7
  build.gradle.kts:12: e:f 3.0 -> 3.0
  build.gradle.kts:13: org.junit:junit-bom 5.10.0 -> 5.10.0 (dev)",
    );
}

#[test]
fn a_dotnet_project_takes_central_versions() {
    check(
        &[
            (
                "Directory.Packages.props",
                "<Project><ItemGroup><PackageVersion Include=\"Npgsql\" Version=\"8.0.3\"/></ItemGroup></Project>",
            ),
            (
                "src/Shop.csproj",
                "<Project Sdk=\"Microsoft.NET.Sdk.Web\">\n<ItemGroup>\n<PackageReference Include=\"npgsql\"/>\n<PackageReference Include=\"Polly\"><Version>8.*</Version></PackageReference>\n<PackageReference Include=\"StyleCop.Analyzers\" Version=\"1.1.0\" PrivateAssets=\"all\"/>\n</ItemGroup></Project>",
            ),
            (
                "src/packages.lock.json",
                r#"{"version": 1, "dependencies": {"net8.0": {"Polly": {"type": "Direct", "resolved": "8.4.0"}}}}"#,
            ),
        ],
        "
NuGet Shop at src/Shop.csproj, locked by src/packages.lock.json, program
  src/Shop.csproj:3: npgsql 8.0.3 -> 8.0.3
  src/Shop.csproj:4: Polly 8.* -> 8.4.0
  src/Shop.csproj:5: StyleCop.Analyzers 1.1.0 -> 1.1.0 (dev)
  src/Shop.csproj:1: Microsoft.NET.Sdk.Web  -> ?",
    );
}

#[test]
fn gemfiles_and_gemspecs_are_read() {
    check(
        &[
            (
                "Gemfile",
                "source 'https://rubygems.org'\n# gem 'no'\ngem 'rails', '~> 7.1', '>= 7.1.2'\ngem \"puma\", require: false\ngem 'debug', group: [:development, :test]\ngroup :test do\n  gem 'vcr'\nend\ngroup :production do\n  gem 'pg'\nend\n",
            ),
            ("Gemfile.lock", "GEM\n  specs:\n    rails (7.1.3)\n      pg (>= 1)\n    pg (1.5.6)\n"),
            ("config.ru", ""),
            (
                "lib/x.gemspec",
                "Gem::Specification.new do |s|\n  s.name = 'x'\n  s.add_dependency 'faraday', '>= 2'\nend\n",
            ),
        ],
        "
RubyGems ? at Gemfile, locked by Gemfile.lock, program
  Gemfile:3: rails ~> 7.1, >= 7.1.2 -> 7.1.3
  Gemfile:4: puma  -> ?
  Gemfile:5: debug  -> ? (dev)
  Gemfile:7: vcr  -> ? (dev)
  Gemfile:10: pg  -> 1.5.6
RubyGems x at lib/x.gemspec, published
  lib/x.gemspec:3: faraday >= 2 -> ?",
    );
}

#[test]
fn a_composer_project_is_read_with_its_lock() {
    check(
        &[
            (
                "composer.json",
                "{\"name\": \"a/b\", \"type\": \"project\",\n\"require\": {\"php\": \"^8\",\n\"ext-redis\": \"*\",\n\"slim/slim\": \"^4.0\"},\n\"require-dev\": {\"phpunit/phpunit\": \"^11\"}}",
            ),
            (
                "composer.lock",
                r#"{"packages": [{"name": "slim/slim", "version": "4.14.0", "source": {"version": "x"}}], "packages-dev": []}"#,
            ),
        ],
        "
Composer a/b at composer.json, locked by composer.lock, program
  composer.json:3: ext-redis * -> ?
  composer.json:4: slim/slim ^4.0 -> 4.14.0
  composer.json:5: phpunit/phpunit ^11 -> ? (dev)",
    );
}

#[test]
fn hostile_files_end_in_every_format() {
    let names = [
        "go.mod",
        "go.sum",
        "go.work",
        "pyproject.toml",
        "requirements.txt",
        "requirements.in",
        "setup.py",
        "setup.cfg",
        "Pipfile",
        "Pipfile.lock",
        "poetry.lock",
        "package.json",
        "yarn.lock",
        "pom.xml",
        "build.gradle",
        "gradle.lockfile",
        "a.csproj",
        "Directory.Packages.props",
        "Gemfile",
        "Gemfile.lock",
        "a.gemspec",
        "Cargo.toml",
        "Cargo.lock",
        "composer.json",
        "composer.lock",
    ];
    let texts: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"\xff\xfe\x00".to_vec(),
        b"\x80\x81".to_vec(),
        "\u{e9}\"'\u{1f600}(".repeat(1000).into_bytes(),
        b"[".repeat(10_000),
        b"<a".repeat(10_000),
        b"require (\nreplace a =>\n".repeat(1000),
        b"gem 'a', :\n gem \"\n gem(".repeat(1000),
        b"install_requires=['a[', \"b\n".repeat(1000),
        b"-r requirements.txt\n-r ../../x\n-r\n==\n".repeat(100),
        b"implementation ',\n:'::',\n".repeat(1000),
        b"<project><parent><artifactId>a</artifactId><relativePath>pom.xml</relativePath></parent><artifactId>a</artifactId><version>${version}</version><dependencies><dependency><version>${version}</version></dependency></dependencies></project>".to_vec(),
    ];
    for text in texts {
        let tree = Tree::from_memory(names.iter().map(|name| ((*name).to_owned(), text.clone())));
        let corpus = Corpus::read(&tree);
        let one = super::gather(&corpus);
        assert_eq!(format!("{one:?}"), format!("{:?}", super::gather(&corpus)), "twice the same");
        assert!(one.items.iter().all(|package| names.contains(&package.place.path())));
    }
}

#[test]
fn a_gradle_build_takes_in_scripts_and_lists_over_many_lines() {
    check(
        &[
            ("settings.gradle", "rootProject.name = 'shop'\n"),
            ("gradle/tests.gradle", "dependencies {\n    testImplementation 'g:h:4'\n}\n"),
            (
                "web/build.gradle",
                "apply from: 'dependencies.gradle'\napply from: \"$rootDir/gradle/tests.gradle\"\napply from: 'https://example.org/x.gradle'\n",
            ),
            (
                "web/dependencies.gradle",
                "dependencies {\n    implementation(\n        'a:b:1',\n\n        // said of the next one\n        'c:d:2'\n    )\n    exclude module: 'e:f'\n}\n",
            ),
        ],
        "
Maven web at web/build.gradle, pinned
  web/dependencies.gradle:3: a:b 1 -> 1
  web/dependencies.gradle:6: c:d 2 -> 2
  gradle/tests.gradle:2: g:h 4 -> 4 (dev)
",
    );
}
