//! `refrain run`: reads the configuration, serves until SIGTERM or SIGINT, drains.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use refrain_filter::Engine;

use super::{BAD_USAGE, ConfigFile};
use crate::app::App;
use crate::control::admin::{Admin, Control, Listeners};
use crate::control::reload::{self, Reloader};
use crate::control::staging::Staging;
use crate::control::{shutdown, watch};
use crate::net::open_files;
use crate::observe::audit::Audit;
use crate::snapshot::{self, Snapshot};

type Error = Box<dyn std::error::Error>;

/// What `refrain run` takes.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    file: ConfigFile,
    /// Reload whenever the configuration or a file that it names changes; for staging, not for production
    #[arg(long)]
    watch: bool,
}

impl Run {
    /// Runs the gateway. Exit codes: 0 drained without loss, 1 failed at run time, 2 the configuration is wrong.
    pub fn run(&self) -> ExitCode {
        let config = &self.file.config;
        tracing::info!(config = %config.display(), "reading the configuration and compiling its filters");
        let ended = snapshot::engine().map_err(Error::from).and_then(|engine| match Snapshot::load(config, &engine) {
            Ok(snapshot) => serve(config, engine, snapshot, self.watch),
            Err(mistakes) => {
                eprintln!("{mistakes}");
                Ok(ExitCode::from(BAD_USAGE))
            }
        });
        ended.unwrap_or_else(|error| {
            tracing::error!(%error, "refrain stops");
            ExitCode::FAILURE
        })
    }
}

#[tokio::main]
async fn serve(config: &Path, engine: Arc<Engine>, snapshot: Snapshot, watched: bool) -> Result<ExitCode, Error> {
    open_files::raise(&snapshot.config.limits);
    let hangups = reload::hangups()?;
    let app = App::start(snapshot, Audit::default()).await?;
    let reloader = Reloader::new(app.gateway().clone(), engine, config);
    tokio::spawn(reload::on_hangup(reloader.clone(), hangups));
    if watched {
        tokio::spawn(watch::watch(reloader.clone()));
    }
    let (outside, inside) = app.listeners();
    let listeners = Listeners {
        outside: outside.to_vec(),
        outside_tls: app.tls_listeners().to_vec(),
        inside: inside.to_vec(),
        names: app.names(),
    };
    let staging = Staging::new(app.gateway(), &reloader);
    staging.begin();
    let control = Control { gateway: app.gateway().clone(), reloader, staging, listeners, started: Instant::now() };
    let admin = Admin::open(Arc::new(control)).await?;
    let names = app.names().map(tracing::field::display);
    tracing::info!(?outside, outside_tls = ?app.tls_listeners(), ?inside, names, generation = 1, "refrain is ready");
    let signal = shutdown::requested().await?;
    tracing::info!(signal, "draining: no new connections, every accepted stanza still leaves");
    let totals = app.drain().await;
    drop(admin);
    let lost = totals.in_flight();
    tracing::info!(%totals, lost, "refrain stopped");
    Ok(if lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
