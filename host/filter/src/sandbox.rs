//! Golden cases in the real sandbox: the filter as it ships, in the engine it will run in.

mod cost;

use std::sync::Arc;
use std::time::Duration;

use refrain_proto::Stanza;

use crate::case::{Case, CaseFile, Judge, Judged};
use crate::chain::{Chain, FilterLimits, FilterSpec};
use crate::circuit::CircuitLimits;
use crate::component::Component;
use crate::engine::{Engine, EngineOptions};
use crate::error::LoadError;
use crate::grants::{Grant, Grants, UnknownGrant};
use crate::head::Direction;
use crate::list::Lists;
use crate::relation::Relation;
use crate::shared::Shared;
use crate::worker::ChainWorker;

pub use cost::Cost;

/// The time all cases are judged at: the first of January 2026, at noon UTC.
const NOW_MS: u64 = 1_767_268_800_000;

/// What of an instance one case leaves for the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Everything: the same instance judges all cases of a file that have the same settings, as a worker of the proxy would.
    #[default]
    Instance,
    /// Nothing: every case meets an instance that was just made. A filter that judges otherwise then remembers what it must not.
    Nothing,
}

/// Runs golden cases against a compiled filter.
#[derive(Debug)]
pub struct Sandbox {
    engine: Arc<Engine>,
    component: Component,
    keep: Keep,
    /// What filters share outside their instances: of one file, since its cases are one story.
    shared: Arc<Shared>,
    grants: Grants,
    lists: Lists,
    /// The last configuration, which the next case most likely wants again.
    configured: Option<(serde_json::Value, Direction, ChainWorker)>,
}

impl Sandbox {
    /// Loads a filter into an engine of its own.
    pub fn new(name: &str, bytes: &[u8]) -> Result<Sandbox, LoadError> {
        let options = EngineOptions { instances_max: 4, ..EngineOptions::default() };
        let engine = Engine::new(options).map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
        let component = engine.load(name, bytes)?;
        component.try_out(&engine)?;
        Ok(Sandbox::of(engine, component))
    }

    /// Runs a filter that is loaded already.
    pub fn of(engine: Arc<Engine>, component: Component) -> Sandbox {
        let (shared, lists) = (Arc::default(), Lists::default());
        let grants = component.requests().to_grants().with(Grant::Accept);
        Sandbox { engine, component, keep: Keep::default(), shared, grants, lists, configured: None }
    }

    /// Says what one case leaves for the next.
    pub fn keeping(self, keep: Keep) -> Sandbox {
        Sandbox { keep, ..self }
    }

    /// Returns the filter.
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// Measures what it costs to judge a stanza, over and over for as long as `budget`. A fault is an error, as of a case.
    pub fn measure(&mut self, case: &Case, file: &CaseFile, budget: Duration) -> Result<Cost, String> {
        let stanza = Stanza::parse(&case.stanza).map_err(|defect| format!("the case's stanza: {defect}"))?;
        let (keep, relation) = (self.keep, case.relation(file));
        let worker = self.worker(&file.settings, case.direction(file))?;
        cost::measure(worker, &cost::Subject { stanza, relation, keep }, budget)
    }

    fn worker(&mut self, settings: &serde_json::Value, direction: Direction) -> Result<&mut ChainWorker, String> {
        let known = self.configured.take().filter(|(s, d, _)| s == settings && *d == direction);
        let worker = match (known, self.keep) {
            (Some((_, _, worker)), Keep::Instance) => worker,
            (Some((_, _, worker)), Keep::Nothing) => worker.chain().worker(),
            (None, _) => self.configure(settings, direction)?,
        };
        Ok(&mut self.configured.insert((settings.clone(), direction, worker)).2)
    }

    fn configure(&self, settings: &serde_json::Value, direction: Direction) -> Result<ChainWorker, String> {
        let spec = FilterSpec {
            settings: settings.clone(),
            grants: self.grants.clone(),
            lists: self.lists.clone(),
            // Tests run on machines that are busy with other tests.
            limits: FilterLimits { deadline_ms: 2_000, ..FilterLimits::proposed(&self.component) },
            // Every case is a case of its own, however many failed before it.
            circuit: CircuitLimits { failures: 0, ..CircuitLimits::default() },
            ..FilterSpec::new(self.component.name(), self.component.clone())
        };
        let chain = Chain::build_in(&self.engine, &self.shared, direction, vec![spec]).map_err(|errors| {
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            errors.join("\n")
        })?;
        Ok(Arc::new(chain).worker())
    }
}

impl Judge for Sandbox {
    fn begin(&mut self, file: &CaseFile) -> Result<(), String> {
        self.configured = None;
        self.shared = Arc::default();
        self.lists = file.lists.iter().map(|(name, list)| (name.clone(), Arc::new(list.to_list().into()))).collect();
        self.grants = match &file.grants {
            None => self.component.requests().to_grants().with(Grant::Accept),
            Some(grants) => grants
                .iter()
                .map(|grant| grant.parse().map_err(|error: UnknownGrant| format!("grants: {error}")))
                .collect::<Result<Grants, String>>()?,
        };
        Ok(())
    }

    fn judge(
        &mut self,
        settings: &serde_json::Value,
        direction: Direction,
        relation: Option<Relation>,
        stanza: &Stanza,
    ) -> Result<Judged, String> {
        let mut judged = stanza.clone();
        match self.worker(settings, direction)?.ask_first(relation, &mut judged, NOW_MS) {
            None => Ok(Judged::default()),
            Some(Err(fault)) => Err(format!("the filter {fault}")),
            Some(Ok(said)) => Ok(Judged {
                verdict: Some(said.verdict),
                reason: said.reason,
                edited: (said.edits > 0).then_some(judged),
            }),
        }
    }
}
