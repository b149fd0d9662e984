//! How often a filter gave which reason. Written only when a filter decides for a reason, which honest mail does not meet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Reasons told apart per filter: a filter that puts stanza content into its reasons must not grow this.
const REASONS_MAX: usize = 64;
/// What all further reasons are counted under.
const OTHER: &str = "(other reasons)";

/// The counts, shared by all workers.
#[derive(Debug, Default)]
pub(crate) struct Reasons(Mutex<HashMap<String, u64>>);

impl Reasons {
    #[cold]
    pub(crate) fn count(&self, reason: &str) {
        let mut counts = self.lock();
        if let Some(count) = counts.get_mut(reason) {
            *count += 1;
        } else if counts.len() < REASONS_MAX {
            counts.insert(reason.to_owned(), 1);
        } else {
            *counts.entry(OTHER.to_owned()).or_default() += 1;
        }
    }

    /// Returns the reasons, the most frequent first.
    pub(crate) fn ranked(&self) -> Vec<(String, u64)> {
        let mut ranked: Vec<_> = self.lock().iter().map(|(reason, count)| (reason.clone(), *count)).collect();
        ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        ranked
    }

    /// A panic while it was locked left whole entries.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_reason_up_to_a_bound_and_the_rest_together() {
        let reasons = Reasons::default();
        (0..200).for_each(|n| reasons.count(&format!("a body of {n} bytes")));
        (0..3).for_each(|_| reasons.count("a body of 7 bytes"));
        let ranked = reasons.ranked();
        assert_eq!(ranked.len(), REASONS_MAX + 1);
        assert_eq!(ranked[0], (OTHER.to_owned(), 136));
        assert_eq!(ranked[1], ("a body of 7 bytes".to_owned(), 4));
    }
}
