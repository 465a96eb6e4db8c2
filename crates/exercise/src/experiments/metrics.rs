//! Scrapes before and after traffic that is known, and compares.

use std::{collections::BTreeMap, time::Duration, time::Instant};

use gonogo_domain::exercise::{Grown, Histogram, IdLabel, Metrics, Observation, Trial};
use gonogo_formats::exposition::{Exposition, Sample};

use super::{
    Unmade,
    listen::{ANSWER, Unique, timeline},
    needed::some_good,
};
use crate::bench::{Ask, Bench, BenchError, Survey};

/// Requests that are answered well, and requests that are refused.
const GOOD: usize = 20;
const REFUSED: usize = 6;

/// Metrics that are gathered now and then may come so much later.
const PATIENCE: Duration = Duration::from_secs(6);

const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let path = bench.run().probes.metrics.clone().ok_or_else(|| Unmade::no_path("metrics"))?;
    let kinds = some_good(survey)?;
    let begin = Instant::now();
    let mut metrics = Metrics {
        path,
        unreadable: None,
        good: 0,
        refused: 0,
        others: 2,
        counter: None,
        errors: None,
        durations: None,
        ids: Vec::new(),
    };
    let before = match scrape(bench, &metrics.path)? {
        Ok(before) => before,
        Err(why) => {
            metrics.unreadable = Some(why);
            return Ok(Trial::new(Observation::Metrics(metrics), timeline(bench, begin)));
        }
    };
    let marker = format!("gonogo-nowhere-{}", Unique::new(bench).next());
    for kind in kinds.iter().cycle().take(GOOD) {
        count(&mut metrics, bench.ask(&bench.request(*kind), ANSWER)?.status());
    }
    for number in 0..REFUSED {
        count(&mut metrics, bench.get(&format!("/{marker}/{number}"), ANSWER)?.status());
    }
    for kind in kinds.iter().cycle().take(REFUSED) {
        let request = bench.request(*kind);
        let method = if request.method == "PATCH" { "PUT" } else { "PATCH" };
        let wrong = Ask { method: method.to_owned(), ..request };
        count(&mut metrics, bench.ask(&wrong, ANSWER)?.status());
    }
    let until = Instant::now() + PATIENCE;
    loop {
        metrics.others += 1;
        match scrape(bench, &metrics.path)? {
            Ok(after) => compare(&mut metrics, &before, &after, &[&marker, bench.run_id()]),
            Err(why) => metrics.unreadable = Some(why),
        }
        if is_counted(&metrics) || Instant::now() >= until {
            break;
        }
        bench.wait(PAUSE)?;
    }
    Ok(Trial::new(Observation::Metrics(metrics), timeline(bench, begin)))
}

/// What the endpoint says; why it cannot be read otherwise.
fn scrape(bench: &Bench, path: &str) -> Result<Result<Exposition, String>, BenchError> {
    let request = Ask::get(path).with("accept", "text/plain;version=0.0.4;q=1,*/*;q=0.1");
    let exchange = bench.ask(&request, ANSWER)?;
    let Some(reply) = exchange.reply.as_ref().filter(|reply| reply.status == 200) else {
        return Ok(Err(exchange.status().map_or_else(|| "no answer".to_owned(), |status| format!("status {status}"))));
    };
    let mut text = reply.text();
    // No more of an answer is kept: the last line may be cut.
    if text.len() >= 1 << 20 {
        text.truncate(text.rfind('\n').unwrap_or_default());
    }
    Ok(Exposition::read(&text))
}

/// Families that grew, by name.
#[derive(Default)]
struct Family {
    kind: String,
    by: f64,
    /// Of this, what its labels or its name say are errors.
    errors: f64,
}

fn count(metrics: &mut Metrics, status: Option<u16>) {
    match status {
        Some(status) if status < 400 => metrics.good += 1,
        Some(status) if status < 500 => metrics.refused += 1,
        _ => metrics.others += 1,
    }
}

fn is_counted(metrics: &Metrics) -> bool {
    metrics.counter.as_ref().is_some_and(|one| fits(metrics, one.by))
        && metrics.durations.as_ref().is_some_and(|one| fits(metrics, one.by))
        && (metrics.refused == 0 || metrics.errors.is_some())
}

fn fits(metrics: &Metrics, by: u64) -> bool {
    (metrics.good..=metrics.good + metrics.refused + metrics.others).contains(&by)
}

fn compare(metrics: &mut Metrics, before: &Exposition, after: &Exposition, markers: &[&str]) {
    let mut families: BTreeMap<&str, Family> = BTreeMap::new();
    for (sample, by) in after.growth(before) {
        let (_, kind) = after.family(&sample.name);
        let counts = kind == "counter"
            || sample.name.ends_with("_count")
            || (kind == "untyped" && sample.name.ends_with("_total"));
        if !counts || by <= 0.0 || !by.is_finite() || is_outgoing(&sample.name) {
            continue;
        }
        let family = families.entry(&sample.name).or_default();
        kind.clone_into(&mut family.kind);
        family.by += by;
        family.errors += if is_error(sample) { by } else { 0.0 };
    }
    let best = |of: &dyn Fn(&str, &Family) -> bool| {
        let rank = |(name, family): &(&&str, &Family)| {
            (fits(metrics, whole(family.by)), speaks_of_requests(name), family.errors > 0.0, whole(family.by))
        };
        families.iter().filter(|(name, family)| of(name, family)).max_by_key(rank)
    };
    // What is called so counts requests, whether it is right or not.
    let named = best(&|name, family| counts_requests(name, family) && whole(family.by) >= metrics.good);
    // What fits may be called anything; what does not is taken for a counter of requests by its name only.
    let counter = named.or_else(|| {
        best(&|_, _| true).filter(|(name, family)| fits(metrics, whole(family.by)) || speaks_of_requests(name))
    });
    let errors = best(&|_, family| family.errors > 0.0);
    let durations = best(&|name, family| family.kind == "histogram" && is_duration(name));
    let grown = |name: &str, by: f64| Grown { name: name.to_owned(), by: whole(by) };
    let (counter, errors) =
        (counter.map(|(name, family)| grown(name, family.by)), errors.map(|(name, family)| grown(name, family.errors)));
    let durations = durations.map(|(name, family)| {
        let base = name.strip_suffix("_count").unwrap_or(name);
        let bucket = format!("{base}_bucket");
        let limits = after.samples.iter().filter(|sample| sample.name == bucket);
        let limits: std::collections::BTreeSet<&str> = limits
            .filter_map(|sample| sample.labels.get("le").map(String::as_str))
            .filter(|limit| !limit.ends_with("Inf"))
            .collect();
        let limits = u64::try_from(limits.len()).unwrap_or_default();
        Histogram { name: base.to_owned(), by: whole(family.by), limits }
    });
    (metrics.counter, metrics.errors, metrics.durations) = (counter, errors, durations);
    metrics.ids = ids(before, after, markers);
    metrics.unreadable = None;
}

fn whole(by: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, which saturates")]
    let whole = by.round() as u64;
    whole
}

/// Words of a name: `http_server_requests` and `httpServerRequests` alike.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() || (letter.is_ascii_uppercase() && before.is_ascii_lowercase()) {
            words.push(String::new());
        }
        if let Some(last) = words.last_mut()
            && letter.is_ascii_alphanumeric()
        {
            last.push(letter.to_ascii_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn has_word(name: &str, of: &[&str]) -> bool {
    words(name).iter().any(|word| of.contains(&word.as_str()))
}

fn is_outgoing(name: &str) -> bool {
    has_word(name, &["client", "outbound", "outgoing", "upstream", "fetch"])
}

fn speaks_of_requests(name: &str) -> bool {
    has_word(name, &["http", "request", "requests", "req", "rpc", "grpc", "server", "responses", "hits"])
}

/// `http_requests_total`: a counter of all requests by its name.
fn counts_requests(name: &str, family: &Family) -> bool {
    let others = [
        "errors", "error", "failed", "failures", "bytes", "size", "seconds", "metric", "metrics", "scrape", "rejected",
    ];
    family.kind == "counter" && has_word(name, &["requests"]) && !has_word(name, &others)
}

fn is_duration(name: &str) -> bool {
    let times = ["duration", "latency", "seconds", "milliseconds", "ms", "time", "microseconds"];
    has_word(name, &times) && !has_word(name, &["bytes", "size", "gc"])
}

/// Its labels or its name say that it counts errors.
fn is_error(sample: &Sample) -> bool {
    let of_labels = sample.labels.iter().any(|(label, value)| {
        let label = words(label).join("");
        if !["status", "code", "outcome", "result", "class"].iter().any(|word| label.contains(word)) && label != "error"
        {
            return false;
        }
        let value = value.to_ascii_lowercase();
        let refused = value.len() == 3
            && value.starts_with(['4', '5'])
            && value.chars().skip(1).all(|letter| letter.is_ascii_digit() || letter == 'x');
        refused || value.contains("error") || value.contains("fail") || (label == "error" && value == "true")
    });
    of_labels
        || (speaks_of_requests(&sample.name) && has_word(&sample.name, &["error", "errors", "failures", "failed"]))
}

/// Labels of new series whose values name one request or one user.
fn ids(before: &Exposition, after: &Exposition, markers: &[&str]) -> Vec<IdLabel> {
    let mut found: Vec<IdLabel> = Vec::new();
    for sample in after.new_since(before) {
        for (label, value) in &sample.labels {
            let one = markers.iter().any(|marker| value.contains(marker)) || is_id(value);
            let (metric, _) = after.family(&sample.name);
            if one && !found.iter().any(|known| known.metric == metric && known.label == *label) {
                let value = super::listen::beginning(value, 80);
                found.push(IdLabel { metric: metric.to_owned(), label: label.clone(), value });
            }
        }
    }
    found
}

/// A UUID or an address of a person somewhere in it.
fn is_id(value: &str) -> bool {
    let uuid = |part: &str| {
        let lengths = part.split('-').map(str::len);
        lengths.eq([8, 4, 4, 4, 12]) && part.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
    };
    let person = |part: &str| {
        part.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'))
    };
    value.split(['/', '?', '=', '&', ' ']).any(|part| uuid(part) || person(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The counter, the errors, the histogram and the number of labels with ids.
    type Expected<'a> = (Option<(&'a str, u64)>, Option<u64>, Option<(&'a str, u64)>, usize);

    #[track_caller]
    fn check(before: &str, after: &str, expect: Expected<'_>) {
        let mut metrics = Metrics {
            path: "/metrics".to_owned(),
            unreadable: None,
            good: 20,
            refused: 10,
            others: 3,
            counter: None,
            errors: None,
            durations: None,
            ids: Vec::new(),
        };
        let read = |text: &str| Exposition::read(text).unwrap();
        compare(&mut metrics, &read(before), &read(after), &["gonogo-nowhere-1"]);
        let counter = metrics.counter.as_ref().map(|one| (one.name.as_str(), one.by));
        let durations = metrics.durations.as_ref().map(|one| (one.name.as_str(), one.limits));
        assert_eq!((counter, metrics.errors.map(|one| one.by), durations, metrics.ids.len()), expect);
    }

    const BEFORE: &str = "# TYPE http_requests_total counter\nhttp_requests_total{status=\"200\"} 7\n";

    #[test]
    fn what_fits_the_traffic_is_found_among_all_that_grows() {
        let after = "# TYPE http_requests_total counter\nhttp_requests_total{status=\"200\"} 27\nhttp_requests_total{status=\"404\"} 10\n\
             # TYPE gc_total counter\ngc_total 25\n\
             # TYPE http_client_requests_total counter\nhttp_client_requests_total 20\n\
             # TYPE http_request_duration_seconds histogram\n\
             http_request_duration_seconds_bucket{le=\"0.1\"} 29\nhttp_request_duration_seconds_bucket{le=\"1\"} 30\nhttp_request_duration_seconds_bucket{le=\"+Inf\"} 30\n\
             http_request_duration_seconds_count 30\nhttp_request_duration_seconds_sum 1\n";
        check(
            BEFORE,
            after,
            (Some(("http_requests_total", 30)), Some(10), Some(("http_request_duration_seconds", 2)), 0),
        );
    }

    #[test]
    fn the_count_of_a_summary_counts_requests_and_is_no_histogram() {
        let after = "# TYPE http_server_requests_seconds summary\n\
             http_server_requests_seconds_count{outcome=\"SUCCESS\"} 20\nhttp_server_requests_seconds_count{outcome=\"CLIENT_ERROR\"} 5\n";
        check(BEFORE, after, (Some(("http_server_requests_seconds_count", 25)), Some(5), None, 0));
    }

    #[test]
    fn a_counter_that_counts_twice_and_labels_without_end_are_seen() {
        let after = "# TYPE http_requests_total counter\nhttp_requests_total{status=\"200\",path=\"/a\"} 60\n\
             http_requests_total{status=\"404\",path=\"/gonogo-nowhere-1/3\"} 1\n";
        check(BEFORE, after, (Some(("http_requests_total", 61)), Some(1), None, 1));
        let after = "# TYPE http_requests_total counter\nhttp_requests_total{status=\"200\"} 67\n\
             # TYPE promhttp_metric_handler_requests_total counter\npromhttp_metric_handler_requests_total 20\n\
             # TYPE d_seconds histogram\nd_seconds_bucket{le=\"+Inf\"} 30\nd_seconds_count 30\n";
        check(BEFORE, after, (Some(("http_requests_total", 60)), None, Some(("d_seconds", 0)), 0));
        let after = "# TYPE jobs_total counter\njobs_total{user=\"a@b.example\"} 2\njobs_total{id=\"/x/0af76519-16cd-43dd-8448-eb211c80319c\"} 2\n";
        check(BEFORE, after, (None, None, None, 2));
    }

    #[test]
    fn nothing_grew() {
        check(BEFORE, BEFORE, (None, None, None, 0));
    }
}
