//! A list of the operator's: addresses, domains, networks or any other words, each with an optional note.

mod coverage;
mod entry;
mod live;
mod networks;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use refrain_proto::Jid;

pub use coverage::Coverage;
pub use entry::{Entry, Hash, Key, hash_of};
pub use live::{Hits, LiveList, Mode};
use networks::Networks;

/// The operator's lists by name.
pub type Lists = BTreeMap<String, Arc<LiveList>>;

/// One list, as it is at one moment.
#[derive(Clone, Default)]
pub struct List {
    /// Prepared addresses and domains, and other words, as they were written.
    words: HashMap<Box<str>, u32>,
    /// Addresses and domains that were never written as they are prepared (RFC 7622).
    prepared: HashMap<Box<str>, u32>,
    /// As what these were written.
    written: HashSet<Box<str>>,
    /// The domains behind `*.`, prepared.
    parents: HashMap<Box<str>, u32>,
    hashes: HashMap<Hash, u32>,
    networks: Networks,
    notes: Notes,
    /// What is never covered, whatever the entries say.
    except: Option<Box<List>>,
}

/// The notes, each of them once: a published list has few reasons for many entries.
#[derive(Clone, Default)]
struct Notes {
    texts: Vec<Arc<str>>,
    index: HashMap<Arc<str>, u32>,
}

impl List {
    /// Reads a list: one entry a line, then, behind white space, its note. `#` begins a comment, at the start of a line or behind
    /// white space.
    pub fn parse(text: &str) -> Self {
        let mut list = List::default();
        text.lines().filter_map(Entry::parse_commented).for_each(|entry| list.insert(entry));
        list
    }

    /// Adds one entry, without comments; a blank line adds nothing.
    pub fn add(&mut self, line: &str) {
        if let Some(entry) = Entry::parse(line) {
            self.insert(entry);
        }
    }

    /// Adds one entry; the last note of several stays.
    pub fn insert(&mut self, entry: Entry<'_>) {
        let note = self.notes.id(entry.note);
        match entry.key {
            Key::Word(word) if *word == *entry.written => {
                self.prepared.remove(&word);
                self.words.insert(word, note);
            }
            Key::Word(word) => {
                self.written.insert(entry.written.into());
                let known = if self.words.contains_key(&word) { &mut self.words } else { &mut self.prepared };
                known.insert(word, note);
            }
            Key::Parent(parent) => {
                self.parents.insert(parent, note);
            }
            Key::Hash(hash) => {
                self.hashes.insert(hash, note);
            }
            Key::Network(network) => self.networks.insert(network, note),
        }
    }

    /// The same list, but it covers nothing that `except` covers.
    pub fn excepting(mut self, except: List) -> Self {
        self.except = (!except.is_empty()).then(|| Box::new(except));
        self
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.words.len() + self.prepared.len() + self.parents.len() + self.hashes.len() + self.networks.len()
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has exactly this entry, and no exception covers it.
    pub fn contains(&self, value: &str) -> bool {
        self.has(value) && !self.is_excepted(value)
    }

    /// Returns the note of the most specific entry that covers an address or domain, unless an exception covers it: the full
    /// address, the bare one or its hash, the domain or its hash, then `*.parent` for each parent domain. A host that is an IP
    /// address is covered by networks too. What is no address is covered by itself only.
    pub fn lookup(&self, value: &str) -> Option<&str> {
        let note = self.covering(value)?;
        (!self.is_excepted(value)).then(|| self.notes.text(note))
    }

    /// The smallest network that holds the address: the length of its prefix, and its note.
    pub fn network_of(&self, address: IpAddr) -> Option<(u8, &str)> {
        let address = address.to_canonical();
        let (length, note) = self.networks.smallest(address)?;
        let excepted = self.except.as_ref().is_some_and(|except| except.networks.smallest(address).is_some());
        (!excepted).then(|| (length, self.notes.text(note)))
    }

    /// Whether an exception covers this.
    pub fn is_excepted(&self, value: &str) -> bool {
        self.except.as_ref().is_some_and(|except| except.covering(value).is_some())
    }

    fn has(&self, value: &str) -> bool {
        if self.words.contains_key(value) || self.written.contains(value) {
            return true;
        }
        match Key::parse(value) {
            Key::Word(_) => false,
            Key::Parent(parent) => self.parents.contains_key(&parent),
            Key::Hash(hash) => self.hashes.contains_key(&hash),
            Key::Network(network) => self.networks.contains(network),
        }
    }

    fn covering(&self, value: &str) -> Option<u32> {
        let Ok(jid) = Jid::parse(value) else { return self.word(value).or_else(|| self.network(value)) };
        let (full, bare, domain) = (jid.as_str(), jid.bare(), jid.domain());
        self.word(full)
            .or_else(|| self.word_or_hash(bare))
            .or_else(|| if domain == bare { None } else { self.word_or_hash(domain) })
            .or_else(|| self.parent(domain))
            .or_else(|| self.network(domain))
    }

    fn word_or_hash(&self, text: &str) -> Option<u32> {
        self.word(text).or_else(|| match self.hashes.is_empty() {
            true => None,
            false => self.hashes.get(&hash_of(text)).copied(),
        })
    }

    fn word(&self, text: &str) -> Option<u32> {
        self.words.get(text).or_else(|| self.prepared.get(text)).copied()
    }

    fn parent(&self, domain: &str) -> Option<u32> {
        let mut rest = domain;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(note) = self.parents.get(parent) {
                return Some(*note);
            }
            rest = parent;
        }
        None
    }

    fn network(&self, host: &str) -> Option<u32> {
        if self.networks.is_empty() {
            return None;
        }
        self.networks.smallest(entry::parse_address(host)?).map(|(_, note)| note)
    }
}

impl Notes {
    fn id(&mut self, text: &str) -> u32 {
        if let Some(known) = self.index.get(text) {
            return *known;
        }
        let (text, id) = (Arc::<str>::from(text), self.texts.len() as u32);
        self.texts.push(text.clone());
        self.index.insert(text, id);
        id
    }

    fn text(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", |text| text)
    }
}

impl FromIterator<String> for List {
    fn from_iter<I: IntoIterator<Item = String>>(entries: I) -> Self {
        let mut list = List::default();
        entries.into_iter().for_each(|entry| list.add(&entry));
        list
    }
}

/// Lists have thousands of entries; none of them belongs into a log.
impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("entries", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_entry_covers() {
        let list = List::parse(
            "eve@x.example/phone full\neve@x.example bare\nx.example domain\n*.x.example parent\n*.example\ttop # all",
        );
        let note = |value| list.lookup(value);
        assert_eq!(note("eve@x.example/phone"), Some("full"));
        assert_eq!(note("eve@x.example/other"), Some("bare"));
        assert_eq!(note("bob@x.example"), Some("domain"));
        assert_eq!(note("bob@a.b.x.example"), Some("parent"));
        assert_eq!(note("y.example"), Some("top"));
        assert_eq!(note("example"), None);
    }

    #[test]
    fn addresses_are_compared_as_prepared_and_words_as_written() {
        let list = List::parse("Evil.Example\nEve@Evil.Example\n\"cas ino\"\n");
        assert_eq!(list.lookup("eve@evil.EXAMPLE/x"), Some(""));
        assert!(list.contains("Evil.Example") && !list.contains("evil.example"));
    }

    #[test]
    fn an_entry_written_twice_is_one_and_has_its_last_note() {
        let list = List::parse("Evil.Example one\nevil.example two\nEVIL.example three");
        assert_eq!((list.len(), list.lookup("evil.example")), (1, Some("three")));
        assert!(list.contains("Evil.Example") && list.contains("evil.example"));
    }

    #[test]
    fn comments_and_empty_lines_are_no_entries() {
        let list = List::parse("# of last week\n\n   \nx.example # loud\n");
        assert_eq!((list.len(), list.lookup("x.example")), (1, Some("")));
    }

    /// As `printf %s eve@evil.example | sha256sum` prints it.
    const EVE: &str = "1b441bd9e90f6cc4189ac29d8357c55b5eeb5ab8ea54b266f9951b70e9987021";
    const EVIL: &str = "9c180de0cd699ee78897c47cfdb3e7ee1d75906e31b7746a4747dea536909837";

    #[test]
    fn a_hash_covers_the_bare_address_or_the_domain_that_has_it() {
        let list = List::parse(&format!("{EVE} eve"));
        assert_eq!(list.lookup("Eve@Evil.example/phone"), Some("eve"));
        assert_eq!(list.lookup("bob@evil.example"), None);
        assert!(list.contains(EVE) && !list.contains(EVIL));
        let list = List::parse(&format!("{EVIL} all"));
        assert_eq!(list.lookup("bob@evil.example/phone"), Some("all"));
        assert_eq!(list.lookup("evil.example"), Some("all"));
        assert_eq!(list.lookup("sub.evil.example"), None);
    }

    #[test]
    fn a_host_that_is_an_address_is_covered_by_its_network() {
        let list = List::parse("192.0.2.0/24 documentation\n192.0.2.7 that one\n2001:db8::/32");
        assert_eq!(list.lookup("192.0.2.7"), Some("that one"));
        assert_eq!(list.lookup("eve@192.0.2.8/x"), Some("documentation"));
        assert_eq!(list.lookup("[2001:db8::1]"), Some(""));
        assert_eq!(list.lookup("192.0.3.1"), None);
        assert_eq!(list.network_of("::ffff:192.0.2.7".parse().unwrap()), Some((32, "that one")));
    }

    #[test]
    fn what_is_excepted_is_never_covered() {
        let listed = format!("friend.example\n{}\n192.0.2.0/24", hex(&hash_of("eve@b.partner.example")));
        let except = List::parse("alice@friend.example\n*.partner.example\n192.0.2.128/25");
        let list = List::parse(&listed).excepting(except);
        assert_eq!(list.lookup("alice@friend.example/phone"), None);
        assert_eq!(list.lookup("bob@friend.example"), Some(""));
        assert_eq!(list.lookup("eve@b.partner.example"), None);
        assert_eq!(list.network_of("192.0.2.200".parse().unwrap()), None);
        assert_eq!(list.network_of("192.0.2.100".parse().unwrap()), Some((24, "")));
        assert!(!List::parse("evil.example").excepting(List::parse("evil.example")).contains("evil.example"));
    }

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
