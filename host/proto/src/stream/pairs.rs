//! The domain pairs that are proven on one stream: the unit of authorisation (XEP-0220 §2.6).

use crate::jid::{Domain, DomainPair};
use std::collections::{HashMap, HashSet};

/// The pairs that may send on a stream.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    by_sender: HashMap<Domain, HashSet<Domain>>,
    count: usize,
    /// The pair of the stanza before, which is nearly always that of the next.
    last: Option<DomainPair>,
}

impl Pairs {
    pub(super) fn of(pair: DomainPair) -> Self {
        let mut pairs = Self::default();
        pairs.add(pair);
        pairs
    }

    pub(super) fn add(&mut self, pair: DomainPair) {
        if self.by_sender.entry(pair.from).or_default().insert(pair.to) {
            self.count += 1;
        }
    }

    pub(super) fn remove(&mut self, pair: &DomainPair) {
        self.last = None;
        let Some(targets) = self.by_sender.get_mut(&pair.from) else { return };
        if targets.remove(&pair.to) {
            self.count -= 1;
        }
        if targets.is_empty() {
            self.by_sender.remove(&pair.from);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn contains(&self, pair: &DomainPair) -> bool {
        self.by_sender.get(&pair.from).is_some_and(|targets| targets.contains(&pair.to))
    }

    pub(super) fn has_sender(&self, from: &str) -> bool {
        self.by_sender.contains_key(from)
    }

    /// Tells whether this pair may send; for the same pair as before by two comparisons.
    pub(super) fn allow(&mut self, from: &str, to: &str) -> bool {
        if self.last.as_ref().is_some_and(|last| last.from.as_str() == from && last.to.as_str() == to) {
            return true;
        }
        let Some((sender, targets)) = self.by_sender.get_key_value(from) else { return false };
        let Some(target) = targets.get(to) else { return false };
        self.last = Some(DomainPair { from: sender.clone(), to: target.clone() });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(from: &str, to: &str) -> DomainPair {
        DomainPair { from: Domain::parse(from).unwrap(), to: Domain::parse(to).unwrap() }
    }

    #[test]
    fn a_pair_is_ordered_and_whole() {
        let mut pairs = Pairs::of(pair("a.example", "x.example"));
        pairs.add(pair("b.example", "y.example"));
        pairs.add(pair("b.example", "y.example"));
        assert_eq!(pairs.len(), 2);
        for (from, to, allowed) in [
            ("a.example", "x.example", true),
            ("a.example", "x.example", true),
            ("a.example", "y.example", false),
            ("b.example", "y.example", true),
            ("x.example", "a.example", false),
            ("", "", false),
        ] {
            assert_eq!(pairs.allow(from, to), allowed, "{from} {to}");
        }
    }

    #[test]
    fn a_removed_pair_is_not_remembered() {
        let mut pairs = Pairs::of(pair("a.example", "x.example"));
        assert!(pairs.allow("a.example", "x.example"));
        pairs.remove(&pair("a.example", "x.example"));
        assert!(!pairs.allow("a.example", "x.example"));
        assert!(!pairs.has_sender("a.example"));
        assert_eq!(pairs.len(), 0);
    }
}
