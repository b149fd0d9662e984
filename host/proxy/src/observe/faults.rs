//! Stanzas on which a filter failed, kept with all that it takes to see it fail again: `refrain replay` plays them.
//!
//! receive → **faults** → `control::fault_files`, the admin route

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use refrain_filter::{Direction, Fault, Relation};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;
/// An operator looks at the last ones.
const KEPT_MAX: usize = 16;
/// Stanzas and settings may be large.
const KEPT_BYTES_MAX: usize = 8 << 20;
/// Faults that are known and not kept again. A filter that words each of its traps otherwise is forgotten and kept anew.
const KNOWN_MAX: usize = 1_024;

/// A stanza on which a filter failed, with its words: they are what it failed on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FaultBundle {
    /// [`VERSION`].
    pub version: u32,
    /// The trace id of the stanza.
    pub id: String,
    /// Which way it crossed.
    pub direction: Direction,
    /// When: milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// What its two ends were to each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<Relation>,
    /// The filter that failed.
    pub filter: String,
    /// Its code, as hexadecimal SHA-256.
    pub digest: String,
    /// Its settings.
    pub settings: serde_json::Value,
    /// One of [`Fault::CAUSES`].
    pub cause: String,
    /// How it failed, as a sentence that goes on from its name.
    pub fault: String,
    /// The stanza as it was when the filter was asked.
    pub stanza: String,
}

/// What tells one fault from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FaultKey {
    /// The generation it happened in.
    pub generation: u64,
    /// The filter.
    pub filter: Arc<str>,
    /// The cause.
    pub cause: &'static str,
    /// The text of the trap.
    pub text: String,
}

/// The last faults of this run, each kind once.
#[derive(Debug, Default)]
pub struct FaultStore {
    kept: Mutex<Kept>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    known: HashSet<FaultKey>,
    bundles: VecDeque<Arc<FaultBundle>>,
    bytes: usize,
    /// How many were ever kept.
    count: u64,
}

impl FaultKey {
    /// The key of a fault; `None` of an open circuit, which says nothing about the stanza.
    pub fn of(generation: u64, filter: &Arc<str>, fault: &Fault) -> Option<Self> {
        let (cause, filter) = (Fault::CAUSES[fault.cause()], filter.clone());
        (*fault != Fault::CircuitOpen).then(|| FaultKey { generation, filter, cause, text: fault.to_string() })
    }
}

impl FaultStore {
    /// Keeps what `bundle` makes, unless a fault of this key was kept already.
    pub fn keep(&self, key: FaultKey, bundle: impl FnOnce() -> FaultBundle) {
        let mut kept = self.lock();
        if kept.known.contains(&key) {
            return;
        }
        if kept.known.len() == KNOWN_MAX {
            kept.known.clear();
        }
        kept.known.insert(key);
        kept.add(bundle());
        drop(kept);
        self.added.notify_one();
    }

    /// The last bundles, oldest first.
    pub fn bundles(&self) -> Vec<Arc<FaultBundle>> {
        self.lock().bundles.iter().cloned().collect()
    }

    /// Waits until there are bundles that one who has seen `seen` of them has not; returns those that are still kept, and how
    /// many there were in all.
    pub async fn newer(&self, seen: u64) -> (Vec<Arc<FaultBundle>>, u64) {
        loop {
            {
                let kept = self.lock();
                let new = usize::try_from(kept.count - seen).unwrap_or(usize::MAX).min(kept.bundles.len());
                if new > 0 {
                    let bundles = kept.bundles.iter().skip(kept.bundles.len() - new).cloned().collect();
                    return (bundles, kept.count);
                }
            }
            self.added.notified().await;
        }
    }

    /// A panic while it was locked left counts that are off by one bundle at most.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn add(&mut self, bundle: FaultBundle) {
        self.count += 1;
        self.bytes += bundle.stanza.len();
        self.bundles.push_back(Arc::new(bundle));
        while self.bundles.len() > KEPT_MAX || (self.bytes > KEPT_BYTES_MAX && self.bundles.len() > 1) {
            let gone = self.bundles.pop_front();
            self.bytes -= gone.map_or(0, |gone| gone.stanza.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(stanza: String) -> FaultBundle {
        FaultBundle {
            version: VERSION,
            id: "a-1".to_owned(),
            direction: Direction::Inbound,
            now_ms: 1,
            relation: None,
            filter: "spim".to_owned(),
            digest: "d".to_owned(),
            settings: serde_json::json!({}),
            cause: "trap".to_owned(),
            fault: "trapped".to_owned(),
            stanza,
        }
    }

    fn key(text: &str) -> FaultKey {
        FaultKey::of(1, &"spim".into(), &Fault::Trap(text.to_owned())).unwrap()
    }

    #[test]
    fn each_kind_of_fault_is_kept_once() {
        let store = FaultStore::default();
        store.keep(key("a"), || bundle("1".to_owned()));
        store.keep(key("a"), || panic!("known already"));
        store.keep(key("b"), || bundle("2".to_owned()));
        let kept: Vec<String> = store.bundles().iter().map(|bundle| bundle.stanza.clone()).collect();
        assert_eq!(kept, ["1", "2"]);
        assert!(FaultKey::of(1, &"spim".into(), &Fault::CircuitOpen).is_none());
    }

    #[test]
    fn the_last_sixteen_are_kept_and_fewer_of_large_ones() {
        let store = FaultStore::default();
        for n in 0..40 {
            store.keep(key(&n.to_string()), || bundle(n.to_string()));
        }
        let bundles = store.bundles();
        assert_eq!((bundles.len(), &*bundles[15].stanza), (16, "39"));
        for n in 0..3 {
            store.keep(key(&format!("large {n}")), || bundle("x".repeat(KEPT_BYTES_MAX / 2)));
        }
        assert_eq!(store.bundles().len(), 2);
    }

    #[tokio::test]
    async fn who_waits_gets_what_is_new() {
        let store = FaultStore::default();
        store.keep(key("a"), || bundle("1".to_owned()));
        let (new, seen) = store.newer(0).await;
        assert_eq!((new.len(), seen), (1, 1));
        store.keep(key("b"), || bundle("2".to_owned()));
        let (new, seen) = store.newer(seen).await;
        assert_eq!((&*new[0].stanza, seen), ("2", 2));
    }
}
