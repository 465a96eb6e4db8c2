//! `docs/report.schema.json`: the shape of the JSON report, a promise to programs.
//!
//! Closed lists of words come from the code. A test runs real reports against the schema, in both directions: nothing
//! that is promised is missing, and nothing is written that is not promised.

use gonogo_domain::{
    Area, Cause, Class, Decision, Gate, Level, Occasion, Outcome, ReasonKind, Standard, Strength, Tier,
};
use serde_json::{Value, json};

pub(super) fn page() -> String {
    format!("{:#}\n", schema())
}

fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://gonogo.dev/schema/report/v1.json",
        "title": "Report of gonogo, version 1",
        "description": "Written by `gonogo review --format json`. A field may be added within a version; removing or changing one takes a new version.",
        "$comment": "Written by `cargo xtask docs`. Change the code, not this file.",
        "$defs": definitions(),
        "$ref": "#/$defs/report",
    })
}

fn definitions() -> Value {
    let report = object(
        "A review of a repository.",
        &[
            ("schema", json!({"const": "https://gonogo.dev/schema/report/v1.json"})),
            ("version", json!({"const": 1})),
            ("tool", reference("tool")),
            ("repository", string("The name of the folder.")),
            ("revision", nullable(string("The commit that was reviewed; `+` at its end: with changes on top."))),
            ("on", date("The day of the review.")),
            ("decision", described(reference("decision"), "The worst decision of its services.")),
            ("exit_code", json!({"enum": [0, 1, 3], "description": "0 go or conditions, 1 no-go, 3 incomplete."})),
            ("files", count("Files that were listed.")),
            ("services", list(reference("service"))),
            ("left_out", described(list(reference("left_out")), "Units that were seen and are not reviewed.")),
            ("unread", described(list(reference("unread")), "Files that should have been read and could not be.")),
            (
                "record_problems",
                described(
                    list(reference("problem")),
                    "Waivers and attestations of no service in particular that are expired, refused or unused.",
                ),
            ),
            ("since", nullable(reference("since"))),
        ],
    );
    let mut definitions = json!({"report": report});
    for (name, definition) in parts().into_iter().chain(judgements()).chain(words()) {
        definitions[name] = definition;
    }
    definitions
}

fn parts() -> Vec<(&'static str, Value)> {
    vec![
        (
            "tool",
            object(
                "What judged.",
                &[
                    ("name", json!({"const": "gonogo"})),
                    ("version", string("The version of gonogo.")),
                    ("rules", string("Hash of checklist and policy: equal hashes, equal rules.")),
                ],
            ),
        ),
        (
            "service",
            object(
                "A deployable unit, judged and decided.",
                &[
                    ("name", string("Unique in the report.")),
                    ("class", reference("class")),
                    ("class_reason", reference("words")),
                    ("path", string("Its folder, from the root of the repository; `.` is the root.")),
                    ("owner", nullable(string("A team or a person."))),
                    ("tier", reference("tier")),
                    (
                        "occasion",
                        nullable(described(
                            reference("occasion"),
                            "What the review was held for; null: nothing in particular.",
                        )),
                    ),
                    ("decision", reference("decision")),
                    ("level", nullable(described(reference("level"), "The level reached; null: not even L1."))),
                    ("level_needed", described(reference("level"), "The level that its tier asks for.")),
                    ("level_missing", list(reference("level_missing"))),
                    (
                        "reasons",
                        described(
                            list(reference("reason")),
                            "The checks that the decision rests on, most weighty first.",
                        ),
                    ),
                    (
                        "counts",
                        json!({
                            "type": "object",
                            "description": "Checks by outcome; an outcome without a check is left out.",
                            "propertyNames": reference("outcome"),
                            "additionalProperties": {"type": "integer", "minimum": 1},
                        }),
                    ),
                    ("state", described(reference("words"), "Whether it keeps data, and how that is known.")),
                    ("dependencies", list(reference("dependency"))),
                    ("sources", described(list(reference("source")), "The declarations that it was found in.")),
                    ("checks", described(list(reference("check")), "Every check, in the order of the catalogue.")),
                    ("record_problems", list(reference("problem"))),
                ],
            ),
        ),
        (
            "level_missing",
            object(
                "What stands between the service and a level, those of lower levels left out.",
                &[("level", reference("level")), ("checks", list(reference("check_id")))],
            ),
        ),
        (
            "reason",
            object(
                "What a check does to the decision.",
                &[("kind", reference("reason_kind")), ("check", reference("check_id"))],
            ),
        ),
        (
            "dependency",
            object(
                "What it calls over the network.",
                &[
                    ("name", string("")),
                    ("kind", string("`postgresql`, `redis`, `http`, `kafka` …")),
                    (
                        "hard",
                        nullable(
                            json!({"type": "boolean", "description": "A request fails without it; null: not known."}),
                        ),
                    ),
                    ("place", reference("place")),
                ],
            ),
        ),
        (
            "source",
            object(
                "A declaration of a service.",
                &[
                    ("kind", string("`Deployment`, `Dockerfile`, `compose service` …")),
                    ("environment", nullable(string("The environment that it is for."))),
                    ("place", reference("place")),
                ],
            ),
        ),
        (
            "left_out",
            object(
                "A unit that is not reviewed.",
                &[("name", string("")), ("reason", reference("words")), ("place", reference("place"))],
            ),
        ),
        (
            "unread",
            object(
                "A file that could not be read.",
                &[("source", reference("words")), ("place", reference("place")), ("reason", string(""))],
            ),
        ),
        (
            "problem",
            object("A record that does not count.", &[("place", reference("place")), ("message", reference("words"))]),
        ),
        (
            "since",
            object(
                "What changed since an earlier review.",
                &[("name", string("The revision or file that was named.")), ("changes", list(reference("change")))],
            ),
        ),
        (
            "change",
            object(
                "An outcome that changed.",
                &[
                    ("service", string("")),
                    ("check", reference("check_id")),
                    ("before", nullable(reference("outcome"))),
                    ("now", nullable(reference("outcome"))),
                    ("waived_before", json!({"type": "boolean"})),
                    ("waived_now", json!({"type": "boolean"})),
                    ("cause", reference("cause")),
                ],
            ),
        ),
    ]
}

fn judgements() -> Vec<(&'static str, Value)> {
    vec![
        (
            "check",
            object(
                "A check, judged.",
                &[
                    ("id", reference("check_id")),
                    ("standard", reference("standard")),
                    ("area", reference("area")),
                    ("title", described(reference("words"), "True when the outcome is pass.")),
                    ("level", nullable(reference("level"))),
                    ("gate", described(reference("gate"), "On this occasion.")),
                    ("min", described(reference("strength"), "The weakest evidence that can make it pass.")),
                    ("outcome", reference("outcome")),
                    ("strength", nullable(described(reference("strength"), "Of the reading that decided."))),
                    ("contradicted", described(list(reference("strength")), "Weaker readings that say the opposite.")),
                    (
                        "readings",
                        described(list(reference("reading")), "At most one for each strength, from weak to strong."),
                    ),
                    ("searched", list(reference("searched"))),
                    ("remediation", described(reference("words"), "The next step.")),
                    ("waiver", nullable(reference("waiver"))),
                    (
                        "in_baseline",
                        json!({"type": "boolean", "description": "It failed in the baseline already, with the same findings."}),
                    ),
                ],
            ),
        ),
        (
            "reading",
            object(
                "What a check concludes from the evidence of one strength.",
                &[
                    ("strength", reference("strength")),
                    (
                        "conclusion",
                        json!({"enum": ["met", "not-met", "partly", "not-applicable", "not-found", "unknown"]}),
                    ),
                    ("summary", reference("words")),
                    ("met", nullable(count("How many hold …"))),
                    ("of", nullable(count("… of how many."))),
                    ("on", nullable(date("The day that the evidence speaks of."))),
                    ("settle", nullable(described(reference("words"), "What would settle it, where it is unknown."))),
                    ("findings", described(list(reference("finding")), "Where the title does not hold.")),
                    ("witnesses", described(list(reference("place")), "Where it does.")),
                ],
            ),
        ),
        (
            "finding",
            object(
                "One place where the title does not hold.",
                &[
                    (
                        "fingerprint",
                        json!({"type": "string", "pattern": "^[0-9a-f]{16}$", "description": "The same from run to run, also when lines move."}),
                    ),
                    ("message", reference("words")),
                    ("place", reference("place")),
                    (
                        "environments",
                        described(list(json!({"type": "string"})), "Empty: all, or the source names none."),
                    ),
                    ("related", list(reference("related"))),
                ],
            ),
        ),
        (
            "related",
            object(
                "Another place that belongs to it.",
                &[("place", reference("place")), ("message", reference("words"))],
            ),
        ),
        (
            "searched",
            object(
                "A source that the check looked at.",
                &[("source", reference("words")), ("files", count("Files of that source."))],
            ),
        ),
        (
            "waiver",
            object(
                "An accepted failure.",
                &[
                    ("reason", string("")),
                    ("risk", string("")),
                    ("ticket", string("")),
                    ("approver", string("")),
                    ("expires", date("The last day on which it holds.")),
                    ("place", reference("place")),
                ],
            ),
        ),
        (
            "place",
            object(
                "Where a fact was seen.",
                &[
                    ("path", string("From the root of the repository, with `/`; `.` is the root.")),
                    ("line", nullable(json!({"type": "integer", "minimum": 1}))),
                    ("column", nullable(json!({"type": "integer", "minimum": 1}))),
                    ("attested_by", nullable(string("The person whose statement it is."))),
                    ("attested_on", nullable(date("The day of the statement."))),
                ],
            ),
        ),
        ("words", object("A sentence in both languages.", &[("en", string("")), ("zh-CN", string(""))])),
    ]
}

fn words() -> Vec<(&'static str, Value)> {
    let ids: Vec<&str> = gonogo_checks::catalogue().iter().map(|check| check.id).collect();
    vec![
        ("check_id", json!({"type": "string", "pattern": "^[a-z]+\\.[a-z0-9-]+$", "examples": ids})),
        ("area", json!({"enum": Area::ALL})),
        ("level", json!({"enum": Level::ALL})),
        ("strength", json!({"enum": Strength::ALL})),
        ("occasion", json!({"enum": Occasion::ALL})),
        ("standard", json!({"enum": [Standard::ProductionReadiness, Standard::Clay]})),
        ("gate", json!({"enum": [Gate::Advised, Gate::Required, Gate::Blocker, Gate::Never]})),
        ("decision", json!({"enum": [Decision::Go, Decision::GoWithConditions, Decision::Incomplete, Decision::NoGo]})),
        (
            "outcome",
            json!({"enum": [Outcome::Pass, Outcome::Partial, Outcome::Stale, Outcome::Fail, Outcome::NotApplicable, Outcome::Unknown]}),
        ),
        (
            "class",
            json!({"enum": [Class::Server, Class::Worker, Class::Job, Class::StaticSite, Class::Library, Class::CommandLineTool, Class::Store, Class::ThirdParty]}),
        ),
        ("tier", json!({"enum": [Tier::One, Tier::Two, Tier::Three]})),
        ("cause", json!({"enum": [Cause::Rules, Cause::Age, Cause::Record, Cause::Service]})),
        (
            "reason_kind",
            json!({"enum": [
                ReasonKind::Overridden, ReasonKind::Blocks, ReasonKind::BlocksLevel, ReasonKind::NotAssessed,
                ReasonKind::Waived, ReasonKind::Condition, ReasonKind::ConditionNotAssessed,
            ]}),
        ),
    ]
}

/// An object that always has all of these fields.
fn object(description: &str, fields: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let mut properties = json!({});
    for (name, shape) in fields {
        properties[name] = shape.clone();
    }
    json!({"type": "object", "description": description, "required": names, "properties": properties})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn described(mut shape: Value, description: &str) -> Value {
    shape["description"] = description.into();
    shape
}

fn nullable(shape: Value) -> Value {
    [("anyOf", Value::Array(vec![shape, json!({"type": "null"})]))].into_iter().collect()
}

fn list(item: Value) -> Value {
    [("type", "array".into()), ("items", item)].into_iter().collect()
}

fn string(description: &str) -> Value {
    match description {
        "" => json!({"type": "string"}),
        description => json!({"type": "string", "description": description}),
    }
}

fn date(description: &str) -> Value {
    json!({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "description": description})
}

fn count(description: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": description})
}
