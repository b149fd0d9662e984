//! What several sources say, as one list: an entry counts when the weights of those that have it reach the quorum, and the
//! operator's own always.
//!
//! [`board`](super::board) → **combine** → `refrain_filter::List`. Pure: it knows no clock and no network.

use std::collections::HashMap;

use refrain_filter::{Entry, Key, List, hash_of};

use super::Entries;
use crate::config::{ENTRIES_MAX, ListConfig};

/// What one source offers to one list.
#[derive(Debug, Clone)]
pub struct Part {
    /// What the note of its entries begins with.
    pub label: String,
    /// What they count.
    pub weight: u32,
    /// Its entries.
    pub entries: Entries,
}

/// A list, and what there was no room for.
#[derive(Debug, Clone, Default)]
pub struct Combined {
    /// What is looked up.
    pub list: List,
    /// Entries beyond the most that a list may have.
    pub left_out: usize,
}

/// Combines the operator's own entries with what the sources of `config`, in its order, offer.
pub fn combine(config: &ListConfig, parts: &[Part]) -> Combined {
    let mut tally = Tally::default();
    config.own.iter().for_each(|entry| tally.add_own(entry));
    for (index, part) in parts.iter().enumerate() {
        part.entries.iter().for_each(|entry| tally.add(entry, index, &part.label));
    }
    tally.join_words_with_their_hashes();
    let weights: Vec<u32> = parts.iter().map(|part| part.weight).collect();
    tally.finish(config, &weights)
}

/// The operator's own bit; the sources' are below it.
const OWN: u64 = 1 << 63;

/// Who has one entry.
struct Count {
    /// One bit for each source.
    who: u64,
    /// Its note, by index.
    note: u32,
    /// Whether anybody writes it as it is prepared.
    plain: bool,
}

#[derive(Default)]
struct Tally {
    counts: Counts,
    notes: Notes,
}

#[derive(Default)]
struct Counts {
    by_key: HashMap<Key, Count>,
    /// Entries that are written otherwise than they are prepared.
    aliases: Vec<(Key, Box<str>)>,
    left_out: usize,
}

impl Tally {
    fn add_own(&mut self, entry: Entry<'_>) {
        let note = self.notes.id(entry.note.to_owned());
        if let Some(count) = self.counts.of(entry, OWN, note) {
            // Of two notes the last one stays, as in a list without sources.
            count.note = note;
        }
    }

    fn add(&mut self, entry: Entry<'_>, source: usize, label: &str) {
        let said = match entry.note {
            "" => label.to_owned(),
            note => format!("{label}: {note}"),
        };
        let note = self.notes.id(said);
        let bit = 1 << source;
        let Some(count) = self.counts.of(entry, bit, note) else { return };
        let (before, had) = (count.note, count.who);
        count.who |= bit;
        if had & bit == 0 {
            count.note = self.notes.join(before, note);
        }
    }

    /// One source names an address, another one only its hash: both have it.
    fn join_words_with_their_hashes(&mut self) {
        let counts = &mut self.counts.by_key;
        if !counts.keys().any(|key| matches!(key, Key::Hash(_))) {
            return;
        }
        let words = counts.keys().filter_map(|key| match key {
            Key::Word(word) => Some((key.clone(), Key::Hash(hash_of(word)))),
            Key::Hash(_) | Key::Parent(_) | Key::Network(_) => None,
        });
        let both: Vec<(Key, Key)> = words.filter(|(_, hash)| counts.contains_key(hash)).collect();
        for (word, hash) in both {
            let Some((others, said)) = counts.get(&hash).map(|count| (count.who, count.note)) else { continue };
            let Some(count) = counts.get_mut(&word) else { continue };
            if others & !count.who != 0 {
                count.note = self.notes.join(count.note, said);
                count.who |= others;
            }
        }
    }

    fn finish(self, config: &ListConfig, weights: &[u32]) -> Combined {
        let Tally { counts: Counts { by_key, aliases, left_out }, notes } = self;
        let mut list = List::default();
        let counting = |count: &Count| count.who & OWN != 0 || weight(count.who, weights) >= config.quorum;
        for (key, written) in &aliases {
            if let Some(count) = by_key.get(key).filter(|count| counting(count)) {
                list.insert(Entry { key: key.clone(), written, note: notes.text(count.note) });
            }
        }
        for (key, count) in by_key.into_iter().filter(|(_, count)| count.plain && counting(count)) {
            let written = match &key {
                Key::Word(word) => word.clone(),
                // Only of a word it matters how it is written.
                Key::Parent(_) | Key::Hash(_) | Key::Network(_) => Box::default(),
            };
            list.insert(Entry { key, written: &written, note: notes.text(count.note) });
        }
        let except = config.except.iter().fold(List::default(), |mut except, entry| {
            except.insert(entry);
            except
        });
        Combined { list: list.excepting(except), left_out }
    }
}

impl Counts {
    /// Where an entry is counted, a new one with this bit and note; none when there is no room for more.
    fn of(&mut self, entry: Entry<'_>, bit: u64, note: u32) -> Option<&mut Count> {
        let plain = !matches!(&entry.key, Key::Word(word) if **word != *entry.written);
        if !plain {
            self.aliases.push((entry.key.clone(), entry.written.into()));
        }
        if !self.by_key.contains_key(&entry.key) && self.by_key.len() >= ENTRIES_MAX {
            self.left_out += 1;
            return None;
        }
        let count = self.by_key.entry(entry.key).or_insert(Count { who: bit, note, plain });
        count.plain |= plain;
        Some(count)
    }
}

fn weight(who: u64, weights: &[u32]) -> u32 {
    weights.iter().enumerate().filter(|(index, _)| who & (1 << index) != 0).map(|(_, weight)| weight).sum()
}

/// The notes, each of them once.
#[derive(Default)]
struct Notes {
    texts: Vec<String>,
    index: HashMap<String, u32>,
}

impl Notes {
    fn id(&mut self, text: String) -> u32 {
        if let Some(known) = self.index.get(&text) {
            return *known;
        }
        let id = self.texts.len() as u32;
        self.texts.push(text.clone());
        self.index.insert(text, id);
        id
    }

    /// What two say of the same entry.
    fn join(&mut self, one: u32, other: u32) -> u32 {
        match (self.text(one), self.text(other)) {
            (one, other) if !one.is_empty() && !other.is_empty() => {
                let both = format!("{one}; {other}");
                self.id(both)
            }
            ("", _) => other,
            (_, _) => one,
        }
    }

    fn text(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", |text| text)
    }
}

#[cfg(test)]
mod tests {
    use refrain_filter::Mode;

    use super::*;

    fn config(own: &str, except: &str, quorum: u32) -> ListConfig {
        let (own, except) = (Entries::parse(own), Entries::parse(except));
        ListConfig { own, except, quorum, mode: Mode::Covers, sources: Vec::new() }
    }

    fn part(label: &str, weight: u32, entries: &str) -> Part {
        Part { label: label.to_owned(), weight, entries: Entries::parse(entries) }
    }

    fn combined(config: ListConfig, parts: &[Part]) -> List {
        combine(&config, parts).list
    }

    #[test]
    fn an_entry_counts_when_the_weights_reach_the_quorum() {
        let parts = [part("a", 1, "x.example\ny.example"), part("b", 1, "x.example loud"), part("c", 2, "z.example")];
        let list = combined(config("w.example mine", "", 2), &parts);
        assert_eq!(list.lookup("x.example"), Some("a; b: loud"));
        assert_eq!(list.lookup("y.example"), None);
        assert_eq!(list.lookup("z.example"), Some("c"));
        assert_eq!(list.lookup("w.example"), Some("mine"), "the operator's own always counts");
        assert_eq!(list.len(), 3);
    }

    #[test]
    fn a_source_counts_once_however_often_it_says_it() {
        let list = combined(config("", "", 2), &[part("a", 1, "x.example\nX.example\nx.example again")]);
        assert!(list.is_empty());
    }

    #[test]
    fn a_name_and_its_hash_are_the_same_entry() {
        let hash = "1b441bd9e90f6cc4189ac29d8357c55b5eeb5ab8ea54b266f9951b70e9987021";
        let parts = [part("plain", 1, "eve@evil.example spam"), part("hashed", 1, hash)];
        let list = combined(config("", "", 2), &parts);
        assert_eq!(list.lookup("eve@evil.example/x"), Some("plain: spam; hashed"));
        assert!(combined(config("", "", 2), &parts[1..]).is_empty());
    }

    #[test]
    fn exceptions_win_over_everybody() {
        let hash = "1b441bd9e90f6cc4189ac29d8357c55b5eeb5ab8ea54b266f9951b70e9987021";
        let parts = [part("a", 1, hash), part("b", 1, "b.partner.example")];
        let list = combined(config("own.example", "evil.example\n*.partner.example\nown.example", 1), &parts);
        for address in ["eve@evil.example", "b.partner.example", "own.example"] {
            assert_eq!(list.lookup(address), None, "{address}");
        }
    }

    #[test]
    fn the_operators_note_comes_first() {
        let list =
            combined(config("x.example mine", "", 1), &[part("a", 1, "x.example"), part("b", 1, "x.example no")]);
        assert_eq!(list.lookup("x.example"), Some("mine; a; b: no"));
    }

    #[test]
    fn words_are_found_as_they_are_written() {
        let list = combined(config("Evil.Example", "", 1), &[part("a", 1, "https://Evil.example/Path")]);
        assert!(list.contains("Evil.Example") && !list.contains("evil.example"));
        assert!(list.contains("https://Evil.example/Path"));
        assert_eq!(list.lookup("evil.example"), Some(""));
    }
}
