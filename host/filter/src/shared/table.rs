//! A map from which, when it is full, what is least worth keeping goes; and a set of them, so that threads seldom meet.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard};

use super::lock;

/// Threads at once are as many as processors; twice eight of them seldom meet.
pub(super) const SHARDS: usize = 16;

/// Entries looked at to find the one that goes: enough to find a poor one, few enough to cost no call its time.
const SAMPLE: usize = 16;

/// Tables by the hash of the key, each behind its own lock.
#[derive(Debug)]
pub(super) struct Shards<T> {
    shards: [Mutex<T>; SHARDS],
    hasher: RandomState,
}

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl<T> Shards<T> {
    pub(super) fn of(&self, key: &(impl Hash + ?Sized)) -> MutexGuard<'_, T> {
        lock(&self.shards[self.hasher.hash_one(key) as usize % SHARDS])
    }

    #[cfg(test)]
    pub(super) fn nth(&self, index: usize) -> Option<MutexGuard<'_, T>> {
        self.shards.get(index).map(lock)
    }
}

/// A map whose entries can be gone through in turn.
#[derive(Debug)]
pub(super) struct Table<K, V, S = RandomState> {
    places: HashMap<K, usize, S>,
    entries: Vec<(K, V)>,
    /// Where the next sample begins.
    hand: usize,
}

impl<K, V, S: Default> Default for Table<K, V, S> {
    fn default() -> Self {
        Self { places: HashMap::default(), entries: Vec::new(), hand: 0 }
    }
}

impl<K: Hash + Eq + Clone, V, S: BuildHasher> Table<K, V, S> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let place = *self.places.get(key)?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let place = *self.places.get(key)?;
        self.entries.get(place).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &(K, V)> {
        self.entries.iter()
    }

    /// Adds an entry whose key is not there yet.
    pub(super) fn insert(&mut self, key: K, value: V) {
        let known = self.places.insert(key.clone(), self.entries.len());
        debug_assert!(known.is_none(), "the entry of a key that is there already would never go");
        self.entries.push((key, value));
    }

    pub(super) fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        let place = self.places.remove(key)?;
        let removed = self.entries.swap_remove(place);
        if let Some((moved, _)) = self.entries.get(place) {
            self.places.insert(moved.clone(), place);
        }
        Some(removed)
    }

    /// Takes out the entry of the least worth among the next few.
    pub(super) fn evict<W: PartialOrd>(&mut self, worth: impl Fn(&V) -> W) -> Option<(K, V)> {
        let len = self.entries.len();
        let mut poorest: Option<(usize, W)> = None;
        for place in (0..SAMPLE.min(len)).map(|step| (self.hand + step) % len) {
            let worth = worth(&self.entries[place].1);
            if poorest.as_ref().is_none_or(|(_, least)| worth < *least) {
                poorest = Some((place, worth));
            }
        }
        self.hand = self.hand.wrapping_add(SAMPLE) % len.max(1);
        let key = self.entries.get(poorest?.0)?.0.clone();
        self.remove(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_moved_by_a_removal_is_still_found() {
        let mut table: Table<i32, i32> = Table::default();
        (0..10).for_each(|n| table.insert(n, n * n));
        assert_eq!(table.remove(&3), Some((3, 9)));
        assert_eq!(table.remove(&3), None);
        assert_eq!((table.len(), table.get_mut(&9).copied(), table.get_mut(&8).copied()), (9, Some(81), Some(64)));
    }

    #[test]
    fn the_poorest_of_a_sample_goes() {
        let mut table: Table<i32, i32> = Table::default();
        (0..10).for_each(|n| table.insert(n, i32::abs(n - 4)));
        assert_eq!(table.evict(|value| *value), Some((4, 0)));
        (0..9).for_each(|_| assert!(table.evict(|value| *value).is_some()));
        assert_eq!(table.evict(|value| *value), None);
    }
}
