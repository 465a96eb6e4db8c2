//! The corpus: labels that we disagree with are listed, and mutations do what their table says.

use std::collections::BTreeMap;

use gonogo_domain::Outcome;
use xtask::accuracy::{Corpus, mutations};

use crate::{none, text};

fn corpus() -> Corpus {
    Corpus::read().expect("the corpus can be read")
}

#[test]
fn every_label_is_agreed_with_or_the_disagreement_has_a_reason() {
    let corpus = corpus();
    let compared = corpus.compare().expect("the corpus can be reviewed");
    none(&corpus.unexplained(&compared));
}

#[test]
fn the_page_of_accuracy_is_up_to_date() {
    let page = xtask::docs::from_corpus().expect("the corpus can be reviewed");
    assert!(text(page.path) == page.text, "{} is out of date: run `cargo xtask docs`", page.path);
}

#[test]
fn what_a_check_rests_on_flips_it_and_what_looks_alike_does_not() {
    none(&mutations::problems(&corpus()).expect("the corpus can be reviewed"));
}

#[test]
fn every_service_has_labels_of_both_kinds_and_mutations_of_both_kinds() {
    let corpus = corpus();
    let mut problems = Vec::new();
    for service in &corpus.services {
        let labels = &service.labels.check;
        let count = |wanted: &[Outcome]| labels.values().filter(|label| wanted.contains(&label.is)).count();
        if labels.len() < 15 || count(&[Outcome::Pass]) < 3 || count(&[Outcome::Fail, Outcome::Partial]) < 3 {
            problems.push(format!("corpus/{} has too few labels of one kind", service.name));
        }
        for (id, label) in labels {
            if label.is == Outcome::Stale || label.because.trim().len() < 10 {
                problems.push(format!("corpus/{} {id}: the label says too little", service.name));
            }
        }
        let own: Vec<_> = corpus.mutations.iter().filter(|one| one.service == service.name).collect();
        if own.len() < 3 || own.iter().all(|one| one.looks_alike()) || !own.iter().any(|one| one.looks_alike()) {
            problems.push(format!("corpus/{}: at least three mutations, one of them a look-alike", service.name));
        }
    }
    let mut titles = BTreeMap::new();
    for one in &corpus.mutations {
        *titles.entry((&one.service, &one.check, &one.what)).or_insert(0) += 1;
    }
    problems
        .extend(titles.iter().filter(|(_, count)| **count > 1).map(|(title, _)| format!("{title:?} is there twice")));
    none(&problems);
}
