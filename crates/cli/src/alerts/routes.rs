//! `gonogo alerts routes`: whom the alerts reach, as a configuration of Alertmanager.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::{bail, ensure};
use gonogo_domain::{
    Message,
    alerts::{Channel, Lack, Routing, names, routing},
};
use gonogo_report::alertmanager;
use serde_json::json;

use super::{AlertRoutesOptions, Known, as_json, put, tell};
use crate::arguments::Common;

pub(super) fn run(options: &AlertRoutesOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let known = Known::find(&options.target)?;
    let page = channels("--page", &options.page)?;
    let other = channels("--tell", &options.tell)?;
    let missing = |option: &'static str, whom: (&str, &str)| Lack {
        of: option,
        what: Message::new(format!("whom {} reach is not known", whom.0), format!("未知{}通知到谁", whom.1)),
        settle: Message::new(
            format!("--{option} pagerduty=KEY_FILE, slack=URL_FILE#CHANNEL, email=ADDRESS or webhook=URL"),
            format!("--{option} pagerduty=密钥文件、slack=URL文件#频道、email=地址 或 webhook=URL"),
        ),
    };
    let mut lacks = Vec::new();
    if page.is_empty() {
        lacks.push(missing("page", ("P1 and P2", "P1 和 P2 ")));
    }
    if other.is_empty() {
        lacks.push(missing("tell", ("all other alerts", "其他告警")));
    }
    // A receiver that tells nobody is worse than none: its alerts look delivered.
    if !lacks.is_empty() {
        if options.json {
            writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&json!({"missing": as_json(&lacks, common)}))?)?;
            return Ok(ExitCode::from(super::INCOMPLETE));
        }
        return Ok(tell(&lacks, common)?);
    }
    let alerts: Vec<String> = names(&known.signals).into_iter().map(|(name, ..)| name).collect();
    let alerts: Vec<&str> = alerts.iter().map(String::as_str).collect();
    let routing = routing(&known.owner.service, &alerts, page, other, known.signals.pace);
    let head = format!("Whom the alerts of {} reach, by `gonogo alerts routes`.", known.owner.service);
    let mut text = Vec::new();
    alertmanager::write(&[&head], &routing, &mut text)?;
    if options.json {
        writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&as_value(&routing))?)?;
        if options.output.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }
    put(options.output.as_deref(), &text)?;
    Ok(ExitCode::SUCCESS)
}

/// `KIND=WHERE`, as the options write them.
fn channels(option: &str, texts: &[String]) -> anyhow::Result<Vec<Channel>> {
    texts.iter().map(|text| channel(option, text)).collect()
}

fn channel(option: &str, text: &str) -> anyhow::Result<Channel> {
    let Some((kind, whither)) = text.split_once('=').filter(|(_, whither)| !whither.is_empty()) else {
        bail!("{option} `{text}`: write pagerduty=KEY_FILE, slack=URL_FILE#CHANNEL, email=ADDRESS or webhook=URL");
    };
    Ok(match kind {
        "webhook" => {
            let address = whither.split("://").nth(1).unwrap_or_default();
            ensure!(
                (whither.starts_with("http://") || whither.starts_with("https://")) && !address.is_empty(),
                "{option} webhook={whither} is no URL"
            );
            let host = address.split(['/', '?', '#']).next().unwrap_or_default();
            ensure!(!host.contains('@'), "{option} webhook: a password in the URL would lie in the file");
            Channel::Webhook { url: whither.to_owned() }
        }
        "pagerduty" => Channel::PagerDuty { key_file: whither.to_owned() },
        "slack" => match whither.split_once('#') {
            Some((file, name)) if !file.is_empty() && !name.is_empty() => {
                Channel::Slack { url_file: file.to_owned(), channel: format!("#{name}") }
            }
            _ => bail!("{option} slack={whither} names no channel: slack=URL_FILE#CHANNEL"),
        },
        "email" => {
            ensure!(whither.contains('@'), "{option} email={whither} is no address");
            Channel::Email { to: whither.to_owned() }
        }
        other => bail!("{option} `{other}` is no way to tell somebody: pagerduty, slack, email, webhook"),
    })
}

fn as_value(routing: &Routing) -> serde_json::Value {
    let routes: Vec<_> = routing
        .routes
        .iter()
        .map(|route| {
            json!({
                "matchers": route.matchers,
                "receiver": route.receiver,
                "group_wait": route.grouping.wait.to_string(),
                "group_interval": route.grouping.interval.to_string(),
                "repeat_interval": route.grouping.repeat.to_string(),
            })
        })
        .collect();
    let silent: Vec<_> = routing
        .inhibitions
        .iter()
        .map(|one| json!({"source": one.source, "target": one.target, "equal": one.equal}))
        .collect();
    json!({"receiver": routing.default, "routes": routes, "inhibitions": silent})
}
