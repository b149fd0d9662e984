//! What of the pairs a disk does not know yet, for whoever keeps them on one.

use std::collections::HashSet;

use super::key::Direct;
use super::{PairKey, Pairs, PairsLimits, Seen, Shard, per_shard};
use crate::shared::lock;

/// What the disk does not know yet.
#[derive(Debug, Default)]
pub(super) enum Unwritten {
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
    /// Notes a change, unless there are so many that all is to be written anew: a disk that stays full must not cost the memory.
    pub(super) fn changed(&mut self, key: PairKey, limits: PairsLimits) {
        self.note(key);
        if matches!(&self.unwritten, Unwritten::Some(keys) if keys.len() > 2 * per_shard(limits)) {
            self.unwritten = Unwritten::All;
        }
    }

    /// Likewise, of what there is no more of than the memory or the disk has had.
    pub(super) fn note(&mut self, key: PairKey) {
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
