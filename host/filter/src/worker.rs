//! A chain as one thread runs it: one instance per filter, made when first needed, and the walk of a stanza along them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use refrain_proto::Stanza;

use crate::chain::{Chain, Filter};
use crate::counters::WorkerCounters;
use crate::error::Fault;
use crate::head::{Bits, Direction};
use crate::instance::Instance;
use crate::instances::Instances;
use crate::interest::Matched;
use crate::relation::Relation;
use crate::step::{Note, Step};
use crate::verdict::{Outcome, Verdict};
use crate::view::View;
use crate::walk::Walk;

/// What becomes of a stanza, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is to be done.
    pub outcome: Outcome,
    /// The filter that decided; at the end of the chain the last one that edited the stanza, or else the one that delays most;
    /// `None` if none did.
    pub filter: Option<Arc<str>>,
    /// The last reason that a filter gave, for the operator.
    pub reason: Option<String>,
    /// The fault by which the filter decided, if it was one.
    pub fault: Option<Fault>,
    /// Whether a filter edited the stanza.
    pub edited: bool,
    /// For how long the stream is not to be read by which it came; zero if no filter said so.
    pub delay: Duration,
}

/// A chain in one thread. Its instances end with it.
pub struct ChainWorker {
    chain: Arc<Chain>,
    counters: Arc<WorkerCounters>,
    instances: Vec<Instances>,
    view: View,
    /// What was said about the last stanza.
    notes: Vec<Note>,
}

/// What a filter said, with its edits applied if it committed them.
pub(crate) struct Said {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<String>,
    /// How many edits were committed.
    pub(crate) edits: u32,
}

impl ChainWorker {
    pub(crate) fn new(chain: Arc<Chain>, counters: Arc<WorkerCounters>) -> Self {
        let instances = chain.filters.iter().map(|filter| Instances::new(filter.isolation)).collect();
        Self { chain, counters, instances, view: View::default(), notes: Vec::new() }
    }

    /// Returns the chain it runs.
    pub fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// Walks a stanza along the filters until one decides. What they edited is edited in place; a filter that fails, or that
    /// does not commit, leaves the stanza as it was.
    ///
    /// `now_ms` is the time since the Unix epoch, read once per batch by the caller. May take as long as the deadlines of the
    /// filters together.
    pub fn judge(&mut self, stanza: &mut Stanza, now_ms: u64) -> Decision {
        self.judge_between(None, stanza, now_ms)
    }

    /// Like [`judge`](Self::judge), of a stanza between two who are this to each other. It is the same for all filters, whatever
    /// they do to the addresses.
    pub fn judge_between(&mut self, relation: Option<Relation>, stanza: &mut Stanza, now_ms: u64) -> Decision {
        self.view.begin(stanza, &self.chain, relation, now_ms);
        self.notes.clear();
        let decision = self.walk(stanza);
        if let (Some(begun), Some(ended)) = (self.view.begun, self.view.ended) {
            self.counters.walks.record(nanos(begun, ended));
        }
        decision
    }

    /// Returns what each filter that was asked said about the stanza judged last.
    pub fn steps(&self) -> Vec<Step> {
        self.notes.iter().map(|note| note.step(&self.chain.filters[note.index].blueprint.reach.filter)).collect()
    }

    /// Whether a filter failed on the stanza judged last, even if the chain went on without it.
    pub fn failed(&self) -> bool {
        self.notes.iter().any(|note| note.evidence.is_some())
    }

    fn walk(&mut self, stanza: &mut Stanza) -> Decision {
        let mut walk = Walk::default();
        for index in 0..self.instances.len() {
            let Some(answer) = self.ask(index, stanza) else { continue };
            let filter = &self.chain.filters[index];
            let (decided, reason) = match answer {
                Ok(said) => {
                    let name = &filter.blueprint.reach.filter;
                    (walk.hear(stanza, said.verdict, said.edits > 0, name), said.reason)
                }
                Err(fault) => (walk.suffer(stanza, fault, filter), None),
            };
            if let (Some(reason), Some(note)) = (reason, self.notes.last_mut()) {
                filter.reasons.count(&reason);
                note.reason = Some(reason);
            }
            if let Some(outcome) = decided {
                return self.decide(walk, outcome, Some(filter.blueprint.reach.filter.clone()));
            }
        }
        self.decide(walk, Outcome::Forward, None)
    }

    fn decide(&self, walk: Walk, outcome: Outcome, filter: Option<Arc<str>>) -> Decision {
        let reason = self.notes.iter().rev().find_map(|note| note.reason.clone());
        let edited = walk.edited_by.is_some();
        let filter = filter.or(walk.edited_by).or(walk.delayed_by);
        Decision { outcome, filter, reason, fault: walk.fault, edited, delay: walk.delay }
    }

    /// Asks the only filter of a chain of one, for golden cases.
    pub(crate) fn ask_first(
        &mut self,
        relation: Option<Relation>,
        stanza: &mut Stanza,
        now_ms: u64,
    ) -> Option<Result<Said, Fault>> {
        self.view.begin(stanza, &self.chain, relation, now_ms);
        self.notes.clear();
        self.ask(0, stanza)
    }

    /// Returns the instructions that the instance of the first filter has left, if there is one and they are counted.
    pub(crate) fn fuel_left(&self) -> Option<u64> {
        self.instances[0].newest()?.fuel_left()
    }

    /// Returns the bytes that the instance of the first filter has grown to.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.instances[0].memory_bytes()
    }

    /// Asks one filter, unless the stanza does not interest it, and notes what it said.
    #[inline]
    fn ask(&mut self, index: usize, stanza: &mut Stanza) -> Option<Result<Said, Fault>> {
        let (filter, counters) = (&self.chain.filters[index], &self.counters.filters[index]);
        let matched = filter.rules.matched(stanza, &mut self.view.sight, &self.chain.namespaces);
        if matched == 0 && !filter.rules.is_empty() {
            counters.skip();
            return None;
        }
        let begun = self.view.turn_begun();
        if !filter.breaker.is_closed() && !filter.breaker.may_try(self.chain.engine.millis(begun)) {
            counters.fault(&Fault::CircuitOpen);
            // A turn all the same: whoever compares faults with stanzas counts both.
            self.view.turn_ended();
            self.notes.push(Note::of_open_circuit(index, matched));
            return Some(Err(Fault::CircuitOpen));
        }
        let instances = &mut self.instances[index];
        let answer = call(&self.chain, filter, instances, stanza, &mut self.view, matched);
        let answer = answer.map_err(|fault| in_its_words(fault, instances));
        instances.close(answer.is_err());
        let ended = self.view.turn_ended();
        let nanos = nanos(begun, ended);
        counters.latency.record(nanos);
        counters.hold(instances.len(), instances.memory_bytes());
        self.notes.push(match &answer {
            Ok(said) => {
                counters.said(said);
                if filter.breaker.succeed() {
                    tracing::info!(
                        filter = &*filter.blueprint.reach.filter,
                        "the filter works again: its circuit is closed"
                    );
                }
                Note::of_word(index, matched, said, nanos)
            }
            Err(fault) => {
                report(filter, fault, counters.fault(fault));
                trip(filter, self.chain.engine.millis(ended));
                Note::of_fault(index, matched, fault, stanza, nanos)
            }
        });
        Some(answer)
    }
}

impl Drop for ChainWorker {
    fn drop(&mut self) {
        self.counters.filters.iter().for_each(|counters| counters.hold(0, 0));
    }
}

impl std::fmt::Debug for ChainWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChainWorker").field("chain", &self.chain).finish_non_exhaustive()
    }
}

fn call(
    chain: &Chain,
    filter: &Filter,
    instances: &mut Instances,
    stanza: &mut Stanza,
    view: &mut View,
    matched: u64,
) -> Result<Said, Fault> {
    let instance = instances.open(peer(stanza, chain.direction), || filter.instance(&chain.engine))?;
    let verdict = instance.judge(stanza, view.head(stanza, chain, matched))?;
    if let Some(lacking) = filter.blueprint.reach.grants.lacks(&verdict) {
        return Err(Fault::NotGranted(lacking));
    }
    let edits = if verdict.commits() { instance.journal().edits().len() as u32 } else { 0 };
    if edits > 0 {
        commit(instance, stanza)?;
        view.sight.look_again();
        view.addressed = false;
        view.sight.add_bits(Bits::EDITED);
    }
    Ok(Said { verdict, reason: instance.take_reason(), edits })
}

/// A guest that panics says why before it traps; of the trap itself one learns no more than `unreachable`.
#[cold]
fn in_its_words(fault: Fault, instances: &mut Instances) -> Fault {
    match fault {
        Fault::Trap(trap) => Fault::Trap(instances.take_reason().unwrap_or(trap)),
        fault => fault,
    }
}

/// The remote domain of a stanza.
fn peer(stanza: &Stanza, direction: Direction) -> &str {
    match direction {
        Direction::Inbound => stanza.from().domain(),
        Direction::Outbound => stanza.to().domain(),
    }
}

/// Applies the journal; a stanza that would not be valid any more stays as it was.
fn commit(instance: &Instance, stanza: &mut Stanza) -> Result<(), Fault> {
    let journal = instance.journal();
    let applied = match journal.edits_addresses() {
        false => stanza.apply(journal.edits(), journal.xml_limits()),
        true => stanza.apply_with_addresses(journal.edits(), journal.xml_limits()),
    };
    applied.map_err(|defect| Fault::InvalidStanza(defect.to_string()))
}

/// Logs the first fault of a cause and then ever fewer, so that a filter that always fails does not flood the log.
#[cold]
fn report(filter: &Filter, fault: &Fault, count: u64) {
    if count.is_power_of_two() {
        tracing::warn!(filter = &*filter.blueprint.reach.filter, count, "a filter failed: it {fault}");
    }
}

/// Tells the breaker of a fault.
#[cold]
fn trip(filter: &Filter, now_ms: u64) {
    if let Some(pause) = filter.breaker.fail(now_ms) {
        let (filter, seconds) = (&*filter.blueprint.reach.filter, pause.as_secs_f32());
        tracing::error!(
            filter,
            seconds,
            "the filter fails too often: its circuit is open, it is not asked for a while"
        );
    }
}

fn nanos(begun: Instant, ended: Instant) -> u64 {
    u64::try_from(ended.saturating_duration_since(begun).as_nanos()).unwrap_or(u64::MAX)
}
