//! The deployable units of a repository, each with its class and the evidence for it.
