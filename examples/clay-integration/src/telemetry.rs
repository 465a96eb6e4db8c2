//! Logs as JSON lines on standard output, and traces to a collector where there is one.

use std::panic;

use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    runtime,
    trace::{SdkTracerProvider, span_processor_with_async_runtime::BatchSpanProcessor},
};
use tracing_subscriber::{EnvFilter, Registry, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _};

use crate::config::Config;

pub const VERSION: &str = match option_env!("APP_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Changes the level of the log at once.
#[derive(Clone)]
pub struct Levels(reload::Handle<EnvFilter, Registry>);

/// The level is none of the five.
#[derive(Debug)]
pub struct UnknownLevel;

impl Levels {
    pub fn set(&self, level: &str) -> Result<(), UnknownLevel> {
        let filter = filter(level)?;
        self.0.reload(filter).map_err(|_| UnknownLevel)
    }
}

/// What others log below warnings tells of headers and statements: it is never written.
fn filter(level: &str) -> Result<EnvFilter, UnknownLevel> {
    if !["error", "warn", "info", "debug", "trace"].contains(&level) {
        return Err(UnknownLevel);
    }
    EnvFilter::try_new(format!("warn,clay_integration={level}")).map_err(|_| UnknownLevel)
}

pub struct Telemetry {
    pub levels: Levels,
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// To be called in a runtime. Errors: in one sentence.
    pub fn start(config: &Config) -> Result<Self, String> {
        let filter = filter(&config.log_level).map_err(|_| "LOG_LEVEL is none of error, warn, info, debug, trace")?;
        let (filter, handle) = reload::Layer::new(filter);
        let provider = provider(config.otlp_endpoint.as_deref())?;
        let tracer = provider.tracer("clay-integration");
        tracing_subscriber::registry()
            .with(filter)
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_target(false),
            )
            .with(tracing_opentelemetry::layer().with_tracer(tracer))
            .try_init()
            .map_err(|error| error.to_string())?;
        global::set_text_map_propagator(TraceContextPropagator::new());
        // A panic is a line like any other. Its text may hold a value and stays out.
        panic::set_hook(Box::new(|panic| {
            tracing::error!(place = panic.location().map(ToString::to_string), "a defect: this should never happen");
        }));
        Ok(Self { levels: Levels(handle), provider })
    }

    /// Sends the spans that wait.
    pub async fn flush(self) {
        let provider = self.provider;
        drop(tokio::task::spawn_blocking(move || provider.shutdown()).await);
    }
}

/// Without an endpoint spans are made all the same, so that ids are in the logs and travel on; they go nowhere.
fn provider(endpoint: Option<&str>) -> Result<SdkTracerProvider, String> {
    let resource = Resource::builder().with_service_name("clay-integration").build();
    let mut provider = SdkTracerProvider::builder().with_resource(resource);
    if let Some(endpoint) = endpoint {
        let exporter = SpanExporter::builder().with_http().with_endpoint(format!("{endpoint}/v1/traces")).build();
        let exporter = exporter.map_err(|error| format!("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used: {error}"))?;
        // The processor without a runtime would start a thread of its own, where the HTTP client cannot work.
        provider = provider.with_span_processor(BatchSpanProcessor::builder(exporter, runtime::Tokio).build());
    }
    Ok(provider.build())
}
