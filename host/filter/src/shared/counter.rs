//! A counter that a filter gives a name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A reading of one counter of one filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterCounter {
    /// The operator's name for the filter.
    pub filter: Arc<str>,
    /// The filter's name for the counter, of `[a-z0-9_]`.
    pub name: Arc<str>,
    /// What it counts.
    pub help: Arc<str>,
    /// How much there was since the process started.
    pub value: u64,
}

/// One counter of one filter.
#[derive(Debug)]
pub struct Counter {
    help: Arc<str>,
    value: AtomicU64,
}

impl Counter {
    pub(super) fn new(help: &str) -> Self {
        Self { help: help.into(), value: AtomicU64::new(0) }
    }

    /// Adds, and stops at the largest number: a counter that falls would be read as a restart.
    pub fn add(&self, n: u64) {
        if self.value.fetch_add(n, Relaxed).checked_add(n).is_none() {
            self.value.store(u64::MAX, Relaxed);
        }
    }

    pub(super) fn read(&self, filter: &Arc<str>, name: &str) -> FilterCounter {
        let value = self.value.load(Relaxed);
        FilterCounter { filter: filter.clone(), name: name.into(), help: self.help.clone(), value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_the_largest_number() {
        let counter = Counter::new("");
        counter.add(7);
        counter.add(u64::MAX);
        counter.add(1);
        assert_eq!(counter.value.load(Relaxed), u64::MAX);
    }
}
