//! One record per judged stanza: to the log, and to whoever listens in the same process (the demo).

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use refrain_filter::{Decision, Direction, Outcome, Relation, Step};
use refrain_proto::stanza::Stanza;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::trace::{TraceId, Traces};
use crate::snapshot::Snapshot;
use crate::snapshot::roster::Roster;

/// What was decided about one stanza, by whom and why. Never its content.
#[derive(Debug, Clone)]
pub struct Record {
    /// Which way it crossed.
    pub direction: Direction,
    /// The authenticated sender.
    pub from: String,
    /// The addressee.
    pub to: String,
    /// What its two ends were to each other, before it.
    pub relation: Option<Relation>,
    /// Its `id`, if it had one.
    pub id: Option<String>,
    /// What the chain said.
    pub ruling: Ruling,
    /// The filter that decided; none when the chain was walked to its end.
    pub filter: Option<String>,
    /// The filter's reason, or its fault.
    pub reason: Option<String>,
    /// Time spent in the chain.
    pub took: Duration,
    /// The id under which `refrain explain` knows it.
    pub trace: TraceId,
    /// When it was judged.
    pub at: SystemTime,
    /// The generation that judged it.
    pub generation: u64,
    /// Its bytes as received.
    pub size: u32,
    /// The chain that judged it.
    pub chain: Arc<Roster>,
    /// What each filter of it said that was asked.
    pub steps: Vec<Step>,
}

/// The chain's word on a stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// Let through as it came.
    Forward,
    /// Let through with a filter's edits.
    ForwardEdited,
    /// Let through as it came, and its stream not read for a while.
    ForwardDelayed,
    /// Returned to its sender with a stanza error.
    Bounce,
    /// Answered by a message in its addressee's name.
    Reply,
    /// Discarded.
    Drop,
    /// Discarded, and the stream it came by ended.
    CloseStream,
}

impl Ruling {
    /// Whether the stanza went on its way.
    pub fn forwards(self) -> bool {
        matches!(self, Ruling::Forward | Ruling::ForwardEdited | Ruling::ForwardDelayed)
    }

    /// The word that a decision comes down to.
    pub fn of(decision: &Decision) -> Self {
        match &decision.outcome {
            Outcome::Forward if decision.edited => Ruling::ForwardEdited,
            Outcome::Forward if !decision.delay.is_zero() => Ruling::ForwardDelayed,
            Outcome::Forward => Ruling::Forward,
            Outcome::Bounce(_) => Ruling::Bounce,
            Outcome::Reply(_) => Ruling::Reply,
            Outcome::Drop => Ruling::Drop,
            Outcome::CloseStream { .. } => Ruling::CloseStream,
        }
    }
}

impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ruling::Forward => "forward",
            Ruling::ForwardEdited => "forward (edited)",
            Ruling::ForwardDelayed => "forward (delayed)",
            Ruling::Bounce => "bounce",
            Ruling::Reply => "reply",
            Ruling::Drop => "drop",
            Ruling::CloseStream => "close-stream",
        })
    }
}

/// Where records go.
#[derive(Debug, Default)]
pub struct Audit {
    listener: Option<mpsc::UnboundedSender<Record>>,
    traces: Traces,
}

impl Audit {
    /// An audit that also hands every record to `listener`. Only for a bounded run: the channel has no limit of its own.
    pub fn with_listener(listener: mpsc::UnboundedSender<Record>) -> Self {
        Audit { listener: Some(listener), traces: Traces::default() }
    }

    /// The newest records.
    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    /// Whether anybody wants a record of a stanza that simply passed: spares the work per stanza when nobody does.
    pub fn wants_forwards(&self) -> bool {
        self.listener.is_some() || tracing::enabled!(target: "refrain::audit", tracing::Level::DEBUG)
    }

    /// Writes a record, and keeps it for a while.
    pub fn write(&self, record: Record) {
        let Record { from, to, filter, reason, took, trace: id, generation, .. } = &record;
        let (ruling, direction) = (record.ruling, direction_name(record.direction));
        let (filter, reason) = (filter.as_deref().unwrap_or("-"), reason.as_deref().unwrap_or("-"));
        let relation = record.relation.map_or("-", Relation::as_str);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match ruling {
            Ruling::Forward => {
                tracing::debug!(target: "refrain::audit", %id, generation, direction, from, to, relation, micros, "stanza forwarded");
            }
            Ruling::ForwardEdited
            | Ruling::ForwardDelayed
            | Ruling::Bounce
            | Ruling::Reply
            | Ruling::Drop
            | Ruling::CloseStream => {
                tracing::info!(target: "refrain::audit", %id, generation, direction, from, to, relation, %ruling, filter, reason, micros, "stanza judged");
            }
        }
        if let Some(listener) = &self.listener {
            // A listener that has gone away wants no more records.
            let _ = listener.send(record.clone());
        }
        self.traces.keep(record);
    }
}

/// Starts a record from the stanza that was just judged.
pub fn record_of(
    snapshot: &Snapshot,
    trace: TraceId,
    direction: Direction,
    stanza: &Stanza,
    took: Duration,
    ruling: Ruling,
) -> Record {
    Record {
        direction,
        from: stanza.from().as_str().to_owned(),
        to: stanza.to().as_str().to_owned(),
        relation: None,
        id: stanza.id().map(str::to_owned),
        ruling,
        filter: None,
        reason: None,
        took,
        trace,
        at: SystemTime::now(),
        generation: snapshot.generation,
        size: stanza.size(),
        chain: snapshot.roster(direction).clone(),
        steps: Vec::new(),
    }
}

/// The direction as it is written in logs.
pub fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}
