//! Renders Helm charts in memory, leading every line back to the template that wrote it.
