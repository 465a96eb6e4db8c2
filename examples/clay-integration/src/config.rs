//! The configuration, all from the environment. What is missing or wrong ends the start, with every error at once.

use std::{env, fmt, path::PathBuf, time::Duration};

use reqwest::Url;

/// A value that no log line and no error ever shows.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// Everything that can be set from outside. `.env.example` lists the variables.
#[derive(Debug, Clone)]
pub struct Config {
    pub host: String,
    pub port: u16,
    pub log_level: String,
    /// One or two, the old and the new, so that they can be rotated.
    pub intake_tokens: Vec<Secret>,
    pub database: PathBuf,
    /// Several machines share the file, so that it must do without shared memory.
    pub database_shared: bool,
    pub outbox_max: u32,
    pub retention: Duration,
    pub clay: ClayConfig,
    pub runtime_file: Option<PathBuf>,
    pub trusted_hops: u32,
    pub requests_per_minute: u32,
    pub announce: Duration,
    pub drain: Duration,
    pub otlp_endpoint: Option<String>,
}

/// How Clay is reached.
#[derive(Debug, Clone)]
pub struct ClayConfig {
    pub url: String,
    pub key: Secret,
    /// One or two: a signing secret is rotated by a second webhook.
    pub webhook_secrets: Vec<Secret>,
    pub webhook_id: Option<String>,
    pub routine: String,
    /// The workspace that the key must belong to: tells the key of staging from the one of production.
    pub workspace: String,
    pub timeout: Duration,
    pub requests_per_second: u32,
    pub concurrency: u32,
    /// How long the breaker of outages stays open before one call tries.
    pub breaker_open: Duration,
    pub health_every: Duration,
    pub callback_wait: Duration,
}

impl Config {
    /// Reads the environment. Errors: names every variable that is missing or wrong, never a value.
    pub fn from_environment() -> Result<Self, String> {
        let mut read = Reader::default();
        let config = Self {
            host: read.text("HOST", Some("0.0.0.0")),
            port: read.number("PORT", "8080", 0, 65_535),
            log_level: read.text("LOG_LEVEL", Some("info")),
            intake_tokens: read.secrets("INTAKE_TOKEN"),
            database: read.database("DATABASE_URL"),
            database_shared: read.number::<u32>("DATABASE_SHARED", "0", 0, 1) == 1,
            outbox_max: read.number("OUTBOX_MAX", "10000", 1, 1_000_000),
            retention: Duration::from_hours(24 * u64::from(read.number::<u32>("RETENTION_DAYS", "30", 1, 3650))),
            clay: ClayConfig {
                url: read.clay_url("CLAY_API_URL"),
                key: read.secrets("CLAY_API_KEY").pop().unwrap_or_default(),
                webhook_secrets: read.secrets("CLAY_WEBHOOK_SECRET"),
                webhook_id: Reader::optional("CLAY_WEBHOOK_ID"),
                routine: read.text("CLAY_ROUTINE", None),
                workspace: read.text("CLAY_WORKSPACE", None),
                timeout: Duration::from_millis(read.number("CLAY_TIMEOUT_MS", "10000", 100, 120_000)),
                requests_per_second: read.number("CLAY_REQUESTS_PER_SECOND", "2", 1, 1000),
                concurrency: read.number("CLAY_CONCURRENCY", "4", 1, 100),
                breaker_open: Duration::from_secs(read.number("CLAY_BREAKER_SECONDS", "15", 1, 3600)),
                health_every: Duration::from_secs(read.number("CLAY_HEALTH_SECONDS", "30", 1, 3600)),
                callback_wait: Duration::from_secs(read.number("CLAY_CALLBACK_WAIT_SECONDS", "180", 1, 86_400)),
            },
            runtime_file: Reader::optional("RUNTIME_FILE").map(PathBuf::from),
            trusted_hops: read.number("TRUSTED_HOPS", "0", 0, 5),
            requests_per_minute: read.number("REQUESTS_PER_MINUTE", "600", 1, 1_000_000),
            announce: Duration::from_secs(read.number("ANNOUNCE_SECONDS", "5", 0, 60)),
            drain: Duration::from_secs(read.number("DRAIN_SECONDS", "20", 1, 300)),
            otlp_endpoint: Reader::optional("OTEL_EXPORTER_OTLP_ENDPOINT"),
        };
        if read.errors.is_empty() {
            Ok(config)
        } else {
            Err(format!("the configuration is not usable: {}", read.errors.join("; ")))
        }
    }
}

/// Reads variables and collects what is wrong with them.
#[derive(Default)]
struct Reader {
    errors: Vec<String>,
}

impl Reader {
    fn optional(name: &str) -> Option<String> {
        env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn text(&mut self, name: &str, default: Option<&str>) -> String {
        let value = Self::optional(name).or(default.map(str::to_owned));
        value.unwrap_or_else(|| self.wrong(name, "is not set"))
    }

    fn number<T: TryFrom<u64> + Default>(&mut self, name: &str, default: &str, least: u64, most: u64) -> T {
        let value = self.text(name, Some(default)).parse().ok().filter(|value| (least..=most).contains(value));
        let fits = value.and_then(|value| T::try_from(value).ok());
        fits.unwrap_or_else(|| self.wrong(name, &format!("is no whole number from {least} to {most}")))
    }

    /// One secret, or two with a comma between them.
    fn secrets(&mut self, name: &str) -> Vec<Secret> {
        let text = self.text(name, None);
        let secrets: Vec<Secret> = text.split(',').map(|one| Secret(one.trim().to_owned())).collect();
        if !text.is_empty() && secrets.iter().any(|secret| secret.expose().len() < 8) {
            return self.wrong(name, "is too short for a secret");
        }
        secrets
    }

    fn database(&mut self, name: &str) -> PathBuf {
        let text = self.text(name, Some("sqlite:leads.db"));
        match text.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path)) {
            Some(path) if !path.is_empty() => PathBuf::from(path),
            _ => self.wrong(name, "is not sqlite:PATH"),
        }
    }

    /// Clay's own host over TLS, or the loopback that a stand-in listens on. The host is parsed, not matched.
    fn clay_url(&mut self, name: &str) -> String {
        let text = self.text(name, Some("https://api.clay.com/public/v0"));
        let url = Url::parse(&text).ok();
        let allowed = url.as_ref().is_some_and(|url| match (url.scheme(), url.host_str()) {
            ("https", Some("api.clay.com")) => url.port().is_none() && url.username().is_empty(),
            ("http", Some("127.0.0.1" | "localhost")) => true,
            _ => false,
        });
        if allowed { text.trim_end_matches('/').to_owned() } else { self.wrong(name, "is not https://api.clay.com") }
    }

    fn wrong<T: Default>(&mut self, name: &str, what: &str) -> T {
        self.errors.push(format!("{name} {what}"));
        T::default()
    }
}
