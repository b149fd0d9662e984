//! One or two configurations judge the same stanzas; what they say is counted, and where they differ is kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use refrain_filter::{ChainWorker, Decision, Direction, Fault, Outcome};
use refrain_proto::Stanza;
use serde::Serialize;

use super::name_of;
use crate::config::{Config, Mistakes};
use crate::control::corpus::Entry;
use crate::lists::Board;
use crate::lists::board::Purpose;
use crate::observe::judgement::Judgement;
use crate::pipeline::judge::Circumstances;
use crate::snapshot::{self, EngineError, chains};

/// What is listed; all are counted.
const DIFFERENCES_MAX: usize = 100;

/// Why a configuration cannot judge.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Mistakes of its chains and filters.
    #[error("{0}")]
    Mistakes(Mistakes),
    /// The machine does not let WebAssembly run.
    #[error(transparent)]
    NoSandbox(#[from] EngineError),
}

/// The chains of one configuration, and what they said so far.
pub struct Contestant {
    /// The name of its file.
    pub name: String,
    /// How often it said what.
    pub counts: BTreeMap<(Direction, Judgement), u64>,
    inbound: ChainWorker,
    outbound: ChainWorker,
    took: Vec<Duration>,
}

/// What became of one stanza.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The chain's word.
    #[serde(flatten)]
    pub judgement: Judgement,
    /// What would be sent on, or back; empty when nothing would.
    pub xml: String,
}

impl Contestant {
    /// Builds the chains of a configuration. What is wrong with the rest of it does not matter here.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let (config, mistakes) = Config::read(path).map_err(LoadError::Mistakes)?;
        Self::build(&config, mistakes, name_of(path))
    }

    /// Like [`load`](Self::load), from a configuration that was read already.
    pub fn build(config: &Config, found: Mistakes, name: String) -> Result<Self, LoadError> {
        let mut mistakes = Mistakes::default();
        mistakes.extend(found.into_iter().filter(|mistake| concerns_chains(&mistake.key)));
        // An engine of its own: what filters of two configurations share in one process must not meet here.
        let engine = snapshot::engine()?;
        // With what the last run kept of lists of others.
        let lists = Board::new(config.state.directory.as_deref()).attach(&config.lists, Purpose::Trial);
        let built =
            chains::build(config, &lists, &engine, engine.shared()).map_err(|found| mistakes.extend(found)).ok();
        match (built, mistakes.is_empty()) {
            (Some(built), true) => Ok(Contestant {
                name,
                counts: BTreeMap::new(),
                inbound: built.inbound.worker(),
                outbound: built.outbound.worker(),
                took: Vec::new(),
            }),
            _ => Err(LoadError::Mistakes(mistakes)),
        }
    }

    /// Judges a stanza under the circumstances under which it was recorded, and counts the verdict.
    pub fn judge(&mut self, direction: Direction, stanza: &Stanza, circumstances: Circumstances) -> Verdict {
        let mut stanza = stanza.clone();
        let worker = match direction {
            Direction::Inbound => &mut self.inbound,
            Direction::Outbound => &mut self.outbound,
        };
        let started = Instant::now();
        let decision = worker.judge_between(circumstances.relation, &mut stanza, circumstances.now_ms);
        self.took.push(started.elapsed());
        let judgement = Judgement::of(&decision);
        *self.counts.entry((direction, judgement.clone())).or_default() += 1;
        Verdict { judgement, xml: result_of(&decision, &stanza) }
    }

    /// How a filter failed on the stanza judged last.
    pub fn fault(&self, direction: Direction) -> Option<Fault> {
        self.worker(direction).steps().into_iter().find_map(|step| step.fault)
    }

    /// The components of a chain, as hexadecimal SHA-256.
    pub fn digests(&self, direction: Direction) -> Vec<String> {
        self.worker(direction).chain().status().iter().map(|filter| filter.component.digest().to_string()).collect()
    }

    fn worker(&self, direction: Direction) -> &ChainWorker {
        match direction {
            Direction::Inbound => &self.inbound,
            Direction::Outbound => &self.outbound,
        }
    }

    /// The time that this share of the stanzas did not exceed.
    pub fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.took.clone();
        sorted.sort_unstable();
        let index = (sorted.len() as f64 * share) as usize;
        sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

fn concerns_chains(key: &str) -> bool {
    let table = key.split(['.', '[']).next().unwrap_or_default();
    matches!(table, "chain" | "filter" | "list")
}

fn result_of(decision: &Decision, stanza: &Stanza) -> String {
    match &decision.outcome {
        Outcome::Forward => stanza.to_xml(),
        Outcome::Bounce(error) => stanza.error_reply(error).map(|reply| reply.to_xml()).unwrap_or_default(),
        Outcome::Reply(payload) => {
            stanza.message_reply(payload.elements()).map(|reply| reply.to_xml()).unwrap_or_default()
        }
        Outcome::Drop | Outcome::CloseStream { .. } => String::new(),
    }
}

/// A corpus being played.
pub struct Contest {
    /// Whose chains are asked about.
    pub candidate: Contestant,
    /// What they are compared with.
    pub against: Option<Contestant>,
    /// How many stanzas were played, and how many of them without their words.
    pub stanzas: u64,
    /// Of these, without their words.
    pub redacted: u64,
    /// Stanzas about which the candidate says something else than was recorded.
    pub unlike_recorded: u64,
    /// Stanzas about which the two say something else.
    pub differences: Differences,
}

/// Where two configurations differ.
#[derive(Default)]
pub struct Differences {
    /// How many stanzas.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Difference>,
}

/// A stanza about which two configurations differ.
#[derive(Serialize)]
pub struct Difference {
    /// Its id in the corpus.
    pub id: String,
    /// Which way it crossed.
    pub direction: Direction,
    /// Its sender.
    pub from: String,
    /// Its addressee.
    pub to: String,
    /// What `--against` says.
    pub against: Verdict,
    /// What `--config` says.
    pub config: Verdict,
}

impl Contest {
    /// Begins.
    pub fn new(candidate: Contestant, against: Option<Contestant>) -> Self {
        Contest { candidate, against, stanzas: 0, redacted: 0, unlike_recorded: 0, differences: Differences::default() }
    }

    /// Lets everyone judge one stanza.
    pub fn play(&mut self, entry: &Entry, stanza: &Stanza) {
        self.stanzas += 1;
        self.redacted += u64::from(entry.redacted);
        let circumstances = Circumstances { relation: entry.relation, now_ms: entry.now_ms };
        let verdict = self.candidate.judge(entry.direction, stanza, circumstances);
        self.unlike_recorded += u64::from(verdict.judgement.verdict != entry.judgement.verdict);
        let Some(against) = &mut self.against else { return };
        let other = against.judge(entry.direction, stanza, circumstances);
        if (other.judgement.verdict, &other.xml) != (verdict.judgement.verdict, &verdict.xml) {
            self.differences.add(entry, stanza, other, verdict);
        }
    }
}

impl Differences {
    fn add(&mut self, entry: &Entry, stanza: &Stanza, against: Verdict, config: Verdict) {
        self.count += 1;
        if self.first.len() < DIFFERENCES_MAX {
            self.first.push(Difference {
                id: entry.id.clone(),
                direction: entry.direction,
                from: stanza.from().as_str().to_owned(),
                to: stanza.to().as_str().to_owned(),
                against,
                config,
            });
        }
    }
}
