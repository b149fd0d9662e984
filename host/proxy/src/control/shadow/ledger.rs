//! What a shadow said beside the live chain: counts, the last differences, how long both took.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use refrain_filter::Histogram;
use serde::{Deserialize, Serialize};

use crate::observe::audit::Ruling;
use crate::observe::judgement::Judgement;
use crate::pipeline::tap::{Copied, Fingerprint};

/// Stanzas that are listed; all are counted.
const DIFFERENCES_MAX: usize = 100;
/// Two chains of ten filters with five verdicts each have some thousands of pairs, of which few occur.
const TRANSITIONS_MAX: usize = 1_000;

/// The account of one shadow.
#[derive(Debug, Default)]
pub struct Ledger {
    judged: u64,
    differing: u64,
    transitions: BTreeMap<Transition, u64>,
    differences: VecDeque<Difference>,
    live_took: Histogram,
    shadow_took: Histogram,
}

/// A pair of words about one stanza.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transition {
    /// What the live chain said.
    pub live: Word,
    /// What the shadow said.
    pub shadow: Word,
}

/// A verdict and the filter that gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Word {
    /// The verdict.
    pub verdict: Ruling,
    /// The filter that decided, if one did.
    pub filter: Option<String>,
}

/// A stanza that would have ended otherwise. Never its content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Difference {
    /// Its trace id.
    pub id: String,
    /// Which way it crossed.
    pub direction: String,
    /// Its sender.
    pub from: String,
    /// Its addressee.
    pub to: String,
    /// What became of it.
    pub live: Judgement,
    /// What would have become of it.
    pub shadow: Judgement,
}

/// A reading of a ledger.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Account {
    /// Stanzas that the shadow judged.
    pub judged: u64,
    /// Of these, those that would have ended otherwise.
    pub differing: u64,
    /// Who said what, and how often.
    pub transitions: Vec<(Transition, u64)>,
    /// The newest stanzas that would have ended otherwise, oldest first.
    pub differences: Vec<Difference>,
    /// Time in the live chain.
    pub live_latency: Latency,
    /// Time in the shadow's.
    pub shadow_latency: Latency,
}

/// Quantiles of a time, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub p50_micros: f64,
    /// The 99th percentile.
    pub p99_micros: f64,
}

/// What the shadow decided about one copy.
pub struct Judged {
    /// Its decision.
    pub judgement: Judgement,
    /// Tells apart what would leave.
    pub result: Fingerprint,
    /// Time spent.
    pub took: Duration,
}

impl Ledger {
    /// Enters one stanza.
    pub fn enter(&mut self, copied: &Copied, judged: Judged) {
        self.judged += 1;
        self.live_took.record(copied.took);
        self.shadow_took.record(judged.took);
        let transition = Transition { live: Word::of(&copied.judgement), shadow: Word::of(&judged.judgement) };
        if self.transitions.len() < TRANSITIONS_MAX || self.transitions.contains_key(&transition) {
            *self.transitions.entry(transition).or_default() += 1;
        }
        let same = copied.judgement.verdict == judged.judgement.verdict && copied.result == judged.result;
        if !same {
            self.keep(copied, judged.judgement);
        }
    }

    fn keep(&mut self, copied: &Copied, shadow: Judgement) {
        self.differing += 1;
        if self.differences.len() == DIFFERENCES_MAX {
            self.differences.pop_front();
        }
        self.differences.push_back(Difference {
            id: copied.told.id.to_string(),
            direction: copied.told.direction.as_str().to_owned(),
            from: copied.stanza.from().as_str().to_owned(),
            to: copied.stanza.to().as_str().to_owned(),
            live: copied.judgement.clone(),
            shadow,
        });
    }

    /// How many stanzas were entered.
    pub fn judged(&self) -> u64 {
        self.judged
    }

    /// Reads it.
    pub fn account(&self) -> Account {
        let mut transitions: Vec<_> = self.transitions.iter().map(|(pair, count)| (pair.clone(), *count)).collect();
        transitions.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Account {
            judged: self.judged,
            differing: self.differing,
            transitions,
            differences: self.differences.iter().cloned().collect(),
            live_latency: Latency::of(&self.live_took),
            shadow_latency: Latency::of(&self.shadow_took),
        }
    }
}

impl Word {
    fn of(judgement: &Judgement) -> Self {
        Word { verdict: judgement.verdict, filter: judgement.filter.clone() }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.filter {
            Some(filter) => write!(f, "{} by {filter}", self.verdict),
            None => write!(f, "{}", self.verdict),
        }
    }
}

impl Latency {
    fn of(histogram: &Histogram) -> Self {
        let micros = |share| histogram.quantile(share).as_nanos() as f64 / 1_000.0;
        Latency { p50_micros: micros(0.5), p99_micros: micros(0.99) }
    }
}

#[cfg(test)]
mod tests {
    use refrain_filter::Direction;
    use refrain_proto::Stanza;

    use super::*;
    use crate::observe::trace::TraceId;
    use crate::pipeline::judge::Circumstances;
    use crate::pipeline::tap::Told;

    fn judgement(verdict: Ruling, filter: Option<&str>) -> Judgement {
        Judgement { verdict, filter: filter.map(str::to_owned), reason: None }
    }

    fn copied(judgement: Judgement, result: u64) -> Copied {
        let xml = "<message from='a@x.example' to='b@y.example'><body>secret</body></message>";
        Copied {
            stanza: Stanza::parse(xml).unwrap(),
            told: Told {
                direction: Direction::Inbound,
                circumstances: Circumstances { relation: None, now_ms: 0 },
                id: TraceId::next(),
            },
            judgement,
            result: Fingerprint(result),
            took: Duration::from_micros(10),
        }
    }

    fn judged(judgement: Judgement, result: u64) -> Judged {
        Judged { judgement, result: Fingerprint(result), took: Duration::from_micros(20) }
    }

    #[test]
    fn another_filter_with_the_same_verdict_is_counted_and_no_difference() {
        let mut ledger = Ledger::default();
        ledger.enter(&copied(judgement(Ruling::Drop, Some("a")), 0), judged(judgement(Ruling::Drop, Some("b")), 0));
        let account = ledger.account();
        assert_eq!((account.judged, account.differing, account.transitions.len()), (1, 0, 1));
        assert_eq!(account.transitions[0].0.shadow.to_string(), "drop by b");
    }

    #[test]
    fn another_verdict_or_another_result_is_a_difference() {
        let mut ledger = Ledger::default();
        ledger.enter(&copied(judgement(Ruling::Forward, None), 0), judged(judgement(Ruling::Drop, Some("b")), 0));
        let edited = judgement(Ruling::ForwardEdited, Some("a"));
        ledger.enter(&copied(edited.clone(), 1), judged(edited, 2));
        assert_eq!(ledger.account().differing, 2);
    }

    #[test]
    fn the_last_hundred_differences_are_kept_without_content() {
        let mut ledger = Ledger::default();
        for _ in 0..150 {
            ledger.enter(&copied(judgement(Ruling::Forward, None), 0), judged(judgement(Ruling::Drop, None), 0));
        }
        let account = ledger.account();
        assert_eq!((account.differing, account.differences.len()), (150, 100));
        let json = serde_json::to_string(&account).unwrap();
        assert!(json.contains("a@x.example") && !json.contains("secret"));
    }

    #[test]
    fn both_latencies_stand_side_by_side() {
        let mut ledger = Ledger::default();
        ledger.enter(&copied(judgement(Ruling::Forward, None), 0), judged(judgement(Ruling::Forward, None), 0));
        let account = ledger.account();
        assert!(account.live_latency.p99_micros < account.shadow_latency.p99_micros);
    }
}
