//! `cargo xtask releases`: the Clay example as stable and release behind a real HAProxy under load, taken to 100 % or back
//! by `gonogo rollout`.

mod cases;
mod good;
mod journal;
mod stage;

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::Command,
};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use crate::at_once;
use cases::{CASES, Played, WronglyDecided};

const PAGE: &str = "docs/releases.md";

/// What runs, and the release of it: the same program under another number.
const VERSIONS: [&str; 2] = ["2.0.0", "2.0.1"];

/// Releases that are tried at the same time: each is four programs under load.
const AT_ONCE: usize = 2;

/// What all of it runs.
struct Built {
    gonogo: PathBuf,
    stable: PathBuf,
    release: PathBuf,
    /// The stand-in for Clay.
    clay: PathBuf,
    _folder: TempDir,
}

/// What was asked for.
struct Wanted {
    write: bool,
    /// How many good releases have to bear the noise.
    good: usize,
    bad: bool,
}

/// Plays each release, and prints what became of it; `--good N` adds N good ones under noise, `--only-good` leaves the others
/// out; `--write` writes the page.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let wanted = wanted(arguments)?;
    let built = build()?;
    let mut page = String::from(HEAD);
    let mut wrong = Vec::new();
    if wanted.bad {
        page.push_str(TABLE);
        let beside = at_once(&CASES, AT_ONCE, |case| case.play(&built));
        for (case, played) in CASES.iter().zip(beside) {
            // A machine that two stages are too much for spoils what one of them shows, and excuses no wrong decision.
            let played = played.or_else(|error| {
                if error.is::<WronglyDecided>() {
                    return Err(error);
                }
                say(&format!("once more, alone: {error:#}"))?;
                case.play(&built)
            });
            match played {
                Ok(played) => {
                    let row = row(&played);
                    say(row.trim_end())?;
                    page.push_str(&row);
                }
                Err(error) => wrong.push(format!("{error:#}")),
            }
        }
    }
    if wanted.good > 0 {
        let told = good::many(&built, wanted.good)?;
        let mut text = format!(
            "\n## Good releases under noise\n\n{} good releases: {} promoted, {} taken back, {} waited for a person, in {} s. The noise: \
             {}. Users got {} answers, of which {} were a 503.\n",
            wanted.good,
            told.promoted,
            told.back.len(),
            told.held.len(),
            told.took.as_secs(),
            good::NOISE,
            told.answers,
            told.wrong
        );
        for why in &told.held {
            let _ = writeln!(text, "\n- waited: {why}");
        }
        say(&text)?;
        page.push_str(&text);
        wrong.extend(told.back.into_iter().map(|why| format!("a good release was taken back: {why}")));
    }
    if wanted.write && wrong.is_empty() {
        fs::write(crate::root().join(PAGE), page)?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn wanted(arguments: &[&str]) -> anyhow::Result<Wanted> {
    let mut wanted = Wanted { write: false, good: 0, bad: true };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--write" => wanted.write = true,
            "--good" => wanted.good = rest.next().context("--good N")?.parse()?,
            "--only-good" => wanted.bad = false,
            other => bail!("`{other}` is no option of releases"),
        }
    }
    ensure!(!wanted.write || (wanted.bad && wanted.good > 0), "the page is written of everything: --good 100");
    Ok(wanted)
}

/// Builds gonogo, the stand-in, and the example twice: as it is, and as the pipeline numbers the next release.
fn build() -> anyhow::Result<Built> {
    let gonogo = crate::cargo().args(["build", "--quiet", "--package", "gonogo"]).status()?;
    ensure!(gonogo.success(), "gonogo could not be built");
    let folder = tempfile::tempdir()?;
    // Copies, so that whoever builds meanwhile changes nothing here.
    let made = |name: &str| crate::built("debug").with_file_name(name);
    let kept = |name: &str, as_name: &str| -> anyhow::Result<PathBuf> {
        let to = folder.path().join(as_name);
        fs::copy(made(name), &to).with_context(|| made(name).display().to_string())?;
        Ok(to)
    };
    let [old, new] = VERSIONS;
    let gonogo = kept("gonogo", "gonogo")?;
    example(None)?;
    let (stable, clay) = (kept("clay-integration", "stable")?, kept("clay-stand-in", "stand-in")?);
    example(Some(new))?;
    let release = kept("clay-integration", "release")?;
    ensure!(text_of_version()?.contains(&format!("version = \"{old}\"")), "the example is not {old} any more");
    Ok(Built { stable, release, clay, gonogo, _folder: folder })
}

fn text_of_version() -> io::Result<String> {
    fs::read_to_string(crate::root().join("examples/clay-integration/Cargo.toml"))
}

fn example(version: Option<&str>) -> anyhow::Result<()> {
    let target = crate::built("debug").parent().and_then(std::path::Path::parent).map(std::path::Path::to_owned);
    let mut command: Command = crate::cargo();
    command.args(["build", "--quiet", "--locked", "--manifest-path", "examples/clay-integration/Cargo.toml"]);
    command.arg("--target-dir").arg(target.context("a target folder")?).env_remove("APP_VERSION");
    command.envs(version.map(|version| ("APP_VERSION", version)));
    ensure!(command.status()?.success(), "the example could not be built");
    Ok(())
}

const HEAD: &str = "\
# Releases that were tried

The [Clay example](../examples/clay-integration) as stable (2.0.0) and as a release (2.0.1), two replicas each, behind HAProxy,
with 100 requests a second of users who send leads, taken on by `gonogo rollout start` at 10 % and at 50 %. What is wrong with
a release is wrong with its environment or with what it calls. Steps last seconds where they would last minutes, and a look is
due every half second. `cargo xtask releases --good 100 --write` does it and writes this page; a release that does not end as
it has to fails it, and so does an answer that users got and HAProxy did not write down, or a share that was not reached by
HAProxy's own book. CI tries all releases of the first table, two at a time, and once more alone what went
wrong beside another; not where it was decided wrongly.
";

const TABLE: &str = "
*Detect* is from the first bad answer to the decision, *restore* from the decision until stable was verified: revision, replicas,
checks, errors as before. *Last* is how long after the decision users still got bad answers (what was under way is not broken off).

| what is wrong with the release | end | detect | restore | last | bad answers | shares given | why |
|---|---|---|---|---|---|---|---|
";

fn row(played: &Played) -> String {
    let seconds = |time: Option<i64>| {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a minute")]
        time.map_or_else(|| "–".to_owned(), |time| format!("{:.1} s", time as f64 / 1000.0))
    };
    let last = match played.last_bad {
        None => "–".to_owned(),
        Some(..=0) => "before it".to_owned(),
        Some(after) => format!("{after} ms"),
    };
    let shares: Vec<String> = played.shares.iter().map(|(asked, given)| format!("{given:.1} of {asked} %")).collect();
    let shares = if shares.is_empty() { "–".to_owned() } else { shares.join(", ") };
    format!(
        "| {} | {} | {} | {} | {} | {} of {} | {shares} | {} |\n",
        played.wrong,
        played.end,
        seconds(played.detect),
        seconds(played.restore),
        last,
        played.bad,
        played.all,
        // Where a stage lay is of no interest.
        played.why.split(" (/").next().filter(|why| !why.is_empty()).unwrap_or("–")
    )
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
