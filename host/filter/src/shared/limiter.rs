//! Token buckets by key.

use std::hash::{BuildHasher, RandomState};

use super::table::{SHARDS, Shards, Table};

/// Keys that one limiter remembers. A bucket takes some 64 bytes, whatever its key: only a hash of that is kept.
const KEYS_MAX: usize = 65_536;

/// A clock that goes back by more was set; by less, two threads read it in turn.
const CLOCK_SET_MS: u64 = 1_000;

/// As long as a stream can be told to wait: `Verdict::DELAY_MAX`.
const OWED_MS_MAX: f64 = 10_000.0;

/// How fast the buckets of a limiter fill, and how far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    burst: f64,
    per_second: f64,
}

impl Rate {
    /// Takes numbers that make sense together.
    pub fn new(burst: u32, per_second: f64) -> Result<Self, String> {
        if burst == 0 {
            return Err("a burst of 0 lets nothing through".to_owned());
        }
        if !(per_second.is_finite() && per_second >= 0.0) {
            return Err(format!("{per_second} is no number of tokens per second"));
        }
        Ok(Self { burst: f64::from(burst), per_second })
    }
}

/// The buckets of one limiter of one filter.
#[derive(Debug, Default)]
pub struct Limiter {
    shards: Shards<Table<u128, Level>>,
    hashers: (RandomState, RandomState),
}

/// What a bucket held at a time; below 0 what is owed to it.
#[derive(Clone, Copy, Debug)]
struct Level {
    tokens: f64,
    at_ms: u64,
}

impl Level {
    fn at(self, now_ms: u64, rate: Rate) -> Level {
        if now_ms < self.at_ms && self.at_ms - now_ms < CLOCK_SET_MS {
            return self;
        }
        let new = now_ms.saturating_sub(self.at_ms) as f64 / 1_000.0 * rate.per_second;
        Level { tokens: (self.tokens + new).min(rate.burst), at_ms: now_ms }
    }
}

impl Limiter {
    /// Takes `n` tokens of the bucket of this key, if it holds so many. A bucket that nobody has taken from is full; where there
    /// are too many, the fullest of a few is forgotten.
    pub fn take(&self, rate: Rate, key: &str, n: u32, now_ms: u64) -> bool {
        let n = f64::from(n);
        if n > rate.burst {
            return false;
        }
        let key = self.hash(key);
        let mut table = self.shards.of(&key);
        if let Some(level) = table.get_mut(&key) {
            *level = level.at(now_ms, rate);
            let enough = level.tokens >= n;
            if enough {
                level.tokens -= n;
            }
            return enough;
        }
        add(&mut table, key, Level { tokens: rate.burst - n, at_ms: now_ms }, rate);
        true
    }

    /// Takes `n` tokens in any case, and returns after how many milliseconds the bucket would have held so many. A key never owes more
    /// than comes in the longest wait: whoever waits is even then.
    pub fn owe(&self, rate: Rate, key: &str, n: u32, now_ms: u64) -> u32 {
        let key = self.hash(key);
        let mut table = self.shards.of(&key);
        let known = table.get_mut(&key);
        // Another thread may have read the clock later: the time up to then is counted already.
        let full = Level { tokens: rate.burst, at_ms: now_ms };
        let before = known.as_ref().map_or(full, |level| level.at(now_ms, rate));
        let left = before.tokens - f64::from(n);
        let level = Level { tokens: left.max(-rate.per_second * OWED_MS_MAX / 1_000.0), ..before };
        match known {
            Some(known) => *known = level,
            None => add(&mut table, key, level, rate),
        }
        match left < 0.0 {
            true => (-left / rate.per_second * 1_000.0).ceil().min(OWED_MS_MAX) as u32,
            false => 0,
        }
    }

    /// 128 secret bits: nobody finds two keys of one bucket.
    fn hash(&self, key: &str) -> u128 {
        u128::from(self.hashers.0.hash_one(key)) << 64 | u128::from(self.hashers.1.hash_one(key))
    }

    #[cfg(test)]
    fn keys(&self) -> usize {
        (0..).map_while(|shard| self.shards.nth(shard)).map(|table| table.len()).sum()
    }
}

/// Adds a key that is not there yet. Where there are too many, the fullest of a few goes.
fn add(table: &mut Table<u128, Level>, key: u128, new: Level, rate: Rate) {
    if table.len() >= KEYS_MAX / SHARDS {
        table.evict(|level| -level.at(new.at_ms, rate).tokens);
    }
    table.insert(key, new);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(burst: u32, per_second: f64) -> Rate {
        Rate::new(burst, per_second).unwrap()
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_as_it_fills() {
        let (limiter, rate) = (Limiter::default(), rate(3, 2.0));
        let take = |n, now| limiter.take(rate, "k", n, now);
        assert_eq!([take(1, 0), take(2, 0), take(1, 0), take(1, 499)], [true, true, false, false]);
        assert_eq!([take(1, 500), take(1, 500), take(4, 90_000), take(3, 90_000)], [true, false, false, true]);
    }

    #[test]
    fn each_key_has_its_own_bucket() {
        let (limiter, rate) = (Limiter::default(), rate(1, 0.0));
        assert!(limiter.take(rate, "a", 1, 0) && limiter.take(rate, "b", 1, 0));
        assert!(!limiter.take(rate, "a", 1, u64::MAX));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_it() {
        let (limiter, rate) = (Limiter::default(), rate(1, 1.0));
        assert!(limiter.take(rate, "k", 1, 1_000_000));
        assert!(!limiter.take(rate, "k", 1, 5_000));
        assert!(limiter.take(rate, "k", 1, 6_000));
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_forgets_full_buckets_first() {
        let (limiter, slow) = (Limiter::default(), rate(1_000, 0.001));
        assert!(limiter.take(slow, "spent", 1_000, 0));
        for n in 0..3 * KEYS_MAX {
            assert!(limiter.take(slow, &n.to_string(), 1, 0));
        }
        assert!(limiter.keys() <= KEYS_MAX);
        assert!(!limiter.take(slow, "spent", 1, 0));
    }

    #[test]
    fn what_is_owed_is_told_in_time_and_whoever_waits_keeps_the_rate() {
        let (limiter, rate) = (Limiter::default(), rate(2, 4.0));
        let owe = |n, now| limiter.owe(rate, "k", n, now);
        assert_eq!([owe(2, 0), owe(1, 0), owe(1, 0), owe(1, 500), owe(0, 750)], [0, 250, 500, 250, 0]);
        assert!(!limiter.take(rate, "k", 1, 750) && limiter.take(rate, "k", 1, 1_000));
    }

    #[test]
    fn who_goes_on_owing_has_one_bucket_and_is_not_forgotten() {
        let (limiter, slow) = (Limiter::default(), rate(1, 0.1));
        for _ in 0..10_000 {
            limiter.owe(slow, "k", 1, 0);
        }
        assert_eq!((limiter.keys(), limiter.owe(slow, "k", 0, 0)), (1, 10_000));
    }

    #[test]
    fn nobody_owes_more_than_the_longest_wait() {
        let (limiter, slow, still) = (Limiter::default(), rate(1, 0.5), rate(1, 0.0));
        assert_eq!([limiter.owe(slow, "k", u32::MAX, 0), limiter.owe(slow, "k", 1, 10_000)], [10_000, 2_000]);
        assert_eq!([limiter.owe(still, "s", 1, 0), limiter.owe(still, "s", 1, 0)], [0, 10_000]);
        assert!(!limiter.take(still, "s", 1, u64::MAX));
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for per_second in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(Rate::new(1, per_second).is_err());
        }
        assert!(Rate::new(0, 1.0).is_err());
    }
}
