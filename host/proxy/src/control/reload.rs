//! Puts a new generation in the place of the live one: read, validate, compile, configure, then swap one `Arc`.
//!
//! SIGHUP, [`watch`](super::watch) or the admin socket → **reload** → [`Gateway::go_live`]

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use refrain_filter::Engine;
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Mistake, Mistakes};
use crate::pipeline::Gateway;
use crate::snapshot::Snapshot;

/// Changes the live generation, one change at a time.
pub struct Reloader {
    gateway: Arc<Gateway>,
    engine: Arc<Engine>,
    config: PathBuf,
    /// Held from reading the file to the swap: a second reload waits, and reads what is in the file then.
    turn: tokio::sync::Mutex<()>,
    history: Mutex<History>,
}

/// What became of the generations so far.
#[derive(Default)]
struct History {
    previous: Option<Snapshot>,
    last: Option<Attempt>,
    succeeded: u64,
    refused: u64,
}

/// Why a generation changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// SIGHUP.
    Signal,
    /// Somebody asked over the admin socket.
    Admin,
    /// A file changed under `--watch`.
    Watch,
    /// The generation before it was asked back.
    Rollback,
    /// A candidate proved itself.
    Promotion,
    /// The generation before it failed or was slow beyond the bounds of `[staging]`.
    Guard,
}

/// One attempt to change the generation.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// When it ended.
    pub at: SystemTime,
    /// Who wanted it.
    pub cause: Cause,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// What is live since then, or what was wrong.
    pub result: Result<Swapped, Mistakes>,
}

/// A change that took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swapped {
    /// The generation that is live now.
    pub generation: u64,
    /// The one before it.
    pub before: u64,
}

/// What was counted and kept of all attempts.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The generation that a rollback brings back.
    pub previous: Option<u64>,
    /// The attempt that ended last.
    pub last: Option<Attempt>,
    /// Attempts that changed the generation.
    pub succeeded: u64,
    /// Attempts that were refused.
    pub refused: u64,
}

/// Why the live generation stays.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReloadError {
    /// The configuration is wrong.
    #[error("{0}")]
    Mistaken(Mistakes),
    /// The process is about to end.
    #[error("Refrain is draining: nothing changes any more")]
    Draining,
    /// There was no generation before this one.
    #[error("there is no previous generation: nothing was reloaded since the start")]
    NoPrevious,
    /// Somebody was faster.
    #[error("generation {0} is not live any more")]
    NotLive(u64),
    /// A bug of ours.
    #[error("the reload itself failed: {0}")]
    Broken(String),
}

impl Reloader {
    /// Prepares to reload the file that `gateway` was started from.
    pub fn new(gateway: Arc<Gateway>, engine: Arc<Engine>, config: &Path) -> Arc<Self> {
        let (turn, history) = (tokio::sync::Mutex::default(), Mutex::default());
        Arc::new(Reloader { gateway, engine, config: config.to_owned(), turn, history })
    }

    /// The file it reads.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The engine of the process, to build candidates in.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Reads the file anew and makes it live. On any failure everything stays as it is. Goes on to its end even when the caller
    /// is gone.
    pub async fn reload(self: &Arc<Self>, cause: Cause) -> Result<Swapped, ReloadError> {
        let this = self.clone();
        let reload = tokio::spawn(async move {
            let _turn = this.turn.lock().await;
            let started = Instant::now();
            let loaded = this.load().await;
            this.conclude(cause, started, loaded)
        });
        reload.await.unwrap_or_else(|error| Err(ReloadError::Broken(error.to_string())))
    }

    /// Makes the generation before this one live again; a second rollback takes the first one back.
    pub async fn rollback(&self) -> Result<Swapped, ReloadError> {
        let _turn = self.turn.lock().await;
        let previous = self.lock().previous.as_ref().map(Snapshot::again).ok_or(ReloadError::NoPrevious);
        self.conclude(Cause::Rollback, Instant::now(), previous)
    }

    /// Takes a generation back, if it is live still.
    pub async fn rollback_of(&self, generation: u64) -> Result<Swapped, ReloadError> {
        let _turn = self.turn.lock().await;
        if self.gateway.snapshot().generation != generation {
            return Err(ReloadError::NotLive(generation));
        }
        let previous = self.lock().previous.as_ref().map(Snapshot::again).ok_or(ReloadError::NoPrevious);
        self.conclude(Cause::Guard, Instant::now(), previous)
    }

    /// Makes a candidate live that was built elsewhere.
    pub async fn promote(&self, candidate: Snapshot) -> Result<Swapped, ReloadError> {
        let _turn = self.turn.lock().await;
        self.conclude(Cause::Promotion, Instant::now(), Ok(candidate))
    }

    /// What became of all attempts.
    pub fn summary(&self) -> Summary {
        let history = self.lock();
        Summary {
            previous: history.previous.as_ref().map(|snapshot| snapshot.generation),
            last: history.last.clone(),
            succeeded: history.succeeded,
            refused: history.refused,
        }
    }

    /// Compiling takes seconds, so it happens off the threads that move stanzas.
    async fn load(&self) -> Result<Snapshot, ReloadError> {
        self.refuse_while_draining()?;
        let (path, engine, running) = (self.config.clone(), self.engine.clone(), self.gateway.snapshot());
        let loading = tokio::task::spawn_blocking(move || Snapshot::load_beside(&running, &path, &engine));
        match loading.await {
            Ok(loaded) => loaded.map_err(ReloadError::Mistaken),
            Err(error) => Err(ReloadError::Broken(error.to_string())),
        }
    }

    fn refuse_while_draining(&self) -> Result<(), ReloadError> {
        if self.gateway.ending.receiving.is_cancelled() { Err(ReloadError::Draining) } else { Ok(()) }
    }

    /// The one place where a generation changes: swaps, remembers and reports.
    fn conclude(
        &self,
        cause: Cause,
        started: Instant,
        loaded: Result<Snapshot, ReloadError>,
    ) -> Result<Swapped, ReloadError> {
        let result = loaded.and_then(|snapshot| {
            self.refuse_while_draining()?;
            Ok(self.swap(snapshot))
        });
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.note(cause, millis, &result);
        log(cause, millis, self.gateway.snapshot().generation, &result);
        result
    }

    fn swap(&self, snapshot: Snapshot) -> Swapped {
        for warning in snapshot.config.warnings.iter() {
            tracing::warn!("{warning}");
        }
        let before = self.gateway.go_live(snapshot);
        // Not the very generation, but all that is in it: so the instances of its filters end with its last batch.
        self.lock().previous = Some(before.again());
        Swapped { generation: self.gateway.snapshot().generation, before: before.generation }
    }

    fn note(&self, cause: Cause, millis: u64, result: &Result<Swapped, ReloadError>) {
        let mut history = self.lock();
        let result = match result {
            Ok(swapped) => Ok(*swapped),
            Err(ReloadError::Mistaken(mistakes)) => Err(mistakes.clone()),
            Err(error) => Err(Mistakes::from_iter([whole_file(&self.config, error)])),
        };
        match result {
            Ok(_) => history.succeeded += 1,
            Err(_) => history.refused += 1,
        }
        history.last = Some(Attempt { at: SystemTime::now(), cause, millis, result });
    }

    /// A panic while the history was locked left it whole: it is only ever replaced field by field.
    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn whole_file(file: &Path, error: &ReloadError) -> Mistake {
    let (problem, advice) = (error.to_string(), String::new());
    Mistake { file: file.to_owned(), line: None, key: String::new(), problem, advice }
}

fn log(cause: Cause, millis: u64, generation: u64, result: &Result<Swapped, ReloadError>) {
    match result {
        Ok(Swapped { before, .. }) => {
            tracing::info!(generation, before, %cause, millis, "a new generation is live");
        }
        Err(ReloadError::Mistaken(mistakes)) => {
            for mistake in mistakes.iter() {
                tracing::error!("{mistake}");
            }
            let mistakes = mistakes.len();
            tracing::error!(generation, mistakes, %cause, millis, "reload refused: the generation that was live stays");
        }
        Err(error) => {
            tracing::error!(generation, %cause, %error, "reload refused: the generation that was live stays");
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Signal => "SIGHUP",
            Cause::Admin => "admin",
            Cause::Watch => "watch",
            Cause::Rollback => "rollback",
            Cause::Promotion => "promotion",
            Cause::Guard => "guard",
        })
    }
}

/// SIGHUP, from the moment this returns: before that it would end the process.
pub fn hangups() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Reloads at every SIGHUP; those that come during a reload are one more together.
pub async fn on_hangup(reloader: Arc<Reloader>, mut hangups: Signal) {
    while hangups.recv().await.is_some() {
        // Logged and kept for the status where it was decided.
        let _ = reloader.reload(Cause::Signal).await;
    }
}
