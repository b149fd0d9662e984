//! Lines of the log that a peer could repeat at will: told once, then summed up.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A flood must not fill the log.
const PAUSE: Duration = Duration::from_secs(60);

/// When one such line was told last, and how much has come since.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<Told>);

/// The lines that peers can provoke.
#[derive(Debug, Default)]
pub struct Lines {
    /// Stanzas came back because they could not be delivered.
    pub returned: Seldom,
    /// Stanzas were not understood.
    pub malformed: Seldom,
    /// Connections could not be accepted.
    pub not_accepted: Seldom,
    /// Authorities could not be asked about dialback keys.
    pub not_asked: Seldom,
    /// Addresses that a zone named were not connected to.
    pub forbidden: Seldom,
    /// Servers that a zone named could not be resolved, or were of no use.
    pub of_no_use: Seldom,
}

#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    since: u64,
}

impl Seldom {
    /// Adds to what is to be told. Returns how much that is, if it is time to tell it: at once for the first, then after a minute.
    pub fn add(&self, count: u64, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.since += count;
        if told.at.is_some_and(|at| now.saturating_duration_since(at) < PAUSE) {
            return None;
        }
        told.at = Some(now);
        Some(std::mem::take(&mut told.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_a_minute_with_the_count_of_what_was_not_told() {
        let (seldom, now) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.add(1, now), Some(1));
        for _ in 0..10_000 {
            assert_eq!(seldom.add(1, now + PAUSE / 2), None);
        }
        assert_eq!(seldom.add(3, now + PAUSE), Some(10_003));
        assert_eq!(seldom.add(1, now + PAUSE), None);
    }
}
