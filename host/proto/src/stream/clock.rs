//! The deadlines of a stream. Time is what the host says it is.

use crate::error::Awaited;
use crate::limits::StreamLimits;
use std::time::Instant;

#[derive(Debug)]
pub(super) struct Clock {
    limits: StreamLimits,
    now: Instant,
    handshake_by: Instant,
    deadline: Instant,
    awaited: Awaited,
    ping_at: Option<Instant>,
}

/// What the time has come for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// This did not happen in time.
    Deadline(Awaited),
    /// A space, to show that we live.
    Ping,
}

impl Clock {
    pub(super) fn new(limits: StreamLimits, now: Instant) -> Self {
        let handshake_by = now + limits.handshake_timeout;
        let mut clock =
            Self { limits, now, handshake_by, deadline: handshake_by, awaited: Awaited::Header, ping_at: None };
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
            Awaited::Header | Awaited::StartTls => self.handshake_by.min(self.now + self.limits.step_timeout),
            Awaited::Tls | Awaited::Features | Awaited::Proof => self.handshake_by,
            Awaited::Traffic => self.now + self.limits.idle_timeout,
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

    pub(super) fn due(&self) -> Option<Due> {
        if self.now >= self.deadline {
            return Some(Due::Deadline(self.awaited));
        }
        self.ping_at.filter(|at| self.now >= *at).map(|_| Due::Ping)
    }

    /// When something will be due.
    pub(super) fn next_due(&self) -> Instant {
        self.ping_at.map_or(self.deadline, |at| at.min(self.deadline))
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
