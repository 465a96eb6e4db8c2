//! Real components on the loopback for tests and chores: a Kubernetes control plane and Prometheus. Whatever is started here
//! ends with whoever started it, also when that is killed. Nothing of it is in the product.

mod children;
pub mod kubernetes;
pub mod prometheus;
