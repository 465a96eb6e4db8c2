//! `gonogo secrets`: only the secrets, without the rest of a review.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use gonogo_collectors::{Tree, history, secrets};
use gonogo_domain::{
    Message,
    evidence::{Certainty, Role, SecretSighting},
};
use gonogo_report::clean::clean;
use serde_json::json;

use crate::{
    arguments::{Common, SecretsOptions},
    cache,
    progress::Progress,
    review::today,
};

pub(crate) fn run(options: &SecretsOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let progress = Progress::start();
    progress.say("looking for secrets");
    let tree = Tree::from_disk(&options.path)?;
    let cache = cache::open(&options.path, !options.past.no_cache);
    let (files, past) = rayon::join(
        || secrets::gather(&tree, &cache),
        || history::gather(&options.path, options.past.history.into(), &cache),
    );
    cache.save();
    drop(progress);
    let today = today();
    let (read, missing) = match past {
        Ok(past) => (past.secrets, past.incomplete),
        Err(missing) => (Vec::new(), Some(missing)),
    };
    let present: std::collections::BTreeSet<(&str, u64)> =
        files.items.iter().map(|one| (one.place.path(), one.fingerprint)).collect();
    let past = read.iter().filter(|one| !present.contains(&(one.place.path(), one.fingerprint)));
    let all: Vec<(&SecretSighting, Option<Message>)> =
        files.items.iter().chain(past).map(|one| (one, gonogo_checks::of_secret(one, today))).collect();
    let counted = all.iter().filter(|(_, message)| message.is_some()).count();

    let mut out = io::stdout().lock();
    if options.json {
        let shown = all.iter().filter(|(_, message)| options.all || message.is_some());
        let report = json!({
            "files": files.files,
            "unread": files.gaps.iter().map(|gap| json!({"place": gap.place.to_string(), "reason": gap.reason})).collect::<Vec<_>>(),
            "history": missing.as_ref().map_or("read", |missing| &missing.reason.en),
            "secrets": shown.map(|(one, message)| as_json(one, message.is_some())).collect::<Vec<_>>(),
        });
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        let lang = common.lang.into();
        for (one, message) in &all {
            let message = match message {
                Some(message) => message.get(lang).to_owned(),
                None if options.all => {
                    let title = Message::new(one.title.en.clone(), one.title.zh.clone());
                    format!("({}) {}: {}", role(one.role), title.get(lang), one.shown)
                }
                None => continue,
            };
            let since = one.commit.as_ref().map_or(String::new(), |commit| format!("  [{} {}]", commit.id, commit.on));
            writeln!(out, "{} {}{since}", clean(&one.place.to_string()), clean(&message))?;
        }
        for gap in &files.gaps {
            writeln!(out, "{} was not read: {}", clean(&gap.place.to_string()), clean(&gap.reason))?;
        }
        if let Some(missing) = &missing {
            writeln!(out, "{}: {}", missing.reason.get(lang), missing.settle.get(lang))?;
        }
        writeln!(out, "{counted} in {} files", files.files)?;
    }
    Ok(if counted > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn as_json(one: &SecretSighting, counts: bool) -> serde_json::Value {
    json!({
        "path": one.place.path(),
        "line": one.place.line(),
        "rule": &*one.rule,
        "title": {"en": one.title.en, "zh-CN": one.title.zh},
        "name": one.name,
        "shown": one.shown,
        "certainty": match one.certainty {
            Certainty::Context => "context",
            Certainty::Shape => "shape",
            Certainty::Verified => "verified",
        },
        "default": one.default,
        "role": role(one.role),
        "counts": counts,
        "commit": one.commit.as_ref().map(|commit| json!({"id": commit.id, "on": commit.on.to_string()})),
    })
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Product => "product",
        Role::Test => "test",
        Role::Fixture => "fixture",
        Role::Example => "example",
        Role::Vendored => "vendored",
        Role::Generated => "generated",
        Role::Documentation => "documentation",
    }
}
