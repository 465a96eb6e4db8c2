//! Status pages as their APIs give them: Atlassian Statuspage (`/api/v2/summary.json`) and Instatus (`/summary.json`).
//!
//! Sources: <https://support.atlassian.com/statuspage/docs/what-are-the-different-apis-under-statuspage/>,
//! <https://instatus.com/help/api/status-page>.

use gonogo_domain::preflight::{StatusPage, Trouble};
use serde::Deserialize;

use super::get;
use crate::metrics::Address;

/// Where the page's own answer for programs lies, below its address.
const PATHS: [&str; 2] = ["/api/v2/summary.json", "/summary.json"];

/// Reads the page at this address; one that ends in `.json` is asked as it is.
///
/// # Errors
/// Why it was not understood. A page for people is not: its words are no statement for programs.
pub async fn status_page(url: &str) -> Result<StatusPage, String> {
    let asked: Vec<String> = if url.to_ascii_lowercase().trim_end_matches('/').ends_with("json") {
        vec![url.to_owned()]
    } else {
        PATHS.iter().map(|path| format!("{}{path}", url.trim_end_matches('/'))).collect()
    };
    let mut why = String::new();
    for url in asked {
        let address = Address::new(&url).map_err(|error| error.to_string())?;
        let reason = match get(address).await {
            Ok(seen) if seen.status == 200 => match read(&seen.body) {
                Some(page) => return Ok(page),
                None => format!("what {url} answers is no summary of Statuspage or Instatus"),
            },
            Ok(seen) => format!("{url} answers {}", seen.status),
            Err(error) => error.to_string(),
        };
        // The first reason is about the more usual place.
        if why.is_empty() {
            why = reason;
        }
    }
    Err(why)
}

fn read(body: &[u8]) -> Option<StatusPage> {
    serde_json::from_slice::<Atlassian>(body)
        .ok()
        .and_then(Atlassian::understood)
        .or_else(|| serde_json::from_slice::<Instatus>(body).ok().and_then(Instatus::understood))
}

#[derive(Deserialize)]
struct Atlassian {
    status: AtlassianStatus,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    incidents: Vec<Incident>,
}

#[derive(Deserialize)]
struct AtlassianStatus {
    indicator: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Component {
    name: String,
    status: String,
}

#[derive(Deserialize)]
struct Incident {
    name: String,
    #[serde(default)]
    status: String,
}

impl Atlassian {
    fn understood(self) -> Option<StatusPage> {
        let whole = match self.status.indicator.as_str() {
            "none" => Trouble::None,
            "minor" | "maintenance" => Trouble::Some,
            "major" | "critical" => Trouble::Outage,
            _ => return None,
        };
        let component = |one: Component| {
            let trouble = match one.status.as_str() {
                "operational" => Trouble::None,
                "major_outage" => Trouble::Outage,
                _ => Trouble::Some,
            };
            (one.name, trouble)
        };
        let open = |one: &Incident| !matches!(one.status.as_str(), "resolved" | "postmortem" | "completed");
        Some(StatusPage {
            whole,
            said: self.status.description,
            components: self.components.into_iter().map(component).collect(),
            incidents: self.incidents.into_iter().filter(open).map(|one| one.name).collect(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instatus {
    page: InstatusPage,
    #[serde(default)]
    active_incidents: Vec<Incident>,
}

#[derive(Deserialize)]
struct InstatusPage {
    status: String,
}

impl Instatus {
    fn understood(self) -> Option<StatusPage> {
        let (whole, said) = match self.page.status.as_str() {
            "UP" => (Trouble::None, "up"),
            "HASISSUES" => (Trouble::Some, "has issues"),
            "UNDERMAINTENANCE" => (Trouble::Some, "under maintenance"),
            _ => return None,
        };
        let incidents = self.active_incidents.into_iter().map(|one| one.name).collect();
        Some(StatusPage { whole, said: said.to_owned(), components: Vec::new(), incidents })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expect: Option<Trouble>) {
        assert_eq!(read(body.as_bytes()).map(|page| page.whole), expect, "{body}");
    }

    #[test]
    fn only_what_the_formats_say_is_understood() {
        check(r#"{"status": {"indicator": "none", "description": "All Systems Operational"}}"#, Some(Trouble::None));
        check(r#"{"status": {"indicator": "critical"}}"#, Some(Trouble::Outage));
        check(r#"{"page": {"name": "Clay", "status": "UP"}}"#, Some(Trouble::None));
        check(r#"{"page": {"status": "HASISSUES"}, "activeIncidents": [{"name": "slow"}]}"#, Some(Trouble::Some));
        check(r#"{"status": {"indicator": "fine"}}"#, None);
        check(r#"{"status": "ok"}"#, None);
        check("<html>All Systems Operational</html>", None);
        check("", None);
    }

    #[test]
    fn incidents_that_are_over_are_not_told() {
        let body = r#"{"status": {"indicator": "minor", "description": "Partly slow"},
            "components": [{"name": "API", "status": "degraded_performance"}, {"name": "Web", "status": "operational"}],
            "incidents": [{"name": "slow runs", "status": "investigating"}, {"name": "old", "status": "resolved"}]}"#;
        let page = read(body.as_bytes()).unwrap();
        assert_eq!(page.components, [("API".to_owned(), Trouble::Some), ("Web".to_owned(), Trouble::None)]);
        assert_eq!(page.incidents, ["slow runs"]);
    }
}
