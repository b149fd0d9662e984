//! Questions that failed a moment ago are not put again (RFC 9520): a broken zone, or a stranger who names one, must not make us
//! ask without end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hickory_resolver::proto::rr::{Name, RecordType};

use super::ResolveError;

/// RFC 9520 §3.2: at least one second, at most five minutes. The sender's own back-off does the rest.
const FAILURE_TTL: Duration = Duration::from_secs(5);
/// Some hundred bytes each.
const FAILURES_MAX: usize = 2_000;

type Question = (Name, RecordType);

/// The failures of the last seconds.
#[derive(Default)]
pub(super) struct Failures(Mutex<HashMap<Question, (Instant, ResolveError)>>);

impl Failures {
    /// How this question failed, if that was a moment ago.
    pub(super) fn recent(&self, question: &Question, now: Instant) -> Option<ResolveError> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(question).filter(|(until, _)| now < *until).map(|(_, error)| error.clone())
    }

    /// Remembers a failure; without room for it, it is simply asked again.
    pub(super) fn note(&self, question: Question, error: ResolveError, now: Instant) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= FAILURES_MAX {
            failures.retain(|_, (until, _)| now < *until);
        }
        if failures.len() < FAILURES_MAX {
            failures.insert(question, (now + FAILURE_TTL, error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(host: &str) -> Question {
        (Name::from_ascii(host).unwrap(), RecordType::A)
    }

    #[test]
    fn a_failure_is_remembered_for_some_seconds() {
        let (failures, now) = (Failures::default(), Instant::now());
        failures.note(question("a."), ResolveError::NotFound, now);
        assert_eq!(failures.recent(&question("a."), now), Some(ResolveError::NotFound));
        assert_eq!(failures.recent(&question("b."), now), None);
        assert_eq!(failures.recent(&question("a."), now + FAILURE_TTL), None);
    }

    /// T42.
    #[test]
    fn only_so_many_are_remembered_and_the_old_make_room() {
        let (failures, now) = (Failures::default(), Instant::now());
        for number in 0..2 * FAILURES_MAX {
            failures.note(question(&format!("n{number}.")), ResolveError::NotFound, now);
        }
        assert_eq!(failures.0.lock().unwrap().len(), FAILURES_MAX);
        failures.note(question("late."), ResolveError::NotFound, now + FAILURE_TTL);
        assert_eq!(failures.0.lock().unwrap().len(), 1);
    }
}
