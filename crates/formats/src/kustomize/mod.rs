//! Builds kustomizations in memory.
