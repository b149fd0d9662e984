//! A list of the operator's: addresses, domains or any other words, each with an optional note.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use refrain_proto::{Domain, Jid};

/// The operator's lists by name.
pub type Lists = BTreeMap<String, Arc<List>>;

/// One list.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct List {
    /// As written.
    entries: HashMap<Box<str>, Box<str>>,
    /// Addresses and domains that are prepared (RFC 7622) into another text than was written.
    prepared: HashMap<Box<str>, Box<str>>,
    /// The domains behind `*.`, prepared.
    parents: HashMap<Box<str>, Box<str>>,
}

impl List {
    /// Reads a list: one entry a line, then, behind white space, its note; `#` begins a comment.
    pub fn parse(text: &str) -> Self {
        let mut list = List::default();
        for line in text.lines() {
            list.add(line.split_once('#').map_or(line, |(entry, _)| entry));
        }
        list
    }

    /// Adds one entry as a line of a file would; an empty one adds nothing.
    pub fn add(&mut self, line: &str) {
        let line = line.trim();
        let (entry, note) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if entry.is_empty() {
            return;
        }
        let note: Box<str> = note.trim().into();
        if let Some(Ok(parent)) = entry.strip_prefix("*.").map(Domain::parse) {
            self.parents.insert(parent.as_str().into(), note.clone());
        } else if let Ok(jid) = Jid::parse(entry)
            && jid.as_str() != entry
        {
            self.prepared.insert(jid.as_str().into(), note.clone());
        }
        self.entries.insert(entry.into(), note);
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it has exactly this entry.
    pub fn contains(&self, value: &str) -> bool {
        self.entries.contains_key(value)
    }

    /// Returns the note of the most specific entry that covers an address or domain: the full address, the bare one, the domain,
    /// then `*.parent` for each parent domain. What is no address is covered by itself only.
    pub fn lookup(&self, value: &str) -> Option<&str> {
        let Ok(jid) = Jid::parse(value) else { return self.entry(value) };
        let exact = [jid.as_str(), jid.bare(), jid.domain()].into_iter().find_map(|covering| self.entry(covering));
        exact.or_else(|| self.parent(jid.domain()))
    }

    fn entry(&self, text: &str) -> Option<&str> {
        self.entries.get(text).or_else(|| self.prepared.get(text)).map(|note| &**note)
    }

    fn parent(&self, domain: &str) -> Option<&str> {
        let mut rest = domain;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(note) = self.parents.get(parent) {
                return Some(note);
            }
            rest = parent;
        }
        None
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
        f.debug_struct("List").field("entries", &self.entries.len()).finish()
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
    fn comments_and_empty_lines_are_no_entries() {
        let list = List::parse("# of last week\n\n   \nx.example # loud\n");
        assert_eq!((list.len(), list.lookup("x.example")), (1, Some("")));
    }
}
