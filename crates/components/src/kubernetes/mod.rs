//! A real Kubernetes control plane: etcd, the API server and the controller manager, with a kubelet that is played.

mod binaries;
pub mod custom;
mod kinds;
mod kubelet;
mod plane;

pub use binaries::{Binaries, Missing};
pub use kinds::known;
pub use kubelet::{Kubelet, READY_AFTER, RESTARTS};
pub use plane::{ControlPlane, Trouble};
