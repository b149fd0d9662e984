//! How often something may happen: a token bucket, kept as one moment.

use std::time::{Duration, Instant};

/// Somebody who kept to the slowest rate for a year; what is due later is not told apart.
const DEBT_MAX: Duration = Duration::from_secs(365 * 86_400);

/// So many each second on average, and so many at once after a silence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    per_second: f64,
    /// How long the burst would take at the rate.
    tolerance: Duration,
}

impl Rate {
    /// `burst` at once, and `per_second` from then on; neither is 0.
    pub fn new(per_second: f64, burst: f64) -> Self {
        Rate { per_second, tolerance: Duration::from_secs_f64(burst / per_second).min(DEBT_MAX) }
    }

    fn time_for(self, count: u64) -> Duration {
        Duration::try_from_secs_f64(count as f64 / self.per_second).unwrap_or(DEBT_MAX).min(DEBT_MAX)
    }
}

/// Where one sender stands: when all that it took would have come, had it kept to its rate.
///
/// The "generic cell rate algorithm" (ITU-T I.371): as exact as a bucket that is filled drop by drop, and nothing to fill.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    due: Instant,
}

impl Pace {
    /// Somebody who has taken nothing yet.
    pub fn new(now: Instant) -> Self {
        Pace { due: now }
    }

    /// Takes one if the rate allows it now.
    pub fn try_take(&mut self, rate: Rate, now: Instant) -> bool {
        let due = self.due.max(now) + rate.time_for(1);
        let allowed = due.duration_since(now) <= rate.tolerance;
        if allowed {
            self.due = due;
        }
        allowed
    }

    /// Takes `count`, which have come already, and returns how long to wait for more. Whoever waits so long keeps the rate, also
    /// together with others who do; nobody waits for what others take later.
    pub fn take(&mut self, count: u64, rate: Rate, now: Instant) -> Duration {
        self.due = (self.due.max(now) + rate.time_for(count)).min(now + DEBT_MAX);
        self.due.duration_since(now).saturating_sub(rate.tolerance)
    }

    /// Whether the silence was long enough for a full burst, so that nothing is lost by forgetting.
    pub fn is_rested(&self, now: Instant) -> bool {
        self.due <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn gives_its_burst_and_then_as_time_passes() {
        let (now, rate) = (Instant::now(), Rate::new(2.0, 3.0));
        let mut pace = Pace::new(now);
        assert_eq!([(); 4].map(|()| pace.try_take(rate, now)), [true, true, true, false]);
        assert!(pace.try_take(rate, now + SECOND / 2) && !pace.try_take(rate, now + SECOND / 2));
        assert!(!pace.is_rested(now + SECOND) && pace.is_rested(now + 2 * SECOND));
    }

    #[test]
    fn whoever_took_too_much_waits_for_exactly_that() {
        let (now, rate) = (Instant::now(), Rate::new(10.0, 20.0));
        let mut pace = Pace::new(now);
        assert_eq!(pace.take(20, rate, now), Duration::ZERO);
        assert_eq!(pace.take(10, rate, now), SECOND);
        assert_eq!(pace.take(0, rate, now + SECOND), Duration::ZERO);
        assert_eq!(pace.take(u64::MAX, rate, now), DEBT_MAX - 2 * SECOND, "and no more than can be told");
    }
}
