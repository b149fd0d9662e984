//! Whether a source was heard lately, and the one line in the log when that changes.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// How much what a source said can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freshness {
    /// Never heard, and nothing kept: it has no entries.
    Missing,
    /// Heard lately.
    Fresh,
    /// Not heard for too long: its entries are those of then.
    Stale,
}

impl Freshness {
    /// At `now`, of a source that was heard at `success`.
    pub fn of(success: Option<SystemTime>, stale_after: Duration, now: SystemTime) -> Self {
        match success {
            None => Freshness::Missing,
            // A clock that was set back makes nothing stale.
            Some(success) if now.duration_since(success).unwrap_or_default() > stale_after => Freshness::Stale,
            Some(_) => Freshness::Fresh,
        }
    }

    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Freshness::Missing => "missing",
            Freshness::Fresh => "fresh",
            Freshness::Stale => "stale",
        }
    }
}

/// A source that is new has so long to answer or to fail.
const FIRST_ANSWER: Duration = Duration::from_secs(60);

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    said: Option<Freshness>,
    since: Option<SystemTime>,
}

impl Alarm {
    /// Logs a change; what is fresh from the start needs no line.
    pub(super) fn look(&mut self, source: &str, freshness: Freshness, problem: Option<&str>, now: SystemTime) {
        let Some(before) = self.turn(freshness, problem.is_some(), now) else { return };
        match (before, freshness) {
            (_, Freshness::Missing) => {
                tracing::warn!(source, problem, "a list's source was never heard: it has no entries yet");
            }
            (_, Freshness::Stale) => {
                tracing::warn!(
                    source,
                    problem,
                    "a list's source is stale: its entries are those that it had when it was last heard"
                );
            }
            (None, Freshness::Fresh) => {}
            (Some(Freshness::Missing), Freshness::Fresh) => {
                tracing::info!(source, "a list's source is heard for the first time");
            }
            (Some(_), Freshness::Fresh) => tracing::info!(source, "a list's source is heard again"),
        }
    }

    /// What was said before, if there is something new to say.
    fn turn(&mut self, freshness: Freshness, failed: bool, now: SystemTime) -> Option<Option<Freshness>> {
        let since = *self.since.get_or_insert(now);
        let is_awaited = !failed && now.duration_since(since).unwrap_or_default() < FIRST_ANSWER;
        if self.said == Some(freshness) || freshness == Freshness::Missing && is_awaited {
            return None;
        }
        Some(self.said.replace(freshness))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_makes_stale_and_a_clock_set_back_does_not() {
        let (now, hour) = (SystemTime::now(), Duration::from_secs(3_600));
        assert_eq!(Freshness::of(None, hour, now), Freshness::Missing);
        assert_eq!(Freshness::of(Some(now - hour), hour, now), Freshness::Fresh);
        assert_eq!(Freshness::of(Some(now - hour - hour), hour, now), Freshness::Stale);
        assert_eq!(Freshness::of(Some(now + hour + hour), hour, now), Freshness::Fresh);
    }

    #[test]
    fn a_new_source_is_missing_once_it_failed_or_was_silent_for_a_minute() {
        let (now, second) = (SystemTime::now(), Duration::from_secs(1));
        let mut failing = Alarm::default();
        assert_eq!(failing.turn(Freshness::Missing, false, now), None);
        assert_eq!(failing.turn(Freshness::Missing, true, now + second), Some(None), "with its cause");
        assert_eq!(failing.turn(Freshness::Missing, true, now + second), None, "once");
        assert_eq!(failing.turn(Freshness::Fresh, false, now + second), Some(Some(Freshness::Missing)));
        let mut silent = Alarm::default();
        assert_eq!(silent.turn(Freshness::Missing, false, now), None);
        assert_eq!(silent.turn(Freshness::Missing, false, now + 60 * second), Some(None));
    }
}
