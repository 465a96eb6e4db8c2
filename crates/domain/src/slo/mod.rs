//! Service level objectives: what is promised, what may still go wrong, and what is done about it.
//!
//! In reading order: an [`Objective`] promises a share of good events over a [`Period`]; [`pairs`] say how fast its budget
//! may burn before somebody is told; [`rules::groups`] writes that as rules of Prometheus and [`rules::trials`] proves them;
//! [`lint()`] finds what cannot work; [`Budget`] is what is left, and [`Standing`] what that means for a release.

mod budget;
mod burn;
mod decimal;
mod decision;
mod lint;
mod objective;
mod period;
mod query;
pub mod rules;
mod standing;

pub use budget::{Budget, Forecast, Incident, Point, Points, Unknown, budget, exhaustion_seconds};
pub use burn::{HIGHEST_THRESHOLD, Pair, Severity, budget_seconds, can_fire, pairs};
pub use decimal::{Decimal, DecimalError};
pub use decision::{DECISION_FORMAT, DecidedBudget, GateDecision};
pub use lint::{Defect, Known, Weight, burn_thresholds, lint};
pub use objective::{Alerting, Budgeting, Channel, Comparison, Counted, Objective, Outcome, Role, Selector, Sli, Unit};
pub use period::{Calendar, CalendarUnit, Period, Zone};
pub use query::{Query, QueryTrouble};
pub use standing::{Exemption, LONGEST_EXEMPTION_DAYS, Standing, THAW, Verdict, WARNING, gate};
