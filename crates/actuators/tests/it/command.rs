//! A shell script as a driver, with its state in a file.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use gonogo_actuators::{
    Driver as _,
    command::{Config, Counted, Line, Script, run},
};
use gonogo_domain::rollout::{Done, Percent, Release, Revision, TroubleKind};
use tempfile::TempDir;

/// Keeps what is asked of it as files: `stable`, `canary`, `share`.
const SCRIPT: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
have() { cat "$1" 2>/dev/null; }
put() { [ "$(have "$1")" = "$2" ] && exit 0; printf %s "$2" > "$1"; echo "$1 is $2 now"; }
case "$1" in
  observe)
    printf '{ "stable": { "revision": "%s", "wanted": 2, "ready": 2 }, "share": %s' "$(have stable)" "$(have share)"
    [ -s canary ] && printf ', "canary": { "revision": "%s", "wanted": 1, "ready": 1 }' "$(have canary)"
    echo ', "past": ["0.9"] }' ;;
  prepare) put canary "$GONOGO_REVISION" ;;
  share) put share "$GONOGO_SHARE" ;;
  promote) have canary > next; echo 0 > share; put stable "$(have next)" ;;
  retire) [ -s canary ] || exit 0; : > canary; echo retired ;;
  abort) [ -s canary ] || exit 0; : > canary; printf 0 > share; echo aborted ;;
  undo) echo "not while the moon is full" >&2; exit 77 ;;
esac
"#;

fn script() -> (TempDir, Script) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drive");
    fs::write(&file, SCRIPT).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    for (name, value) in [("stable", "1.0"), ("share", "0")] {
        fs::write(folder.path().join(name), value).unwrap();
    }
    let verb = |name: &str| line(&[&file.display().to_string(), name], 10_000);
    let config = Config {
        observe: verb("observe"),
        prepare: verb("prepare"),
        set_share: verb("share"),
        promote: verb("promote"),
        retire: verb("retire"),
        abort: verb("abort"),
        undo: verb("undo"),
        unit: Counted::Weights,
    };
    (folder, Script::new(config, "shop"))
}

fn line(words: &[&str], millis: u64) -> Line {
    Line { words: words.iter().map(|&word| word.to_owned()).collect(), patience: Duration::from_millis(millis) }
}

#[tokio::test]
async fn every_verb_reaches_the_script_and_what_it_prints_is_what_is_seen() {
    let (_folder, mut script) = script();
    let release = Release {
        revision: Revision("2.0".to_owned()),
        version: None,
        cause: String::new(),
        parts: std::collections::BTreeMap::new(),
    };
    let percent = Percent::try_from(12.5).unwrap();
    assert_eq!(script.prepare(&release).await.unwrap(), Done::Changed("canary is 2.0 now".to_owned()));
    assert_eq!(script.prepare(&release).await.unwrap(), Done::AlreadySo);
    assert_eq!(script.set_share(percent).await.unwrap(), Done::Changed("share is 12.5 now".to_owned()));
    let sight = script.observe().await.unwrap();
    assert_eq!((sight.share, sight.canary.as_ref().unwrap().revision.0.as_str()), (Some(percent), "2.0"));
    assert_eq!(script.reachable(percent, &sight).percent(), Some(percent));
    script.promote().await.unwrap();
    script.retire().await.unwrap();
    let sight = script.observe().await.unwrap();
    assert_eq!((sight.stable.revision.0.as_str(), sight.canary, sight.share), ("2.0", None, Some(Percent::ZERO)));
    assert_eq!(sight.past, [Revision("0.9".to_owned())]);
    let trouble = script.undo(&Revision("1.0".to_owned())).await.unwrap_err();
    assert_eq!(trouble.kind, TroubleKind::Refused);
    assert!(trouble.what.contains("not while the moon is full"), "{trouble}");
}

/// What comes of a command, in words.
async fn check(line: &Line, kind: TroubleKind, what: &str) {
    let trouble = run(line, &[], &[]).await.unwrap_err();
    assert_eq!(trouble.kind, kind, "{trouble}");
    assert!(trouble.what.contains(what), "{trouble}");
}

#[tokio::test]
async fn a_command_that_fails_hangs_or_is_not_there_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let late = folder.path().join("late");
    check(&line(&[], 1_000), TroubleKind::Refused, "empty").await;
    check(&line(&["/no/such/program"], 1_000), TroubleKind::Refused, "cannot be started").await;
    check(&line(&["sh", "-c", "echo why >&2; exit 3"], 5_000), TroubleKind::Unreachable, "why").await;
    check(&line(&["sh", "-c", "exit 69"], 5_000), TroubleKind::Unsupported, "said nothing").await;
    // Its children go with it.
    let hang = format!("(sleep 2; touch {}) & wait", late.display());
    let began = std::time::Instant::now();
    check(&line(&["sh", "-c", &hang], 200), TroubleKind::Unreachable, "did not end within 0.2 s").await;
    assert!(began.elapsed() < Duration::from_secs(2));
    tokio::time::sleep(Duration::from_millis(2_300)).await;
    assert!(!late.exists(), "what it had started went on");
}

#[tokio::test]
async fn more_than_anybody_reads_does_not_hold_a_command_up() {
    let printed = run(&line(&["head", "-c", "5000000", "/dev/zero"], 10_000), &[], &[]).await.unwrap();
    assert_eq!(printed.len(), 1 << 20);
}

#[tokio::test]
async fn what_is_no_sight_is_no_sight() {
    let (folder, mut script) = script();
    for wrong in ["", "{}", "[1]", r#"{ "stable": { "revision": "1", "wanted": -1, "ready": 0 } }"#] {
        fs::write(folder.path().join("drive"), format!("#!/bin/sh\nprintf '%s' '{wrong}'\n")).unwrap();
        let trouble = script.observe().await.unwrap_err();
        assert_eq!(trouble.kind, TroubleKind::Unreachable);
        assert!(trouble.what.starts_with("what it prints is no sight"), "{trouble}");
    }
}
