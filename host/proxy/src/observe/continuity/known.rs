//! The records in memory, as many as there is room for, and which of them the store does not have.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::groups::{Groups, site};
use super::paced::Paced;
use super::{Alarm, KeyDigest, Sighting};

/// Domains that are remembered: some 5 MB. The federated world is said to have twenty thousand servers.
pub const DOMAINS_MAX: usize = 10_000;

/// A record as it is to be in the store, or none.
pub type Row = (Arc<str>, Option<Sighting>);

/// Everything that is known. Nothing here takes longer with the number of domains but [`Known::rewrite`].
#[derive(Debug, Default)]
pub struct Known {
    peers: HashMap<Arc<str>, Sighting>,
    keys: Groups<KeyDigest>,
    sites: Groups<Box<str>>,
    /// Those that the store has.
    stored: HashSet<Arc<str>>,
    /// Those that differ from what is in the store.
    unwritten: HashSet<Arc<str>>,
    key_lines: Paced,
    proof_lines: Paced,
}

impl Known {
    /// What is known of a domain.
    pub fn get(&self, domain: &str) -> Option<&Sighting> {
        self.peers.get(domain)
    }

    /// All that is known.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Sighting)> {
        self.peers.iter()
    }

    /// How many domains are known.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Remembers a domain; where there is no room, another is forgotten for it.
    pub fn put(&mut self, domain: &str, sighting: Sighting) {
        let name = match self.remove(domain) {
            Some(name) => name,
            None => {
                self.make_room();
                Arc::from(domain)
            }
        };
        if let Some(key) = &sighting.key {
            self.keys.add(key, sighting.last_seen, &name);
        }
        self.sites.add(&site(domain).into(), sighting.last_seen, &name);
        self.unwritten.insert(name.clone());
        self.peers.insert(name, sighting);
    }

    /// Takes up a row of the store, and says what the domain did otherwise since.
    pub fn take_up(&mut self, domain: &str, stored: Sighting) -> Vec<Alarm> {
        let Some(since) = self.peers.get(domain) else {
            self.put(domain, stored);
            if let Some(name) = self.unwritten.take(domain) {
                self.stored.insert(name);
            }
            return Vec::new();
        };
        let (sighting, alarms) = stored.continued(since);
        self.put(domain, sighting);
        self.stored.insert(Arc::from(domain));
        alarms
    }

    /// Says whether this is to be told now.
    pub fn may_tell(&mut self, domain: &str, alarm: &Alarm, now: u64) -> bool {
        match alarm {
            Alarm::Key { .. } => self.key_lines.may_tell(domain, now),
            Alarm::Proof { .. } => self.proof_lines.may_tell(domain, now),
        }
    }

    /// The rows that the store does not have as they are.
    pub fn take_unwritten(&mut self) -> Vec<Row> {
        let unwritten = std::mem::take(&mut self.unwritten);
        unwritten.into_iter().map(|domain| (domain.clone(), self.peers.get(&domain).cloned())).collect()
    }

    /// Notes that the store has these now.
    pub fn note_written(&mut self, rows: Vec<Row>) {
        for (domain, sighting) in rows {
            if sighting.is_none() {
                self.stored.remove(&domain);
                continue;
            }
            if !self.peers.contains_key(&domain) {
                // Forgotten while it was being written.
                self.unwritten.insert(domain.clone());
            }
            self.stored.insert(domain);
        }
    }

    /// Notes that the store does not have these yet.
    pub fn note_unwritten(&mut self, rows: Vec<Row>) {
        let matters = |domain: &Arc<str>| self.peers.contains_key(domain) || self.stored.contains(domain);
        let rows: Vec<_> = rows.into_iter().map(|(domain, _)| domain).filter(matters).collect();
        self.unwritten.extend(rows);
    }

    /// Notes that the store has nothing any more.
    pub fn rewrite(&mut self) {
        self.stored.clear();
        self.unwritten = self.peers.keys().cloned().collect();
    }

    fn make_room(&mut self) {
        if self.peers.len() < DOMAINS_MAX {
            return;
        }
        let of_key = self.keys.first_to_go();
        let of_site = self.sites.first_to_go();
        // Who shares a key is one party. Who shares the end of a name may have a registry in common, so a key weighs double.
        let first = match (of_key, of_site) {
            (Some((sharing, domain)), Some((beside, _))) if sharing > 1 && sharing * 2 >= beside => domain,
            (_, Some((_, domain))) => domain,
            (_, None) => return,
        };
        let Some(name) = self.remove(&first) else { return };
        if self.stored.contains(&name) {
            self.unwritten.insert(name);
        } else {
            self.unwritten.remove(&name);
        }
    }

    fn remove(&mut self, domain: &str) -> Option<Arc<str>> {
        let (name, sighting) = self.peers.remove_entry(domain)?;
        if let Some(key) = &sighting.key {
            self.keys.remove(key, sighting.last_seen, &name);
        }
        self.sites.remove(&site(domain).into(), sighting.last_seen, &name);
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_stored_is_forgotten_without_a_trace() {
        let mut known = Known::default();
        for number in 0..DOMAINS_MAX + 100 {
            known.put(&format!("d{number}.evil.example"), Sighting::new(number as u64));
        }
        assert_eq!((known.len(), known.take_unwritten().len()), (DOMAINS_MAX, DOMAINS_MAX));
        known.note_unwritten(vec![(Arc::from("d0.evil.example"), None)]);
        assert!(known.take_unwritten().is_empty());
    }

    #[test]
    fn what_is_forgotten_while_it_is_written_leaves_the_store_next() {
        let mut known = Known::default();
        known.put("d.evil.example", Sighting::new(0));
        let rows = known.take_unwritten();
        for number in 0..DOMAINS_MAX {
            known.put(&format!("d{number}.evil.example"), Sighting::new(1));
        }
        known.note_written(rows);
        assert!(known.take_unwritten().contains(&(Arc::from("d.evil.example"), None)));
    }
}
