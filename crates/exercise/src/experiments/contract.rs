//! Compares live answers with the OpenAPI document.

use std::{collections::BTreeMap, time::Instant};

use gonogo_domain::{
    Message,
    exercise::{Contract, Observation, Promise, Trial},
};
use serde_json::Value;

use super::{
    Unmade,
    description::{self, Operation, Promised},
    listen::{ask, beginning, name, timeline},
};
use crate::{bench::Bench, load::Reply};

/// So many flaws of one answer are shown.
const SHOWN: usize = 3;

pub(super) fn trial(bench: &Bench) -> Result<Trial, Unmade> {
    if bench.kinds().is_empty() {
        return Err(Unmade::no_request());
    }
    let Some(description) = description::of(bench)? else {
        if let Some(path) = bench.run().openapi.as_ref().filter(|path| path.starts_with('/')) {
            return Err(Unmade::Missing(Message::new(
                format!("GET {path} was not answered with an OpenAPI document in JSON"),
                format!("GET {path} 没有返回 JSON 格式的 OpenAPI 文档"),
            )));
        }
        return Err(Unmade::Missing(Message::new(
            "no OpenAPI document was found: [service.NAME.run] openapi = \"openapi.yaml\", or the path \"/openapi.json\" that answers with it",
            "未找到 OpenAPI 文档：[service.NAME.run] openapi = \"openapi.yaml\"，或返回该文档的路径 \"/openapi.json\"",
        )));
    };
    let begin = Instant::now();
    let document = &description.document;
    let (operations, base) = (description::operations(document), description::base(document));
    let mut validators: BTreeMap<String, Result<jsonschema::Validator, String>> = BTreeMap::new();
    let mut promises = Vec::new();
    for kind in bench.kinds() {
        let request = bench.request(kind);
        let exchange = ask(bench, &request)?;
        let operation = description::find(&operations, base, &request.method, &request.path);
        let mut promise = Promise {
            request: name(bench, kind),
            status: exchange.status(),
            operation: operation.is_some(),
            documented: false,
            compared: false,
            flaws: Vec::new(),
            unusable: None,
        };
        if let (Some(operation), Some(reply)) = (operation, &exchange.reply) {
            compare(&mut promise, operation, reply, |place| {
                let validator =
                    validators.entry(place.to_owned()).or_insert_with(|| description::validator(document, place));
                validator.as_ref().map_err(Clone::clone).map(|validator| flaws(validator, reply))
            });
        }
        promises.push(promise);
    }
    let contract = Contract { document: description.name.clone(), found: bench.run().openapi.is_none(), promises };
    Ok(Trial::new(Observation::Contract(contract), timeline(bench, begin)))
}

fn compare(
    promise: &mut Promise,
    operation: Operation<'_>,
    reply: &Reply,
    mut flaws: impl FnMut(&str) -> Result<Vec<String>, String>,
) {
    match operation.promises(reply.status) {
        Promised::Nothing => (),
        Promised::Status => promise.documented = true,
        Promised::Body(place) => {
            promise.documented = true;
            match flaws(&place) {
                Ok(flaws) => {
                    promise.compared = true;
                    promise.flaws = flaws;
                }
                Err(why) => promise.unusable = Some(why),
            }
        }
    }
}

/// What does not fit, with its place in the body.
fn flaws(validator: &jsonschema::Validator, reply: &Reply) -> Vec<String> {
    let body = match serde_json::from_slice::<Value>(&reply.body) {
        Ok(body) => body,
        // No more of an answer is kept.
        Err(_) if reply.body.len() >= 1 << 20 => return Vec::new(),
        Err(error) => return vec![format!("no JSON: {error}")],
    };
    let flaw = |error: jsonschema::ValidationError<'_>| {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "/".to_owned() } else { place };
        format!("{place}: {}", beginning(&error.to_string(), 160))
    };
    validator.iter_errors(&body).take(SHOWN).map(flaw).collect()
}
