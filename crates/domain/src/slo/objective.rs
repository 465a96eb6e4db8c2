//! A service level objective, whole: what is measured, what is promised, and who is told when the promise is in danger.

use super::{Decimal, Period, Query, Severity};
use crate::{
    Place,
    evidence::{Indicator, ObjectiveFormat},
    rules::{Labels, Span},
};

/// An objective that rules can be made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    pub service: String,
    /// Unique among the objectives of its service.
    pub name: String,
    pub description: String,
    pub place: Place,
    pub format: ObjectiveFormat,
    pub indicator: Indicator,
    pub sli: Sli,
    /// Above 0 and below 1: 0.999.
    pub target: Decimal,
    pub period: Period,
    pub budgeting: Budgeting,
    pub alerting: Alerting,
    /// On every series.
    pub labels: Labels,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Sli {
    /// Events are counted. The two queries give the same labels, or none.
    Events { counted: Counted, total: Query, unit: Unit, uses: Vec<Selector> },
    /// Somebody has divided already: how many events there were is not known.
    Ratio { query: Query, of: Outcome, uses: Vec<Selector> },
    /// A value that must be on one side of a bound, looked at again and again.
    Threshold { value: Query, good: Comparison, bound: Decimal, uses: Vec<Selector> },
}

/// Which events a query counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counted {
    Bad(Query),
    Good(Query),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure,
}

/// What a query of events gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Events a second: `rate`.
    PerSecond,
    /// Events in the window: `increase`, `count_over_time`.
    Count,
    /// It does not say.
    Unknown,
}

/// How a value is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Comparison {
    /// The operator of what is bad.
    pub fn bad(self) -> &'static str {
        match self {
            Self::Below => ">=",
            Self::AtMost => ">",
            Self::Above => "<=",
            Self::AtLeast => "<",
        }
    }
}

/// Series that a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    pub metric: String,
    /// Label, operator (`=`, `!=`, `=~`, `!~`) and value.
    pub matchers: Vec<(String, &'static str, String)>,
    pub role: Role,
}

/// What a selector counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Bad,
    Good,
    Total,
    /// A part of a query that says more.
    Other,
}

impl Selector {
    /// The bound of a bucket that it counts up to.
    pub fn bound(&self) -> Option<&str> {
        let equal = |matcher: &&(String, &'static str, String)| matcher.0 == "le" && matcher.1 == "=";
        self.matchers.iter().find(equal).map(|matcher| matcher.2.as_str())
    }
}

/// How a budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budgeting {
    /// Each bad event spends of it.
    Occurrences,
    /// Each slice of time spends all or nothing: it is good if this share of its events is.
    Timeslices { slice: Span, target: Decimal },
    /// Each slice of time counts the same, with the share of its events that were bad.
    RatioTimeslices { slice: Span },
}

/// Who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alerting {
    /// The name of the alerts; empty: made of the service's and the objective's.
    pub name: String,
    pub labels: Labels,
    pub annotations: Labels,
    pub page: Channel,
    pub ticket: Channel,
    /// Tell when nothing is measured any more.
    pub no_data: Option<Severity>,
}

/// One of the two alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub enabled: bool,
    pub labels: Labels,
    pub annotations: Labels,
}

impl Default for Channel {
    fn default() -> Self {
        Self { enabled: true, labels: Labels::new(), annotations: Labels::new() }
    }
}

impl Alerting {
    pub fn channel(&self, severity: Severity) -> &Channel {
        match severity {
            Severity::Page => &self.page,
            Severity::Ticket => &self.ticket,
        }
    }

    /// Nobody is told anything.
    pub fn none() -> Self {
        let off = Channel { enabled: false, ..Channel::default() };
        Self { page: off.clone(), ticket: off, ..Self::default() }
    }
}

impl Objective {
    /// `service-name`: unique among all objectives.
    pub fn id(&self) -> String {
        format!("{}-{}", self.service, self.name)
    }

    /// The ratio of all that may go wrong.
    pub fn budget(&self) -> Decimal {
        Decimal::ONE.minus(self.target)
    }

    /// The slice of time that is looked at, where it is slices that count.
    pub fn slice(&self) -> Option<Span> {
        match (self.budgeting, &self.sli) {
            (Budgeting::Timeslices { slice, .. } | Budgeting::RatioTimeslices { slice }, _) => Some(slice),
            // A value is looked at each time that the rules are evaluated.
            (Budgeting::Occurrences, Sli::Threshold { .. }) => Some(Span::minutes(1)),
            (Budgeting::Occurrences, _) => None,
        }
    }

    /// The query of the ratio of what went wrong over a window; nothing where nothing was asked for. None: what counts are
    /// slices of time, whose mean no single query gives.
    pub fn error_ratio(&self, window: Span) -> Option<String> {
        if self.slice().is_some() {
            return None;
        }
        Some(match &self.sli {
            Sli::Events { counted, total, .. } => {
                let total = total.over(window);
                let bad = match counted {
                    Counted::Bad(bad) => format!("(({}) or ({total}) * 0)", bad.over(window)),
                    // Scrapes of two series are never of the same instant.
                    Counted::Good(good) => {
                        format!("clamp_min(({total}) - (({}) or ({total}) * 0), 0)", good.over(window))
                    }
                };
                format!("{bad} / (({total}) > 0)")
            }
            Sli::Ratio { query, of: Outcome::Failure, .. } => format!("({}) >= 0", query.over(window)),
            Sli::Ratio { query, of: Outcome::Success, .. } => {
                format!("clamp_min(1 - ({}), 0) >= 0", query.over(window))
            }
            Sli::Threshold { .. } => return None,
        })
    }

    pub fn uses(&self) -> &[Selector] {
        match &self.sli {
            Sli::Events { uses, .. } | Sli::Ratio { uses, .. } | Sli::Threshold { uses, .. } => uses,
        }
    }

    /// The name of its alerts.
    pub fn alert_name(&self) -> String {
        if !self.alerting.name.is_empty() {
            return self.alerting.name.clone();
        }
        let mut name = String::new();
        for word in [&self.service, &self.name]
            .into_iter()
            .flat_map(|text| text.split(|letter: char| !letter.is_alphanumeric()))
        {
            let mut letters = word.chars();
            name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            name.push_str(letters.as_str());
        }
        name + "BudgetBurn"
    }
}
