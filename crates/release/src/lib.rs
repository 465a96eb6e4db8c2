//! Rollouts carried out: look, decide, store, act, until the release is everywhere or nowhere.

mod actuator;
mod budget;
mod cluster;
mod file;
mod forecast;
mod lease;
mod meters;
mod rehearsal;
mod run;
mod store;

pub use actuator::{Actuator, Surroundings};
pub use budget::BudgetFile;
pub use file::{BySide, Capacity, DriverFile, Family, File, Http, MeterFile, Metrics, PrometheusFile, Sides, Traffic};
pub use forecast::{Forecast, StepForecast, forecast};
pub use lease::{Holder, Lease, LeaseError};
pub use meters::{Meters, Read, Sources};
pub use rehearsal::record;
pub use run::{Clock, Rollout, Shown, Stopped};
pub use store::{FOLDER, Line, Store, StoreError, Stored};
