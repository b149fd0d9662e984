//! Pairs of addresses that met, each by a secret hash, and when they last did.
//!
//! Bounded: of many, those that met longest ago go first. Whoever keeps them on disk asks for what has [changed](Pairs::take_changes).

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Mutex, MutexGuard};

use super::lock;
use super::table::{SHARDS, Table};

/// A pair that meets often is noted so seldom: what is kept is for months, and every note is a write.
const RENEWED_EVERY_S: u32 = 24 * 60 * 60;

/// What stands for a pair of addresses: 128 bits that nobody can guess who does not have the secret they were made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PairKey([u64; 2]);

impl From<u128> for PairKey {
    fn from(bits: u128) -> Self {
        PairKey([(bits >> 64) as u64, bits as u64])
    }
}

impl From<PairKey> for u128 {
    fn from(PairKey([high, low]): PairKey) -> Self {
        u128::from(high) << 64 | u128::from(low)
    }
}

impl Hash for PairKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[1]);
    }
}

/// The hash of what is a hash already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }
}

type Direct = BuildHasherDefault<AsItIs>;

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

/// What the disk does not know yet.
#[derive(Debug, Default)]
enum Unwritten {
    /// There is no disk.
    #[default]
    Untold,
    /// These have changed.
    Some(HashSet<PairKey, Direct>),
    /// More than is worth telling apart, or the disk has lost what it knew.
    All,
}

/// What is to be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Whether these are all there are, and what was written before is void.
    pub is_all: bool,
    /// When each pair last met; none if it is forgotten.
    pub rows: Vec<(u128, Option<u32>)>,
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

/// For whoever keeps them on disk.
impl Pairs {
    /// From now on, what changes is noted for [`take_changes`](Self::take_changes).
    pub fn note_changes(&self) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            if matches!(shard.unwritten, Unwritten::Untold) {
                shard.unwritten = Unwritten::Some(shard.table.iter().map(|(key, _)| *key).collect());
            }
        }
    }

    /// Notes that the disk knows nothing any more.
    pub fn rewrite(&self) {
        self.shards.iter().for_each(|shard| lock(shard).unwritten = Unwritten::All);
    }

    /// Returns what the disk does not know yet. What could not be written is [put back](Self::put_back).
    pub fn take_changes(&self) -> Changes {
        if self.shards.iter().any(|shard| matches!(lock(shard).unwritten, Unwritten::All)) {
            self.rewrite();
        }
        let mut changes = Changes::default();
        for shard in &self.shards {
            let mut shard = lock(shard);
            match std::mem::take(&mut shard.unwritten) {
                Unwritten::Untold => continue,
                Unwritten::Some(keys) => {
                    let met = |key: &PairKey| shard.table.get(key).map(|seen| seen.met_s);
                    changes.rows.extend(keys.iter().map(|key| (u128::from(*key), met(key))));
                }
                Unwritten::All => {
                    changes.is_all = true;
                    changes.rows.extend(shard.table.iter().map(|(key, seen)| (u128::from(*key), Some(seen.met_s))));
                }
            }
            shard.unwritten = Unwritten::Some(HashSet::default());
        }
        changes
    }

    /// Takes back what could not be written.
    pub fn put_back(&self, changes: &Changes, limits: PairsLimits) {
        if changes.is_all {
            return self.rewrite();
        }
        for (key, _) in &changes.rows {
            let key = PairKey::from(*key);
            self.shard(key).changed(key, limits);
        }
    }

    /// Takes up a pair that the disk knows. What changed since is newer. Returns how many others were forgotten for it, as by
    /// [`meet`](Self::meet).
    pub fn take_up(&self, key: u128, met_s: u32, limits: PairsLimits, now_s: u32) -> usize {
        let (key, seen) = (PairKey::from(key), Seen::at(met_s));
        let mut shard = self.shard(key);
        if shard.unwritten.has(key) {
            return 0;
        }
        if seen.is_over(limits, now_s) {
            // The disk may forget it, too.
            shard.note(key);
        } else if shard.table.get(&key).is_none() {
            shard.table.insert(key, seen);
        }
        shard.make_room(limits, 0)
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

    /// Notes a change, unless there are so many that all is to be written anew: a disk that stays full must not cost the memory.
    fn changed(&mut self, key: PairKey, limits: PairsLimits) {
        self.note(key);
        if matches!(&self.unwritten, Unwritten::Some(keys) if keys.len() > 2 * per_shard(limits)) {
            self.unwritten = Unwritten::All;
        }
    }

    /// Likewise, of what there is no more of than the memory or the disk has had.
    fn note(&mut self, key: PairKey) {
        if let Unwritten::Some(keys) = &mut self.unwritten {
            keys.insert(key);
        }
    }
}

impl Unwritten {
    fn has(&self, key: PairKey) -> bool {
        match self {
            Unwritten::Untold => false,
            Unwritten::Some(keys) => keys.contains(&key),
            Unwritten::All => true,
        }
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
mod tests {
    use super::*;

    const DAY: u32 = 24 * 60 * 60;
    const LIMITS: PairsLimits = PairsLimits { ttl_s: 10 * DAY, pairs_max: 1_600 };

    /// Spread as real keys are.
    fn key(n: u64) -> PairKey {
        PairKey([n, n.wrapping_mul(0x9e37_79b9_7f4a_7c15)])
    }

    fn fill(pairs: &Pairs, numbers: std::ops::Range<u64>, now_s: u32) -> usize {
        numbers.map(|n| pairs.meet(key(n), LIMITS, now_s)).sum()
    }

    #[test]
    fn a_pair_is_remembered_for_its_time_and_renewed_once_a_day() {
        let pairs = Pairs::default();
        let met = |now| pairs.get(key(1), LIMITS, now).map(|met| (met.at_s, met.is_old_news));
        assert_eq!(met(DAY), None);
        pairs.meet(key(1), LIMITS, DAY);
        assert_eq!([met(DAY), met(2 * DAY)], [Some((DAY, false)), Some((DAY, true))]);
        assert_eq!([met(11 * DAY), met(11 * DAY + 1)], [Some((DAY, true)), None]);
        pairs.meet(key(1), LIMITS, 3 * DAY);
        assert_eq!(met(13 * DAY), Some((3 * DAY, true)));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_it_old_news() {
        let pairs = Pairs::default();
        pairs.meet(key(1), LIMITS, 100 * DAY);
        assert_eq!(pairs.get(key(1), LIMITS, DAY), Some(Met { at_s: 100 * DAY, is_old_news: true }));
    }

    #[test]
    fn a_flood_of_pairs_is_bounded_and_the_oldest_go() {
        let pairs = Pairs::default();
        fill(&pairs, 0..1_000, 1);
        let evicted = fill(&pairs, 1_000..50_000, 2);
        assert_eq!((pairs.len(), evicted), (1_600, 50_000 - 1_600));
        assert!((0..1_000).all(|n| pairs.get(key(n), LIMITS, 2).is_none()));
    }

    #[test]
    fn a_sweep_forgets_what_is_over_and_what_is_too_much() {
        let pairs = Pairs::default();
        fill(&pairs, 0..800, DAY);
        fill(&pairs, 800..1_600, 5 * DAY);
        let sweep = |limits| -> usize { (0..Pairs::SWEEP_TURNS).map(|turn| pairs.sweep(turn, limits, 12 * DAY)).sum() };
        assert_eq!((sweep(LIMITS), pairs.len()), (800, 800));
        assert_eq!((sweep(PairsLimits { pairs_max: 160, ..LIMITS }), pairs.len()), (640, 160));
    }

    #[test]
    fn only_what_changed_is_written() {
        let pairs = Pairs::default();
        pairs.meet(key(1), LIMITS, 1);
        assert_eq!(pairs.take_changes(), Changes::default(), "nobody keeps them");
        pairs.note_changes();
        assert_eq!(pairs.take_changes().rows, [(key(1).into(), Some(1))]);
        assert_eq!(pairs.take_changes().rows, []);
        pairs.part(key(1), LIMITS);
        let changes = pairs.take_changes();
        assert_eq!(changes.rows, [(key(1).into(), None)]);
        pairs.put_back(&changes, LIMITS);
        assert_eq!(pairs.take_changes(), changes);
    }

    #[test]
    fn a_disk_that_lost_what_it_knew_gets_all_of_it() {
        let pairs = Pairs::default();
        pairs.note_changes();
        fill(&pairs, 0..100, 1);
        pairs.take_changes();
        pairs.rewrite();
        let changes = pairs.take_changes();
        assert_eq!((changes.is_all, changes.rows.len()), (true, 100));
        assert_eq!(pairs.take_changes(), Changes::default());
    }

    #[test]
    fn what_waits_for_a_full_disk_is_bounded() {
        let pairs = Pairs::default();
        pairs.note_changes();
        fill(&pairs, 0..100_000, 1);
        let changes = pairs.take_changes();
        assert_eq!((changes.is_all, changes.rows.len()), (true, 1_600));
    }

    #[test]
    fn what_was_kept_is_taken_up_unless_something_newer_is_known() {
        let pairs = Pairs::default();
        pairs.note_changes();
        pairs.meet(key(1), LIMITS, 5 * DAY);
        pairs.meet(key(2), LIMITS, 5 * DAY);
        pairs.part(key(2), LIMITS);
        (1..5).for_each(|n| assert_eq!(pairs.take_up(key(n).into(), 2 * DAY, LIMITS, 6 * DAY), 0));
        pairs.take_up(key(5).into(), DAY, LIMITS, 20 * DAY);
        let met = |n| pairs.get(key(n), LIMITS, 6 * DAY).map(|met| met.at_s / DAY);
        assert_eq!([met(1), met(2), met(3), met(4), met(5)], [Some(5), None, Some(2), Some(2), None]);
        let mut rows = pairs.take_changes().rows;
        rows.sort_unstable();
        assert_eq!(rows, [(key(1).into(), Some(5 * DAY)), (key(2).into(), None), (key(5).into(), None)]);
    }
    #[test]
    fn of_what_was_kept_the_oldest_go_where_it_is_too_much() {
        const LESS: PairsLimits = PairsLimits { pairs_max: 160, ..LIMITS };
        let pairs = Pairs::default();
        pairs.note_changes();
        let evicted: usize = (0..1_600).map(|n| pairs.take_up(key(n).into(), n as u32, LESS, 1_600)).sum();
        assert_eq!((evicted, pairs.len()), (1_440, 160));
        assert!((0..1_200).all(|n| pairs.get(key(n), LESS, 1_600).is_none()), "the newest stay");
        let changes = pairs.take_changes();
        assert_eq!((changes.is_all, changes.rows.len()), (false, 1_440), "and the disk forgets the others");
    }

    #[test]
    fn each_probe_is_answered_once() {
        let pairs = Pairs::default();
        pairs.meet(key(1), LIMITS, 1);
        [2, 3].iter().for_each(|now| pairs.note_probe(key(1), *now));
        assert_eq!([(); 3].map(|()| pairs.take_probe(key(1))), [Some(3), Some(3), None]);
        pairs.note_probe(key(1), 4);
        pairs.forget_probes(key(1));
        assert_eq!(pairs.take_probe(key(1)), None);
    }
}
