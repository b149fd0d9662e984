//! Puts a stanza before the chain of its direction, on the thread that read it: no hop, no lock.
//!
//! receive → **judge** → route

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use refrain_filter::{Chain, ChainWorker, Decision};
use refrain_proto::stanza::Stanza;

thread_local! {
    /// This worker's own filter instances, made when the first stanza needs them. One entry per live chain, so two in all.
    static WORKERS: RefCell<Vec<(Arc<Chain>, ChainWorker)>> = const { RefCell::new(Vec::new()) };
}

/// Walks the chain. The stanza may come back edited; the decision says by whom and why.
pub fn judge(chain: &Arc<Chain>, stanza: &mut Stanza) -> Decision {
    WORKERS.with_borrow_mut(|workers| {
        let index = workers.iter().position(|(known, _)| Arc::ptr_eq(known, chain)).unwrap_or_else(|| {
            // A chain that only this thread still holds belongs to a run that is over.
            workers.retain(|(known, _)| Arc::strong_count(known) > 1);
            workers.push((chain.clone(), chain.worker()));
            workers.len() - 1
        });
        workers[index].1.judge(stanza, now_ms())
    })
}

fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
