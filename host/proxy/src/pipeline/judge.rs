//! Puts a stanza before the chain of its direction, on the thread that read it: no hop, no lock.
//!
//! receive → **judge** → route

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use refrain_filter::{Chain, ChainWorker, Decision};
use refrain_proto::stanza::Stanza;

/// Two chains, each of the newest two generations.
const WORKERS_MAX: usize = 4;

thread_local! {
    /// This thread's own filter instances, made when the first stanza needs them.
    static WORKERS: RefCell<Vec<ChainWorker>> = const { RefCell::new(Vec::new()) };
}

/// Walks the chain. The stanza may come back edited; the decision says by whom and why.
pub fn judge(chain: &Arc<Chain>, stanza: &mut Stanza) -> Decision {
    WORKERS.with_borrow_mut(|workers| {
        let index = workers.iter().position(|worker| Arc::ptr_eq(worker.chain(), chain)).unwrap_or_else(|| {
            if workers.len() == WORKERS_MAX {
                workers.remove(0);
            }
            workers.push(chain.worker());
            workers.len() - 1
        });
        workers[index].judge(stanza, now_ms())
    })
}

fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
