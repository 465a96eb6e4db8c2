//! A real Kubernetes control plane on the loopback for tests: etcd, the API server and the controller manager, with a kubelet
//! that is played. Nothing of it is in the product.

mod binaries;
mod children;
pub mod custom;
mod kubelet;
mod plane;

pub use binaries::{Binaries, Missing};
pub use kubelet::{Kubelet, READY_AFTER, RESTARTS};
pub use plane::{ControlPlane, Trouble};
