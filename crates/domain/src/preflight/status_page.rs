//! Whether a vendor says that it is well.

use super::{Item, StatusPagePlan};
use crate::Message;

const ID: &str = "status-page";

/// What a status page says, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusPage {
    /// The page as a whole.
    pub whole: Trouble,
    /// Its own words for it.
    pub said: String,
    /// The name of each component and how it is.
    pub components: Vec<(String, Trouble)>,
    /// The incidents that are not resolved.
    pub incidents: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    None,
    /// Slower, in part, or being worked on.
    Some,
    /// It does not work.
    Outage,
}

/// Judges what a page says; `seen` is why there is nothing to judge otherwise.
pub fn status_page(plan: &StatusPagePlan, seen: &Result<StatusPage, String>) -> Item {
    let page = match seen {
        Ok(page) => page,
        Err(reason) => {
            let told = Message::new(
                format!("{} did not say how it is: {reason}", plan.name),
                format!("{} 未能说明其状态：{reason}", plan.name),
            );
            let settle = Message::new(
                format!("look at {} yourself, or name the page's API in `url`", plan.url),
                format!("请自行查看 {}，或在 `url` 中填写该页面的 API 地址", plan.url),
            );
            return Item::unknown(ID, told, settle).about(&plan.name);
        }
    };
    let (about, trouble) = match &plan.component {
        None => (page.said.clone(), page.whole),
        Some(wanted) => {
            let component = page.components.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            let Some((name, trouble)) = component else { return no_component(plan, page, wanted) };
            (name.clone(), *trouble)
        }
    };
    let incidents = if page.incidents.is_empty() { String::new() } else { format!(" ({})", page.incidents.join("; ")) };
    let name = &plan.name;
    if trouble == Trouble::None {
        let told = Message::new(
            format!("{name} says that it is well: {about}{incidents}"),
            format!("{name} 报告正常：{about}{incidents}"),
        );
        return Item::ready(ID, told).about(name);
    }
    let told =
        Message::new(format!("{name} has trouble: {about}{incidents}"), format!("{name} 存在故障：{about}{incidents}"));
    let settle = Message::new(
        "wait until it is over: what this release breaks could not be told from it",
        "等待故障结束：否则无法区分是否由本次发布引起",
    );
    Item::not_ready(ID, told, settle).about(name)
}

fn no_component(plan: &StatusPagePlan, page: &StatusPage, wanted: &str) -> Item {
    let names: Vec<&str> = page.components.iter().take(20).map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    let told = Message::new(
        format!("{} has no component `{wanted}`", plan.name),
        format!("{} 没有组件 `{wanted}`", plan.name),
    );
    let settle = Message::new(format!("name one of: {names}"), format!("可选组件：{names}"));
    Item::unknown(ID, told, settle).about(&plan.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Verdict;

    #[track_caller]
    fn check(component: Option<&str>, whole: Trouble, api: Trouble, expect: Verdict) {
        let plan = StatusPagePlan {
            name: "clay".to_owned(),
            url: "https://status.example".to_owned(),
            component: component.map(str::to_owned),
        };
        let page = StatusPage {
            whole,
            said: "so".to_owned(),
            components: vec![("API".to_owned(), api), ("Web".to_owned(), Trouble::Outage)],
            incidents: Vec::new(),
        };
        assert_eq!(status_page(&plan, &Ok(page)).verdict, expect);
    }

    #[test]
    fn what_the_service_needs_is_what_counts() {
        check(None, Trouble::None, Trouble::None, Verdict::Ready);
        check(None, Trouble::Some, Trouble::None, Verdict::NotReady);
        check(Some("api"), Trouble::Some, Trouble::None, Verdict::Ready);
        check(Some("api"), Trouble::None, Trouble::Some, Verdict::NotReady);
        check(Some("Database"), Trouble::None, Trouble::None, Verdict::Unknown);
    }

    #[test]
    fn a_page_that_was_not_understood_is_no_yes() {
        let plan = StatusPagePlan { name: "clay".to_owned(), url: "https://x".to_owned(), component: None };
        assert_eq!(status_page(&plan, &Err("a page for people".to_owned())).verdict, Verdict::Unknown);
    }
}
