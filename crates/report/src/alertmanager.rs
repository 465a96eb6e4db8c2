//! Routes and receivers as a configuration of Alertmanager, the way `amtool` reads it.

use std::io::{self, Write};

use gonogo_domain::alerts::{Channel, Grouping, Inhibition, Receiver, Route, Routing};

use crate::rules::{comment, scalar};

/// Writes the file.
pub fn write(head: &[&str], routing: &Routing, out: &mut dyn Write) -> io::Result<()> {
    comment(head, out)?;
    writeln!(out, "route:")?;
    writeln!(out, "  receiver: {}", scalar(&routing.default))?;
    let labels: Vec<String> = routing.group_by.iter().map(|label| scalar(label)).collect();
    writeln!(out, "  group_by: [{}]", labels.join(", "))?;
    grouping("  ", &routing.grouping, out)?;
    if !routing.routes.is_empty() {
        writeln!(out, "  routes:")?;
    }
    routing.routes.iter().try_for_each(|one| route(one, out))?;
    if !routing.inhibitions.is_empty() {
        writeln!(out, "inhibit_rules:")?;
    }
    routing.inhibitions.iter().try_for_each(|one| inhibition(one, out))?;
    writeln!(out, "receivers:")?;
    routing.receivers.iter().try_for_each(|one| receiver(one, out))
}

fn grouping(indent: &str, grouping: &Grouping, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{indent}group_wait: {}", grouping.wait)?;
    writeln!(out, "{indent}group_interval: {}", grouping.interval)?;
    writeln!(out, "{indent}repeat_interval: {}", grouping.repeat)
}

fn route(route: &Route, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  - receiver: {}", scalar(&route.receiver))?;
    matchers("    ", "matchers", &route.matchers, out)?;
    grouping("    ", &route.grouping, out)
}

fn inhibition(one: &Inhibition, out: &mut dyn Write) -> io::Result<()> {
    let labels: Vec<String> = one.equal.iter().map(|label| scalar(label)).collect();
    writeln!(out, "- equal: [{}]", labels.join(", "))?;
    matchers("  ", "source_matchers", &one.source, out)?;
    matchers("  ", "target_matchers", &one.target, out)
}

fn matchers(indent: &str, key: &str, matchers: &[String], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{indent}{key}:")?;
    matchers.iter().try_for_each(|matcher| writeln!(out, "{indent}- {}", scalar(matcher)))
}

fn receiver(receiver: &Receiver, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "- name: {}", scalar(&receiver.name))?;
    let kinds = ["webhook_configs", "pagerduty_configs", "slack_configs", "email_configs"];
    for kind in kinds {
        let own: Vec<&Channel> = receiver.channels.iter().filter(|channel| key(channel) == kind).collect();
        if own.is_empty() {
            continue;
        }
        writeln!(out, "  {kind}:")?;
        for channel in own {
            match channel {
                Channel::Webhook { url } => writeln!(out, "  - url: {}", scalar(url))?,
                Channel::PagerDuty { key_file } => writeln!(out, "  - routing_key_file: {}", scalar(key_file))?,
                Channel::Slack { url_file, channel } => {
                    writeln!(out, "  - api_url_file: {}", scalar(url_file))?;
                    writeln!(out, "    channel: {}", scalar(channel))?;
                }
                Channel::Email { to } => writeln!(out, "  - to: {}", scalar(to))?,
            }
            writeln!(out, "    send_resolved: true")?;
        }
    }
    Ok(())
}

fn key(channel: &Channel) -> &'static str {
    match channel {
        Channel::Webhook { .. } => "webhook_configs",
        Channel::PagerDuty { .. } => "pagerduty_configs",
        Channel::Slack { .. } => "slack_configs",
        Channel::Email { .. } => "email_configs",
    }
}
