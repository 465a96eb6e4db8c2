//! Whether somebody will be told: the rules that were written are loaded, and what they watch is scraped.

use super::Item;
use crate::Message;

/// An alert rule that lies in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenRule {
    pub name: String,
}

/// A rule that Prometheus evaluates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedRule {
    pub name: String,
    /// What its last evaluation ended with; none: it went well.
    pub error: Option<String>,
}

/// A place that Prometheus scrapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeTarget {
    pub url: String,
    /// What the last scrape ended with; none: it went well.
    pub error: Option<String>,
}

/// Names of which so many are shown.
const SHOWN: usize = 5;

/// Compares the rules of the repository with those that are loaded; `loaded` is why that is not known otherwise.
pub fn rules(written: &[WrittenRule], loaded: &Result<Vec<LoadedRule>, String>) -> Item {
    const ID: &str = "rules";
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(reason) => return not_asked(ID, reason),
    };
    if written.is_empty() {
        return Item::unknown(
            ID,
            Message::new("no alert rule of this service lies in the repository", "仓库中没有该服务的告警规则"),
            Message::new("`gonogo alerts rules` writes some", "`gonogo alerts rules` 可生成规则"),
        );
    }
    let named = |rule: &&WrittenRule| loaded.iter().find(|one| one.name == rule.name);
    let missing: Vec<&str> =
        written.iter().filter(|rule| named(rule).is_none()).map(|rule| rule.name.as_str()).collect();
    let failing: Vec<String> = written
        .iter()
        .filter_map(|rule| named(&rule).and_then(|one| Some(format!("{}: {}", one.name, one.error.as_ref()?))))
        .collect();
    let (of, there) = (written.len(), written.len() - missing.len());
    let told = Message::new(
        format!("{there} of {of} alert rules of the repository are loaded"),
        format!("仓库中 {of} 条告警规则有 {there} 条已加载"),
    );
    if missing.is_empty() && failing.is_empty() {
        return Item::ready(ID, told);
    }
    let some = |all: &[String]| all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let missing: Vec<String> = missing.into_iter().map(str::to_owned).collect();
    let settle = if missing.is_empty() {
        Message::new(
            format!("mend what cannot be evaluated: {}", some(&failing)),
            format!("修复无法求值的规则：{}", some(&failing)),
        )
    } else {
        Message::new(format!("load {}", some(&missing)), format!("加载 {}", some(&missing)))
    };
    Item::not_ready(ID, told, settle)
}

/// Whether what a job names is scraped; `found` is why that is not known otherwise.
pub fn targets(job: &str, found: &Result<Vec<ScrapeTarget>, String>) -> Item {
    const ID: &str = "targets";
    let found = match found {
        Ok(found) => found,
        Err(reason) => return not_asked(ID, reason),
    };
    if found.is_empty() {
        return Item::not_ready(
            ID,
            Message::new(
                format!("Prometheus scrapes nothing with job=\"{job}\""),
                format!("Prometheus 未抓取 job=\"{job}\""),
            ),
            Message::new(
                "scrape the service, or say what its job is called: [service.NAME.preflight] job = \"…\"",
                "抓取该服务，或说明其 job 名称：[service.NAME.preflight] job = \"…\"",
            ),
        );
    }
    let down: Vec<String> =
        found.iter().filter_map(|one| Some(format!("{}: {}", one.url, one.error.as_ref()?))).collect();
    let (of, up) = (found.len(), found.len() - down.len());
    let told = Message::new(format!("{up} of {of} targets are up"), format!("{of} 个目标中有 {up} 个正常"));
    if down.is_empty() {
        return Item::ready(ID, told);
    }
    let some = down.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    Item::not_ready(ID, told, Message::new(format!("mend {some}"), format!("修复 {some}")))
}

fn not_asked(id: &'static str, reason: &str) -> Item {
    Item::unknown(
        id,
        Message::new(format!("Prometheus was not asked: {reason}"), format!("未能询问 Prometheus：{reason}")),
        Message::new(
            "a Prometheus that answers: [service.NAME.preflight] prometheus = \"http://…\", or --prometheus",
            "可访问的 Prometheus：[service.NAME.preflight] prometheus = \"http://…\" 或 --prometheus",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Verdict;

    #[track_caller]
    fn check(written: &[&str], loaded: &[(&str, Option<&str>)], expect: Verdict) {
        let written: Vec<WrittenRule> = written.iter().map(|name| WrittenRule { name: (*name).to_owned() }).collect();
        let loaded = loaded
            .iter()
            .map(|(name, error)| LoadedRule { name: (*name).to_owned(), error: error.map(str::to_owned) })
            .collect();
        assert_eq!(rules(&written, &Ok(loaded)).verdict, expect);
    }

    #[test]
    fn a_rule_counts_where_it_is_loaded_and_can_be_evaluated() {
        check(&["Down"], &[("Down", None), ("Other", Some("many-to-many"))], Verdict::Ready);
        check(&["Down", "Slow"], &[("Down", None)], Verdict::NotReady);
        check(&["Down"], &[("Down", Some("many-to-many"))], Verdict::NotReady);
        check(&[], &[("Down", None)], Verdict::Unknown);
        assert_eq!(rules(&[], &Err("refused".to_owned())).verdict, Verdict::Unknown);
    }

    #[test]
    fn nothing_scraped_is_not_nothing_wrong() {
        let target = |error: Option<&str>| ScrapeTarget { url: "u".to_owned(), error: error.map(str::to_owned) };
        assert_eq!(targets("shop", &Ok(Vec::new())).verdict, Verdict::NotReady);
        assert_eq!(targets("shop", &Ok(vec![target(None)])).verdict, Verdict::Ready);
        assert_eq!(targets("shop", &Ok(vec![target(None), target(Some("refused"))])).verdict, Verdict::NotReady);
        assert_eq!(targets("shop", &Err("refused".to_owned())).verdict, Verdict::Unknown);
    }
}
