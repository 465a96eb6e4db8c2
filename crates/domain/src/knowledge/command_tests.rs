//! What commands of pipelines are there for.

use super::*;
use Purpose::*;

fn check(line: &str, expect: &[Purpose]) {
    assert_eq!(purposes(line), expect, "for {line:?}");
}

#[test]
fn every_row_fits_its_example_and_not_its_look_alike() {
    let Tables { commands, kinds, .. } = read_commands(table!("commands")).expect("reads");
    assert!(commands.rows.len() >= 120, "{} rows", commands.rows.len());
    let mut problems = Vec::new();
    for row in &commands.rows {
        let alone = CommandTable::new(vec![row.clone()], vec![beginnings::beginnings(&row.pattern)], true);
        if alone.purposes(row.example.as_bytes()).is_empty() || !purposes(&row.example).contains(&row.purpose) {
            problems.push(format!("{} does not fit {:?}", row.pattern, row.example));
        }
        if !alone.purposes(row.look_alike.as_bytes()).is_empty() {
            problems.push(format!("{} fits {:?}", row.pattern, row.look_alike));
        }
    }
    for row in &kinds.rows {
        if !test_kinds(&row.example).contains(&row.purpose) || test_kinds(&row.look_alike).contains(&row.purpose) {
            problems.push(format!("{} for {:?} and not for {:?}", row.pattern, row.example, row.look_alike));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_pattern_that_is_tried_where_words_begin_finds_what_it_finds_in_the_whole_line() {
    let Tables { commands, .. } = read_commands(table!("commands")).expect("reads");
    let anywhere = CommandTable::new(commands.rows.clone(), commands.rows.iter().map(|_| None).collect(), true);
    let lines: Vec<&str> = commands.rows.iter().flat_map(|row| [&*row.example, &*row.look_alike]).collect();
    let joined = lines.windows(2).map(|pair| pair.join(" && "));
    for line in lines.iter().map(|line| (*line).to_owned()).chain(joined) {
        for end in [line.len() / 2, usize::MAX] {
            let (quick, whole) =
                (commands.purposes_before(line.as_bytes(), end), anywhere.purposes_before(line.as_bytes(), end));
            assert_eq!(quick, whole, "before {end} of {line:?}");
        }
    }
}

#[test]
fn a_test_run_that_names_its_kind_is_of_that_kind() {
    check("go test ./...", &[UnitTest]);
    check("go test -tags integration ./...", &[IntegrationTest]);
    check("go test -tags=integration -coverprofile=c.out ./...", &[IntegrationTest, Coverage]);
    check("go test ./test/e2e/...", &[EndToEndTest]);
    check("pytest -m 'not integration'", &[UnitTest]);
    check("pytest --ignore=tests/e2e", &[UnitTest]);
    check("pytest tests/unit tests/integration", &[UnitTest, IntegrationTest]);
    check("npm run test:e2e", &[EndToEndTest]);
    check("./gradlew integrationTest", &[IntegrationTest]);
}

#[test]
fn a_name_in_the_arguments_is_no_command() {
    check("go build -o bin/golangci-lint ./tools", &[Build]);
    check("docker build -t semgrep .", &[BuildImage]);
    check("docker run --rm -v a:b semgrep/semgrep semgrep ci", &[StaticAnalysis]);
    check("with-database go test ./...", &[UnitTest]);
}

#[test]
fn skipped_tests_are_no_tests() {
    check("mvn -B package -DskipTests", &[Build]);
    check("./gradlew build -x test", &[Build]);
    check("go test -run=NONE -bench=. ./...", &[]);
}

#[test]
fn every_purpose_has_a_row() {
    let all = [
        Build,
        BuildImage,
        Lint,
        UnitTest,
        IntegrationTest,
        EndToEndTest,
        ContractTest,
        LoadTest,
        ChaosTest,
        SmokeTest,
        Coverage,
        DependencyAudit,
        SecretScan,
        StaticAnalysis,
        ImageScan,
        InfrastructureScan,
        InfrastructurePlan,
        RuleTest,
        MigrationTest,
        Deploy,
        Publish,
        Rollback,
        Sign,
        OwnProgram,
    ];
    for purpose in all {
        assert!(commands().iter().any(|row| row.purpose == purpose), "{purpose:?}");
    }
}

#[test]
fn an_action_means_what_its_inputs_say() {
    let check = |line: &str, expect: &[Purpose]| assert_eq!(action_purposes(line), expect, "for {line:?}");
    check("aquasecurity/trivy-action@0.30 image-ref=app:1", &[ImageScan]);
    check("aquasecurity/trivy-action@0.30 scan-type=fs", &[DependencyAudit]);
    check("aquasecurity/trivy-action@0.30 scan-type=config", &[InfrastructureScan]);
    check("docker/build-push-action@v6 push=true", &[BuildImage, Publish]);
    check("docker/build-push-action@v6 push=false", &[BuildImage]);
    check("actions/setup-go@v5 go-version=1.24", &[]);
    check("some/assistant@v1 allowed=run go test ./...", &[]);
}
