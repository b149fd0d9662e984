//! A chain as one thread runs it: one instance per filter, made when first needed, and the walk of a stanza along them.

use std::sync::Arc;

use refrain_proto::{Stanza, StanzaCondition, StanzaError, StanzaType};

use crate::bindings::refrain::filter::types::Head;
use crate::chain::{Chain, Filter, OnFault};
use crate::counters::Counters;
use crate::error::Fault;
use crate::head::Bits;
use crate::instance::Instance;
use crate::interest::{Matched, Sight};
use crate::verdict::{Outcome, Verdict};

/// What becomes of a stanza, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is to be done.
    pub outcome: Outcome,
    /// The filter that decided; at the end of the chain the last one that edited the stanza, `None` if none did.
    pub filter: Option<Arc<str>>,
    /// The last reason that a filter gave, for the operator.
    pub reason: Option<String>,
    /// The fault by which the filter decided, if it was one.
    pub fault: Option<Fault>,
    /// Whether a filter edited the stanza.
    pub edited: bool,
}

/// A chain in one thread. Its instances end with it.
pub struct ChainWorker {
    chain: Arc<Chain>,
    counters: Arc<[Counters]>,
    instances: Vec<Option<Instance>>,
    view: View,
}

/// What every call about the same stanza is told; the strings are reused from stanza to stanza.
#[derive(Debug, Default)]
struct View {
    sight: Sight,
    now_ms: u64,
    addressed: bool,
    from: String,
    to: String,
}

/// What a filter said, with its edits applied if it committed them.
pub(crate) struct Said {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<String>,
    pub(crate) edited: bool,
}

impl ChainWorker {
    pub(crate) fn new(chain: Arc<Chain>, counters: Arc<[Counters]>) -> Self {
        let instances = chain.filters.iter().map(|_| None).collect();
        Self { chain, counters, instances, view: View::default() }
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
        self.view.begin(stanza, &self.chain, now_ms);
        let mut walk = Walk::default();
        for index in 0..self.instances.len() {
            let Some(answer) = self.ask(index, stanza) else { continue };
            let filter = &self.chain.filters[index];
            let decided = match answer {
                Ok(said) => walk.hear(stanza, said, &filter.blueprint.reach.filter),
                Err(fault) => walk.suffer(stanza, fault, filter),
            };
            if let Some(outcome) = decided {
                return walk.decide(outcome, Some(filter.blueprint.reach.filter.clone()));
            }
        }
        walk.decide(Outcome::Forward, None)
    }

    /// Asks the only filter of a chain of one, for golden cases.
    pub(crate) fn ask_first(&mut self, stanza: &mut Stanza, now_ms: u64) -> Option<Result<Said, Fault>> {
        self.view.begin(stanza, &self.chain, now_ms);
        self.ask(0, stanza)
    }

    /// Asks one filter, unless the stanza does not interest it.
    #[inline]
    fn ask(&mut self, index: usize, stanza: &mut Stanza) -> Option<Result<Said, Fault>> {
        let (filter, counters) = (&self.chain.filters[index], &self.counters[index]);
        let matched = filter.rules.matched(stanza, &mut self.view.sight, &self.chain.namespaces);
        if matched == 0 && !filter.rules.is_empty() {
            counters.skip();
            return None;
        }
        let instance = &mut self.instances[index];
        let answer = call(&self.chain, filter, instance, stanza, &mut self.view, matched);
        match &answer {
            Ok(said) => {
                counters.verdict(&said.verdict);
                if said.edited {
                    counters.edit();
                }
            }
            Err(fault) => {
                // Wasmtime does not let a trapped instance be entered again; after any fault we do not wish to either.
                *instance = None;
                report(filter, fault, counters.fault(fault));
            }
        }
        Some(answer)
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
    instance: &mut Option<Instance>,
    stanza: &mut Stanza,
    view: &mut View,
    matched: u64,
) -> Result<Said, Fault> {
    let instance = match instance {
        Some(instance) => instance,
        None => instance.insert(filter.instance(&chain.engine)?),
    };
    let verdict = instance.judge(stanza, view.head(stanza, chain, matched))?;
    if let Some(lacking) = filter.blueprint.reach.grants.lacks(&verdict) {
        return Err(Fault::NotGranted(lacking));
    }
    let edited = verdict.commits() && !instance.journal().is_empty();
    if edited {
        commit(instance, stanza)?;
        view.sight.look_again();
        view.addressed = false;
        view.sight.add_bits(Bits::EDITED);
    }
    Ok(Said { verdict, reason: instance.take_reason(), edited })
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

impl View {
    #[inline]
    fn begin(&mut self, stanza: &Stanza, chain: &Chain, now_ms: u64) {
        self.sight.begin(stanza, chain.direction);
        self.now_ms = now_ms;
        self.addressed = false;
    }

    #[inline]
    fn head(&mut self, stanza: &Stanza, chain: &Chain, matched: u64) -> Head<'_> {
        self.sight.look(stanza, &chain.namespaces);
        if !self.addressed {
            self.address(stanza);
        }
        Head {
            direction: chain.direction.into(),
            kind: stanza.kind().into(),
            stanza_type: stanza.stanza_type().into(),
            bits: self.sight.bits(),
            matched,
            size: stanza.size(),
            now_ms: self.now_ms,
            from: &self.from,
            to: &self.to,
        }
    }

    /// Copies the addresses once per stanza: during a call the stanza itself is in the store.
    fn address(&mut self, stanza: &Stanza) {
        self.addressed = true;
        self.from.clear();
        self.from.push_str(stanza.from().as_str());
        self.to.clear();
        self.to.push_str(stanza.to().as_str());
    }
}

/// What happened to a stanza on its way along the chain.
#[derive(Default)]
struct Walk {
    edited_by: Option<Arc<str>>,
    reason: Option<String>,
    fault: Option<Fault>,
}

impl Walk {
    /// Takes in a filter's word; returns the outcome if it decides.
    #[inline]
    fn hear(&mut self, stanza: &mut Stanza, said: Said, filter: &Arc<str>) -> Option<Outcome> {
        if said.edited {
            self.edited_by = Some(filter.clone());
        }
        if said.reason.is_some() {
            self.reason = said.reason;
        }
        match said.verdict {
            Verdict::Pass => None,
            Verdict::Accept => Some(Outcome::Forward),
            Verdict::Drop if awaits_answer(stanza) => {
                Some(Outcome::Bounce(StanzaError::new(StanzaCondition::ServiceUnavailable)))
            }
            Verdict::Drop => Some(Outcome::Drop),
            Verdict::Bounce(error) => Some(self.refuse(stanza, error, filter)),
            Verdict::Redirect(to) => {
                stanza.redirect(to);
                self.edited_by = Some(filter.clone());
                Some(Outcome::Forward)
            }
            Verdict::CloseStream { condition, text } => Some(Outcome::CloseStream { condition, text }),
        }
    }

    /// Lets whoever waits know: the sender; of an iq result the addressee, in its place; of an error nobody.
    fn refuse(&mut self, stanza: &mut Stanza, error: StanzaError, filter: &Arc<str>) -> Outcome {
        match stanza.stanza_type() {
            StanzaType::Error => Outcome::Drop,
            StanzaType::IqResult => {
                stanza.fail_result(&error);
                self.edited_by = Some(filter.clone());
                Outcome::Forward
            }
            _ => Outcome::Bounce(error),
        }
    }

    /// Takes in a fault; returns the outcome if the filter is one that protects.
    fn suffer(&mut self, stanza: &mut Stanza, fault: Fault, filter: &Filter) -> Option<Outcome> {
        if filter.on_fault == OnFault::Open {
            return None;
        }
        self.fault = Some(fault);
        let mut error = StanzaError::new(StanzaCondition::InternalServerError);
        error.text = Some("The stanza could not be checked.".to_owned());
        Some(self.refuse(stanza, error, &filter.blueprint.reach.filter))
    }

    fn decide(self, outcome: Outcome, filter: Option<Arc<str>>) -> Decision {
        let edited = self.edited_by.is_some();
        Decision { outcome, filter: filter.or(self.edited_by), reason: self.reason, fault: self.fault, edited }
    }
}

/// RFC 6120 §8.2.3: an iq get or set must be answered, or its sender waits in vain.
fn awaits_answer(stanza: &Stanza) -> bool {
    matches!(stanza.stanza_type(), StanzaType::IqGet | StanzaType::IqSet)
}
