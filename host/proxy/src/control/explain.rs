//! The whole decision about one stanza: what `refrain explain ID` shows. Never a body.

use refrain_filter::{Direction, Relation, Step, Word};
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
    /// What the remote one was to the local one before it; none where nothing can be said.
    #[serde(default)]
    pub relation: Option<Relation>,
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
    pub chain: Vec<Part>,
}

/// One filter's part in the decision.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Part {
    /// The filter.
    pub filter: String,
    /// Whether it was asked, and if not, why.
    pub asked: Asked,
    /// Its interest rules that matched.
    pub matched: Vec<String>,
    /// What it said.
    pub verdict: Option<String>,
    /// The reason it gave.
    pub reason: Option<String>,
    /// Edits that took effect.
    pub edits: u32,
    /// How it failed.
    pub fault: Option<String>,
    /// How long it took.
    pub microseconds: f64,
}

/// Whether a filter was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// It was.
    Yes,
    /// None of its interest rules matched.
    NotInterested,
    /// A filter before it had decided.
    NotReached,
}

impl Explanation {
    /// Writes a record for whoever asks.
    pub fn of(record: Record) -> Self {
        let chain = parts(&record);
        Explanation {
            id: record.trace.to_string(),
            at_ms: millis_of(record.at),
            generation: record.generation,
            direction: record.direction,
            from: record.from,
            to: record.to,
            relation: record.relation,
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

fn parts(record: &Record) -> Vec<Part> {
    let ended = record.steps.last().filter(|last| decides(last, record.ruling));
    let mut reached = true;
    let mut parts = Vec::with_capacity(record.chain.filters.len());
    for rostered in &record.chain.filters {
        let step = record.steps.iter().find(|step| step.filter == rostered.name);
        parts.push(match step {
            Some(step) => Part::of(step, record.chain.matched(&step.filter, step.matched)),
            None => Part::absent(&rostered.name, if reached { Asked::NotInterested } else { Asked::NotReached }),
        });
        reached &= ended.is_none_or(|ended| ended.filter != rostered.name);
    }
    parts
}

/// Whether the chain ended with this step, before its end perhaps.
fn decides(last: &Step, ruling: Ruling) -> bool {
    match last.said {
        Some(Word::Pass | Word::Delay) => false,
        Some(_) => true,
        // A fault decides unless the policy lets the stanza pass.
        None => !ruling.forwards(),
    }
}

impl Part {
    fn of(step: &Step, matched: Vec<String>) -> Self {
        Part {
            filter: step.filter.to_string(),
            asked: Asked::Yes,
            matched,
            verdict: step.said.map(|word| word.as_str().to_owned()),
            reason: step.reason.clone(),
            edits: step.edits,
            fault: step.fault.as_ref().map(ToString::to_string),
            microseconds: step.nanos as f64 / 1e3,
        }
    }

    fn absent(filter: &str, asked: Asked) -> Self {
        let filter = filter.to_owned();
        Part { filter, asked, matched: vec![], verdict: None, reason: None, edits: 0, fault: None, microseconds: 0.0 }
    }
}
