//! What a filter shares with its other instances through the host, and what the operator shows it: by handles from `configure`.

use std::time::Duration;

use crate::{BucketError, host};

/// A counter in the operator's metrics. It goes on counting across reloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter(pub(crate) u32);

impl Counter {
    /// Adds `n`.
    pub fn add(self, n: u64) {
        host::counter_add(self.0, n);
    }
}

/// Token buckets, one per key. All instances of the filter take from the same ones, and a reload leaves them as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limiter(pub(crate) u32);

impl Limiter {
    /// Takes one token of the key's bucket; `false` when it is empty.
    pub fn take(self, key: &str) -> bool {
        self.take_many(key, 1)
    }

    /// Takes `n` tokens if there are so many, else none.
    pub fn take_many(self, key: &str, n: u32) -> bool {
        host::limiter_take(self.0, key, n)
    }

    /// Takes `n` tokens in any case, and returns after how many milliseconds the bucket would have held them, 0 if it did: what
    /// [`Verdict::delay`](crate::Verdict::delay) waits for. At most 10,000; what a key owes beyond that is forgotten.
    pub fn owe(self, key: &str, n: u32) -> u32 {
        host::limiter_owe(self.0, key, n)
    }
}

/// A list of the operator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List(pub(crate) u32);

impl List {
    /// Whether the list has exactly this entry.
    pub fn contains(self, value: &str) -> bool {
        host::list_contains(self.0, value)
    }

    /// Whether an entry covers this address or domain; see [`lookup`](Self::lookup).
    pub fn covers(self, address: &str) -> bool {
        self.lookup(address).is_some()
    }

    /// The note of the most specific entry that covers an address or domain: the full JID, the bare JID, the domain, then `*.parent`
    /// for each parent domain. An entry without a note gives an empty one.
    pub fn lookup(self, address: &str) -> Option<String> {
        host::list_lookup(self.0, address)
    }
}

/// Small values by key, shared by all instances and by every filter with the same grant.
///
/// An entry ends with its time to live, or earlier where room is needed: nothing here is for ever. A time of zero is the longest
/// the host keeps; parts of a second count as a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket(pub(crate) u32);

impl Bucket {
    /// The value of a key.
    pub fn get(self, key: &str) -> Option<Vec<u8>> {
        host::bucket_get(self.0, key)
    }

    /// Keeps a value, in the place of the one of this key.
    pub fn set(self, key: &str, value: &[u8], ttl: Duration) -> Result<(), BucketError> {
        host::bucket_set(self.0, key, value, seconds(ttl))
    }

    /// Forgets a key.
    pub fn delete(self, key: &str) {
        host::bucket_delete(self.0, key);
    }

    /// Adds to a number, an absent one being 0, and returns the sum. The time to live counts from the first of them.
    pub fn increment(self, key: &str, by: i64, ttl: Duration) -> Result<i64, BucketError> {
        host::bucket_increment(self.0, key, by, seconds(ttl))
    }
}

fn seconds(ttl: Duration) -> u32 {
    let whole = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
    u32::try_from(whole).unwrap_or(u32::MAX)
}
