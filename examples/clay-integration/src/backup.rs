//! Backup and restore of the outbox, so that both are commands that a drill can run, and not pages that somebody reads.

use std::path::Path;

use serde_json::{Value, json};

use crate::{config::Config, store::Store};

/// Writes a whole, checked copy to `path` while the service runs. Gives what is in it.
pub async fn backup(config: &Config, path: &Path) -> Result<Value, String> {
    let store = Store::open(&config.database, config.database_shared).await.map_err(text)?;
    // Aside first: who looks at the folder never sees a half-written backup.
    let aside = path.with_extension("part");
    drop(tokio::fs::remove_file(&aside).await);
    store.copy_to(&aside).await.map_err(text)?;
    store.close().await;
    let counts = verified(&aside).await?;
    tokio::fs::rename(&aside, path).await.map_err(text)?;
    Ok(json!({"backup": path, "leads": counts}))
}

/// Puts a backup in the place of the database. The service must not run. What was on its way when the backup was made
/// becomes a dead letter: Clay may have it since.
pub async fn restore(config: &Config, path: &Path) -> Result<Value, String> {
    if tokio::fs::try_exists(&config.database).await.map_err(text)? {
        return Err(format!("{} exists: move it away first", config.database.display()));
    }
    let found = verified(path).await?;
    tokio::fs::copy(path, &config.database).await.map_err(text)?;
    let store = Store::open(&config.database, config.database_shared).await.map_err(text)?;
    store.migrate().await.map_err(text)?;
    let distrusted = store.distrust().await.map_err(text)?;
    let counts = counts(&store).await?;
    store.close().await;
    Ok(json!({"restored": path, "found": found, "leads": counts, "for_a_person": distrusted}))
}

/// The leads of a copy by state. Errors: it is damaged.
async fn verified(path: &Path) -> Result<Value, String> {
    let store = Store::open(path, true).await.map_err(text)?;
    if !store.is_intact().await.map_err(text)? {
        return Err(format!("{} is damaged", path.display()));
    }
    let counts = counts(&store).await?;
    store.close().await;
    Ok(counts)
}

async fn counts(store: &Store) -> Result<Value, String> {
    let counts = store.counts().await.map_err(text)?;
    Ok(counts.into_iter().map(|(state, count)| (state.name().to_owned(), json!(count))).collect())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
