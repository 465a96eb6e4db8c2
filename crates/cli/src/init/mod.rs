//! `gonogo init`: proposes a commented gonogo.toml from what was discovered.

mod deploy;
mod run;

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use gonogo_collectors::{Collected, Configuration, Tree, collect, configuration};
use gonogo_domain::{Class, Service, State};
use serde_json::json;

use crate::{
    arguments::{Common, InitOptions},
    review::{read_configuration, today},
};

pub(crate) fn run(options: &InitOptions, _common: &Common) -> anyhow::Result<ExitCode> {
    if options.deploy {
        return deploy::run(options);
    }
    let tree = Tree::from_disk(&options.path)?;
    let file = options.path.join(configuration::FILE);
    if options.write && (tree.contains(configuration::FILE) || file.exists()) {
        bail!(
            "{} is there already; `gonogo init {}` prints a proposal to compare with",
            file.display(),
            options.path.display()
        );
    }
    let configuration = read_configuration(&tree)?;
    let collected = collect(&tree, &configuration, today());
    let mut out = io::stdout().lock();
    if options.json {
        let services: Vec<_> = collected.services.iter().map(|facts| as_json(&facts.service)).collect();
        serde_json::to_writer_pretty(&mut out, &services)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = proposal(&collected);
    // What we propose must be what we read.
    let ids: Vec<&str> = gonogo_checks::catalogue().iter().map(|check| check.id).collect();
    if let Err(errors) = Configuration::parse(&configuration::FILE.into(), &text, &ids) {
        bail!(
            "the proposal is not valid, which is a defect of gonogo: {}",
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        );
    }
    if options.write {
        let mut file_handle =
            fs::File::create_new(&file).with_context(|| format!("{} could not be created", file.display()))?;
        file_handle.write_all(text.as_bytes()).with_context(|| format!("{} could not be written", file.display()))?;
        writeln!(
            out,
            "wrote {}: read it, fill in what it asks for, then run `gonogo review {}`",
            file.display(),
            options.path.display()
        )?;
    } else {
        out.write_all(text.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(service: &Service) -> serde_json::Value {
    json!({
        "name": service.name,
        "class": service.class,
        "class_reason": service.class_reason.en,
        "path": service.path,
        "sources": service.sources.iter().map(|source| json!({"kind": source.kind, "place": source.place.to_string()})).collect::<Vec<_>>(),
        "dependencies": service.dependencies.iter().map(|one| json!({"name": one.name, "kind": one.kind})).collect::<Vec<_>>(),
    })
}

fn proposal(collected: &Collected) -> String {
    let mut text = String::from(
        "# What gonogo cannot see in the files of this repository. Everything is optional; what is left out is discovered\n\
         # again at each review. `gonogo explain ID` says what a check wants.\n\n\
         [policy]\n\
         # override_approvers = [\"who may override a never-rule\"]\n\
         # levels = { 1 = \"L3\", 2 = \"L2\", 3 = \"L1\" }   # the level that each tier asks for\n",
    );
    for facts in &collected.services {
        // Writing to a String cannot fail.
        let _ = section(&mut text, &facts.service).and_then(|()| run::section(&mut text, facts));
    }
    text.push_str(
        "\n# [[oncall]]                # every moment of the next four weeks, two people\n\
         # person = \"ann\"\n# role = \"primary\"\n# from = 2026-01-05T09:00:00Z\n# until = 2026-01-12T09:00:00Z\n\
         \n# [[escalation]]            # primary, secondary, engineering lead, VP engineering\n\
         # role = \"primary\"\n# contact = \"…\"\n# after_minutes = 0\n",
    );
    text
}

fn section(text: &mut String, service: &Service) -> std::fmt::Result {
    writeln!(text, "\n[service.{}]", key(&service.name))?;
    for source in service.sources.iter().take(6) {
        writeln!(
            text,
            "# {} {}",
            source.kind.replace(char::is_control, " "),
            source.place.to_string().replace(char::is_control, " ")
        )?;
    }
    writeln!(text, "path = {}", quoted(&service.path))?;
    writeln!(
        text,
        "class = {:<24} # {}",
        quoted(class(service.class)),
        service.class_reason.en.replace(char::is_control, " ")
    )?;
    match &service.owner {
        Some(owner) => writeln!(text, "owner = {}", quoted(owner))?,
        None => writeln!(text, "# owner = \"team\"")?,
    }
    writeln!(text, "tier = {:<25} # 1: asks for L3, 2: L2, 3: L1", service.tier.number())?;
    match &service.state {
        State::Kept { place, .. } => {
            writeln!(text, "state = true                    # {}", place.to_string().replace(char::is_control, " "))?;
            writeln!(
                text,
                "# recovery_point = \"15m\"       # the most data that may be lost\n# recovery_time = \"1h\"         # the longest time to be back"
            )?;
        }
        State::Optional { place, .. } => {
            let place = place.to_string().replace(char::is_control, " ");
            writeln!(text, "# state = true                  # if what {place} mounts is data of its own")?;
        }
        State::None { .. } => writeln!(text, "state = false")?,
        State::Entrusted { to, .. } => {
            writeln!(
                text,
                "# state = false                 # its data is kept by {}",
                to.replace(char::is_control, " ")
            )?;
        }
        State::NotFound { .. } => {
            writeln!(text, "# state = false                 # nothing that keeps data was found")?;
        }
    }
    if service.dependencies.is_empty() {
        return Ok(());
    }
    for dependency in &service.dependencies {
        writeln!(text, "\n[[service.{}.dependency]]", key(&service.name))?;
        writeln!(text, "name = {}\nkind = {}", quoted(&dependency.name), quoted(&dependency.kind))?;
        writeln!(text, "# hard = true                   # a request fails without it")?;
    }
    Ok(())
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Server => "server",
        Class::Worker => "worker",
        Class::Job => "job",
        Class::StaticSite => "static-site",
        Class::Library => "library",
        Class::CommandLineTool => "command-line-tool",
        Class::Store => "store",
        Class::ThirdParty => "third-party",
    }
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string().trim().to_owned()
}

/// A key that TOML reads back, whatever the name holds.
fn key(name: &str) -> String {
    toml_edit::Key::new(name).to_string()
}
