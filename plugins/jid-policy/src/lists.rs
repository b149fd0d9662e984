//! The operator's lists that rules name, each asked at most once about an address.

use std::cell::RefCell;

use refrain_sdk::{Address, List, Problem, Setup};

/// The lists that were opened, by the place that rules know them by.
#[derive(Debug, Default)]
pub(crate) struct Lists(Vec<(String, List)>);

impl Lists {
    /// The place of the list of this name.
    pub(crate) fn open(&mut self, name: &str, setup: &mut Setup) -> Result<usize, Problem> {
        if let Some(place) = self.0.iter().position(|(known, _)| known == name) {
            return Ok(place);
        }
        self.0.push((name.to_owned(), setup.list(name)?));
        Ok(self.0.len() - 1)
    }

    /// Begins a stanza.
    pub(crate) fn ask(&self) -> Answers<'_> {
        Answers { lists: self, known: RefCell::default() }
    }

    /// What of a list covers an address, in words for the operator: the list, the entry, its note.
    pub(crate) fn tell(&self, place: usize, address: Address<'_>) -> String {
        let Some((name, list)) = self.0.get(place) else { return String::new() };
        let note = list.lookup(address.as_str()).filter(|note| !note.is_empty());
        let note = note.map(|note| format!(" ({note})")).unwrap_or_default();
        match entries(address).find(|entry| list.contains(entry)) {
            Some(entry) => format!("list:{name}, {entry}{note}"),
            // Written otherwise than prepared, or as a hash.
            None => format!("list:{name}{note}"),
        }
    }
}

/// What a list may have to cover an address, the most specific first.
fn entries(address: Address<'_>) -> impl Iterator<Item = String> {
    let exact = [address.as_str(), address.bare(), address.domain()].map(str::to_owned);
    exact.into_iter().chain(parents(address.domain()).map(|parent| format!("*.{parent}")))
}

/// `a.b.c` → `b.c`, `c`.
pub(crate) fn parents(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(parent(domain), |domain| parent(domain))
}

fn parent(domain: &str) -> Option<&str> {
    domain.split_once('.').map(|(_, parent)| parent)
}

/// What the lists say about the addresses of one stanza.
pub(crate) struct Answers<'a> {
    lists: &'a Lists,
    known: RefCell<Vec<(usize, &'a str, bool)>>,
}

impl<'a> Answers<'a> {
    /// Whether a list covers an address.
    pub(crate) fn cover(&self, place: usize, address: Address<'a>) -> bool {
        let mut known = self.known.borrow_mut();
        if let Some((.., covers)) = known.iter().find(|(list, of, _)| (*list, *of) == (place, address.as_str())) {
            return *covers;
        }
        let covers = self.lists.0.get(place).is_some_and(|(_, list)| list.covers(address.as_str()));
        known.push((place, address.as_str(), covers));
        covers
    }
}
