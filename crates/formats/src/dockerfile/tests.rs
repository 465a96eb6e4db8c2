//! Reading Dockerfiles, harmless and hostile.

use std::fmt::Write as _;

use super::*;

fn read(input: &str) -> Dockerfile {
    parse(&"Dockerfile".into(), input)
}

/// Stages, instructions and errors, one a line.
fn check(input: &str, expect: &[&str]) {
    let file = read(input);
    let mut shown = String::new();
    for stage in &file.stages {
        let _ = writeln!(shown, "{} {:?} {:?}", stage.base, stage.base_stage, stage.name);
        for instruction in &stage.instructions {
            let _ = writeln!(shown, "{} {:?}", instruction.place.line().unwrap_or(0), instruction.kind);
        }
    }
    for error in &file.errors {
        let _ = writeln!(shown, "{error}");
    }
    assert_eq!(shown.lines().collect::<Vec<_>>(), expect, "for {input:?}");
}

#[test]
fn stages_know_what_they_build_on() {
    check(
        "ARG V=1.25\nARG IMAGE=golang:${V}\nFROM --platform=$BUILDPLATFORM $IMAGE AS Build\nFROM build\nFROM x:${NO:-y}\nFROM $NO",
        &["golang:1.25 None Some(\"Build\")", "build Some(0) None", "x:y None None", "$NO None None"],
    );
    let file = read("FROM --platform=$BUILDPLATFORM a AS b\nFROM c");
    assert_eq!(file.stages[0].platform.as_deref(), Some("$BUILDPLATFORM"));
    assert_eq!((file.stage("B"), file.stage("1"), file.stage("2")), (Some(0), Some(1), None));
}

#[test]
fn continued_lines_are_joined_over_comments() {
    check(
        "FROM a\nRUN apt-get update && \\\n  # why\n\n  apt-get install -y curl\nCMD [\"a\", \"b\"]",
        &[
            "a None None",
            "2 Run { command: Shell(\"apt-get update &&   apt-get install -y curl\"), flags: [], heredocs: [] }",
            "6 Cmd(Exec([\"a\", \"b\"]))",
        ],
    );
    let file = read("FROM a\nRUN x && \\\n  # why\n  curl y");
    let run = &file.stages[0].instructions[0];
    assert_eq!(run.place_at(run.text.find("curl").unwrap_or(0)), Place::new("Dockerfile", 4, 3));
    assert_eq!(run.end_line, 4);
}

#[test]
fn the_escape_directive_changes_continuation() {
    check(
        "# syntax=x\n# escape=`\nFROM a\nRUN dir C:\\ `\n  /w\nUSER app",
        &["a None None", "4 Run { command: Shell(\"dir C:\\\\   /w\"), flags: [], heredocs: [] }", "6 User(\"app\")"],
    );
}

#[test]
fn heredocs_belong_to_their_instruction() {
    let file = read(
        "FROM a\nRUN --mount=type=cache,target=/x <<EOF bash\nset -e\nUSER no\nEOF\nCOPY <<-'A' <<B /to/\n\tx\nA\ny\nB\nUSER yes\n",
    );
    let kinds: Vec<&Kind> = file.stages[0].instructions.iter().map(|instruction| &instruction.kind).collect();
    let [Kind::Run { flags, heredocs: script, .. }, Kind::Copy(copy), Kind::User(user)] = kinds.as_slice() else {
        panic!("{kinds:?}")
    };
    assert_eq!(flags, &[("mount".to_owned(), "type=cache,target=/x".to_owned())]);
    assert_eq!((script[0].text.as_str(), script[0].expand), ("set -e\nUSER no\n", true));
    assert_eq!(script[0].place, Place::new("Dockerfile", 3, 1));
    let texts: Vec<_> = copy.heredocs.iter().map(|heredoc| (heredoc.text.as_str(), heredoc.expand)).collect();
    assert_eq!(texts, [("x\n", false), ("y\n", true)]);
    assert_eq!((user.as_str(), copy.destination.as_str()), ("yes", "/to/"));
}

#[test]
fn a_heredoc_without_end_hides_nothing() {
    check(
        "FROM a\nRUN cat <<EOF\nUSER app",
        &[
            "a None None",
            "2 Run { command: Shell(\"cat <<EOF\"), flags: [], heredocs: [] }",
            "3 User(\"app\")",
            "Dockerfile:3: heredoc EOF has no end",
        ],
    );
    check(
        "FROM a\nRUN cat <<< word && echo $((1<<2))\n",
        &["a None None", "2 Run { command: Shell(\"cat <<< word && echo $((1<<2))\"), flags: [], heredocs: [] }"],
    );
}

#[test]
fn variables_are_split_into_pairs() {
    let file = read("FROM a\nENV A=1 B=\"x y\" \\\n  C='it'\\ z\nENV OLD the rest\nLABEL a.b=\"c\\\"d\"\nARG X Y=2\n");
    let shown: Vec<String> = file.stages[0]
        .instructions
        .iter()
        .flat_map(|instruction| match &instruction.kind {
            Kind::Env(pairs) | Kind::Label(pairs) => {
                pairs.iter().map(|pair| format!("{}={} {}", pair.key, pair.value, pair.place)).collect()
            }
            Kind::Arg(args) => args.iter().map(|arg| format!("{}={:?}", arg.name, arg.default)).collect(),
            _ => Vec::new(),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "A=1 Dockerfile:2",
            "B=x y Dockerfile:2",
            "C=it z Dockerfile:3",
            "OLD=the rest Dockerfile:4",
            "a.b=c\"d Dockerfile:5",
            "X=None",
            "Y=Some(\"2\")",
        ]
    );
}

#[test]
fn the_other_instructions_are_taken_apart() {
    check(
        "FROM a\nCOPY --from=b --chown=1:1 x y /z\nADD [\"a b\", \"c\"]\nHEALTHCHECK --interval=5s --retries=3 CMD curl x\nHEALTHCHECK none\nEXPOSE 80 53/udp\nONBUILD USER x\nSHELL [\"bash\", \"-c\"]\nSTOPSIGNAL SIGTERM\nVOLUME /a /b\nMAINTAINER me\nENTRYPOINT run\nWORKDIR /w",
        &[
            "a None None",
            "2 Copy(Transfer { from: Some(\"b\"), sources: [\"x\", \"y\"], destination: \"/z\", chown: Some(\"1:1\"), chmod: None, flags: [(\"from\", \"b\"), (\"chown\", \"1:1\")], heredocs: [] })",
            "3 Add(Transfer { from: None, sources: [\"a b\"], destination: \"c\", chown: None, chmod: None, flags: [], heredocs: [] })",
            "4 Healthcheck(Cmd { interval: Some(\"5s\"), timeout: None, start_period: None, retries: Some(\"3\"), command: Shell(\"curl x\") })",
            "5 Healthcheck(None)",
            "6 Expose([\"80\", \"53/udp\"])",
            "7 Onbuild(Instruction { keyword: \"USER\", place: File { path: \"Dockerfile\", line: 7, column: 9 }, end_line: 7, text: \"x\", kind: User(\"x\"), origin: [(0, 7, 14)] })",
            "8 Shell([\"bash\", \"-c\"])",
            "9 StopSignal(\"SIGTERM\")",
            "10 Volume([\"/a\", \"/b\"])",
            "11 Other",
            "12 Entrypoint(Shell(\"run\"))",
            "13 Workdir(\"/w\")",
        ],
    );
}

#[test]
fn a_broken_instruction_costs_only_itself() {
    check(
        "RUN early\nFROM a\nFETCH x\nCOPY one\nUSER app",
        &[
            "a None None",
            "5 User(\"app\")",
            "Dockerfile:1: RUN stands before the first FROM",
            "Dockerfile:3: unknown instruction FETCH",
            "Dockerfile:4: COPY needs a source and a destination",
        ],
    );
    check("# nothing", &["Dockerfile: has no FROM instruction"]);
}

#[test]
fn hostile_files_end() {
    read(&"ONBUILD ".repeat(100_000));
    read(&format!("FROM a\nRUN {}", "<<A ".repeat(50_000)));
    read(&format!("FROM a\n{}", "RUN <<A\n".repeat(50_000)));
    read(&format!("FROM a\nCOPY {}", "--a=b ".repeat(100_000)));
    read(&format!("FROM a\nENV {}", "\\\n".repeat(100_000)));
    read("FROM a\nENV A=\"\\");
    read("\0FROM \0\r\n\\\n\\");
    assert_eq!(read(&format!("FROM a\nRUN {}", "x".repeat(10_000_000))).stages.len(), 1);
    read(&format!("ARG A=x\n{}FROM $A", "ARG A=$A$A\n".repeat(60)));
}
