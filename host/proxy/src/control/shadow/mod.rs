//! A candidate that judges copies of live stanzas beside the live chain, without effect; promoted, it is what judges.
//!
//! `pipeline::tap` → **shadow** → [`ledger`]; promote → `Reloader::promote`

pub mod ledger;
mod source;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use refrain_filter::{Direction, Shared};
use serde::{Deserialize, Serialize};

use super::reload::{ReloadError, Reloader, Swapped};
use crate::config::Mistakes;
use crate::lists::board::Purpose;
use crate::observe::judgement::Judgement;
use crate::pipeline::Gateway;
use crate::pipeline::judge::Circumstances;
use crate::pipeline::tap::{Fingerprint, Inlet, Outlet};
use crate::snapshot::Snapshot;
pub use ledger::Account;
use ledger::{Judged, Ledger};
pub use source::{Request, Source};

/// The one shadow there may be.
pub struct Shadows {
    gateway: Arc<Gateway>,
    reloader: Arc<Reloader>,
    current: Mutex<Option<Arc<Shadow>>>,
}

/// A candidate at work.
struct Shadow {
    source: Source,
    trial: Arc<Snapshot>,
    outlet: Arc<Outlet>,
    ledger: Arc<Mutex<Ledger>>,
    percent: u64,
    started: Instant,
    /// What was live when it began.
    beside: u64,
}

/// What a shadow did so far.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// What it is made of, in words.
    pub candidate: String,
    /// For how long it has judged.
    pub seconds: u64,
    /// The generation that was live when it began, and the one that is now.
    pub live: (u64, u64),
    /// Of a hundred stanzas it is to judge so many.
    pub percent: u64,
    /// Stanzas that passed by.
    pub seen: u64,
    /// Stanzas that it was to judge and that found no room in its queue.
    pub skipped: u64,
    /// What it said.
    pub account: Account,
    /// Bytes of memory that the filters of the live chain and those of the shadow hold.
    pub memory_bytes: (u64, u64),
    /// Calls of its filters that failed, by filter and cause.
    pub faults: Vec<(String, String, u64)>,
}

/// What a promotion did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    /// The change.
    pub swapped: Swapped,
    /// What the next reload would undo.
    pub warning: Option<String>,
}

/// The same, as it is told to the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Promotion {
    /// The generation that is live now.
    pub generation: u64,
    /// The one before it.
    pub before: u64,
    /// What the next reload would undo.
    #[serde(default)]
    pub warning: Option<String>,
}

impl From<Promoted> for Promotion {
    fn from(promoted: Promoted) -> Self {
        let Promoted { swapped: Swapped { generation, before }, warning } = promoted;
        Promotion { generation, before, warning }
    }
}

/// Why there is no shadow, or it is not promoted.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    /// The candidate's configuration is wrong.
    #[error("the candidate's configuration has mistakes")]
    Mistaken(Mistakes),
    /// There is none.
    #[error("no shadow is running; refrain shadow start begins one")]
    None,
    /// It did not judge anything yet.
    #[error("the shadow has judged no stanza yet, so nothing is known of it; --force promotes it all the same")]
    Unproven,
    /// What was tried is not what would be promoted.
    #[error("the component of {0} was changed since the shadow began: start the shadow again")]
    Changed(String),
    /// The swap was refused.
    #[error(transparent)]
    Refused(#[from] ReloadError),
    /// A bug of ours, or no thread.
    #[error("the shadow could not be started: {0}")]
    Broken(String),
}

impl Shadows {
    /// Prepares.
    pub fn new(gateway: Arc<Gateway>, reloader: Arc<Reloader>) -> Self {
        Shadows { gateway, reloader, current: Mutex::default() }
    }

    /// Builds a candidate and lets it judge copies of what passes by; one that is running already ends.
    pub async fn start(&self, request: Request) -> Result<Report, ShadowError> {
        let source = Source::read(request, self.reloader.config()).map_err(ShadowError::Mistaken)?;
        // State of its own: a token that the shadow takes is not missing live, and a counter not counted twice.
        let trial = Arc::new(self.build(&source, Arc::<Shared>::default(), Purpose::Trial).await?);
        self.stop();
        let live = self.gateway.snapshot();
        let percent = live.config.staging.shadow_percent;
        let (outlet, inlet) = self.gateway.taps.open(percent);
        let ledger = Arc::<Mutex<Ledger>>::default();
        let started = Instant::now();
        if let Err(error) = judge_on_a_thread(trial.clone(), inlet, ledger.clone()) {
            self.gateway.taps.close(&outlet);
            return Err(ShadowError::Broken(error.to_string()));
        }
        tracing::info!(candidate = %source, percent, "a shadow judges beside the live chain");
        let shadow = Arc::new(Shadow { source, trial, outlet, ledger, percent, started, beside: live.generation });
        let report = shadow.report(&live);
        *self.lock() = Some(shadow);
        Ok(report)
    }

    /// What the shadow did so far.
    pub fn report(&self) -> Result<Report, ShadowError> {
        let shadow = self.lock().clone().ok_or(ShadowError::None)?;
        Ok(shadow.report(&self.gateway.snapshot()))
    }

    /// Ends the shadow. Whether there was one.
    pub fn stop(&self) -> bool {
        let ended = self.lock().take();
        if let Some(shadow) = &ended {
            self.gateway.taps.close(&shadow.outlet);
            tracing::info!(candidate = %shadow.source, "the shadow ended");
        }
        ended.is_some()
    }

    /// Makes live what the shadow tried: built once more, from the same text and the same components, with the state of the live
    /// filters.
    pub async fn promote(&self, force: bool) -> Result<Promoted, ShadowError> {
        let shadow = self.lock().clone().ok_or(ShadowError::None)?;
        if lock_ledger(&shadow.ledger).judged() == 0 && !force {
            return Err(ShadowError::Unproven);
        }
        let candidate = self.build(&shadow.source, self.reloader.engine().shared().clone(), Purpose::Live).await?;
        if let Some(filter) = changed_component(&shadow.trial, &candidate) {
            return Err(ShadowError::Changed(filter));
        }
        let swapped = self.reloader.promote(candidate).await?;
        self.stop();
        let warning = shadow.source.undone_by_reload(self.reloader.config());
        if let Some(warning) = &warning {
            tracing::warn!("{warning}");
        }
        Ok(Promoted { swapped, warning })
    }

    /// Compiling takes seconds, so it happens off the threads that move stanzas.
    async fn build(&self, source: &Source, shared: Arc<Shared>, purpose: Purpose) -> Result<Snapshot, ShadowError> {
        let (source, engine, running) = (source.clone(), self.reloader.engine().clone(), self.gateway.snapshot());
        let building = tokio::task::spawn_blocking(move || source.build(&running, &engine, &shared, purpose));
        match building.await {
            Ok(built) => built.map_err(ShadowError::Mistaken),
            Err(error) => Err(ShadowError::Broken(error.to_string())),
        }
    }

    /// A panic while it was locked left it whole: it is replaced as one.
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Shadow>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shadow {
    fn report(&self, live: &Snapshot) -> Report {
        Report {
            candidate: self.source.to_string(),
            seconds: self.started.elapsed().as_secs(),
            live: (self.beside, live.generation),
            percent: self.percent,
            seen: self.outlet.seen(),
            skipped: self.outlet.skipped(),
            account: lock_ledger(&self.ledger).account(),
            memory_bytes: (memory_bytes(live), memory_bytes(&self.trial)),
            faults: faults(&self.trial),
        }
    }
}

/// One thread, so that a slow candidate takes one processor at most; it ends when the tap is closed.
fn judge_on_a_thread(trial: Arc<Snapshot>, mut inlet: Inlet, ledger: Arc<Mutex<Ledger>>) -> std::io::Result<()> {
    let judge = move || {
        let mut workers = [trial.inbound.worker(), trial.outbound.worker()];
        while let Some(copied) = inlet.wait() {
            let [inbound, outbound] = &mut workers;
            let worker = match copied.told.direction {
                Direction::Inbound => inbound,
                Direction::Outbound => outbound,
            };
            let mut stanza = copied.stanza.clone();
            let started = Instant::now();
            let Circumstances { relation, now_ms } = copied.told.circumstances;
            let decision = worker.judge_between(relation, &mut stanza, now_ms);
            let took = started.elapsed();
            let result = Fingerprint::of(&decision, &stanza);
            lock_ledger(&ledger).enter(&copied, Judged { judgement: Judgement::of(&decision), result, took });
        }
    };
    thread::Builder::new().name("shadow".to_owned()).spawn(judge).map(|_| ())
}

/// A panic while it was locked left counts that are off by one at most.
fn lock_ledger(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

fn memory_bytes(snapshot: &Snapshot) -> u64 {
    let chains = [&snapshot.inbound, &snapshot.outbound];
    chains.iter().flat_map(|chain| chain.counts()).map(|(_, counts)| counts.memory_bytes).sum()
}

fn faults(trial: &Snapshot) -> Vec<(String, String, u64)> {
    let chains = [&trial.inbound, &trial.outbound];
    let counted = chains.iter().flat_map(|chain| chain.counts()).flat_map(|(filter, counts)| {
        let causes = refrain_filter::Fault::CAUSES.iter().zip(counts.faults);
        causes.map(move |(cause, count)| (filter.to_string(), (*cause).to_owned(), count)).collect::<Vec<_>>()
    });
    counted.filter(|(_, _, count)| *count > 0).collect()
}

/// The first filter whose code is not that which was tried.
fn changed_component(trial: &Snapshot, candidate: &Snapshot) -> Option<String> {
    let of = |snapshot: &Snapshot| {
        [&snapshot.inbound, &snapshot.outbound].into_iter().flat_map(|chain| chain.status()).collect::<Vec<_>>()
    };
    let pairs = of(trial).into_iter().zip(of(candidate));
    pairs
        .into_iter()
        .find(|(tried, built)| tried.component.digest() != built.component.digest())
        .map(|(tried, _)| tried.name.to_string())
}
