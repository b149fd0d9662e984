//! What one call of a filter costs, measured as a worker of the proxy makes it.

use std::time::{Duration, Instant};

use refrain_proto::Stanza;

use super::{Keep, NOW_MS};
use crate::relation::Relation;
use crate::worker::ChainWorker;

/// Calls between two looks at the clock, which takes as long as a small part of one.
const BATCH: usize = 64;
/// Fewer would make no median.
const BATCHES_MIN: usize = 9;

/// What judging one stanza costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Nanoseconds a call: the median over batches of calls.
    pub nanos_median: f64,
    /// Nanoseconds a call in the fastest batch: what remains when the machine does nothing else.
    pub nanos_least: f64,
    /// Instructions a call, in an engine that counts them; `None` in others, and if the filter was not asked.
    pub fuel: Option<u64>,
    /// Bytes that the instance grew to; 0 if the filter was not asked.
    pub memory_bytes: usize,
    /// How often it was judged.
    pub calls: usize,
}

/// What is judged, and how.
pub(super) struct Subject {
    pub(super) stanza: Stanza,
    pub(super) relation: Option<Relation>,
    pub(super) keep: Keep,
}

/// Judges the stanza over and over, for `budget` at least.
pub(super) fn measure(worker: &mut ChainWorker, subject: &Subject, budget: Duration) -> Result<Cost, String> {
    // The first call makes the instance and grows its memory.
    subject.ask(worker, &mut subject.stanza.clone())?;
    let fuel = worker.fuel_left();
    subject.ask(worker, &mut subject.stanza.clone())?;
    let fuel = fuel.zip(worker.fuel_left()).map(|(before, after)| before.saturating_sub(after));
    let mut batches = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < budget || batches.len() < BATCHES_MIN {
        batches.push(subject.batch(worker)?);
    }
    batches.sort_by(f64::total_cmp);
    Ok(Cost {
        nanos_median: batches[batches.len() / 2],
        nanos_least: batches[0],
        fuel: fuel.filter(|fuel| *fuel > 0),
        memory_bytes: worker.memory_bytes(),
        calls: BATCH * batches.len(),
    })
}

impl Subject {
    /// Returns the nanoseconds a call of one batch. Copies are made outside of it, since an edit changes what it is made to.
    fn batch(&self, worker: &mut ChainWorker) -> Result<f64, String> {
        let mut stanzas = vec![self.stanza.clone(); BATCH];
        let begin = Instant::now();
        for stanza in &mut stanzas {
            if self.keep == Keep::Nothing {
                *worker = worker.chain().worker();
            }
            self.ask(worker, stanza)?;
        }
        Ok(begin.elapsed().as_nanos() as f64 / BATCH as f64)
    }

    fn ask(&self, worker: &mut ChainWorker, stanza: &mut Stanza) -> Result<(), String> {
        match worker.ask_first(self.relation, stanza, NOW_MS) {
            Some(Err(fault)) => Err(format!("the filter {fault}")),
            Some(Ok(_)) | None => Ok(()),
        }
    }
}
