//! The whole decision about one stanza: what `refrain explain ID` shows. Never a body.

use refrain_filter::Direction;
use serde::{Deserialize, Serialize};

use super::status::millis_of;
use crate::observe::audit::{Record, Ruling};

/// One judged stanza.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Explanation {
    /// Its id in the log.
    pub id: String,
    /// When it was judged, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The generation that judged it.
    pub generation: u64,
    /// Which way it crossed.
    pub direction: Direction,
    /// The sender.
    pub from: String,
    /// The addressee.
    pub to: String,
    /// Its own id, as its sender wrote it.
    pub stanza_id: Option<String>,
    /// Its bytes.
    pub size: u32,
    /// What was done.
    pub outcome: Ruling,
    /// The filter that decided.
    pub decided_by: Option<String>,
    /// Its reason, or its fault.
    pub reason: Option<String>,
    /// Time spent in the chain.
    pub microseconds: f64,
    /// The filters of the chain, in order.
    pub chain: Vec<String>,
}

impl Explanation {
    /// Writes a record for whoever asks.
    pub fn of(record: Record) -> Self {
        let chain = record.chain.filters.iter().map(|filter| filter.name.to_string()).collect();
        Explanation {
            id: record.trace.to_string(),
            at_ms: millis_of(record.at),
            generation: record.generation,
            direction: record.direction,
            from: record.from,
            to: record.to,
            stanza_id: record.id,
            size: record.size,
            outcome: record.ruling,
            decided_by: record.filter,
            reason: record.reason,
            microseconds: record.took.as_secs_f64() * 1e6,
            chain,
        }
    }
}
