//! What became of every accepted stanza, counted: accepted = forwarded + bounced + dropped + in flight.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Monotonic counts since the start. Stanzas that Refrain itself writes (bounces) are in none of them.
#[derive(Debug, Default)]
pub struct Counters {
    accepted: AtomicU64,
    forwarded: AtomicU64,
    bounced: AtomicU64,
    dropped: AtomicU64,
}

/// How an accepted stanza ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Written to the next server.
    Forwarded,
    /// Answered with a stanza error.
    Bounced,
    /// Discarded: by a named filter, or because it was undeliverable and must not be answered (RFC 6120 §8.3.1).
    Dropped,
}

impl Counters {
    /// Counts stanzas that entered the pipeline.
    pub fn accept(&self, stanzas: u64) {
        self.accepted.fetch_add(stanzas, Relaxed);
    }

    /// Counts stanzas that left it.
    pub fn end(&self, ending: Ending, stanzas: u64) {
        match ending {
            Ending::Forwarded => &self.forwarded,
            Ending::Bounced => &self.bounced,
            Ending::Dropped => &self.dropped,
        }
        .fetch_add(stanzas, Relaxed);
    }

    /// The counts at this moment.
    pub fn totals(&self) -> Totals {
        Totals {
            accepted: self.accepted.load(Relaxed),
            forwarded: self.forwarded.load(Relaxed),
            bounced: self.bounced.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
        }
    }
}

/// A reading of [`Counters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Stanzas that passed the stream's checks and entered the chain.
    pub accepted: u64,
    /// Of these, written to the next server.
    pub forwarded: u64,
    /// Answered with a stanza error.
    pub bounced: u64,
    /// Discarded by a named filter or as undeliverable.
    pub dropped: u64,
}

impl Totals {
    /// Accepted, and not ended yet. After a drain this is what was lost: it must be 0.
    pub fn in_flight(&self) -> u64 {
        self.accepted.saturating_sub(self.forwarded + self.bounced + self.dropped)
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals { accepted, forwarded, bounced, dropped } = self;
        write!(f, "accepted={accepted} forwarded={forwarded} bounced={bounced} dropped={dropped}")
    }
}
