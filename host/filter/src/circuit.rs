//! The circuit breaker of one filter: after too many failures it is left alone for a while, then tried with one stanza.
//!
//! ```text
//! closed ── failures in the window ──> open ── pause over ──> half-open ── one call succeeds ──> closed
//!                                        ^── it fails: the pause doubles ──┘
//! ```
//!
//! What becomes of the stanzas meanwhile is the filter's fault policy for the cause `circuit-open`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// When a filter is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitLimits {
    /// So many failures within the window open the circuit; 0 = never.
    pub failures: u32,
    /// How long a failure counts.
    pub window: Duration,
    /// How long the circuit stays open the first time; doubled by each trial that fails.
    pub pause: Duration,
}

impl CircuitLimits {
    /// The longest pause that doubling leads to.
    pub const PAUSE_MAX: Duration = Duration::from_secs(600);
    /// The most failures that can be waited for: each is remembered.
    pub const FAILURES_MAX: u32 = 1_000;
}

impl Default for CircuitLimits {
    /// Five failures in a minute are no accident; ten seconds let a burst of bad stanzas pass.
    fn default() -> Self {
        Self { failures: 5, window: Duration::from_secs(60), pause: Duration::from_secs(10) }
    }
}

/// Whether a filter is asked, as `refrain status` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// It is asked.
    Closed,
    /// It is not asked, for so long.
    Open(Duration),
    /// The pause is over: the next stanza, or the one it is looking at, decides.
    HalfOpen,
}

/// Shared by all workers. While the circuit is closed, asking costs one load.
#[derive(Debug)]
pub(crate) struct Breaker {
    limits: CircuitLimits,
    /// 0: closed; [`TRYING`]: one call is under way; else the millisecond until which it is open.
    open_until_ms: AtomicU64,
    past: Mutex<Past>,
}

const CLOSED: u64 = 0;
const TRYING: u64 = u64::MAX;

#[derive(Debug, Default)]
struct Past {
    /// The milliseconds of the newest failures.
    failures: VecDeque<u64>,
    /// Trials that failed since it was last closed.
    failed_trials: u32,
}

impl Breaker {
    pub(crate) fn new(limits: CircuitLimits) -> Self {
        Self { limits, open_until_ms: AtomicU64::new(CLOSED), past: Mutex::default() }
    }

    /// Whether calls may be made freely.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.open_until_ms.load(Ordering::Relaxed) == CLOSED
    }

    /// Whether a call may be made although the circuit was open: of all threads only one is told so when a pause is over.
    #[cold]
    pub(crate) fn may_try(&self, now_ms: u64) -> bool {
        match self.open_until_ms.load(Ordering::Relaxed) {
            CLOSED => true,
            TRYING => false,
            until => {
                now_ms >= until
                    && self.open_until_ms.compare_exchange(until, TRYING, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            }
        }
    }

    /// Notes a call that ended with a verdict. Whether that closed the circuit.
    #[inline]
    pub(crate) fn succeed(&self) -> bool {
        !self.is_closed() && self.close()
    }

    /// A call that began before the circuit opened proves nothing: only the one that tried it closes it.
    #[cold]
    fn close(&self) -> bool {
        let mut past = self.past();
        let closed = self.open_until_ms.compare_exchange(TRYING, CLOSED, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if closed {
            *past = Past::default();
        }
        closed
    }

    /// Notes a failure; returns the pause if it opened the circuit.
    #[cold]
    pub(crate) fn fail(&self, now_ms: u64) -> Option<Duration> {
        if self.limits.failures == 0 {
            return None;
        }
        let mut past = self.past();
        match self.open_until_ms.load(Ordering::Relaxed) {
            CLOSED => {
                past.note(now_ms, &self.limits);
                if past.failures.len() < self.limits.failures as usize {
                    return None;
                }
            }
            TRYING => past.failed_trials = past.failed_trials.saturating_add(1),
            _ => return None,
        }
        let pause = self.limits.pause.saturating_mul(2_u32.saturating_pow(past.failed_trials));
        let pause = pause.min(CircuitLimits::PAUSE_MAX);
        self.open_until_ms.store(now_ms + millis(pause).max(1), Ordering::Relaxed);
        Some(pause)
    }

    /// The state as it is, for status.
    pub(crate) fn state(&self, now_ms: u64) -> Circuit {
        match self.open_until_ms.load(Ordering::Relaxed) {
            CLOSED => Circuit::Closed,
            TRYING => Circuit::HalfOpen,
            until if now_ms >= until => Circuit::HalfOpen,
            until => Circuit::Open(Duration::from_millis(until - now_ms)),
        }
    }

    /// A panic while it was locked left whole entries.
    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Past {
    fn note(&mut self, now_ms: u64, limits: &CircuitLimits) {
        let begin = now_ms.saturating_sub(millis(limits.window));
        while self.failures.front().is_some_and(|failed| *failed < begin) {
            self.failures.pop_front();
        }
        self.failures.push_back(now_ms);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(CircuitLimits { failures: 3, window: Duration::from_secs(1), pause: Duration::from_secs(10) })
    }

    fn opened() -> Breaker {
        let breaker = breaker();
        assert_eq!([breaker.fail(1), breaker.fail(2)], [None, None]);
        assert_eq!(breaker.fail(3), Some(Duration::from_secs(10)));
        breaker
    }

    #[test]
    fn failures_far_apart_do_not_open_it() {
        let breaker = breaker();
        for second in 0..100 {
            assert_eq!(breaker.fail(second * 600), None);
            assert!(breaker.may_try(second * 600));
        }
    }

    #[test]
    fn open_it_admits_nobody_until_the_pause_is_over_and_then_one() {
        let breaker = opened();
        assert!(!breaker.may_try(4) && !breaker.may_try(10_002));
        assert_eq!(breaker.state(3), Circuit::Open(Duration::from_secs(10)));
        assert_eq!(breaker.state(10_003), Circuit::HalfOpen);
        assert!(breaker.may_try(10_003));
        assert!(!breaker.may_try(10_003), "only one tries it");
    }

    #[test]
    fn a_trial_that_succeeds_closes_it_and_forgets() {
        let breaker = opened();
        assert!(!breaker.succeed(), "a call from before it opened does not close it");
        assert!(breaker.may_try(10_003) && breaker.succeed());
        assert_eq!(breaker.state(10_003), Circuit::Closed);
        assert_eq!(breaker.fail(10_004), None);
    }

    #[test]
    fn a_trial_that_fails_doubles_the_pause_up_to_a_bound() {
        let breaker = opened();
        let mut now = 10_003;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            assert!(breaker.may_try(now));
            let pause = breaker.fail(now).unwrap();
            now += millis(pause);
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses, [20, 40, 80, 160, 320, 600, 600, 600]);
    }

    #[test]
    fn no_failures_means_never() {
        let breaker = Breaker::new(CircuitLimits { failures: 0, ..CircuitLimits::default() });
        assert!((0..1_000).all(|now| breaker.fail(now).is_none() && breaker.may_try(now)));
    }
}
