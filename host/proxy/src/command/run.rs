//! `refrain run`: reads the configuration, serves until SIGTERM or SIGINT, drains.

use std::path::Path;
use std::process::ExitCode;

use crate::app::App;
use crate::control::shutdown;
use crate::observe::audit::Audit;
use crate::snapshot::Snapshot;

/// Runs the gateway. Exit codes: 0 drained without loss, 1 failed at run time, 2 the configuration is wrong.
pub fn run(config: &Path) -> ExitCode {
    tracing::info!(config = %config.display(), "reading the configuration and compiling its filters");
    let snapshot = match Snapshot::load(config) {
        Ok(snapshot) => snapshot,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return ExitCode::from(2);
        }
    };
    match serve(snapshot) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(%error, "refrain stops");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(snapshot: Snapshot) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let app = App::start(snapshot, Audit::default()).await?;
    let (outside, inside) = app.listeners();
    tracing::info!(?outside, ?inside, "refrain is ready");
    let signal = shutdown::requested().await?;
    tracing::info!(signal, "draining: no new connections, every accepted stanza still leaves");
    let totals = app.drain().await;
    let lost = totals.in_flight();
    tracing::info!(%totals, lost, "refrain stopped");
    Ok(if lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
