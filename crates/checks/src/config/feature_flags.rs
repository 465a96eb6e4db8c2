//! Feature flags with an owner, a default and an end.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Node, Place, Policy, Reading, Readings,
    Standard, Strength, Tally, Text, Value,
    evidence::{Function, FunctionKind, Meaning, SettingsFile, SettingsKind, SourceCode, SourceTextKind, Use},
};
use jiff::civil::Date;

use crate::shared::{
    declared_library, program,
    secrets::{of_examples, of_tests},
};

pub(crate) static CHECK: Check = Check {
    id: "config.feature-flags",
    title: Text {
        en: "High-risk changes sit behind flags with owner, default and expiry",
        zh: "高风险变更置于特性开关之后，开关有负责人、默认值与到期日",
    },
    source: &["B4.3e"],
    standard: Standard::ProductionReadiness,
    area: Area::Config,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::DEPLOYED_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Give each flag an owner, a default that is the old behaviour, and a day on which it and the losing branch are removed.",
        zh: "为每个开关指定负责人、以旧行为为默认值，并设定移除开关与废弃分支的日期。",
    },
    references: &["https://openfeature.dev/specification/", "https://martinfowler.com/articles/feature-toggles.html"],
    page: include_str!("feature_flags.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let declared = declared_library(evidence, Capability::FeatureFlags, "feature flags", "特性开关");
    Readings::of(Strength::Declared, declared).and(Strength::Configured, configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut tally = Tally::new();
    for file in evidence.settings()? {
        let path = file.place.path();
        if file.kind == SettingsKind::FeatureFlags && !of_tests(path) && !of_examples(path) {
            for (name, place, flag) in flags(file) {
                let key = format!("{path}/{name}");
                match lacking(flag, evidence.today()) {
                    None => tally.met(key, &place),
                    Some((en, zh)) => {
                        tally.miss(key, Finding::new(&place, format!("flag {name} {en}"), format!("开关 {name} {zh}")));
                    }
                }
            }
        }
    }
    if tally.is_empty() {
        return of_source(evidence);
    }
    Ok(tally.reading("flags have an owner, a default and an end", "个开关具备负责人、默认值与到期日"))
}

/// A provider's flags: their owners and ends are kept there, not here.
fn of_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let asked: Vec<&Use> = program::used(source, Meaning::FeatureFlag).collect();
    if let Some(first) = asked.first() {
        return Ok(Reading::partly(
            asked.iter().map(|one| one.place.clone()),
            vec![Finding::new(
                &first.place,
                format!("{} gives flags; their owners and ends are not in the repository", first.symbol),
                format!("{} 提供开关；其负责人与到期日不在仓库中", first.symbol),
            )],
            "flags are asked at run time, and who owns them and when they end is kept elsewhere",
            "运行时查询开关，但其负责人与到期日保存在别处",
        ));
    }
    if let Some(own) = own_flags(source) {
        let name = own.name.rsplit('.').next().unwrap_or(&own.name);
        return Ok(Reading::partly(
            [own.place.clone()],
            vec![Finding::new(
                &own.place,
                format!("{name} is part of flags of the program's own; their owners and ends are not told"),
                format!("{name} 属于程序自有的开关；未说明其负责人与到期日"),
            )],
            "the program has flags of its own, and nothing says who owns them and when they end",
            "程序有自有的开关，但没有说明由谁负责、何时到期",
        ));
    }
    let mut options = source.texts.iter().filter(|one| one.role.counts() && one.kind == SourceTextKind::FeatureOption);
    if let Some(option) = options.find(|one| one.given_to.is_some()) {
        let name = option.text.trim_start_matches('-');
        return Ok(Reading::partly(
            [option.place.clone()],
            vec![Finding::new(
                &option.place,
                format!("--{name} switches features where the program starts; their owners and ends are not told"),
                format!("--{name} 在程序启动时开关特性；未说明其负责人与到期日"),
            )],
            "features are switched by an option, and nothing says who owns them and when they end",
            "特性由启动选项开关，但没有说明由谁负责、何时到期",
        ));
    }
    Ok(program::nothing(
        evidence,
        source,
        &[Meaning::FeatureFlag],
        "nothing asks for a flag",
        "没有任何代码查询特性开关",
    ))
}

/// A function that goes by what flags are called, or stands in a folder that does.
fn own_flags(source: &SourceCode) -> Option<&Function> {
    let of_flags = |text: &str| {
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_ascii_lowercase();
        ["featureflag", "featuretoggle", "featuregate", "expflag", "experimentalflag"]
            .iter()
            .any(|word| plain.contains(word))
    };
    let mut product = source.functions.iter().filter(|one| one.role.counts() && one.kind == FunctionKind::Named);
    product.find(|one| of_flags(&one.name) || one.place.path().split('/').any(of_flags))
}

/// The flags of a file, in the layouts of flagd, GrowthBook, Unleash and GO Feature Flag.
fn flags(file: &SettingsFile) -> Vec<(String, Place, &Node)> {
    let body = &file.body;
    let holder = body.get("flags").or_else(|| body.get("features")).unwrap_or(body);
    match &holder.value {
        Value::Sequence(items) => items
            .iter()
            .filter_map(|item| {
                let name = item.str_at("name").or_else(|| item.str_at("key"))?;
                Some((name.to_owned(), item.place.clone(), item))
            })
            .collect(),
        _ => holder
            .entries()
            .iter()
            .filter(|entry| !entry.key.starts_with('$') && !entry.node.entries().is_empty())
            .map(|entry| (entry.key.clone(), entry.key_place.clone(), &entry.node))
            .collect(),
    }
}

/// What a flag lacks, in both languages; none: nothing.
fn lacking(flag: &Node, today: Date) -> Option<(String, String)> {
    let holders = [Some(flag), flag.get("metadata"), flag.get("meta"), flag.get("annotations")];
    let find = |names: &[&str]| {
        holders.iter().flatten().flat_map(|holder| holder.entries()).find(|entry| {
            let key = entry.key.to_ascii_lowercase().replace(['-', '_'], "");
            names.contains(&key.as_str()) && !entry.node.is_null() && entry.node.str() != Some("")
        })
    };
    let owner = find(&["owner", "owners", "team", "maintainer", "contact", "createdby"]);
    let default =
        find(&["defaultvariant", "defaultvalue", "default", "defaultrule", "enabled", "strategies", "offvariation"]);
    let end = find(&[
        "expires",
        "expiry",
        "expireson",
        "expirydate",
        "expiration",
        "removeby",
        "removal",
        "sunset",
        "until",
        "permanent",
    ]);
    let mut en = Vec::new();
    let mut zh = Vec::new();
    for (found, word, translated) in
        [(owner, "owner", "负责人"), (default, "default", "默认值"), (end, "day on which it goes", "移除日期")]
    {
        if found.is_none() {
            en.push(word);
            zh.push(translated);
        }
    }
    if !en.is_empty() {
        return Some((format!("has no {}", en.join(", no ")), format!("缺少{}", zh.join("、"))));
    }
    let over: Option<Date> = end.and_then(|end| end.node.str()?.get(..10)?.parse().ok()).filter(|day| *day < today);
    over.map(|day| (format!("should have gone on {day}"), format!("本应在 {day} 移除")))
}
