//! What several sources say, as one list: an entry counts when the weights of those that have it reach the quorum, and the
//! operator's own always.
//!
//! [`board`](super::board) → **combine** → `refrain_filter::List`. Pure: it knows no clock and no network.

use std::collections::HashMap;

use ipnet::IpNet;
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
    /// Entries of sources beyond the most that a list may have, or that cover too much.
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
        if is_too_wide(&entry.key) {
            self.counts.left_out += 1;
            return;
        }
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

/// A whole top-level domain, or a large part of all addresses: nobody else may take that from the operator's users, by mistake or
/// by malice.
fn is_too_wide(key: &Key) -> bool {
    match key {
        Key::Parent(parent) => !parent.contains('.'),
        Key::Network(IpNet::V4(network)) => network.prefix_len() < 8,
        Key::Network(IpNet::V6(network)) => network.prefix_len() < 16,
        Key::Word(_) | Key::Hash(_) => false,
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
    use proptest::prelude::*;
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

    /// Few of each, so that sources meet.
    fn entries() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(0u8..6, 0..5)
    }

    fn text(entries: &[u8]) -> String {
        entries.iter().map(|number| format!("e{number}@x{}.example\n", number % 2)).collect()
    }

    fn hashed(entries: &[u8]) -> String {
        let hex = |line: &str| hash_of(line).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        text(entries).lines().map(|line| hex(line) + "\n").collect()
    }

    proptest! {
        /// So a source that takes an entry back takes away its own weight and nobody else's.
        #[test]
        fn what_counts_depends_on_who_has_it_now_and_on_nothing_else(
            own in entries(),
            except in entries(),
            sources in proptest::collection::vec((entries(), 1u32..4, any::<bool>()), 0..5),
            quorum in 1u32..6,
        ) {
            let parts: Vec<Part> = sources
                .iter()
                .enumerate()
                .map(|(index, (entries, weight, is_hashed))| {
                    let text = if *is_hashed { hashed(entries) } else { text(entries) };
                    part(&format!("s{index}"), *weight, &text)
                })
                .collect();
            let list = combined(config(&text(&own), &text(&except), quorum), &parts);
            for number in 0..6 {
                let weight: u32 =
                    sources.iter().filter(|(entries, ..)| entries.contains(&number)).map(|(_, weight, _)| weight).sum();
                let counts = (own.contains(&number) || weight >= quorum) && !except.contains(&number);
                let note = list.lookup(text(&[number]).trim());
                prop_assert_eq!(note.is_some(), counts, "{}", number);
                for (index, (entries, ..)) in sources.iter().enumerate().filter(|_| counts) {
                    let named = note.unwrap_or_default().split("; ").any(|said| said == format!("s{index}"));
                    prop_assert_eq!(named, entries.contains(&number), "{:?} of {}", note, number);
                }
            }
        }
    }

    /// `cargo test --lib a_million -- --ignored --nocapture` prints what it costs.
    #[test]
    #[ignore = "takes seconds and measures"]
    fn a_million_entries_are_bounded() {
        let resident = || {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
        };
        // Of this thread alone: the machine is busy with others.
        let busy = || {
            let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
            std::time::Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
        };
        type Form = fn(usize) -> String;
        let forms: [(&str, Form); 3] = [
            ("sha256", |n| {
                hash_of(&format!("user{n}@server{}.example", n % 1_000)).iter().map(|b| format!("{b:02x}")).collect()
            }),
            ("plain", |n| format!("user{n}@server{}.example", n % 1_000)),
            ("network", |n| std::net::Ipv4Addr::from(0x0b00_0000 + n as u32 * 7).to_string()),
        ];
        for (name, form) in forms {
            let text: String = (0..ENTRIES_MAX).map(|n| form(n) + " spam\n").collect();
            let parts = [part("lists.example/a", 1, &text)];
            drop(text);
            let (before, started) = (resident(), busy());
            let list = combined(config("", "", 1), &parts);
            let (took, bytes) = (busy() - started, resident().saturating_sub(before));
            assert_eq!(list.len(), ENTRIES_MAX);
            let mut line = format!("{name}: combined in {took:?}, {} bytes an entry", bytes / ENTRIES_MAX);
            let hit =
                |n: usize| if name == "network" { form(n) } else { format!("user{n}@server{}.example/r", n % 1_000) };
            for (what, values) in [
                ("hit", (0..10_000).map(|n| hit(n * 97)).collect::<Vec<_>>()),
                ("miss", (0..10_000).map(|n| format!("other{n}@elsewhere{n}.example/r")).collect()),
            ] {
                let started = busy();
                let found = values.iter().filter(|value| list.lookup(value).is_some()).count();
                assert_eq!(found, if what == "hit" { 10_000 } else { 0 });
                line += &format!(", {what} {} ns", (busy() - started).as_nanos() / 10_000);
            }
            println!("{line}");
            assert!(bytes / ENTRIES_MAX < 300);
        }
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
    fn no_source_takes_a_top_level_domain_or_half_of_the_internet_away() {
        let wide = "*.example\n*.b.example\n0.0.0.0/0\n::/0\n10.0.0.0/8";
        let Combined { list, left_out } = combine(&config("", "", 1), &[part("a", 1, wide)]);
        assert_eq!((list.len(), left_out), (2, 3));
        assert_eq!(combined(config(wide, "", 1), &[]).len(), 5, "the operator may");
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
