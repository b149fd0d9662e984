//! The filters of one direction, configured and compiled: built once, shared by all workers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::circuit::{Breaker, Circuit, CircuitLimits};
use crate::component::Component;
use crate::counters::{Counts, WorkerCounters};
use crate::engine::Engine;
use crate::error::BuildError;
use crate::grants::Grants;
use crate::head::Direction;
use crate::histogram::Histogram;
use crate::instance::{Blueprint, Instance, StartError};
use crate::instances::Isolation;
use crate::interest::{Interest, Namespaces, Rule};
use crate::list::Lists;
use crate::memory;
use crate::policy::FaultPolicy;
use crate::reasons::Reasons;
use crate::registered::{Reach, Registered};
use crate::shared::Shared;
use crate::worker::ChainWorker;

/// One filter as the operator configured it.
#[derive(Clone, Debug)]
pub struct FilterSpec {
    /// Its name, in logs, metrics and decisions.
    pub name: String,
    /// Its code.
    pub component: Component,
    /// Its own settings, handed to its `configure`.
    pub settings: serde_json::Value,
    /// What it may do besides passing, dropping and bouncing.
    pub grants: Grants,
    /// The lists it can be granted.
    pub lists: Lists,
    /// What one call may cost.
    pub limits: FilterLimits,
    /// What becomes of a stanza when the filter fails.
    pub on_fault: FaultPolicy,
    /// When it is left alone.
    pub circuit: CircuitLimits,
    /// Which stanzas may meet the same instance.
    pub isolation: Isolation,
}

impl FilterSpec {
    /// A filter with empty settings and everything else by default.
    pub fn new(name: impl Into<String>, component: Component) -> Self {
        FilterSpec {
            name: name.into(),
            component,
            settings: serde_json::Value::Object(serde_json::Map::new()),
            grants: Grants::default(),
            lists: Lists::default(),
            limits: FilterLimits::default(),
            on_fault: FaultPolicy::default(),
            circuit: CircuitLimits::default(),
            isolation: Isolation::default(),
        }
    }
}

/// What one filter may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterLimits {
    /// Milliseconds a call may run; an ordinary one takes a microsecond.
    pub deadline_ms: u32,
    /// Bytes that all its memories and tables may have.
    pub memory_bytes: usize,
    /// Bytes it may give the host in one call: edits, texts, reasons.
    pub output_bytes: usize,
}

impl FilterLimits {
    /// Ten times the default: what needs more, its operator must want.
    const DEADLINE_MS_PROPOSED_MAX: u32 = 50;
    /// Likewise, in mebibytes.
    const MEMORY_MIB_PROPOSED_MAX: u32 = 64;

    /// What a component proposes for itself, within reason; where it proposes nothing, the default.
    pub fn proposed(component: &Component) -> Self {
        let mut limits = Self::default();
        let Some(proposal) = component.manifest().map(|manifest| manifest.limits) else { return limits };
        if let Some(milliseconds) = proposal.deadline_ms {
            limits.deadline_ms = milliseconds.clamp(1, Self::DEADLINE_MS_PROPOSED_MAX);
        }
        if let Some(mebibytes) = proposal.memory_mib {
            limits.memory_bytes = (mebibytes.clamp(1, Self::MEMORY_MIB_PROPOSED_MAX) as usize) << 20;
        }
        limits
    }
}

impl Default for FilterLimits {
    fn default() -> Self {
        Self { deadline_ms: 5, memory_bytes: 16 << 20, output_bytes: 256 << 10 }
    }
}

/// The filters of one direction, in order.
pub struct Chain {
    pub(crate) engine: Arc<Engine>,
    pub(crate) direction: Direction,
    pub(crate) filters: Vec<Filter>,
    pub(crate) namespaces: Namespaces,
    workers: Mutex<Vec<Arc<WorkerCounters>>>,
}

/// What one filter is, did and is doing.
#[derive(Clone, Debug)]
pub struct FilterStatus {
    /// The operator's name for it.
    pub name: Arc<str>,
    /// Its code.
    pub component: Component,
    /// Its settings as JSON.
    pub settings: String,
    /// The interest rules it registered, in order; empty if it sees every stanza.
    pub interests: Vec<Interest>,
    /// What it may do.
    pub grants: Grants,
    /// Which stanzas may meet the same instance.
    pub isolation: Isolation,
    /// Whether it is asked.
    pub circuit: Circuit,
    /// What it did since the chain was built.
    pub counts: Counts,
    /// The reasons it gave, the most frequent first.
    pub reasons: Vec<(String, u64)>,
    /// How long its calls took.
    pub latency: Histogram,
}

/// One filter of a chain.
pub(crate) struct Filter {
    pub(crate) blueprint: Blueprint,
    pub(crate) on_fault: FaultPolicy,
    pub(crate) isolation: Isolation,
    pub(crate) breaker: Breaker,
    pub(crate) reasons: Reasons,
    pub(crate) registered: Arc<Registered>,
    /// Its interest rules, compiled against the namespaces of the chain.
    pub(crate) rules: Vec<Rule>,
    /// The instance that was made to configure it, for the first worker that needs one.
    pub(crate) spare: Mutex<Option<Instance>>,
}

impl Chain {
    /// Starts and configures every filter once, and returns all mistakes of all filters if there is any.
    pub fn build(engine: &Arc<Engine>, direction: Direction, specs: Vec<FilterSpec>) -> Result<Chain, Vec<BuildError>> {
        Self::build_in(engine, engine.shared(), direction, specs)
    }

    /// Like [`build`](Self::build), with the limiters, buckets and counters of its own that `shared` is: what this chain does is
    /// not seen by those that are live.
    pub fn build_in(
        engine: &Arc<Engine>,
        shared: &Arc<Shared>,
        direction: Direction,
        specs: Vec<FilterSpec>,
    ) -> Result<Chain, Vec<BuildError>> {
        let mut chain = Chain {
            engine: engine.clone(),
            direction,
            filters: Vec::with_capacity(specs.len()),
            namespaces: Namespaces::default(),
            workers: Mutex::default(),
        };
        let mut errors = Vec::new();
        for spec in specs {
            match Filter::build(engine, shared, spec, &mut chain.namespaces) {
                Ok(filter) => chain.filters.push(filter),
                Err(mistakes) => errors.extend(mistakes),
            }
        }
        memory::give_back();
        if errors.is_empty() { Ok(chain) } else { Err(errors) }
    }

    /// Makes a worker: the chain as one thread runs it.
    pub fn worker(self: &Arc<Self>) -> ChainWorker {
        let mut workers = self.lock_workers();
        // Counters that a worker left behind are taken over, so that they are never more than the threads at one time.
        let counters = workers.iter().find(|counters| Arc::strong_count(counters) == 1).cloned().unwrap_or_else(|| {
            workers.push(Arc::new(WorkerCounters::new(self.filters.len())));
            workers[workers.len() - 1].clone()
        });
        ChainWorker::new(self.clone(), counters)
    }

    /// Returns the direction it was built for.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Returns the names of its filters, in order.
    pub fn filters(&self) -> impl ExactSizeIterator<Item = &str> {
        self.filters.iter().map(|filter| &*filter.blueprint.reach.filter)
    }

    /// Returns what each filter did so far, in order.
    pub fn counts(&self) -> Vec<(Arc<str>, Counts)> {
        self.status().into_iter().map(|status| (status.name, status.counts)).collect()
    }

    /// Returns how long stanzas took that at least one filter was asked about.
    pub fn latency(&self) -> Histogram {
        let mut latency = Histogram::default();
        self.lock_workers().iter().for_each(|worker| worker.walks.add_to(&mut latency));
        latency
    }

    /// Returns what each filter is, did and is doing, in order.
    pub fn status(&self) -> Vec<FilterStatus> {
        let workers = self.lock_workers();
        let now_ms = self.engine.millis(Instant::now());
        let status = |(index, filter): (usize, &Filter)| {
            let (mut counts, mut latency) = (Counts::default(), Histogram::default());
            for worker in workers.iter() {
                worker.filters[index].add_to(&mut counts);
                worker.filters[index].latency.add_to(&mut latency);
            }
            filter.status(counts, latency, now_ms)
        };
        self.filters.iter().enumerate().map(status).collect()
    }

    /// A panic while the list was locked left it as it was: it only grows.
    fn lock_workers(&self) -> MutexGuard<'_, Vec<Arc<WorkerCounters>>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let filters: Vec<_> = self.filters().collect();
        f.debug_struct("Chain").field("direction", &self.direction).field("filters", &filters).finish_non_exhaustive()
    }
}

impl Filter {
    fn build(
        engine: &Engine,
        shared: &Arc<Shared>,
        spec: FilterSpec,
        namespaces: &mut Namespaces,
    ) -> Result<Filter, Vec<BuildError>> {
        let mistake = |path: String, message: String| BuildError { filter: spec.name.clone(), path, message };
        if spec.limits.memory_bytes > engine.options.memory_bytes_max {
            let max = engine.options.memory_bytes_max;
            return Err(vec![mistake(String::new(), format!("a filter has at most {max} bytes of memory"))]);
        }
        if let Some(refusal) = spec.component.requests().refusal(&spec.grants) {
            return Err(vec![mistake(String::new(), refusal)]);
        }
        let reach = Reach {
            filter: spec.name.as_str().into(),
            grants: spec.grants.clone(),
            lists: spec.lists.clone(),
            shared: shared.clone(),
        };
        let blueprint = Blueprint {
            reach: Arc::new(reach),
            component: spec.component.clone(),
            settings: spec.settings.to_string(),
            limits: spec.limits.clone(),
        };
        let instance = Instance::first(engine, &blueprint).map_err(|error| match error {
            StartError::Fault(fault) => vec![mistake(String::new(), format!("`configure` {fault}"))],
            StartError::Problems(problems) if problems.is_empty() => {
                vec![mistake(String::new(), "refuses its settings without saying why".to_owned())]
            }
            StartError::Problems(problems) => {
                problems.into_iter().map(|problem| mistake(problem.path, problem.message)).collect()
            }
        })?;
        let registered = instance.registered().clone();
        let rules =
            registered.interests.shared(namespaces).map_err(|error| vec![mistake(String::new(), error.to_string())])?;
        let spare = Mutex::new(Some(instance));
        Ok(Filter {
            blueprint,
            on_fault: spec.on_fault,
            isolation: spec.isolation,
            breaker: Breaker::new(spec.circuit),
            reasons: Reasons::default(),
            registered,
            rules,
            spare,
        })
    }

    fn status(&self, counts: Counts, latency: Histogram, now_ms: u64) -> FilterStatus {
        let interests = &self.registered.interests;
        FilterStatus {
            name: self.blueprint.reach.filter.clone(),
            component: self.blueprint.component.clone(),
            settings: self.blueprint.settings.clone(),
            interests: (0..interests.len() as u32).filter_map(|index| interests.get(index).cloned()).collect(),
            grants: self.blueprint.reach.grants.clone(),
            isolation: self.isolation,
            circuit: self.breaker.state(now_ms),
            counts,
            reasons: self.reasons.ranked(),
            latency,
        }
    }

    /// Returns an instance: the spare one, or a new one.
    pub(crate) fn instance(&self, engine: &Engine) -> Result<Instance, crate::error::Fault> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        match spare {
            Some(instance) => Ok(instance),
            None => Instance::further(engine, &self.blueprint, &self.registered),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The compiler is the test.
    #[test]
    fn a_chain_is_shared_by_threads_and_a_worker_sent_to_one() {
        fn shared<T: Send + Sync>() {}
        fn sent<T: Send>() {}
        shared::<Chain>();
        sent::<ChainWorker>();
    }
}
