//! Remembers on which streams dialback keys of ours were shown: only about those can a question be genuine (XEP-0220 §2.2.2).
//!
//! dial → **shown** → verify

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use refrain_proto::DomainPair;
use refrain_proto::auth::KeyClaim;

/// A pair has one stream at a time; a question about the one before may still be on its way.
const STREAMS_PER_PAIR: usize = 4;
/// As many as there may be senders.
const PAIRS_MAX: usize = 20_000;

/// The ids of the streams on which keys were shown, by pair.
#[derive(Default)]
pub struct ShownKeys {
    streams: Mutex<HashMap<DomainPair, VecDeque<String>>>,
}

impl ShownKeys {
    /// Notes that this key is about to be shown.
    pub fn note(&self, claim: &KeyClaim) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() >= PAIRS_MAX && !streams.contains_key(&claim.pair) {
            let any = streams.keys().next().cloned();
            any.map(|pair| streams.remove(&pair));
        }
        let ids = streams.entry(claim.pair.clone()).or_default();
        ids.push_back(claim.stream_id.clone());
        if ids.len() > STREAMS_PER_PAIR {
            ids.pop_front();
        }
    }

    /// Tells whether a key of the claim's pair was shown on the claim's stream (T05).
    pub fn contains(&self, claim: &KeyClaim) -> bool {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.get(&claim.pair).is_some_and(|ids| ids.contains(&claim.stream_id))
    }
}

#[cfg(test)]
mod tests {
    use refrain_proto::Domain;

    use super::*;

    fn claim(to: &str, id: usize) -> KeyClaim {
        let domain = |name| Domain::parse(name).unwrap();
        let pair = DomainPair::new(domain("home.example"), domain(to));
        KeyClaim { pair, stream_id: id.to_string(), key: String::new() }
    }

    #[test]
    fn a_stream_is_remembered_by_its_pair_until_four_more_came() {
        let shown = ShownKeys::default();
        shown.note(&claim("away.example", 0));
        assert!(shown.contains(&claim("away.example", 0)));
        assert!(!shown.contains(&claim("victim.example", 0)) && !shown.contains(&claim("away.example", 1)));
        (1..=STREAMS_PER_PAIR).for_each(|id| shown.note(&claim("away.example", id)));
        assert!(!shown.contains(&claim("away.example", 0)) && shown.contains(&claim("away.example", 1)));
    }
}
