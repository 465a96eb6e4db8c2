//! The report as JUnit XML: a suite a service, a case a check.

use std::io;

use gonogo_domain::{Judged, Lang, Outcome, ReasonKind, Review};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite, XmlString};

use crate::{Report, clean::clean, words};

/// Writes the report. What gates and does not hold is a failure; what gates and was not assessed is an error, so that
/// no reader counts it as passed; everything else that does not pass is skipped, with the reason.
pub fn write(report: &Report, lang: Lang, out: &mut dyn io::Write) -> io::Result<()> {
    let mut junit = quick_junit::Report::new("gonogo");
    for review in &report.services {
        let mut suite = TestSuite::new(clean(&review.service.name));
        suite.add_test_cases(review.judged.iter().map(|one| case(review, one, lang)));
        junit.add_test_suite(suite);
    }
    let text = junit.to_string().map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

fn case(review: &Review, one: &Judged, lang: Lang) -> TestCase {
    let summary = one.reading().map(|(_, reading)| clean(reading.summary.get(lang))).unwrap_or_default();
    let reason = review.reasons.iter().find(|reason| reason.check == one.check.id).map(|reason| reason.kind);
    let mut status = match (one.outcome(), reason) {
        (Outcome::Pass, _) => TestCaseStatus::success(),
        (_, Some(ReasonKind::Blocks | ReasonKind::BlocksLevel)) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        (_, Some(ReasonKind::NotAssessed)) => TestCaseStatus::non_success(NonSuccessKind::Error),
        _ => TestCaseStatus::skipped(),
    };
    if one.outcome() != Outcome::Pass {
        status.set_type(words::outcome(one.outcome()).en);
        status.set_message(summary);
        let findings: Vec<String> = one
            .findings()
            .iter()
            .map(|finding| clean(&format!("{} {}", finding.place, finding.message.get(lang))))
            .collect();
        status.set_description(XmlString::new(findings.join("\n")));
    }
    let mut case = TestCase::new(one.check.id, status);
    case.set_classname(one.check.area.id());
    case
}
