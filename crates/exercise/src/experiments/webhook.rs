//! Delivers webhooks with signatures that are right, forged, old and missing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message, RunWebhook,
    exercise::{Forged, Forgery, Observation, Replay, Trial, Webhook},
};

use super::{
    Unmade,
    listen::{ask, timeline},
    sign::{code, encoded},
};
use crate::bench::{Ask, Bench, BenchError, Shape, shape};

/// How long after a delivery its effects are looked for.
const EFFECT: Duration = Duration::from_millis(1500);

/// Beyond what is tolerated.
const HOUR: i64 = 3600;

pub(super) fn trial(bench: &mut Bench) -> Result<Trial, Unmade> {
    let Some(plan) = bench.run().webhook.clone() else {
        return Err(Unmade::Missing(Message::new(
            "no webhook is configured: [service.NAME.run.webhook] path = \"/…\", secret = \"VARIABLE\", header = \"x-signature\" (and prefix, signed, encoding, timestamp_header, body)",
            "未配置 webhook：[service.NAME.run.webhook] path = \"/…\"、secret = \"变量名\"、header = \"x-signature\"（及 prefix、signed、encoding、timestamp_header、body）",
        )));
    };
    let Some(secret) = bench.run().environment.get(&plan.secret).map(|secret| bench.expand(secret)) else {
        return Err(Unmade::Missing(Message::new(
            format!("`environment` has no variable {}, which is to hold the secret of the webhook", plan.secret),
            format!("`environment` 中没有保存 webhook 密钥的变量 {}", plan.secret),
        )));
    };
    let begin = Instant::now();
    let sender = Sender { plan, secret };
    let right = sender.send(bench, |_| ())?;
    let mut forged = Vec::new();
    for forgery in sender.series() {
        let status = sender.send(bench, |delivery| sender.forge(forgery, delivery))?;
        forged.push(Forged { forgery, status });
    }
    let replay = if right.is_some_and(|status| status < 300) { Some(sender.replay(bench)?) } else { None };
    if bench.process().is_some() {
        forged.push(Forged { forgery: Forgery::Unset, status: sender.unset(bench)? });
    }
    let webhook = Webhook { path: sender.plan.path.clone(), right, forged, replay };
    Ok(Trial::new(Observation::Webhook(webhook), timeline(bench, begin)))
}

struct Sender {
    plan: RunWebhook,
    secret: String,
}

/// A delivery before it is signed.
struct Delivery {
    id: String,
    timestamp: String,
    secret: String,
    body: String,
    /// What is signed in the place of the body.
    signed_body: Option<String>,
    /// The header as it is sent, made of the one that would be right; none is sent where this gives none.
    header: fn(String, &str) -> Option<String>,
}

impl Sender {
    fn delivery(&self, bench: &Bench) -> Delivery {
        let id = bench.new_id();
        let body = bench.expand(&self.plan.body).replace("{id}", &id);
        Delivery {
            id,
            timestamp: bench.calendar().as_second().to_string(),
            secret: self.secret.clone(),
            body,
            signed_body: None,
            header: |right, _| Some(right),
        }
    }

    fn send(&self, bench: &Bench, change: impl FnOnce(&mut Delivery)) -> Result<Option<u16>, BenchError> {
        let mut delivery = self.delivery(bench);
        change(&mut delivery);
        Ok(ask(bench, &self.request(&delivery))?.status())
    }

    fn request(&self, delivery: &Delivery) -> Ask {
        let plan = &self.plan;
        let timed = |text: &str| text.replace("{timestamp}", &delivery.timestamp).replace("{id}", &delivery.id);
        let signed = delivery.signed_body.as_ref().unwrap_or(&delivery.body);
        // The body comes last: what it holds stands for nothing.
        let message = timed(&plan.signed).replace("{body}", signed);
        let digest = encoded(plan.encoding, &code(plan.digest, delivery.secret.as_bytes(), message.as_bytes()));
        let prefix = timed(&plan.prefix);
        let mut headers: Vec<(String, String)> =
            plan.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        headers.extend(plan.timestamp.clone().map(|name| (name, delivery.timestamp.clone())));
        headers.extend(plan.id.clone().map(|name| (name, delivery.id.clone())));
        let value = (delivery.header)(format!("{prefix}{digest}"), &prefix);
        headers.extend(value.map(|value| (plan.header.clone(), value)));
        Ask { method: plan.method.clone(), path: plan.path.clone(), headers, body: delivery.body.clone().into() }
    }

    fn series(&self) -> Vec<Forgery> {
        let mut series = vec![
            Forgery::Missing,
            Forgery::Empty,
            Forgery::Wrong,
            Forgery::Truncated,
            Forgery::Longer,
            Forgery::OtherBody,
            Forgery::Rewritten,
            Forgery::EmptySecret,
        ];
        if !self.plan.prefix.is_empty() {
            series.push(Forgery::NoPrefix);
        }
        if self.plan.has_time() {
            series.extend([Forgery::Old, Forgery::Future, Forgery::NoTime]);
        }
        series
    }

    fn forge(&self, forgery: Forgery, delivery: &mut Delivery) {
        let now: i64 = delivery.timestamp.parse().unwrap_or_default();
        let tolerated = i64::try_from(self.plan.tolerance.as_secs()).unwrap_or(i64::MAX);
        let beyond = tolerated.saturating_add(HOUR);
        match forgery {
            Forgery::Missing => delivery.header = |_, _| None,
            Forgery::Empty => delivery.header = |_, _| Some(String::new()),
            Forgery::Wrong => delivery.secret.push_str("-of-somebody-else"),
            Forgery::Truncated => {
                delivery.header = |right, prefix| {
                    let half = prefix.len() + (right.len() - prefix.len()) / 2;
                    right.get(..half).map(str::to_owned)
                };
            }
            Forgery::Longer => delivery.header = |right, _| Some(format!("{right}00")),
            Forgery::NoPrefix => {
                delivery.header = |right, prefix| right.strip_prefix(prefix).map(str::to_owned);
            }
            Forgery::OtherBody => delivery.signed_body = Some(format!("{} ", delivery.id)),
            Forgery::Rewritten => {
                let other = delivery.body.replace("\": ", "\":");
                let other = if other == delivery.body { delivery.body.replace("\":", "\": ") } else { other };
                let right = std::mem::replace(&mut delivery.body, other);
                if right == delivery.body {
                    delivery.body.push(' ');
                }
                delivery.signed_body = Some(right);
            }
            Forgery::EmptySecret | Forgery::Unset => delivery.secret.clear(),
            Forgery::Old => delivery.timestamp = now.saturating_sub(beyond).to_string(),
            Forgery::Future => delivery.timestamp = now.saturating_add(beyond).to_string(),
            Forgery::NoTime => "soon".clone_into(&mut delivery.timestamp),
        }
    }

    /// The right delivery twice, and what each brings about at dependencies.
    fn replay(&self, bench: &Bench) -> Result<Replay, BenchError> {
        // What the service asks by itself is no effect.
        let by_itself: BTreeSet<(String, Shape)> = calls(bench, || Ok(()))?.into_keys().collect();
        let request = self.request(&self.delivery(bench));
        let mut status = None;
        let mut count = || -> Result<u64, BenchError> {
            let calls = calls(bench, || {
                status = ask(bench, &request)?.status();
                Ok(())
            })?;
            Ok(calls.into_iter().filter(|(which, _)| !by_itself.contains(which)).map(|(_, count)| count).sum())
        };
        let (first_calls, second_calls) = (count()?, count()?);
        Ok(Replay { status, first_calls, second_calls })
    }

    /// What a service without a secret does with a delivery that is signed with an empty one; none where it does not run.
    fn unset(&self, bench: &mut Bench) -> Result<Option<u16>, BenchError> {
        let started = bench.start_with(&BTreeMap::from([(self.plan.secret.clone(), String::new())]));
        let status = match started {
            Ok(()) => self.send(bench, |delivery| self.forge(Forgery::Unset, delivery)),
            Err(BenchError::NotUp(_)) => Ok(None),
            Err(error) => Err(error),
        };
        bench.start()?;
        status
    }
}

/// Calls to dependencies that speak HTTP while something is done and shortly after.
fn calls(
    bench: &Bench,
    what: impl FnOnce() -> Result<(), BenchError>,
) -> Result<BTreeMap<(String, Shape), u64>, BenchError> {
    let names: Vec<String> = bench.dependencies().filter(|(_, http)| *http).map(|(name, _)| name.to_owned()).collect();
    let from = Instant::now();
    what()?;
    bench.wait(EFFECT)?;
    let mut calls = BTreeMap::new();
    for name in names {
        for request in bench.calls_since(&name, from) {
            *calls.entry((name.clone(), shape(&request))).or_default() += 1;
        }
    }
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use gonogo_domain::{Digest, Encoding, Place};

    use super::*;

    fn sender() -> Sender {
        let plan = RunWebhook {
            place: Place::whole("gonogo.toml"),
            method: "POST".to_owned(),
            path: "/hook".to_owned(),
            secret: "KEY".to_owned(),
            header: "x-signature".to_owned(),
            prefix: "t={timestamp},v1=".to_owned(),
            digest: Digest::Sha256,
            encoding: Encoding::Hex,
            signed: "{timestamp}.{body}".to_owned(),
            timestamp: None,
            id: None,
            tolerance: Duration::from_mins(5),
            headers: BTreeMap::new(),
            body: String::new(),
        };
        Sender { plan, secret: "k".to_owned() }
    }

    fn delivery() -> Delivery {
        Delivery {
            id: "g1".to_owned(),
            timestamp: "1800000000".to_owned(),
            secret: "k".to_owned(),
            body: r#"{"id": "g1"}"#.to_owned(),
            signed_body: None,
            header: |right, _| Some(right),
        }
    }

    fn signature(delivery: &Delivery) -> Option<String> {
        let request = sender().request(delivery);
        request.headers.into_iter().find(|(name, _)| name == "x-signature").map(|(_, value)| value)
    }

    /// A receiver as it should be.
    fn takes(request: &Ask) -> bool {
        let Some((_, header)) = request.headers.iter().find(|(name, _)| name == "x-signature") else { return false };
        let Some((time, digest)) = header.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")) else {
            return false;
        };
        let Ok(at) = time.parse::<i64>() else { return false };
        let message = format!("{time}.{}", String::from_utf8_lossy(&request.body));
        let right = encoded(Encoding::Hex, &code(Digest::Sha256, b"k", message.as_bytes()));
        (at - 1_800_000_000).abs() <= 300 && digest == right
    }

    #[test]
    fn only_the_right_delivery_passes_a_receiver_as_it_should_be() {
        let sender = sender();
        assert!(takes(&sender.request(&delivery())));
        for forgery in sender.series().into_iter().chain([Forgery::Unset]) {
            let mut forged = delivery();
            sender.forge(forgery, &mut forged);
            assert!(!takes(&sender.request(&forged)), "{forgery:?}");
        }
    }

    #[test]
    fn what_is_old_is_signed_all_the_same() {
        let mut old = delivery();
        sender().forge(Forgery::Old, &mut old);
        let signed = signature(&old).unwrap();
        assert!(signed.starts_with("t=1799996100,v1=") && signed.len() == signature(&delivery()).unwrap().len());
    }
}
