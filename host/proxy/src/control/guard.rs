//! Watches a new generation for some minutes and takes it back when it fails or is slow beyond the operator's bounds.
//!
//! reload, promote → **guard** → `Reloader::rollback_of`

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use refrain_filter::{Chain, Histogram};
use serde::{Deserialize, Serialize};

use super::reload::{Cause, Reloader};
use crate::config::Staging;
use crate::pipeline::Gateway;
use crate::snapshot::Snapshot;

/// How often it looks: soon enough that a broken filter costs seconds, not minutes.
const PERIOD: Duration = Duration::from_secs(1);
/// One unlucky stanza in a quiet minute is no reason.
const FAULTS_MIN: u64 = 5;
/// Of fewer stanzas the slowest hundredth is one stanza, most likely one for which an instance was made.
const LATENCY_STANZAS_MIN: u64 = 200;

/// What the chains of a generation did since it went live.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Stanzas that some filter was asked about.
    pub stanzas: u64,
    /// Faults, those of an open circuit included: to the stanza they are the same.
    pub faults: u64,
    /// Time in the chain.
    pub latency: Histogram,
}

/// A generation under watch.
#[derive(Debug, Clone)]
pub struct Watch {
    generation: u64,
    until: Instant,
    bounds: Staging,
}

/// Why a generation is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Finding {
    /// Its filters fail too often.
    Faults {
        /// How often they did.
        faults: u64,
        /// Of so many stanzas.
        stanzas: u64,
        /// The bound.
        percent_max: u64,
    },
    /// Its filters take too long.
    Latency {
        /// What ninety-nine of a hundred stanzas do not exceed.
        p99_micros: u64,
        /// Of so many stanzas.
        stanzas: u64,
        /// The bound.
        micros_max: u64,
    },
}

/// What the guard is doing, and what it did last: for the status.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GuardStatus {
    /// The generation under watch.
    #[serde(default)]
    pub watching: Option<u64>,
    /// For so many more seconds.
    #[serde(default)]
    pub seconds_left: u64,
    /// What it took back last.
    #[serde(default)]
    pub last_rollback: Option<TakenBack>,
}

/// A generation that was taken back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TakenBack {
    /// Which.
    pub generation: u64,
    /// What is live in its place.
    pub now: u64,
    /// Why.
    pub finding: Finding,
    /// The same as a sentence.
    pub why: String,
}

impl Reading {
    /// Reads the counters of a generation.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut reading = Reading::default();
        for chain in [&snapshot.inbound, &snapshot.outbound] {
            reading.add(chain);
        }
        reading
    }

    fn add(&mut self, chain: &Chain) {
        let latency = chain.latency();
        self.stanzas += latency.count();
        self.latency.merge(&latency);
        self.faults += chain.counts().iter().map(|(_, counts)| counts.faults.iter().sum::<u64>()).sum::<u64>();
    }
}

impl Watch {
    /// Begins to watch a generation, unless the operator wants none watched.
    pub fn begin(generation: u64, bounds: &Staging, now: Instant) -> Option<Watch> {
        let watched = !bounds.rollback_period.is_zero();
        watched.then(|| Watch { generation, until: now + bounds.rollback_period, bounds: bounds.clone() })
    }

    /// Whether its time is over.
    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// Judges a generation by what it did so far.
    pub fn look(&self, reading: &Reading) -> Option<Finding> {
        let Reading { stanzas, faults, latency } = reading;
        let percent_max = self.bounds.fault_percent_max;
        if *faults >= FAULTS_MIN && faults.saturating_mul(100) > stanzas.saturating_mul(percent_max) {
            return Some(Finding::Faults { faults: *faults, stanzas: *stanzas, percent_max });
        }
        let max = self.bounds.latency_max.filter(|_| *stanzas >= LATENCY_STANZAS_MIN)?;
        let p99 = latency.quantile(0.99);
        (p99 > max).then(|| Finding::Latency { p99_micros: micros(p99), stanzas: *stanzas, micros_max: micros(max) })
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Faults { faults, stanzas, percent_max } => {
                write!(f, "{faults} faults on {stanzas} stanzas, more than {percent_max} % (staging.fault-percent-max)")
            }
            Finding::Latency { p99_micros, stanzas, micros_max } => write!(
                f,
                "99th percentile {p99_micros} µs of {stanzas} stanzas, more than {micros_max} µs (staging.latency-micros-max)"
            ),
        }
    }
}

/// Watches every generation that a reload or a promotion brings.
pub struct Guard {
    gateway: Arc<Gateway>,
    reloader: Arc<Reloader>,
    state: Mutex<State>,
}

struct State {
    /// The newest generation it knows of.
    known: u64,
    watch: Option<Watch>,
    last: Option<TakenBack>,
}

impl Guard {
    /// Prepares to watch; the generation of the start is not: there is none to go back to.
    pub fn new(gateway: Arc<Gateway>, reloader: Arc<Reloader>) -> Self {
        let state = State { known: gateway.snapshot().generation, watch: None, last: None };
        Guard { gateway, reloader, state: Mutex::new(state) }
    }

    /// Looks until the process ends.
    pub async fn run(&self) {
        let mut period = tokio::time::interval(PERIOD);
        loop {
            period.tick().await;
            self.look(Instant::now()).await;
        }
    }

    /// Looks once.
    pub async fn look(&self, now: Instant) {
        let live = self.gateway.snapshot();
        let Some(finding) = self.consider(&live, now) else { return };
        let generation = live.generation;
        // Held no longer, or the instances of its filters would outlive it.
        drop(live);
        match self.reloader.rollback_of(generation).await {
            Ok(swapped) => {
                self.note(TakenBack { generation, now: swapped.generation, finding, why: finding.to_string() })
            }
            Err(error) => tracing::error!(generation, %error, "the guard cannot roll back: {finding}"),
        }
    }

    /// What the guard is doing.
    pub fn status(&self, now: Instant) -> GuardStatus {
        let state = self.lock();
        let left = |watch: &Watch| watch.until.saturating_duration_since(now).as_secs();
        GuardStatus {
            watching: state.watch.as_ref().map(|watch| watch.generation),
            seconds_left: state.watch.as_ref().map_or(0, left),
            last_rollback: state.last.clone(),
        }
    }

    /// Follows the generations, and returns what is wrong with the live one.
    fn consider(&self, live: &Snapshot, now: Instant) -> Option<Finding> {
        let mut state = self.lock();
        if live.generation != state.known {
            state.known = live.generation;
            state.watch = self.watched(live, now);
        }
        let watch = state.watch.as_ref()?;
        let finding = watch.look(&Reading::of(live));
        if finding.is_some() || watch.is_over(now) {
            state.watch = None;
        }
        finding
    }

    /// What was asked back or taken back is not watched: it would only be exchanged for what was worse.
    fn watched(&self, live: &Snapshot, now: Instant) -> Option<Watch> {
        match self.reloader.summary().last.map(|attempt| attempt.cause) {
            Some(Cause::Rollback | Cause::Guard) => None,
            _ => Watch::begin(live.generation, &live.config.staging, now),
        }
    }

    fn note(&self, taken: TakenBack) {
        tracing::error!(
            generation = taken.generation,
            now = taken.now,
            "the guard took a generation back: {}; the configuration file still has it, so the next reload brings it again",
            taken.why
        );
        self.lock().last = Some(taken);
    }

    /// A panic while it was locked left it whole: it is replaced field by field.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(bounds: Staging) -> Watch {
        Watch::begin(2, &bounds, Instant::now()).unwrap()
    }

    fn reading(stanzas: u64, faults: u64, took: Duration) -> Reading {
        let mut latency = Histogram::default();
        (0..stanzas).for_each(|_| latency.record(took));
        Reading { stanzas, faults, latency }
    }

    #[test]
    fn a_generation_that_fails_too_often_is_found() {
        let watch = watch(Staging::default());
        let fast = Duration::from_micros(5);
        assert_eq!(watch.look(&reading(1_000, 10, fast)), None, "one in a hundred is the bound itself");
        let finding = watch.look(&reading(1_000, 11, fast)).unwrap();
        assert_eq!(finding, Finding::Faults { faults: 11, stanzas: 1_000, percent_max: 1 });
        assert_eq!(finding.to_string(), "11 faults on 1000 stanzas, more than 1 % (staging.fault-percent-max)");
    }

    #[test]
    fn a_few_faults_among_few_stanzas_are_no_reason() {
        let watch = watch(Staging::default());
        assert_eq!(watch.look(&reading(4, 4, Duration::ZERO)), None);
        assert!(watch.look(&reading(5, 5, Duration::ZERO)).is_some());
    }

    #[test]
    fn a_slow_generation_is_found_where_there_is_a_bound() {
        let slow = Duration::from_millis(3);
        assert_eq!(watch(Staging::default()).look(&reading(1_000, 0, slow)), None);
        let watch = watch(Staging { latency_max: Some(Duration::from_millis(1)), ..Staging::default() });
        assert_eq!(watch.look(&reading(100, 0, slow)), None, "too few to say");
        assert!(matches!(watch.look(&reading(1_000, 0, slow)), Some(Finding::Latency { micros_max: 1_000, .. })));
        assert_eq!(watch.look(&reading(1_000, 0, Duration::from_micros(700))), None);
    }

    #[test]
    fn a_watch_ends_with_its_time_and_none_begins_without() {
        let now = Instant::now();
        let watch = Watch::begin(2, &Staging::default(), now).unwrap();
        assert!(!watch.is_over(now + Duration::from_secs(299)) && watch.is_over(now + Duration::from_secs(300)));
        let off = Staging { rollback_period: Duration::ZERO, ..Staging::default() };
        assert!(Watch::begin(2, &off, now).is_none());
    }
}
