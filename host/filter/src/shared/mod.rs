//! What filters share beyond one instance and one chain: token buckets, values, counters. Owned by the engine, so a reload does
//! not empty it; bounded throughout, so a filter cannot fill the process with it.
//!
//! Time is the stanza's, never the clock's: the same stanzas at the same times meet the same answers.

mod bucket;
mod counter;
mod limiter;
mod pairs;
mod table;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use bucket::{Bucket, KvError};
pub use counter::{Counter, FilterCounter};
pub use limiter::{Limiter, Rate};
pub use pairs::{Changes, Met, PairKey, Pairs, PairsLimits};

/// Token buckets of one name; of all filters over all reloads.
const LIMITERS_MAX: usize = 1_024;
/// Operators name buckets one by one.
const BUCKETS_MAX: usize = 256;
/// Of one filter, over all its reloads with other settings.
const COUNTERS_MAX: usize = 256;

/// A filter's name, and the name it gave.
type OfFilter = (Arc<str>, String);

/// The state of filters that outlives them. Chains that are built in the same one share it; a chain that must leave no trace in
/// what is live is built in one of its own.
#[derive(Debug, Default)]
pub struct Shared {
    limiters: Mutex<BTreeMap<OfFilter, Arc<Limiter>>>,
    buckets: Mutex<BTreeMap<String, Arc<Bucket>>>,
    counters: Mutex<BTreeMap<OfFilter, Arc<Counter>>>,
}

impl Shared {
    /// Returns what filters counted, in the order of their names.
    pub fn counters(&self) -> Vec<FilterCounter> {
        let counters = lock(&self.counters);
        let reading = |((filter, name), counter): (&OfFilter, &Arc<Counter>)| counter.read(filter, name);
        counters.iter().map(reading).collect()
    }

    /// Returns the limiter of a filter by its name, new or known.
    pub fn limiter(&self, filter: &Arc<str>, name: &str) -> Result<Arc<Limiter>, String> {
        let full = || format!("there are {LIMITERS_MAX} limiters already");
        find_or_make(&mut lock(&self.limiters), (filter.clone(), name.to_owned()), LIMITERS_MAX).ok_or_else(full)
    }

    /// Returns the bucket of a name, new or known.
    pub fn bucket(&self, name: &str) -> Result<Arc<Bucket>, String> {
        let full = || format!("there are {BUCKETS_MAX} buckets already");
        find_or_make(&mut lock(&self.buckets), name.to_owned(), BUCKETS_MAX).ok_or_else(full)
    }

    /// Returns the counter of a filter by its name, new or known.
    pub fn counter(&self, filter: &Arc<str>, name: &str, help: &str) -> Result<Arc<Counter>, String> {
        let mut counters = lock(&self.counters);
        if let Some(known) = counters.get(&(filter.clone(), name.to_owned())) {
            return Ok(known.clone());
        }
        if counters.keys().filter(|(of, _)| of == filter).count() >= COUNTERS_MAX {
            return Err(format!("the filter has had {COUNTERS_MAX} counters already"));
        }
        let counter = Arc::new(Counter::new(help));
        counters.insert((filter.clone(), name.to_owned()), counter.clone());
        Ok(counter)
    }
}

/// Returns what has this name, or makes it. Where there are too many, those go that no chain holds any more.
fn find_or_make<K: Ord, V: Default>(all: &mut BTreeMap<K, Arc<V>>, key: K, max: usize) -> Option<Arc<V>> {
    if let Some(known) = all.get(&key) {
        return Some(known.clone());
    }
    if all.len() >= max {
        all.retain(|_, value| Arc::strong_count(value) > 1);
    }
    (all.len() < max).then(|| all.entry(key).or_default().clone())
}

/// A panic while it was locked left every entry whole: each is written in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_is_the_same_state_for_all_who_ask() {
        let shared = Shared::default();
        let (spim, other): (Arc<str>, Arc<str>) = ("spim".into(), "other".into());
        let limiter = shared.limiter(&spim, "rate").unwrap();
        assert!(Arc::ptr_eq(&limiter, &shared.limiter(&spim, "rate").unwrap()));
        assert!(!Arc::ptr_eq(&limiter, &shared.limiter(&other, "rate").unwrap()));
        assert!(Arc::ptr_eq(&shared.bucket("b").unwrap(), &shared.bucket("b").unwrap()));
    }

    #[test]
    fn names_are_bounded_and_those_in_use_stay() {
        let shared = Shared::default();
        let kept: Vec<_> = (0..BUCKETS_MAX).map(|n| shared.bucket(&n.to_string()).unwrap()).collect();
        assert_eq!(shared.bucket("one more").unwrap_err(), "there are 256 buckets already");
        drop(kept);
        assert!(shared.bucket("one more").is_ok());
    }

    #[test]
    fn counters_go_on_counting_and_are_bounded_by_filter() {
        let shared = Shared::default();
        let filter: Arc<str> = "spim".into();
        shared.counter(&filter, "seen", "Seen.").unwrap().add(2);
        shared.counter(&filter, "seen", "Seen.").unwrap().add(3);
        let read = shared.counters();
        assert_eq!((&*read[0].filter, &*read[0].name, &*read[0].help, read[0].value), ("spim", "seen", "Seen.", 5));
        for n in 1..COUNTERS_MAX {
            shared.counter(&filter, &format!("c{n}"), "").unwrap();
        }
        assert!(shared.counter(&filter, "one_more", "").is_err());
        assert!(shared.counter(&"other".into(), "one_more", "").is_ok());
    }
}
