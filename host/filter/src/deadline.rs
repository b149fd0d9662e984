//! How long a call may run, in time that its thread really ran.
//!
//! Ticks are wall clock, and looking at the processor's clock before every call would cost as much as the call. So it is looked at
//! only when half of the deadline has passed by the wall clock, which no ordinary call sees: the other half then counts processor
//! time. A thread that a busy system put aside for a while has thus not missed its deadline, and a guest that spins still has.

use std::time::Duration;

use wasmtime::UpdateDeadline;

/// The deadline of the calls of one store.
#[derive(Debug, Default)]
pub(crate) struct Deadline {
    half: Duration,
    /// Processor time of this thread when the first half had passed.
    half_passed_at: Option<Duration>,
}

impl Deadline {
    pub(crate) fn new(limit_ms: u32) -> Self {
        Self { half: Duration::from_millis(u64::from(limit_ms)) / 2, half_passed_at: None }
    }

    /// Begins a call.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.half_passed_at = None;
    }

    /// Returns the ticks of the first half. The first may be about to fall, so it does not count.
    pub(crate) fn ticks(&self) -> u64 {
        self.half.as_millis() as u64 + 1
    }

    /// Called when the ticks granted are over: grants more, or ends the call.
    pub(crate) fn passed(&mut self) -> UpdateDeadline {
        let Some(now) = thread_time() else { return self.passed_by_the_wall_clock() };
        match self.half_passed_at {
            None => {
                self.half_passed_at = Some(now);
                UpdateDeadline::Continue(self.ticks())
            }
            Some(then) if now.saturating_sub(then) < self.half => UpdateDeadline::Continue(1),
            Some(_) => UpdateDeadline::Interrupt,
        }
    }

    fn passed_by_the_wall_clock(&mut self) -> UpdateDeadline {
        match self.half_passed_at.replace(Duration::ZERO) {
            None => UpdateDeadline::Continue(self.ticks()),
            Some(_) => UpdateDeadline::Interrupt,
        }
    }
}

/// The processor time this thread has had.
#[cfg(unix)]
fn thread_time() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of our own, which the call writes and does not keep.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    let (seconds, nanos) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    (status == 0).then(|| Duration::new(seconds, nanos))
}

#[cfg(not(unix))]
fn thread_time() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn spin_until(enough: impl Fn() -> bool) {
        while !enough() {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn a_thread_put_aside_has_not_missed_its_deadline() {
        let mut deadline = Deadline::new(10);
        assert!(matches!(deadline.passed(), UpdateDeadline::Continue(6)));
        std::thread::sleep(Duration::from_millis(30));
        assert!(matches!(deadline.passed(), UpdateDeadline::Continue(1)));
    }

    #[test]
    fn a_thread_that_runs_on_has() {
        let mut deadline = Deadline::new(10);
        deadline.passed();
        let (begin, ran) = (Instant::now(), thread_time());
        spin_until(|| thread_time().zip(ran).map_or(begin.elapsed(), |(now, then)| now - then) > deadline.half);
        assert!(matches!(deadline.passed(), UpdateDeadline::Interrupt));
    }

    #[test]
    fn every_call_has_all_its_time() {
        let mut deadline = Deadline::new(0);
        assert!(matches!(deadline.passed(), UpdateDeadline::Continue(_)));
        assert!(matches!(deadline.passed(), UpdateDeadline::Interrupt));
        deadline.begin();
        assert!(matches!(deadline.passed(), UpdateDeadline::Continue(_)));
    }
}
