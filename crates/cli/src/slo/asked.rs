//! A Prometheus as the command line names it, and waiting for what it answers.

use anyhow::Context as _;
use gonogo_collectors::metrics::{Address, Limits, Prometheus};

use super::options::Asked;

/// None: none is named.
pub(super) fn prometheus(asked: &Asked) -> anyhow::Result<Option<Prometheus>> {
    let Some(url) = &asked.prometheus else { return Ok(None) };
    let mut address = Address::new(url)?;
    if let Some((name, variable)) = &asked.header {
        let value = std::env::var(variable)
            .with_context(|| format!("the header {name} should come from the variable {variable}, which is not set"))?;
        address = address.with_header(name, value.trim())?;
    }
    Ok(Some(Prometheus::new(address, Limits { time: asked.timeout, ..Limits::default() })?))
}

/// Runs it to its end on this thread.
pub(super) fn wait<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("no runtime could be started")?.block_on(work)
}
