//! What can be changed while the service runs: a file that is read again on SIGHUP and when it changes.
//!
//! Its form is flagd's, so that each flag has an owner, a default and a day on which it goes.

use std::{collections::HashMap, path::Path, time::Duration};

use serde::Deserialize;
use serde_json::Value;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::sleep,
};

use crate::{config::Config, pace::Pace, telemetry::Levels};

/// The values in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// Off: leads are accepted and wait.
    pub clay_sends: bool,
    pub clay_requests_per_second: u32,
    pub log_level: String,
}

impl Runtime {
    /// As the environment has it.
    pub fn new(config: &Config) -> Self {
        Self {
            clay_sends: true,
            clay_requests_per_second: config.clay.requests_per_second,
            log_level: config.log_level.clone(),
        }
    }

    /// With what the file says. Errors: it is not of the form; nothing changes then.
    fn with(&self, text: &str) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_str(text)?;
        let mut next = self.clone();
        let value = |name: &str| file.flags.get(name).filter(|flag| flag.state == "ENABLED").and_then(Flag::value);
        if let Some(sends) = value("clay-sends").and_then(Value::as_bool) {
            next.clay_sends = sends;
        }
        if let Some(pace) = value("clay-requests-per-second").and_then(Value::as_u64) {
            next.clay_requests_per_second = u32::try_from(pace).unwrap_or(u32::MAX).clamp(1, 1000);
        }
        if let Some(level) = value("log-level").and_then(Value::as_str) {
            level.clone_into(&mut next.log_level);
        }
        Ok(next)
    }
}

#[derive(Deserialize)]
struct File {
    flags: HashMap<String, Flag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flag {
    state: String,
    variants: HashMap<String, Value>,
    default_variant: String,
}

impl Flag {
    fn value(&self) -> Option<&Value> {
        self.variants.get(&self.default_variant)
    }
}

/// Follows the file for ever.
pub async fn follow(path: &Path, current: &watch::Sender<Runtime>, pace: &Pace, levels: &Levels) {
    let base = current.borrow().clone();
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::error!("SIGHUP cannot be followed");
        return;
    };
    let mut seen = String::new();
    loop {
        // Whoever mounts a file replaces it: its text is compared, not its time.
        match tokio::fs::read_to_string(path).await {
            Ok(text) if text != seen => {
                match base.with(&text) {
                    Ok(next) => {
                        pace.set(next.clay_requests_per_second);
                        if levels.set(&next.log_level).is_err() {
                            tracing::error!("the log level is none of error, warn, info, debug, trace");
                        }
                        let Runtime { clay_sends, clay_requests_per_second, log_level } = &next;
                        tracing::warn!(clay_sends, clay_requests_per_second, log_level, "configuration reloaded");
                        current.send_replace(next);
                    }
                    Err(error) => tracing::error!(reason = %error, "the runtime file is not usable; nothing changed"),
                }
                seen = text;
            }
            Ok(_) => {}
            Err(error) => tracing::error!(reason = %error, "the runtime file cannot be read; nothing changed"),
        }
        tokio::select! {
            _ = hangup.recv() => {}
            () = sleep(Duration::from_secs(5)) => {}
        }
    }
}
