//! The text format of Prometheus and `OpenMetrics`, read: what one scrape said.

use std::collections::{BTreeMap, BTreeSet};

/// What one scrape said.
#[derive(Debug, Default)]
pub struct Exposition {
    /// By family: `counter`, `histogram` and so on.
    types: BTreeMap<String, String>,
    pub samples: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// Any number, NaN and the infinities too.
    pub value: f64,
}

/// More series than any service that can be scraped has; a body that holds more is no scrape.
const MOST: usize = 500_000;

/// Labels of one series.
const MOST_LABELS: usize = 256;

impl Sample {
    fn key(&self) -> (&str, &BTreeMap<String, String>) {
        (&self.name, &self.labels)
    }
}

/// The parts of a histogram and a summary.
const PARTS: &[&str] = &["_bucket", "_count", "_sum"];

impl Exposition {
    /// Reads a scrape.
    ///
    /// # Errors
    /// What is wrong with it, and in which line.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut read = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let wrong = |what: &str| {
                let begin: String = line.chars().take(60).collect();
                format!("line {}: {what}: {begin}", number + 1)
            };
            if let Some(comment) = line.strip_prefix('#') {
                let mut words = comment.split_whitespace();
                if words.next() == Some("TYPE") {
                    let (Some(name), Some(kind)) = (words.next(), words.next()) else {
                        return Err(wrong("a TYPE without a name and a type"));
                    };
                    read.types.insert(name.to_owned(), kind.to_owned());
                }
            } else if !line.is_empty() {
                if read.samples.len() >= MOST {
                    return Err(format!("it holds more than {MOST} samples"));
                }
                read.samples.push(sample(line).ok_or_else(|| wrong("no sample"))?);
            }
        }
        if read.samples.is_empty() {
            return Err("no sample is in it".to_owned());
        }
        read.buckets_are_sound()?;
        Ok(read)
    }

    /// The buckets of each series of a histogram grow with their limits, and the last one counts all.
    fn buckets_are_sound(&self) -> Result<(), String> {
        type Series<'a> = (&'a str, Vec<(&'a String, &'a String)>);
        let mut series: BTreeMap<Series<'_>, Vec<(f64, f64)>> = BTreeMap::new();
        for sample in &self.samples {
            let (Some(family), Some(limit)) = (sample.name.strip_suffix("_bucket"), sample.labels.get("le")) else {
                continue;
            };
            let Ok(limit) = limit.parse::<f64>() else {
                return Err(format!("{}: le=\"{limit}\" is no number", sample.name));
            };
            let others = sample.labels.iter().filter(|(name, _)| *name != "le").collect();
            series.entry((family, others)).or_default().push((limit, sample.value));
        }
        for ((family, _), mut buckets) in series {
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            if buckets.last().is_none_or(|(limit, _)| limit.is_finite()) {
                return Err(format!("{family} has no bucket le=\"+Inf\""));
            }
            if buckets.windows(2).any(|pair| matches!(pair, [(_, less), (_, more)] if less > more)) {
                return Err(format!("the buckets of {family} do not grow with their limits"));
            }
        }
        Ok(())
    }

    /// The family of a sample, and its type.
    pub fn family<'a>(&'a self, name: &'a str) -> (&'a str, &'a str) {
        let typed = |family: &'a str| self.types.get(family).map(|kind| (family, kind.as_str()));
        let part = || PARTS.iter().find_map(|part| typed(name.strip_suffix(part)?));
        // OpenMetrics leaves the ending out of the type.
        let total = || typed(name.strip_suffix("_total")?);
        typed(name).or_else(part).or_else(total).unwrap_or((name, "untyped"))
    }

    /// By how much each series grew since an earlier scrape; one that was not there counted from nothing.
    pub fn growth<'a>(&'a self, before: &Self) -> Vec<(&'a Sample, f64)> {
        let was: BTreeMap<_, f64> = before.samples.iter().map(|sample| (sample.key(), sample.value)).collect();
        let grown = self.samples.iter().map(|sample| {
            let was = was.get(&sample.key()).copied().unwrap_or_default();
            // A counter that fell began anew.
            (sample, if sample.value < was { sample.value } else { sample.value - was })
        });
        grown.collect()
    }

    /// The series that an earlier scrape did not have.
    pub fn new_since<'a>(&'a self, before: &Self) -> impl Iterator<Item = &'a Sample> {
        let was: BTreeSet<(String, BTreeMap<String, String>)> =
            before.samples.iter().map(|sample| (sample.name.clone(), sample.labels.clone())).collect();
        self.samples.iter().filter(move |sample| !was.contains(&(sample.name.clone(), sample.labels.clone())))
    }
}

/// `name{label="value"} 1 1700000000000 # exemplar`.
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'))?;
    let (name, mut rest) = line.split_at(end);
    if name.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let (mut name, mut labels) = (name.to_owned(), BTreeMap::new());
    if let Some(mut inside) = rest.strip_prefix('{') {
        // A name that is not of the old alphabet stands in quotes before the labels.
        if name.is_empty() {
            (name, inside) = quoted(inside.trim_start())?;
        }
        rest = read_labels(inside, &mut labels)?;
    }
    if name.is_empty() {
        return None;
    }
    let mut words = rest.split_whitespace();
    let value = words.next()?;
    let value = match value {
        "+Inf" | "Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        _ => value.parse().ok()?,
    };
    if let Some(next) = words.next()
        && next != "#"
    {
        next.parse::<f64>().ok()?;
    }
    Some(Sample { name, labels, value })
}

/// Reads up to the closing brace; gives what is behind it.
fn read_labels<'a>(mut rest: &'a str, labels: &mut BTreeMap<String, String>) -> Option<&'a str> {
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(behind) = rest.strip_prefix('}') {
            return Some(behind);
        }
        let (name, behind) = if rest.starts_with('"') {
            let (name, behind) = quoted(rest)?;
            (name, behind.trim_start().strip_prefix('=')?)
        } else {
            let (name, behind) = rest.split_once('=')?;
            (name.trim().to_owned(), behind)
        };
        let (value, behind) = quoted(behind.trim_start())?;
        if labels.len() >= MOST_LABELS {
            return None;
        }
        labels.insert(name, value);
        rest = behind;
    }
}

/// A text in quotes, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut letters = text.strip_prefix('"')?.chars();
    let mut value = String::new();
    loop {
        match letters.next()? {
            '"' => return Some((value, letters.as_str())),
            '\\' => match letters.next()? {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            letter => value.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Expected<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

    #[track_caller]
    fn check(line: &str, expect: Option<Expected<'_>>) {
        let found = sample(line);
        let expect = expect.map(|(name, labels, value)| Sample {
            name: name.to_owned(),
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            value,
        });
        assert_eq!(found, expect, "{line}");
    }

    #[test]
    fn samples_are_read_with_all_that_may_stand_in_them() {
        check("up 1", Some(("up", &[], 1.0)));
        check("a:b{} 1e3 1700000000000", Some(("a:b", &[], 1000.0)));
        check(
            r#"h{path="/a \"b\", c}",code="200",} 2"#,
            Some(("h", &[("path", r#"/a "b", c}"#), ("code", "200")], 2.0)),
        );
        check(r#"h_bucket{le="+Inf"} 3 # {trace_id="a"} 0.1"#, Some(("h_bucket", &[("le", "+Inf")], 3.0)));
        check(
            r#"{"http.requests", "status.code"="200",a="b"} 4"#,
            Some(("http.requests", &[("status.code", "200"), ("a", "b")], 4.0)),
        );
        check("{} 1", None);
        check("<html>", None);
        check("{\"status\": \"ok\"}", None);
        check("a{b=\"c} 1", None);
        check("a one", None);
        check("9a 1", None);
    }

    #[track_caller]
    fn check_scrape(text: &str, expect: Result<usize, &str>) {
        let read = Exposition::read(text).map(|read| read.samples.len());
        match expect {
            Ok(count) => assert_eq!(read, Ok(count)),
            Err(word) => assert!(read.as_ref().is_err_and(|error| error.contains(word)), "{read:?}"),
        }
    }

    #[test]
    fn a_histogram_must_be_one() {
        let of = |first: u32, second: u32, last: &str| {
            format!(
                "# TYPE h histogram\nh_bucket{{le=\"0.1\"}} {first}\nh_bucket{{le=\"1\"}} {second}\nh_bucket{{le=\"{last}\"}} 9\n"
            )
        };
        check_scrape(&of(1, 2, "+Inf"), Ok(3));
        check_scrape(&of(3, 2, "+Inf"), Err("grow"));
        check_scrape(&of(1, 2, "5"), Err("+Inf"));
        check_scrape("# nothing\n", Err("no sample"));
        check_scrape("<!doctype html>", Err("line 1"));
    }

    #[test]
    fn families_and_growth() {
        let before =
            Exposition::read("# TYPE h histogram\nh_count 2\n# TYPE r counter\nr_total{c=\"200\"} 5\n").unwrap();
        let after = Exposition::read(
            "# TYPE h histogram\nh_count 4\n# TYPE r counter\nr_total{c=\"200\"} 1\nr_total{c=\"404\"} 3\n",
        )
        .unwrap();
        assert_eq!(after.family("h_count"), ("h", "histogram"));
        assert_eq!(after.family("r_total"), ("r", "counter"));
        assert_eq!(after.growth(&before).iter().map(|one| one.1).collect::<Vec<_>>(), [2.0, 1.0, 3.0]);
        assert_eq!(after.new_since(&before).count(), 1);
    }
}
