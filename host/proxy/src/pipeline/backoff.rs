//! How long a server that could not be reached is left alone (RFC 6120 §3.3).

use std::time::Duration;

/// The ceiling after the first failure; it doubles with each further one.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// Past this a server that came back would be missed for too long.
const BACKOFF_MAX: Duration = Duration::from_secs(300);

/// The pause after `failures` earlier ones: with full jitter, anywhere below the ceiling, so that two proxies do not keep step.
pub fn pause(failures: u32) -> Duration {
    ceiling(failures).mul_f64(unit_random())
}

fn ceiling(failures: u32) -> Duration {
    BACKOFF_FIRST.saturating_mul(2_u32.saturating_pow(failures)).min(BACKOFF_MAX)
}

/// A number in 0..1 from the randomly keyed hasher of the standard library; jitter needs no better.
pub fn unit_random() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let bits = RandomState::new().hash_one(0_u8);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C05.
    #[test]
    fn the_ceiling_doubles_up_to_five_minutes() {
        let seconds: Vec<_> = (0..12).map(|failures| ceiling(failures).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(ceiling(u32::MAX), BACKOFF_MAX);
    }

    /// C05.
    #[test]
    fn pauses_grow_on_average_and_never_pass_the_ceiling() {
        let average = |failures| {
            let pauses = (0..1_000).map(|_| pause(failures).as_secs_f64());
            let sum: f64 = pauses.inspect(|pause| assert!(*pause < ceiling(failures).as_secs_f64())).sum();
            sum / 1_000.0
        };
        for failures in [0, 3, 6, 9, 20] {
            let (average, half) = (average(failures), ceiling(failures).as_secs_f64() / 2.0);
            assert!((average / half - 1.0).abs() < 0.1, "{failures}: {average} is not about {half}");
        }
    }

    /// C05: of two proxies that lose the same server at the same moment, each comes back at a time of its own.
    #[test]
    fn two_senders_do_not_keep_step() {
        let schedule = || {
            let mut at = Duration::ZERO;
            (0..10).map(|failures| (at += pause(failures), at).1).collect::<Vec<_>>()
        };
        for _ in 0..20 {
            let (one, other) = (schedule(), schedule());
            let apart = one.iter().zip(&other).filter(|(one, other)| one.abs_diff(**other) > Duration::from_millis(50));
            assert!(apart.count() >= 7, "{one:?} {other:?}");
        }
    }
}
