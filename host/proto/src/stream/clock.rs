//! The deadlines of a stream. Time is what the host says it is.

use crate::error::Awaited;
use crate::limits::StreamLimits;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Clock {
    limits: StreamLimits,
    now: Instant,
    handshake_by: Instant,
    deadline: Instant,
    awaited: Awaited,
    ping_at: Option<Instant>,
    /// While stanzas are not acknowledged.
    acknowledged_by: Option<Instant>,
    request_at: Option<Instant>,
}

/// An answer that covered only a part, or none that came, is asked for again after this.
const REQUEST_AGAIN: Duration = Duration::from_secs(10);

/// What the time has come for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// This did not happen in time.
    Deadline(Awaited),
    /// A space, to show that we live.
    Ping,
    /// A request to acknowledge what we sent, once more.
    Request,
}

impl Clock {
    pub(super) fn new(limits: StreamLimits, now: Instant) -> Self {
        let handshake_by = now + limits.handshake_timeout;
        let mut clock = Self {
            limits,
            now,
            handshake_by,
            deadline: handshake_by,
            awaited: Awaited::Header,
            ping_at: None,
            acknowledged_by: None,
            request_at: None,
        };
        clock.expect(Awaited::Header);
        clock
    }

    /// Time does not run backwards, whatever the host says.
    pub(super) fn advance_to(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Sets the deadline of what comes next. No step of the handshake has longer than the whole.
    pub(super) fn expect(&mut self, awaited: Awaited) {
        self.awaited = awaited;
        self.deadline = match awaited {
            Awaited::Header | Awaited::StartTls | Awaited::Management => {
                self.handshake_by.min(self.now + self.limits.step_timeout)
            }
            Awaited::Tls | Awaited::Features | Awaited::Proof => self.handshake_by,
            Awaited::Traffic => self.now + self.limits.idle_timeout,
            Awaited::Acknowledgement => self.now + self.limits.acknowledgement_timeout,
            Awaited::Close => self.now + self.limits.close_timeout,
        };
    }

    /// Gives the proof as much time as a handshake of its own takes.
    pub(super) fn extend_handshake(&mut self) {
        self.handshake_by = self.now + self.limits.handshake_timeout;
    }

    /// A byte or a stanza went either way.
    pub(super) fn note_traffic(&mut self) {
        if self.awaited == Awaited::Traffic {
            self.expect(Awaited::Traffic);
        }
    }

    pub(super) fn schedule_ping(&mut self) {
        self.ping_at = Some(self.now + self.limits.ping_after);
    }

    /// Puts the ping off, if there is one.
    pub(super) fn postpone_ping(&mut self) {
        if self.ping_at.is_some() {
            self.schedule_ping();
        }
    }

    pub(super) fn stop_pings(&mut self) {
        self.ping_at = None;
    }

    /// The peer owes an acknowledgement, or has just given a part of it.
    pub(super) fn await_acknowledgement(&mut self) {
        self.acknowledged_by = Some(self.now + self.limits.acknowledgement_timeout);
    }

    pub(super) fn schedule_request(&mut self) {
        self.request_at = Some(self.now + REQUEST_AGAIN);
    }

    /// The peer owes nothing, or it does not matter any more.
    pub(super) fn forget_acknowledgement(&mut self) {
        (self.acknowledged_by, self.request_at) = (None, None);
    }

    pub(super) fn due(&self) -> Option<Due> {
        let has_come = |at: &Instant| self.now >= *at;
        if has_come(&self.deadline) {
            return Some(Due::Deadline(self.awaited));
        }
        if self.acknowledged_by.as_ref().is_some_and(has_come) {
            return Some(Due::Deadline(Awaited::Acknowledgement));
        }
        if self.request_at.as_ref().is_some_and(has_come) {
            return Some(Due::Request);
        }
        self.ping_at.as_ref().filter(|at| has_come(at)).map(|_| Due::Ping)
    }

    /// When something will be due.
    pub(super) fn next_due(&self) -> Instant {
        let others = [self.ping_at, self.acknowledged_by, self.request_at];
        others.into_iter().flatten().fold(self.deadline, Instant::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn no_step_outlasts_the_handshake() {
        let now = Instant::now();
        let mut clock = Clock::new(StreamLimits::default(), now);
        assert_eq!(clock.next_due(), now + Duration::from_secs(10));
        clock.advance_to(now + Duration::from_secs(25));
        clock.expect(Awaited::StartTls);
        assert_eq!(clock.next_due(), now + Duration::from_secs(30));
    }

    #[test]
    fn time_does_not_run_backwards() {
        let now = Instant::now();
        let mut clock = Clock::new(StreamLimits::default(), now);
        clock.advance_to(now + Duration::from_secs(10));
        clock.advance_to(now);
        assert_eq!(clock.due(), Some(Due::Deadline(Awaited::Header)));
    }
}
