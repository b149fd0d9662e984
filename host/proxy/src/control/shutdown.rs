//! Waits for the word to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Completes on SIGTERM (the service manager) or SIGINT (Ctrl-C) and names it.
pub async fn requested() -> io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}
