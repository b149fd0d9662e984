//! Keeps a stanza on which a filter failed, with what it takes to see it fail again.
//!
//! judge → **evidence** → `observe::faults`

use std::sync::Arc;

use refrain_filter::{Fault, Step};
use refrain_proto::Side;

use super::Gateway;
use super::judge::Circumstances;
use crate::observe::faults::{FaultBundle, FaultKey, VERSION};
use crate::observe::trace::TraceId;
use crate::snapshot::{Snapshot, direction};

/// Keeps the evidence that the steps of a decision hold, if a filter failed in one.
pub fn keep(
    gateway: &Gateway,
    snapshot: &Arc<Snapshot>,
    side: Side,
    steps: &[Step],
    id: TraceId,
    circumstances: Circumstances,
) {
    for step in steps {
        if let Step { filter, fault: Some(fault), evidence: Some(stanza), .. } = step
            && let Some(key) = FaultKey::of(snapshot.generation, filter, fault)
        {
            gateway.faults.keep(key, || bundle(snapshot, side, filter, fault, stanza, id, circumstances));
        }
    }
}

fn bundle(
    snapshot: &Snapshot,
    side: Side,
    filter: &str,
    fault: &Fault,
    stanza: &str,
    id: TraceId,
    circumstances: Circumstances,
) -> FaultBundle {
    let status = snapshot.chain(side).status().into_iter().find(|status| &*status.name == filter);
    let (digest, settings) =
        status.map_or_else(Default::default, |status| (status.component.digest().to_string(), status.settings));
    FaultBundle {
        version: VERSION,
        id: id.to_string(),
        direction: direction(side),
        now_ms: circumstances.now_ms,
        relation: circumstances.relation,
        filter: filter.to_owned(),
        digest,
        // It was made of JSON.
        settings: serde_json::from_str(&settings).unwrap_or_default(),
        cause: Fault::CAUSES[fault.cause()].to_owned(),
        fault: fault.to_string(),
        stanza: stanza.to_owned(),
    }
}
