//! How much may wait for one sender, and for all of them: who wants to add to a queue takes room first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::chunk::Load;
use crate::config::Limits;

/// How long an open but slow route may hold its source back (TCP back pressure, no loss) before its stanzas bounce.
const BACK_PRESSURE_TIMEOUT: Duration = Duration::from_secs(5);
/// All queues together: a tenth of a small server's memory, however many pairs there are.
const QUEUED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The bounds of one sender's queue. The channel itself has none: nothing enters it without room.
pub struct Room {
    bytes: Semaphore,
    bytes_max: usize,
    stanzas: AtomicUsize,
    stanzas_max: usize,
    established: AtomicBool,
    /// A source has waited in vain: nobody waits again until half the queue has left (threat T48).
    stalled: AtomicBool,
    everywhere: Arc<Everywhere>,
}

/// What all queues of the run hold together, acknowledgements that are awaited included.
#[derive(Debug, Default)]
pub struct Everywhere {
    bytes: AtomicUsize,
    relayed: AtomicU64,
}

impl Everywhere {
    /// Accepted stanzas in all of them.
    pub fn relayed(&self) -> u64 {
        self.relayed.load(Relaxed)
    }
}

impl Room {
    /// An empty queue's, within what all queues may hold.
    pub fn new(limits: &Limits, everywhere: Arc<Everywhere>) -> Self {
        Room {
            bytes: Semaphore::new(limits.queue_bytes_max),
            bytes_max: limits.queue_bytes_max,
            stanzas: AtomicUsize::new(0),
            stanzas_max: limits.queue_stanzas_max,
            established: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            everywhere,
        }
    }

    /// Whether nothing is in it.
    #[cfg(test)]
    pub(in crate::pipeline) fn is_empty(&self) -> bool {
        self.bytes.available_permits() == self.bytes_max && self.stanzas.load(Relaxed) == 0
    }

    /// Tells sources whether waiting for room makes sense.
    pub fn set_established(&self, established: bool) {
        self.established.store(established, Relaxed);
    }

    /// Gives back what a chunk took.
    pub fn leave(&self, load: Load) {
        self.give_back(load.cost(self.bytes_max), load.stanzas, load.relayed());
    }

    /// Gives back what a chunk took more than what is left of it takes.
    pub fn shrink(&self, whole: Load, left: Load) {
        let cost = whole.cost(self.bytes_max).saturating_sub(left.cost(self.bytes_max));
        self.give_back(cost, whole.stanzas - left.stanzas, whole.relayed() - left.relayed());
    }

    fn give_back(&self, cost: u32, stanzas: u32, relayed: u64) {
        self.bytes.add_permits(cost as usize);
        // A peer that takes a little now and then would else be waited for each time (threat T48).
        if self.bytes.available_permits() >= self.bytes_max / 2 {
            self.stalled.store(false, Relaxed);
        }
        self.everywhere.bytes.fetch_sub(cost as usize, Relaxed);
        self.everywhere.relayed.fetch_sub(relayed, Relaxed);
        self.stanzas.fetch_sub(stanzas as usize, Relaxed);
    }

    /// Takes room for a chunk if there is some now.
    pub fn try_enter(&self, chunk: Load) -> bool {
        let waiting_to_connect = !self.established.load(Relaxed);
        let stanzas = chunk.stanzas as usize;
        if waiting_to_connect && self.stanzas.load(Relaxed) + stanzas > self.stanzas_max || self.is_full_everywhere() {
            return false;
        }
        let Ok(permit) = self.bytes.try_acquire_many(chunk.cost(self.bytes_max)) else { return false };
        permit.forget();
        self.note(chunk);
        true
    }

    fn note(&self, load: Load) {
        self.stanzas.fetch_add(load.stanzas as usize, Relaxed);
        self.everywhere.bytes.fetch_add(load.cost(self.bytes_max) as usize, Relaxed);
        self.everywhere.relayed.fetch_add(load.relayed(), Relaxed);
    }

    fn is_full_everywhere(&self) -> bool {
        self.everywhere.bytes.load(Relaxed) > QUEUED_BYTES_MAX
    }

    /// Takes room for a chunk, waiting for it when the route is open and merely slow.
    pub(super) async fn enter(&self, chunk: Load) -> bool {
        if self.try_enter(chunk) {
            return true;
        }
        if !self.established.load(Relaxed) || self.is_full_everywhere() || self.stalled.load(Relaxed) {
            return false;
        }
        let room = self.bytes.acquire_many(chunk.cost(self.bytes_max));
        let Ok(Ok(permit)) = timeout(BACK_PRESSURE_TIMEOUT, room).await else {
            self.stalled.store(true, Relaxed);
            return false;
        };
        permit.forget();
        self.note(chunk);
        true
    }
}
