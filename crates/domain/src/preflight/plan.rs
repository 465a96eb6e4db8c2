//! `[service.NAME.preflight]`: what only the owner knows of the questions.

use crate::Place;

/// What a preflight asks besides the repository. What is not stated is not asked, and said to be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// Where the section lies; none: there is none.
    pub place: Option<Place>,
    /// Where production says which version it runs.
    pub version: Option<Reported>,
    /// Where staging says so.
    pub staging: Option<Reported>,
    pub status_pages: Vec<StatusPagePlan>,
    pub vendors: Vec<VendorPlan>,
    /// Names of the variables that have to hold something. Their values are not looked at.
    pub keys: Vec<String>,
    /// The rollout file of production, below the root of the repository: what it drives is looked at.
    pub rollout: Option<String>,
    /// The address of Prometheus.
    pub prometheus: Option<String>,
    /// The value of the label `job` of the service's targets; none: the service's name.
    pub job: Option<String>,
}

/// An address that tells a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    pub url: String,
    /// A JSON pointer (RFC 6901) to it; none: the answer is the version.
    pub field: Option<String>,
}

/// The status page of a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusPagePlan {
    pub name: String,
    pub url: String,
    /// The component that this service needs; none: the page as a whole.
    pub component: Option<String>,
}

/// A request to a vendor that shows that it can be reached with our key, and costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorPlan {
    pub name: String,
    pub url: String,
    /// The header that carries the key, and the variable that holds it.
    pub header: Option<(String, String)>,
    /// A JSON pointer into the answer, and the value that has to stand there: the workspace of production.
    pub expect: Option<(String, String)>,
}
