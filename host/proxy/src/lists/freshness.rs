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

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    said: Option<Freshness>,
}

impl Alarm {
    /// Logs a change; what is fresh from the start needs no line.
    pub(super) fn look(&mut self, source: &str, now: Freshness, problem: Option<&str>) {
        if self.said == Some(now) {
            return;
        }
        let before = self.said.replace(now);
        match (before, now) {
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
}
