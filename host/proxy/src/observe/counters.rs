//! What became of every accepted stanza, counted: accepted = forwarded + bounced + dropped + in flight.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use refrain_proto::Side;
use serde::{Deserialize, Serialize};

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
    /// Taken by the next server: acknowledged, or written where it does not acknowledge.
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

/// The streams that are open now, by what they are for us.
#[derive(Debug, Default)]
pub struct Streams {
    /// Accepted from the federated world, proven or not yet.
    pub from_outside: Gauge,
    /// Accepted from the protected servers, likewise.
    pub from_inside: Gauge,
    /// Established towards the federated world.
    pub to_outside: Gauge,
    /// Established towards the protected servers.
    pub to_inside: Gauge,
}

impl Streams {
    /// The accepted ones of a side.
    pub fn from(&self, side: Side) -> &Gauge {
        match side {
            Side::Outside => &self.from_outside,
            Side::Inside => &self.from_inside,
        }
    }

    /// The established ones towards a side.
    pub fn to(&self, side: Side) -> &Gauge {
        match side {
            Side::Outside => &self.to_outside,
            Side::Inside => &self.to_inside,
        }
    }
}

/// What the protected servers asked our name server (`[inside.dns]`).
#[derive(Debug, Default)]
pub struct NameQuestions {
    asked: AtomicU64,
    refused: [AtomicU64; Unanswered::ALL.len()],
}

/// Why a question about a name was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// The name is hosted, or below a hosted one: where it is, is not ours to say.
    Hosted,
    /// It is no question.
    Malformed,
    /// A question of a kind that is not answered.
    Unsupported,
    /// Too many connections asked at once.
    TooMany,
}

impl Unanswered {
    const ALL: [Unanswered; 4] =
        [Unanswered::Hosted, Unanswered::Malformed, Unanswered::Unsupported, Unanswered::TooMany];

    /// As in metrics and in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Unanswered::Hosted => "hosted",
            Unanswered::Malformed => "malformed",
            Unanswered::Unsupported => "unsupported",
            Unanswered::TooMany => "too-many",
        }
    }
}

impl NameQuestions {
    /// Counts a question, answered or not.
    pub fn ask(&self) {
        self.asked.fetch_add(1, Relaxed);
    }

    /// Counts one that was not answered; a connection that was not taken counts here alone.
    pub fn refuse(&self, why: Unanswered) {
        self.refused[why as usize].fetch_add(1, Relaxed);
    }

    /// All questions so far.
    pub fn asked(&self) -> u64 {
        self.asked.load(Relaxed)
    }

    /// Those that were not answered, by reason.
    pub fn refused(&self) -> impl Iterator<Item = (Unanswered, u64)> {
        Unanswered::ALL.into_iter().zip(&self.refused).map(|(why, count)| (why, count.load(Relaxed)))
    }
}

/// How many there are at this moment.
#[derive(Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

/// One of those that a [`Gauge`] counts, as long as it lives.
#[derive(Debug)]
pub struct Held(Arc<AtomicU64>);

impl Gauge {
    /// Counts one more.
    pub fn hold(&self) -> Held {
        self.0.fetch_add(1, Relaxed);
        Held(self.0.clone())
    }

    /// The count.
    pub fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// A reading of [`Counters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Stanzas that passed the stream's checks and entered the chain.
    pub accepted: u64,
    /// Of these, taken by the next server: acknowledged (XEP-0198), or written where it does not acknowledge.
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
