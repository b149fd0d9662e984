//! How long calls took: counts in buckets whose width grows with the time, so that a quantile is right to a quarter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets per doubling of the time.
const PARTS: usize = 4;
/// 2^6 ns: no call of a guest is faster.
const FIRST_POWER: u32 = 6;
/// 2^6 ns to 2^31 ns, which is two seconds: no deadline is longer.
const BUCKETS: usize = 25 * PARTS + 1;

/// Counts of durations, by one thread.
#[derive(Debug)]
pub(crate) struct Recorder([AtomicU64; BUCKETS]);

impl Default for Recorder {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

impl Recorder {
    /// One writer, so no read-modify-write is needed.
    #[inline]
    pub(crate) fn record(&self, nanos: u64) {
        let bucket = &self.0[bucket(nanos)];
        bucket.store(bucket.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(crate) fn add_to(&self, histogram: &mut Histogram) {
        for (total, bucket) in histogram.0.iter_mut().zip(&self.0) {
            *total += bucket.load(Ordering::Relaxed);
        }
    }
}

/// A distribution of durations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram([u64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Histogram {
    /// Adds one duration.
    pub fn record(&mut self, duration: Duration) {
        self.0[bucket(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))] += 1;
    }

    /// Returns how many durations were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns a time that this share (0 to 1) of the durations did not exceed, at most a quarter too long; zero when there are none.
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.0.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return Duration::from_nanos(upper_bound(index));
            }
        }
        Duration::ZERO
    }

    /// Returns what was counted since an earlier reading of the same counters.
    pub fn since(&self, earlier: &Histogram) -> Histogram {
        let mut since = self.clone();
        for (now, then) in since.0.iter_mut().zip(&earlier.0) {
            *now = now.saturating_sub(*then);
        }
        since
    }

    /// Adds all that another one counted.
    pub fn merge(&mut self, other: &Histogram) {
        for (total, count) in self.0.iter_mut().zip(&other.0) {
            *total += count;
        }
    }

    /// Goes through the buckets that are not empty: the longest time that fits, and the count.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let filled = self.0.iter().enumerate().filter(|(_, count)| **count > 0);
        filled.map(|(index, count)| (Duration::from_nanos(upper_bound(index)), *count))
    }
}

fn bucket(nanos: u64) -> usize {
    let power = nanos.max(1).ilog2();
    if power < FIRST_POWER {
        return 0;
    }
    // The two bits below the highest say in which quarter of the doubling it is.
    let part = (nanos >> (power - 2)) as usize & (PARTS - 1);
    (((power - FIRST_POWER) as usize) * PARTS + part + 1).min(BUCKETS - 1)
}

fn upper_bound(bucket: usize) -> u64 {
    match bucket.checked_sub(1) {
        None => 1 << FIRST_POWER,
        Some(index) => {
            let quarter = (1_u64 << (FIRST_POWER as usize + index / PARTS)) / PARTS as u64;
            quarter * (PARTS + index % PARTS + 1) as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_at_most_a_quarter_too_long() {
        for nanos in [64, 65, 100, 999, 1_000, 123_456, 5_000_000] {
            let mut histogram = Histogram::default();
            histogram.record(Duration::from_nanos(nanos));
            let found = histogram.quantile(0.5).as_nanos() as f64;
            assert!(found >= nanos as f64 && found <= nanos as f64 * 1.25 + 1.0, "{nanos}: {found}");
        }
    }

    #[test]
    fn quantiles_divide_the_counts() {
        let mut histogram = Histogram::default();
        (0..99).for_each(|_| histogram.record(Duration::from_micros(1)));
        histogram.record(Duration::from_millis(4));
        assert!(histogram.quantile(0.99) < Duration::from_micros(2));
        assert!(histogram.quantile(1.0) >= Duration::from_millis(4));
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }

    #[test]
    fn what_is_beyond_both_ends_is_counted_at_the_ends() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::ZERO);
        histogram.record(Duration::from_secs(1_000));
        assert_eq!(histogram.count(), 2);
        let mut later = histogram.clone();
        later.record(Duration::from_micros(3));
        assert_eq!(later.since(&histogram).count(), 1);
    }

    #[test]
    fn a_recorder_counts_as_a_histogram_does() {
        let recorder = Recorder::default();
        let (mut read, mut direct) = (Histogram::default(), Histogram::default());
        for nanos in [0, 70, 80_000] {
            recorder.record(nanos);
            direct.record(Duration::from_nanos(nanos));
        }
        recorder.add_to(&mut read);
        assert_eq!(read, direct);
    }
}
