//! Who is told what became of a stanza: those who look on, the faults' keeper, the audit.

use std::sync::Arc;
use std::time::Duration;

use refrain_filter::{Decision, Outcome, Step};
use refrain_proto::{Side, Stanza, StanzaError};

use crate::observe::audit::{Ruling, record_of};
use crate::observe::trace::TraceId;
use crate::pipeline::judge::Circumstances;
use crate::pipeline::tap::{Copied, Copy, Told};
use crate::pipeline::{Gateway, evidence};
use crate::snapshot::{Snapshot, direction};

/// A stanza after its chain.
pub(super) struct Judged<'s> {
    pub(super) side: Side,
    pub(super) stanza: &'s Stanza,
    pub(super) circumstances: Circumstances,
    /// The time its chain took.
    pub(super) took: Duration,
}

impl Judged<'_> {
    /// Gives the copy to whoever looks on, and the steps to whoever keeps them.
    pub(super) fn tell(
        &self,
        gateway: &Gateway,
        snapshot: &Arc<Snapshot>,
        decision: &mut Decision,
        copy: Option<Copy>,
        steps: Option<Vec<Step>>,
    ) {
        let Self { side, stanza, circumstances, took } = *self;
        let (id, direction) = (TraceId::next(), direction(side));
        if let Some(copy) = copy {
            let told = Told { direction, circumstances, id };
            copy.give(|untouched| Copied::of(untouched, told, decision, stanza, took));
        }
        let Some(steps) = steps else { return };
        evidence::keep(gateway, snapshot, side, &steps, id, circumstances);
        let mut record = record_of(snapshot, id, direction, stanza, took, Ruling::of(decision));
        record.relation = circumstances.relation;
        record.steps = steps;
        record.filter = decision.filter.as_deref().map(str::to_owned);
        record.reason = decision.fault.as_ref().map(ToString::to_string).or_else(|| decision.reason.clone());
        if let Outcome::Bounce(error) = &mut decision.outcome
            && snapshot.config.admin.trace_id_in_bounces
        {
            name_trace(error, id);
        }
        gateway.audit.write(record);
    }
}

/// Lets the sender quote the id under which the operator finds the decision.
fn name_trace(error: &mut StanzaError, id: TraceId) {
    let text = error.text.get_or_insert_default();
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(&format!("[{id}]"));
}
