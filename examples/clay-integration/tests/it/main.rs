//! The service end to end, as a process of its own, against the stand-in for Clay on loopback.

#[cfg(test)]
mod clay;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod recovery;
