//! `cargo xtask bench review`.

pub fn run(_arguments: &[&str]) -> anyhow::Result<()> {
    anyhow::bail!("not here yet")
}
