//! Secrets are rotated, and the days are known.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Document, DocumentKind, Resource},
};

pub(crate) static CHECK: Check = Check {
    id: "security.secrets-management",
    title: Text { en: "Secrets are rotated on a written schedule", zh: "密钥按书面计划轮换" },
    source: &["B3.4d", "B4.3c"],
    standard: Standard::ProductionReadiness,
    area: Area::Security,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING,
    fresh_days: None,
    record: &["secret", "rotated"],
    remediation: Text {
        en: "Write down which secret is rotated how often, let the vault do it where it can, and record each day under [[service.NAME.rotation]] in gonogo.toml.",
        zh: "写明每个密钥的轮换周期，尽量由密钥库自动轮换，并在 gonogo.toml 的 [[service.NAME.rotation]] 中记录日期。",
    },
    references: &["https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html"],
    page: include_str!("secrets_management.md"),
    judge,
};

/// Where a rotation names no period of its own (field-notes G8).
const DEFAULT_DAYS: u32 = 90;

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let readings = Readings::configured(configured(evidence));
    match declared(evidence) {
        // No document in the repository says little: such schedules live in wikis.
        Ok(None) => readings,
        Ok(Some(reading)) => readings.and(Strength::Declared, Ok(reading)),
        Err(missing) => readings.and(Strength::Declared, Err(missing)),
    }
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut tally = Tally::new();
    let today = evidence.today();
    for rotation in &evidence.statements().rotations {
        let every = rotation.every_days.unwrap_or(DEFAULT_DAYS);
        let age = today.since(rotation.rotated).map_or(0, |age| age.get_days());
        let secret = &rotation.secret;
        if i64::from(age) <= i64::from(every) {
            tally.met(secret, &rotation.place);
        } else {
            tally.miss(
                secret,
                Finding::new(
                    &rotation.place,
                    format!("{secret} was rotated {age} days ago, and {every} are allowed"),
                    format!("{secret} 上次轮换在 {age} 天前，允许 {every} 天"),
                ),
            );
        }
    }
    for resource in evidence.infrastructure()? {
        if let Some(place) = rotates_by_itself(resource) {
            tally.met(format!("{}.{}", resource.kind, resource.name), place);
        }
    }
    for object in evidence.objects_of(&["VaultDynamicSecret"])? {
        tally.met(format!("{}/{}", object.kind, object.name), &object.place);
    }
    if tally.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new(
                "no rotation is recorded in gonogo.toml and no vault is configured here to rotate by itself",
                "gonogo.toml 中没有轮换记录，此处也没有配置自动轮换的密钥库",
            ),
            Message::new(
                "[[service.NAME.rotation]] records with secret, rotated and every_days",
                "包含 secret、rotated 与 every_days 的 [[service.NAME.rotation]] 记录",
            ),
        ));
    }
    Ok(tally.reading("secrets that are on record were rotated in time", "个有记录的密钥按期轮换"))
}

/// Vaults that rotate on a period of their own.
fn rotates_by_itself(resource: &Resource) -> Option<&Place> {
    let period = match resource.kind.as_str() {
        "aws_secretsmanager_secret_rotation" => "rotation_rules",
        "AWS::SecretsManager::RotationSchedule" => "RotationRules",
        "google_secret_manager_secret" => "rotation",
        "azurerm_key_vault_key" => "rotation_policy",
        "google_kms_crypto_key" | "vault_database_secret_backend_static_role" => "rotation_period",
        "vault_database_secret_backend_role" => "default_ttl",
        _ => return None,
    };
    resource.body.get(period).map(|node| &node.place)
}

/// A document that says that secrets are rotated, and how often.
fn declared(evidence: &Evidence<'_>) -> Result<Option<Reading>, Missing> {
    let places: Vec<Place> = evidence.documents()?.iter().filter(|one| could_say(one)).filter_map(schedule).collect();
    Ok((!places.is_empty()).then(|| {
        Reading::shown(
            places,
            "a document gives a period for the rotation of secrets; when it was last done is not on record",
            "有文档规定了密钥轮换周期；但没有最近一次执行的记录",
        )
    }))
}

fn could_say(document: &Document) -> bool {
    matches!(
        document.kind,
        DocumentKind::Security
            | DocumentKind::Runbook
            | DocumentKind::Playbook
            | DocumentKind::Recovery
            | DocumentKind::Deployment
    )
}

/// The section that names a rotation, what is rotated, and a period.
fn schedule(document: &Document) -> Option<Place> {
    document.sections.iter().find_map(|section| {
        let table = section.tables.iter().flat_map(|table| table.rows.iter().flatten());
        let items = section.items.iter().map(|item| &item.text);
        let lines: Vec<String> = section
            .text
            .split(['.', '\n'])
            .map(str::to_lowercase)
            .chain(items.chain(table).map(|text| text.to_lowercase()))
            .collect();
        let heading = section.heading.to_lowercase();
        let about = |text: &str| text.contains("rotat") || text.contains("轮换");
        let secrets = |text: &str| {
            ["secret", "key", "credential", "password", "token", "certificate", "密钥", "凭证", "口令"]
                .iter()
                .any(|word| text.contains(word))
        };
        let all = lines.join(" ");
        let subject = secrets(&heading) || secrets(&all);
        let said = about(&heading) && lines.iter().any(|line| period(line))
            || lines.iter().any(|line| about(line) && period(line));
        (subject && said).then(|| section.place.clone())
    })
}

/// `every 90 days`, `quarterly`, `monthly`, `每季度`.
fn period(text: &str) -> bool {
    let words: Vec<&str> =
        text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let units = ["day", "days", "week", "weeks", "month", "months", "year", "quarter"];
    words.iter().any(|word| {
        matches!(
            *word,
            "quarterly" | "monthly" | "annually" | "yearly" | "weekly" | "daily" | "semiannually" | "biannually"
        )
    }) || words.windows(2).any(|pair| match pair {
        [amount, unit] => {
            units.contains(unit)
                && (amount.bytes().all(|byte| byte.is_ascii_digit())
                    || matches!(*amount, "every" | "each" | "per" | "three" | "six" | "twelve" | "thirty" | "ninety"))
        }
        _ => false,
    }) || ["每季度", "每月", "每年", "每周", "每半年"].iter().any(|word| text.contains(word))
        || text.contains('每') && text.contains('天')
}
