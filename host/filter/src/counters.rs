//! What a filter did, counted. Each worker has its own counters, so that counting shares no cache line between threads.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::error::Fault;
use crate::histogram::Recorder;
use crate::verdict::Verdict;
use crate::worker::Said;

/// What one worker counts.
#[derive(Debug)]
pub(crate) struct WorkerCounters {
    /// Of each filter of the chain.
    pub(crate) filters: Box<[Counters]>,
    /// How long stanzas took that some filter was asked about.
    pub(crate) walks: Recorder,
}

impl WorkerCounters {
    pub(crate) fn new(filters: usize) -> Self {
        Self { filters: (0..filters).map(|_| Counters::default()).collect(), walks: Recorder::default() }
    }
}

/// The counters of one filter in one worker. Only that worker writes.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    skipped: AtomicU64,
    passed: AtomicU64,
    accepted: AtomicU64,
    dropped: AtomicU64,
    bounced: AtomicU64,
    redirected: AtomicU64,
    closed_streams: AtomicU64,
    replied: AtomicU64,
    delayed: AtomicU64,
    edited: AtomicU64,
    faults: [AtomicU64; Fault::CAUSES.len()],
    pub(crate) latency: Recorder,
    instances: AtomicU32,
    memory_bytes: AtomicU64,
}

/// What one filter did since the chain was built, over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Stanzas the filter was asked about.
    pub calls: u64,
    /// Stanzas it was not asked about, for none of its interest rules matched.
    pub skipped: u64,
    /// Verdicts `pass`.
    pub passed: u64,
    /// Verdicts `accept`.
    pub accepted: u64,
    /// Verdicts `drop`.
    pub dropped: u64,
    /// Verdicts `bounce`, plain or by an action.
    pub bounced: u64,
    /// Verdicts `redirect`.
    pub redirected: u64,
    /// Verdicts `close-stream`.
    pub closed_streams: u64,
    /// Verdicts `reply`.
    pub replied: u64,
    /// Verdicts `delay`.
    pub delayed: u64,
    /// Stanzas whose edits were committed.
    pub edited: u64,
    /// Faults, by the index of their cause in [`Fault::CAUSES`].
    pub faults: [u64; Fault::CAUSES.len()],
    /// Instances that live now.
    pub instances: u32,
    /// Bytes of memory that these have grown to.
    pub memory_bytes: u64,
}

impl Counters {
    #[inline]
    pub(crate) fn skip(&self) {
        bump(&self.skipped);
    }

    #[inline]
    pub(crate) fn said(&self, said: &Said) {
        bump(match &said.verdict {
            Verdict::Pass => &self.passed,
            Verdict::Accept => &self.accepted,
            Verdict::Drop => &self.dropped,
            Verdict::Bounce(_) => &self.bounced,
            Verdict::Redirect(_) => &self.redirected,
            Verdict::CloseStream { .. } => &self.closed_streams,
            Verdict::Reply(_) => &self.replied,
            Verdict::Delay(_) => &self.delayed,
        });
        if said.edits > 0 {
            bump(&self.edited);
        }
    }

    /// Counts a fault and returns how many of its cause there were.
    pub(crate) fn fault(&self, fault: &Fault) -> u64 {
        bump(&self.faults[fault.cause()])
    }

    /// Notes what the worker holds of this filter.
    #[inline]
    pub(crate) fn hold(&self, instances: usize, memory_bytes: usize) {
        self.instances.store(instances as u32, Ordering::Relaxed);
        self.memory_bytes.store(memory_bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_to(&self, counts: &mut Counts) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        counts.skipped += read(&self.skipped);
        counts.passed += read(&self.passed);
        counts.accepted += read(&self.accepted);
        counts.dropped += read(&self.dropped);
        counts.bounced += read(&self.bounced);
        counts.redirected += read(&self.redirected);
        counts.closed_streams += read(&self.closed_streams);
        counts.replied += read(&self.replied);
        counts.delayed += read(&self.delayed);
        counts.edited += read(&self.edited);
        for (total, counter) in counts.faults.iter_mut().zip(&self.faults) {
            *total += read(counter);
        }
        counts.instances += self.instances.load(Ordering::Relaxed);
        counts.memory_bytes += read(&self.memory_bytes);
        let verdicts = counts.passed + counts.accepted + counts.dropped + counts.bounced;
        let actions = counts.redirected + counts.closed_streams + counts.replied + counts.delayed;
        counts.calls = verdicts + actions + counts.failed_calls();
    }
}

impl Counts {
    /// Returns how many calls failed. A stanza that found the circuit open made no call.
    pub fn failed_calls(&self) -> u64 {
        self.faults.iter().sum::<u64>() - self.faults[Fault::CircuitOpen.cause()]
    }
}

/// One writer, so no read-modify-write is needed, and none is paid for.
#[inline]
fn bump(counter: &AtomicU64) -> u64 {
    let next = counter.load(Ordering::Relaxed) + 1;
    counter.store(next, Ordering::Relaxed);
    next
}
