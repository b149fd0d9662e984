//! Puts a stanza before the chain of its direction, on the thread that read it: no hop, no lock.
//!
//! receive → **judge** → route

use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use refrain_filter::{ChainWorker, Decision, Relation};
use refrain_proto::Side;
use refrain_proto::stanza::Stanza;

use crate::snapshot::Snapshot;

/// Two chains each of the live generation, of the one before it (its last batches may still be under way) and of a candidate.
const WORKERS_MAX: usize = 6;

thread_local! {
    /// This thread's own filter instances, made when the first stanza needs them.
    static WORKERS: RefCell<Vec<Worker>> = const { RefCell::new(Vec::new()) };
}

/// A chain as this thread runs it, and the generation it belongs to.
struct Worker {
    chain: ChainWorker,
    generation: Weak<Snapshot>,
}

/// What is known about a stanza besides itself.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// What its two ends are to each other.
    pub relation: Option<Relation>,
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// Walks the chain for stanzas that enter on `side`. The stanza may come back edited; the decision says by whom and why. What `look`
/// makes of the worker comes with it, for whoever wants to know how it came about.
pub fn judge_and<T>(
    snapshot: &Arc<Snapshot>,
    side: Side,
    stanza: &mut Stanza,
    circumstances: Circumstances,
    look: impl FnOnce(&ChainWorker, &Decision) -> T,
) -> (Decision, T) {
    WORKERS.with_borrow_mut(|workers| {
        let worker = worker(workers, snapshot, side);
        let Circumstances { relation, now_ms } = circumstances;
        let decision = worker.judge_between(relation, stanza, now_ms);
        let seen = look(worker, &decision);
        (decision, seen)
    })
}

fn worker<'w>(workers: &'w mut Vec<Worker>, snapshot: &Arc<Snapshot>, side: Side) -> &'w mut ChainWorker {
    let chain = snapshot.chain(side);
    let known = workers.iter().position(|worker| Arc::ptr_eq(worker.chain.chain(), chain));
    let index = known.unwrap_or_else(|| {
        // A generation that is no longer live or pinned is never judged by again, so its instances go.
        workers.retain(|worker| worker.generation.strong_count() > 0);
        if workers.len() == WORKERS_MAX {
            workers.remove(0);
        }
        workers.push(Worker { chain: chain.worker(), generation: Arc::downgrade(snapshot) });
        workers.len() - 1
    });
    let worker = &mut workers[index];
    // After a rollback the chain is the same and the generation another.
    if worker.generation.as_ptr() != Arc::as_ptr(snapshot) {
        worker.generation = Arc::downgrade(snapshot);
    }
    &mut worker.chain
}

/// The time: milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
