//! A list that may change while filters look it up: they lock nothing, and each look-up sees one state of it.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::List;

/// What is counted one by one; the rest only in the sum. Whoever sends from ever new addresses must not fill our memory.
const COUNTED_MAX: usize = 1_000;

/// A list whose entries come and go.
pub struct LiveList {
    list: ArcSwap<List>,
    mode: Mode,
    hits: Arc<Hits>,
}

/// What a list is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It covers what its entries say.
    #[default]
    Covers,
    /// It covers nothing, and counts what it would have.
    Preview,
}

impl LiveList {
    /// A list that counts in `hits`.
    pub fn new(list: Arc<List>, mode: Mode, hits: Arc<Hits>) -> Self {
        LiveList { list: ArcSwap::new(list), mode, hits }
    }

    /// Puts another list in its place.
    pub fn set(&self, list: Arc<List>) {
        self.list.store(list);
    }

    /// The list at this moment.
    pub fn get(&self) -> Arc<List> {
        self.list.load_full()
    }

    /// What it is good for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What it covered, or would have.
    pub fn hits(&self) -> &Hits {
        &self.hits
    }

    /// As [`List::contains`], unless it only previews.
    pub fn contains(&self, value: &str) -> bool {
        let found = self.list.load().contains(value);
        self.said(found.then_some(()), value).is_some()
    }

    /// As [`List::lookup`], unless it only previews.
    pub fn lookup(&self, value: &str) -> Option<String> {
        let found = self.list.load().lookup(value).map(str::to_owned);
        self.said(found, value)
    }

    /// As [`List::network_of`], unless it only previews.
    pub fn network_of(&self, address: IpAddr) -> Option<u8> {
        let found = self.list.load().network_of(address).map(|(length, _)| length);
        match found {
            Some(_) => self.said(found, &address.to_string()),
            None => None,
        }
    }

    fn said<T>(&self, found: Option<T>, value: &str) -> Option<T> {
        found.as_ref()?;
        match self.mode {
            Mode::Covers => self.hits.count(),
            Mode::Preview => self.hits.count_of(value),
        }
        found.filter(|_| self.mode == Mode::Covers)
    }
}

impl From<List> for LiveList {
    fn from(list: List) -> Self {
        LiveList::new(Arc::new(list), Mode::Covers, Arc::default())
    }
}

/// Lists have thousands of entries; none of them belongs into a log.
impl fmt::Debug for LiveList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveList").field("entries", &self.list.load().len()).field("mode", &self.mode).finish()
    }
}

/// How often a list covered what was looked up, or would have.
#[derive(Debug, Default)]
pub struct Hits {
    count: AtomicU64,
    by_value: Mutex<HashMap<Box<str>, u64>>,
}

impl Hits {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// What a preview would have covered most often, the most frequent first.
    pub fn top(&self, max: usize) -> Vec<(String, u64)> {
        let by_value = self.by_value.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = by_value.iter().map(|(value, count)| (value.to_string(), *count)).collect();
        all.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        all.truncate(max);
        all
    }

    fn count(&self) {
        self.count.fetch_add(1, Relaxed);
    }

    /// Nobody waits to be counted: two hits at the same moment are two in the sum and one of them here.
    fn count_of(&self, value: &str) {
        self.count();
        // Without the resource, of which one sender has as many as it likes.
        let value = value.split_once('/').map_or(value, |(bare, _)| bare);
        let Ok(mut by_value) = self.by_value.try_lock() else { return };
        if let Some(count) = by_value.get_mut(value) {
            *count += 1;
        } else if by_value.len() < COUNTED_MAX {
            by_value.insert(value.into(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_sees_the_list_that_is_in_place() {
        let live = LiveList::from(List::parse("evil.example spam"));
        assert_eq!(live.lookup("eve@evil.example").as_deref(), Some("spam"));
        live.set(Arc::new(List::parse("other.example")));
        assert_eq!(live.lookup("eve@evil.example"), None);
        assert!(live.contains("other.example"));
        assert_eq!(live.hits().total(), 2);
    }

    #[test]
    fn a_preview_covers_nothing_and_counts_what_it_would_have() {
        let list = Arc::new(List::parse("evil.example\n192.0.2.0/24"));
        let live = LiveList::new(list, Mode::Preview, Arc::default());
        for _ in 0..2 {
            assert_eq!(live.lookup("eve@evil.example"), None);
        }
        assert!(!live.contains("evil.example"));
        assert_eq!(live.network_of("192.0.2.1".parse().unwrap()), None);
        assert_eq!(live.lookup("good.example"), None);
        assert_eq!(live.hits().total(), 4);
        assert_eq!(live.hits().top(1), [("eve@evil.example".to_owned(), 2)]);
    }
}
