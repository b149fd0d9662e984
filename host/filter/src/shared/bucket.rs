//! Small values by key, that instances and filters share for a while.

use std::sync::Arc;

use super::table::{SHARDS, Shards, Table};

/// What one bucket holds. A filter that needs more wants a database, which it does not get here.
const ENTRIES_MAX: usize = 65_536;
/// Bytes of keys and values, and what it takes to keep them.
const BYTES_MAX: usize = 16 << 20;
const ENTRY_BYTES: usize = 64;
const KEY_BYTES_MAX: usize = 1 << 10;
const VALUE_BYTES_MAX: usize = 4 << 10;
/// Thirty days.
const TTL_S_MAX: u32 = 30 * 86_400;
/// Of the smallest entries so many make room for the largest.
const EVICTIONS_MAX: usize = 2 * (KEY_BYTES_MAX + VALUE_BYTES_MAX) / ENTRY_BYTES;

/// Why a value was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvError {
    /// A key of more than 1 KiB or a value of more than 4 KiB.
    TooBig,
    /// The bucket is full, and no room could be made.
    Quota,
}

/// One bucket.
#[derive(Debug, Default)]
pub struct Bucket {
    shards: Shards<Shard>,
}

#[derive(Debug, Default)]
struct Shard {
    table: Table<Arc<str>, Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    ends_ms: u64,
}

impl Bucket {
    /// Returns the value of a key.
    pub fn get(&self, key: &str, now_ms: u64) -> Option<Vec<u8>> {
        self.shards.of(key).get(key, now_ms).map(|entry| entry.value.clone())
    }

    /// Keeps a value, in the place of the one of this key; 0 is the longest time.
    pub fn set(&self, key: &str, value: Vec<u8>, ttl_s: u32, now_ms: u64) -> Result<(), KvError> {
        if key.len() > KEY_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
            return Err(KvError::TooBig);
        }
        self.shards.of(key).put(key, Entry { value, ends_ms: end(now_ms, ttl_s) })
    }

    /// Forgets a key.
    pub fn delete(&self, key: &str) {
        self.shards.of(key).remove(key);
    }

    /// Adds to a decimal number and returns the sum, which stops at the ends of its range.
    pub fn increment(&self, key: &str, by: i64, ttl_s: u32, now_ms: u64) -> Result<i64, KvError> {
        if key.len() > KEY_BYTES_MAX {
            return Err(KvError::TooBig);
        }
        let mut shard = self.shards.of(key);
        let known = shard.get(key, now_ms).and_then(|entry| Some((entry.number()?, entry.ends_ms)));
        let (number, ends_ms) = known.unwrap_or((0, end(now_ms, ttl_s)));
        let sum = number.saturating_add(by);
        shard.put(key, Entry { value: sum.to_string().into_bytes(), ends_ms })?;
        Ok(sum)
    }
}

impl Entry {
    fn number(&self) -> Option<i64> {
        std::str::from_utf8(&self.value).ok()?.parse().ok()
    }
}

impl Shard {
    fn get(&mut self, key: &str, now_ms: u64) -> Option<&mut Entry> {
        if self.table.get_mut(key)?.ends_ms <= now_ms {
            self.remove(key);
        }
        self.table.get_mut(key)
    }

    /// Keeps an entry in the place of the one of its key. What ends soonest of a few goes where there is no room.
    fn put(&mut self, key: &str, entry: Entry) -> Result<(), KvError> {
        self.remove(key);
        let bytes = size(key, &entry);
        for _ in 0..EVICTIONS_MAX {
            if self.table.len() < ENTRIES_MAX / SHARDS && self.bytes + bytes <= BYTES_MAX / SHARDS {
                self.bytes += bytes;
                self.table.insert(key.into(), entry);
                return Ok(());
            }
            let gone = self.table.evict(|entry| entry.ends_ms);
            self.bytes -= gone.map_or(0, |(key, entry)| size(&key, &entry));
        }
        Err(KvError::Quota)
    }

    fn remove(&mut self, key: &str) {
        if let Some((key, entry)) = self.table.remove(key) {
            self.bytes -= size(&key, &entry);
        }
    }
}

fn size(key: &str, entry: &Entry) -> usize {
    ENTRY_BYTES + key.len() + entry.value.len()
}

fn end(now_ms: u64, ttl_s: u32) -> u64 {
    let ttl_s = if ttl_s == 0 { TTL_S_MAX } else { ttl_s.min(TTL_S_MAX) };
    now_ms.saturating_add(u64::from(ttl_s) * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_for_its_time() {
        let bucket = Bucket::default();
        bucket.set("k", b"v".to_vec(), 2, 1_000).unwrap();
        assert_eq!(bucket.get("k", 2_999).as_deref(), Some(&b"v"[..]));
        assert_eq!(bucket.get("k", 3_000), None);
        assert_eq!(bucket.shards.of("k").bytes, 0);
    }

    #[test]
    fn nothing_is_kept_longer_than_thirty_days() {
        let bucket = Bucket::default();
        for ttl_s in [0, u32::MAX] {
            bucket.set("k", Vec::new(), ttl_s, 0).unwrap();
            assert!(bucket.get("k", 30 * 86_400_000 - 1).is_some());
            assert!(bucket.get("k", 30 * 86_400_000).is_none());
        }
    }

    #[test]
    fn what_was_deleted_or_replaced_is_gone() {
        let bucket = Bucket::default();
        bucket.set("k", b"one".to_vec(), 0, 0).unwrap();
        bucket.set("k", b"two".to_vec(), 0, 0).unwrap();
        assert_eq!(bucket.get("k", 0).as_deref(), Some(&b"two"[..]));
        bucket.delete("k");
        assert_eq!((bucket.get("k", 0), bucket.shards.of("k").bytes), (None, 0));
    }

    #[test]
    fn numbers_are_added_to_and_keep_their_end() {
        let bucket = Bucket::default();
        assert_eq!(bucket.increment("n", 2, 1, 0), Ok(2));
        assert_eq!(bucket.increment("n", -5, 100, 999), Ok(-3));
        assert_eq!(bucket.increment("n", 1, 1, 1_000), Ok(1));
        assert_eq!(bucket.increment("n", i64::MAX, 1, 1_000), Ok(i64::MAX));
        bucket.set("n", b"none".to_vec(), 0, 0).unwrap();
        assert_eq!(bucket.increment("n", 1, 1, 0), Ok(1));
    }

    #[test]
    fn what_is_too_big_is_not_kept() {
        let bucket = Bucket::default();
        assert_eq!(bucket.set("k", vec![0; VALUE_BYTES_MAX + 1], 0, 0), Err(KvError::TooBig));
        assert_eq!(bucket.set(&"k".repeat(KEY_BYTES_MAX + 1), Vec::new(), 0, 0), Err(KvError::TooBig));
        assert_eq!(bucket.increment(&"k".repeat(KEY_BYTES_MAX + 1), 1, 0, 0), Err(KvError::TooBig));
        assert_eq!(bucket.set(&"k".repeat(KEY_BYTES_MAX), vec![0; VALUE_BYTES_MAX], 0, 0), Ok(()));
    }

    #[test]
    fn floods_of_entries_and_of_bytes_are_bounded() {
        for (value, entries) in
            [(Vec::new(), 2 * ENTRIES_MAX), (vec![0; VALUE_BYTES_MAX], 2 * BYTES_MAX / VALUE_BYTES_MAX)]
        {
            let bucket = Bucket::default();
            for n in 0..entries {
                assert_eq!(bucket.set(&n.to_string(), value.clone(), 0, n as u64), Ok(()));
            }
            let shards: Vec<_> = (0..SHARDS).filter_map(|shard| bucket.shards.nth(shard)).collect();
            assert!(shards.iter().map(|shard| shard.table.len()).sum::<usize>() <= ENTRIES_MAX);
            assert!(shards.iter().map(|shard| shard.bytes).sum::<usize>() <= BYTES_MAX);
        }
    }

    #[test]
    fn a_large_value_makes_its_room_among_small_ones() {
        let mut shard = Shard::default();
        let mut n = 0u32;
        while shard.bytes + 200 < BYTES_MAX / SHARDS && shard.table.len() + 1 < ENTRIES_MAX / SHARDS {
            n += 1;
            shard.put(&n.to_string(), Entry { value: vec![0; 190], ends_ms: 1 }).unwrap();
        }
        let large = Entry { value: vec![0; VALUE_BYTES_MAX], ends_ms: 2 };
        assert_eq!(shard.put(&"k".repeat(KEY_BYTES_MAX), large), Ok(()));
    }
}
