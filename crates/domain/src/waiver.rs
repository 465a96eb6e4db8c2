//! Waivers: accepted failures, each with reason, risk, ticket, approver and an expiry.

use jiff::civil::Date;

use crate::{Finding, Gate, Message, Place, Policy};

/// An accepted failure. A waiver never becomes a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    pub check: String,
    /// The service that it holds for; none: every service of the repository.
    pub service: Option<String>,
    /// The file or folder that it holds for; none: every finding.
    pub path: Option<String>,
    pub reason: String,
    pub risk: String,
    pub ticket: String,
    pub approver: String,
    pub granted: Date,
    /// The last day on which it holds.
    pub expires: Date,
    pub place: Place,
}

/// Why a waiver is not applied, or is not needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiverProblem {
    pub place: Place,
    pub message: Message,
}

impl Waiver {
    /// Why it may not be applied to a check with this gate, today; none: it may.
    pub fn refusal(&self, gate: Gate, policy: &Policy, today: Date) -> Option<Message> {
        if self.expires < today {
            return Some(Message::new(
                format!("the waiver of {} expired on {}", self.check, self.expires),
                format!("{} 的豁免已于 {} 到期", self.check, self.expires),
            ));
        }
        if self.granted > today {
            return Some(Message::new(
                format!("the waiver of {} is granted on {}, which is still to come", self.check, self.granted),
                format!("{} 的豁免批准日期 {} 尚未到来", self.check, self.granted),
            ));
        }
        let days = self.expires.since(self.granted).map_or(0, |span| span.get_days());
        if days > i32::from(policy.waiver_days) {
            return Some(Message::new(
                format!("the waiver of {} runs for {days} days; the policy allows {}", self.check, policy.waiver_days),
                format!("{} 的豁免期为 {days} 天；策略只允许 {} 天", self.check, policy.waiver_days),
            ));
        }
        if gate >= Gate::Blocker && !policy.override_approvers.contains(&self.approver) {
            return Some(Message::new(
                format!(
                    "{} cannot be waived by {}: only an approver named in [policy] override_approvers can override it",
                    self.check, self.approver
                ),
                format!(
                    "{} 不能由 {} 豁免：只有 [policy] override_approvers 中的批准人可以越权放行",
                    self.check, self.approver
                ),
            ));
        }
        None
    }

    /// It speaks of this check and service.
    pub fn concerns(&self, check: &str, service: &str) -> bool {
        self.check == check && self.service.as_deref().is_none_or(|name| name == service)
    }

    /// It covers every one of these findings.
    pub fn covers(&self, findings: &[Finding]) -> bool {
        match &self.path {
            None => true,
            Some(path) => !findings.is_empty() && findings.iter().all(|finding| under(finding.place.path(), path)),
        }
    }
}

fn under(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
