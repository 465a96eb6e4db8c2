//! Our verdict on a manifest: it is reviewed as the only file of a repository, as a server's.

use std::fmt::Write as _;

use anyhow::{Context as _, anyhow};
use gonogo_collectors::{Configuration, Tree, collect, configuration};
use gonogo_domain::{Finding, Judged, Outcome, Records, review};

use super::{
    Verdict,
    expectations::Concern,
    manifest::{Manifest, PATH},
};

/// No rule asks for the day.
const TODAY: jiff::civil::Date = jiff::civil::date(2026, 1, 1);
/// Our verdict, and all that the check says.
pub(super) fn judge(concern: &Concern, manifest: &Manifest) -> anyhow::Result<(Verdict, Vec<String>)> {
    let check = gonogo_checks::catalogue()
        .into_iter()
        .find(|check| check.id == concern.check)
        .with_context(|| format!("there is no check {}", concern.check))?;
    let files = |settings: String| {
        Tree::from_memory([
            (PATH.to_owned(), manifest.text.clone().into_bytes()),
            (configuration::FILE.to_owned(), settings.into_bytes()),
        ])
    };
    // What is found first gets its class from us, as its owner would state it.
    let found = collect(&files(String::new()), &Configuration::default(), TODAY);
    let mut settings = String::new();
    for facts in &found.services {
        let _ = writeln!(settings, "[service.{:?}]\nclass = \"server\"", facts.service.name);
    }
    if settings.is_empty() {
        settings.push_str("[service.shop]\nclass = \"server\"\n");
    }
    let configuration = Configuration::parse(&configuration::FILE.into(), &settings, &[check.id])
        .map_err(|errors| anyhow!("{settings}: {}", errors.iter().map(ToString::to_string).collect::<String>()))?;
    let collected = collect(&files(settings), &configuration, TODAY);

    let mut verdict = Verdict::Unasked;
    let mut said = Vec::new();
    for facts in &collected.services {
        let records = Records { waivers: &[], attestations: &[] };
        let review = review(&[check], facts, &configuration.policy, None, records);
        for judged in &review.judged {
            said.push(format!("{} {:?}: {}", facts.service.name, judged.outcome(), summary(judged)));
            let objections: Vec<&Finding> = judged
                .findings()
                .iter()
                .filter(|finding| {
                    concern.says.iter().any(|words| finding.message.en.contains(words.as_str()))
                        && manifest.concerns(finding)
                })
                .collect();
            said.extend(judged.findings().iter().map(|finding| format!("{} {}", finding.place, finding.message)));
            if !objections.is_empty() {
                verdict = Verdict::Fires;
            } else if verdict == Verdict::Unasked && asked(judged) {
                verdict = Verdict::Holds;
            }
        }
    }
    Ok((verdict, said))
}

fn summary(judged: &Judged) -> String {
    judged.reading().map(|(_, reading)| reading.summary.en.clone()).unwrap_or_default()
}

/// Something was looked at. What only waits for the source code was looked at as far as a manifest goes.
fn asked(judged: &Judged) -> bool {
    match judged.outcome() {
        Outcome::Pass | Outcome::Fail | Outcome::Partial | Outcome::Stale => true,
        Outcome::Unknown => judged.readings.iter().any(|(_, reading)| reading.missing.is_some()),
        Outcome::NotApplicable => false,
    }
}
