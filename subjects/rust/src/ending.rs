//! SIGTERM: readiness first, then the listener, then whoever still waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::bail;
use axum::Router;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::sleep,
};

use crate::faults::Faults;

/// How long a balancer may take to hear that it is not ready.
const PROPAGATION: Duration = Duration::from_millis(800);

/// How long requests that are under way may take.
const DRAIN: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Ending {
    ready: Arc<AtomicBool>,
    faults: Faults,
}

impl Ending {
    pub(crate) fn new(faults: &Faults) -> Self {
        Self { ready: Arc::new(AtomicBool::new(true)), faults: faults.clone() }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub(crate) async fn serve(&self, listener: TcpListener, router: Router) -> anyhow::Result<()> {
        let (end, ended) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async {
            let _ = ended.await;
        });
        let server = tokio::spawn(async move { server.await });
        if self.faults.has("exits-at-once") {
            server.await??;
            return Ok(());
        }
        signal(SignalKind::terminate())?.recv().await;
        if !self.faults.has("readiness-after-listener") {
            self.ready.store(false, Ordering::Relaxed);
            sleep(PROPAGATION).await;
        }
        if self.faults.has("resets-keep-alive") {
            // Whoever is on a connection loses it.
            sleep(Duration::from_millis(50)).await;
            server.abort();
            return Ok(());
        }
        drop(end);
        if self.faults.has("never-exits") {
            std::future::pending::<()>().await;
        }
        tokio::time::timeout(DRAIN, server).await???;
        self.ready.store(false, Ordering::Relaxed);
        if self.faults.has("exit-code-1") {
            bail!("ended by a signal");
        }
        Ok(())
    }
}
