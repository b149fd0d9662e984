//! Pairs of addresses that met, each by a secret hash, and when they last did.
//!
//! Bounded: of many, those that met longest ago go first. Whoever keeps them on disk asks for what has [changed](Pairs::take_changes).

mod disk;
mod key;

use std::sync::{Mutex, MutexGuard};

pub use disk::Changes;
use disk::Unwritten;
use key::Direct;
pub use key::PairKey;

use super::lock;
use super::table::{SHARDS, Table};

/// A pair that meets often is noted so seldom: what is kept is for months, and every note is a write.
const RENEWED_EVERY_S: u32 = 24 * 60 * 60;

/// How many pairs are remembered, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairsLimits {
    /// Seconds since they last met.
    pub ttl_s: u32,
    /// All of them.
    pub pairs_max: usize,
}

/// A pair that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Met {
    /// When they last met, as far as it was noted: seconds since the Unix epoch.
    pub at_s: u32,
    /// Whether it is time to note it again.
    pub is_old_news: bool,
}

/// The pairs.
#[derive(Debug)]
pub struct Pairs {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    table: Table<PairKey, Seen, Direct>,
    unwritten: Unwritten,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    met_s: u32,
    /// When the remote one last asked for the presence of the local one, and how often without an answer; not kept on disk.
    probed_s: u32,
    probes: u8,
}

impl Default for Pairs {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl Pairs {
    /// Returns what is remembered of a pair.
    pub fn get(&self, key: PairKey, limits: PairsLimits, now_s: u32) -> Option<Met> {
        let seen = *self.shard(key).table.get(&key)?;
        let is_old_news = now_s.abs_diff(seen.met_s) >= RENEWED_EVERY_S;
        (!seen.is_over(limits, now_s)).then_some(Met { at_s: seen.met_s, is_old_news })
    }

    /// Remembers that a pair met. Returns how many others were forgotten for it: where there are too many, the one of a few that
    /// met longest ago.
    pub fn meet(&self, key: PairKey, limits: PairsLimits, now_s: u32) -> usize {
        let mut shard = self.shard(key);
        shard.changed(key, limits);
        if let Some(seen) = shard.table.get_mut(&key) {
            seen.met_s = now_s;
            return 0;
        }
        let evicted = shard.make_room(limits, 1);
        shard.table.insert(key, Seen::at(now_s));
        evicted
    }

    /// Notes that a pair met that is remembered; one that has parted meanwhile stays parted.
    pub fn renew(&self, key: PairKey, limits: PairsLimits, now_s: u32) {
        let mut shard = self.shard(key);
        if let Some(seen) = shard.table.get_mut(&key) {
            seen.met_s = now_s;
            shard.changed(key, limits);
        }
    }

    /// Forgets a pair. Returns whether it was remembered.
    pub fn part(&self, key: PairKey, limits: PairsLimits) -> bool {
        let mut shard = self.shard(key);
        let was_there = shard.table.remove(&key).is_some();
        if was_there {
            shard.changed(key, limits);
        }
        was_there
    }

    /// Notes that the remote one of a pair that is remembered asked for the presence of the local one: each of its clients may.
    pub fn note_probe(&self, key: PairKey, now_s: u32) {
        if let Some(seen) = self.shard(key).table.get_mut(&key) {
            (seen.probed_s, seen.probes) = (now_s, seen.probes.saturating_add(1));
        }
    }

    /// Returns when it last did, as often as it did: seconds since the Unix epoch.
    pub fn take_probe(&self, key: PairKey) -> Option<u32> {
        let mut shard = self.shard(key);
        let seen = shard.table.get_mut(&key).filter(|seen| seen.probes > 0)?;
        seen.probes -= 1;
        Some(seen.probed_s)
    }

    /// Notes that it was answered.
    pub fn forget_probes(&self, key: PairKey) {
        if let Some(seen) = self.shard(key).table.get_mut(&key) {
            seen.probes = 0;
        }
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).table.len()).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets those that met too long ago, and those that are too many, a part of the table at a time: the one that `turn` comes
    /// to. Returns how many.
    pub fn sweep(&self, turn: usize, limits: PairsLimits, now_s: u32) -> usize {
        let mut shard = lock(&self.shards[turn % SHARDS]);
        let over = shard.table.iter().filter(|(_, seen)| seen.is_over(limits, now_s));
        let over: Vec<PairKey> = over.map(|(key, _)| *key).collect();
        for key in &over {
            shard.table.remove(key);
            shard.changed(*key, limits);
        }
        over.len() + shard.make_room(limits, 0)
    }

    /// In how many turns [`sweep`](Self::sweep) comes to every pair.
    pub const SWEEP_TURNS: usize = SHARDS;

    fn shard(&self, key: PairKey) -> MutexGuard<'_, Shard> {
        lock(&self.shards[key.0[0] as usize % SHARDS])
    }
}

impl Shard {
    fn make_room(&mut self, limits: PairsLimits, wanted: usize) -> usize {
        let mut evicted = 0;
        while self.table.len() + wanted > per_shard(limits) {
            let Some((key, _)) = self.table.evict(|seen| seen.met_s) else { break };
            self.note(key);
            evicted += 1;
        }
        evicted
    }
}

impl Seen {
    fn at(met_s: u32) -> Self {
        Seen { met_s, probed_s: 0, probes: 0 }
    }

    fn is_over(self, limits: PairsLimits, now_s: u32) -> bool {
        now_s.saturating_sub(self.met_s) > limits.ttl_s
    }
}

fn per_shard(limits: PairsLimits) -> usize {
    (limits.pairs_max / SHARDS).max(1)
}

#[cfg(test)]
mod tests;
