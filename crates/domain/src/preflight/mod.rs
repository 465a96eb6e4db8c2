//! The last look before a release: what has to be so at this moment, asked at this moment.
//!
//! Each module is one question: what was seen, and what that means. A question that got no answer, or one that was not
//! understood, is *unknown* and never a yes.

mod budget;
mod driver;
mod item;
mod keys;
mod plan;
mod reviewed;
mod status_page;
mod telemetry;
mod vendor;
mod version;

pub use budget::budget;
pub use driver::driver;
pub use item::{Item, Verdict, decision};
pub use keys::{KeySource, keys, keys_of_workload};
pub use plan::{Preflight, Reported, StatusPagePlan, VendorPlan};
pub use reviewed::{review, rollback, staging};
pub use status_page::{StatusPage, Trouble, status_page};
pub use telemetry::{LoadedRule, ScrapeTarget, WrittenRule, rules, targets};
pub use vendor::{Seen, Unseen, vendor};
pub use version::version;
