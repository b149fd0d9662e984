//! Who goes first when there is no more room: of the largest group the one that was silent the longest.
//!
//! Names cost nothing to who holds a wildcard; what they have in common gives them away, and who has nothing in common with
//! anybody is not displaced by them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

/// Domains by something that they share. Every change costs the logarithm of their number.
#[derive(Debug)]
pub struct Groups<G> {
    members: HashMap<G, BTreeSet<(u64, Arc<str>)>>,
    /// By size; of equal ones the longest unseen is the last.
    by_size: BTreeSet<(usize, Reverse<u64>, G)>,
}

impl<G> Default for Groups<G> {
    fn default() -> Self {
        Groups { members: HashMap::new(), by_size: BTreeSet::new() }
    }
}

impl<G: Clone + Ord + Hash> Groups<G> {
    /// Adds a domain that was last seen then.
    pub fn add(&mut self, group: &G, last_seen: u64, domain: &Arc<str>) {
        self.change(group, |members| members.insert((last_seen, domain.clone())));
    }

    /// Removes what was added.
    pub fn remove(&mut self, group: &G, last_seen: u64, domain: &Arc<str>) {
        self.change(group, |members| members.remove(&(last_seen, domain.clone())));
    }

    /// The size of the largest group, and who goes first there.
    pub fn first_to_go(&self) -> Option<(usize, Arc<str>)> {
        let (size, _, group) = self.by_size.last()?;
        let (_, domain) = self.members.get(group)?.first()?;
        Some((*size, domain.clone()))
    }

    fn change(&mut self, group: &G, change: impl FnOnce(&mut BTreeSet<(u64, Arc<str>)>) -> bool) {
        let members = self.members.entry(group.clone()).or_default();
        if let Some((oldest, _)) = members.first() {
            self.by_size.remove(&(members.len(), Reverse(*oldest), group.clone()));
        }
        change(members);
        match members.first() {
            Some((oldest, _)) => {
                self.by_size.insert((members.len(), Reverse(*oldest), group.clone()));
            }
            None => {
                self.members.remove(group);
            }
        }
    }
}

/// The last two labels of a name: what somebody had to register, as a rule. Where a registry sells names one level deeper, many
/// who have nothing to do with each other share one.
pub fn site(domain: &str) -> &str {
    domain.rmatch_indices('.').nth(1).map_or(domain, |(dot, _)| &domain[dot + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_the_largest_group_goes_first() {
        let mut groups = Groups::default();
        let names: Vec<Arc<str>> = ["a", "b", "c", "d"].map(Arc::from).to_vec();
        groups.add(&"one", 1, &names[0]);
        groups.add(&"two", 9, &names[1]);
        groups.add(&"two", 8, &names[2]);
        assert_eq!(groups.first_to_go(), Some((2, names[2].clone())));
        groups.remove(&"two", 8, &names[2]);
        assert_eq!(groups.first_to_go(), Some((1, names[0].clone())), "of equal groups the longest unseen");
        groups.remove(&"one", 1, &names[0]);
        groups.remove(&"two", 9, &names[1]);
        assert_eq!((groups.first_to_go(), groups.members.len()), (None, 0));
    }

    #[test]
    fn a_site_is_the_last_two_labels() {
        for (domain, is) in [("a.b.evil.example", "evil.example"), ("evil.example", "evil.example"), ("local", "local")]
        {
            assert_eq!(site(domain), is);
        }
    }
}
