//! Signatures that are words: each is found by the rarest of its words, so that a text costs one look-up a word, however many there are.
//!
//! An automaton over all of them (Aho-Corasick) would be as fast and take twenty times the memory.

use std::collections::HashMap;
use std::ops::Range;

use crate::text::{Words, joins};

/// Where in words a signature may begin and end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Edges {
    /// It may begin within a word.
    pub(crate) open_begin: bool,
    /// It may end within a word.
    pub(crate) open_end: bool,
}

/// Many signatures, searched at once.
#[derive(Debug, Default)]
pub(crate) struct WordIndex {
    needles: Vec<Needle>,
    /// By the hash of the word by which a needle is found, sorted.
    anchors: Vec<Anchor>,
    /// One bit for each hash that is there: most words of a text are ruled out by it.
    present: Vec<u64>,
}

#[derive(Debug)]
struct Needle {
    place: u32,
    text: Box<str>,
    edges: Edges,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Anchor {
    hash: u32,
    needle: u32,
    /// Bytes of the needle before the word.
    offset: u32,
}

/// What is indexed, with the place of its signature.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) place: u32,
    pub(crate) text: String,
    pub(crate) edges: Edges,
}

impl WordIndex {
    /// Indexes what has a whole word to be found by, and returns the rest.
    pub(crate) fn build(entries: Vec<Entry>) -> (Self, Vec<Entry>) {
        let mut counts = HashMap::<u32, u32>::new();
        for entry in &entries {
            anchors_of(entry).for_each(|(hash, _, _)| *counts.entry(hash).or_default() += 1);
        }
        let mut index = WordIndex { present: vec![0; PRESENT_WORDS], ..WordIndex::default() };
        let mut rest = Vec::new();
        for entry in entries {
            let count = |hash: &u32| counts.get(hash).copied().unwrap_or_default();
            let rarest = anchors_of(&entry).min_by_key(|(hash, _, length)| (count(hash), usize::MAX - length));
            match rarest {
                Some((hash, offset, _)) => index.add(entry, hash, offset),
                None => rest.push(entry),
            }
        }
        index.anchors.sort_unstable();
        (index, rest)
    }

    fn add(&mut self, entry: Entry, hash: u32, offset: usize) {
        self.anchors.push(Anchor { hash, needle: self.needles.len() as u32, offset: offset as u32 });
        let (word, bit) = place_in_present(hash);
        if let Some(word) = self.present.get_mut(word) {
            *word |= bit;
        }
        self.needles.push(Needle { place: entry.place, text: entry.text.into(), edges: entry.edges });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// Tells every find in a text: the place of the signature, and the bytes that it found.
    pub(crate) fn find(&self, text: &str, mut found: impl FnMut(u32, Range<usize>)) {
        for (begin, word) in Words::of(text) {
            let hash = hash(word);
            let (slot, bit) = place_in_present(hash);
            if self.present.get(slot).is_none_or(|present| present & bit == 0) {
                continue;
            }
            let first = self.anchors.partition_point(|anchor| anchor.hash < hash);
            for anchor in self.anchors.iter().skip(first).take_while(|anchor| anchor.hash == hash) {
                if let Some((place, part)) = self.at(text, begin, anchor) {
                    found(place, part);
                }
            }
        }
    }

    /// The find of a needle whose word stands at `begin`.
    fn at(&self, text: &str, begin: usize, anchor: &Anchor) -> Option<(u32, Range<usize>)> {
        let needle = self.needles.get(anchor.needle as usize)?;
        let begin = begin.checked_sub(anchor.offset as usize)?;
        let end = begin.checked_add(needle.text.len())?;
        let is_here = text.get(begin..end)? == &*needle.text;
        (is_here && needle.edges.fit(text, &(begin..end))).then_some((needle.place, begin..end))
    }
}

impl Edges {
    /// Whether a find cuts no word that it must not cut.
    pub(crate) fn fit(self, text: &str, part: &Range<usize>) -> bool {
        (self.open_begin || !joins(text, part.start)) && (self.open_end || !joins(text, part.end))
    }
}

/// The words that an entry can be found by: hash, offset and length. One that may go on in the text is none.
fn anchors_of(entry: &Entry) -> impl Iterator<Item = (u32, usize, usize)> + '_ {
    let whole = |begin: usize, word: &str| {
        let goes_on_before = begin == 0 && entry.edges.open_begin;
        let goes_on_behind = begin + word.len() == entry.text.len() && entry.edges.open_end;
        !goes_on_before && !goes_on_behind
    };
    let words = Words::of(&entry.text).filter(move |(begin, word)| whole(*begin, word));
    words.map(|(begin, word)| (hash(word), begin, word.len()))
}

/// 16 KiB: of ten thousand signatures, one word in thirteen that is not theirs is looked up for nothing.
const PRESENT_WORDS: usize = 1 << 11;

fn place_in_present(hash: u32) -> (usize, u64) {
    ((hash >> 6) as usize % PRESENT_WORDS, 1 << (hash & 63))
}

/// As rustc's hash of old: fast for short words. Whoever finds words of one hash makes the filter compare some more.
fn hash(word: &str) -> u32 {
    let mut hash = word.len() as u64;
    for chunk in word.as_bytes().chunks(8) {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(chunk) {
            *to = *from;
        }
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(bytes)).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(needles: &[(&str, Edges)], text: &str) -> Vec<u32> {
        let entry = |(place, (text, edges)): (usize, &(&str, Edges))| Entry {
            place: place as u32,
            text: (*text).to_owned(),
            edges: *edges,
        };
        let (index, rest) = WordIndex::build(needles.iter().enumerate().map(entry).collect());
        assert!(rest.is_empty(), "{rest:?}");
        let mut found = Vec::new();
        index.find(text, |place, _| found.push(place));
        found.sort_unstable();
        found
    }

    const WHOLE: Edges = Edges { open_begin: false, open_end: false };

    #[test]
    fn whole_words_are_found_in_their_order() {
        let needles = [("best casino bonus", WHOLE), ("casino", WHOLE), ("100% (free)", WHOLE), ("赌场", WHOLE)];
        assert_eq!(finds(&needles, "the best casino bonus!"), [0, 1]);
        assert_eq!(finds(&needles, "casinos, the bonus of the best"), [0; 0]);
        assert_eq!(finds(&needles, "it is 100% (free)"), [2]);
        assert_eq!(finds(&needles, "澳门赌场网站"), [3]);
    }

    #[test]
    fn a_word_may_go_on_where_it_is_said_to() {
        let end = Edges { open_end: true, ..WHOLE };
        assert_eq!(finds(&[("free casino", end)], "free casinos"), [0]);
        assert_eq!(finds(&[("free casino", end)], "carefree casinos"), [0; 0]);
    }

    /// Needles and texts of few words, so that there is much to find.
    fn words() -> impl Strategy<Value = String> {
        let word = prop_oneof!["[ab]{1,2}", Just("赌".to_owned()), Just("_".to_owned()), Just("!".to_owned())];
        let gap = prop_oneof![Just(" "), Just(""), Just(" ")];
        prop::collection::vec((word, gap), 1..8)
            .prop_map(|parts| parts.into_iter().map(|(word, gap)| word + gap).collect::<String>().trim().to_owned())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_finds_what_a_search_for_one_after_the_other_finds(
            needles in prop::collection::vec((words(), any::<bool>(), any::<bool>()), 1..6),
            text in words(),
        ) {
            let entry = |(place, (text, open_begin, open_end)): (usize, &(String, bool, bool))| Entry {
                place: place as u32,
                text: text.clone(),
                edges: Edges { open_begin: *open_begin, open_end: *open_end },
            };
            let naive = |entry: &Entry| {
                let begins = text.char_indices().map(|(at, _)| at).filter(|at| text[*at..].starts_with(&entry.text));
                begins.map(|at| at..at + entry.text.len()).filter(|part| entry.edges.fit(&text, part)).count()
            };
            let (index, rest) = WordIndex::build(needles.iter().enumerate().map(entry).collect());
            let mut counts = vec![0; needles.len()];
            index.find(&text, |place, _| counts[place as usize] += 1);
            for (place, needle) in needles.iter().enumerate() {
                let entry = entry((place, needle));
                if !rest.iter().any(|rest| rest.place == entry.place) {
                    prop_assert_eq!(counts[place], naive(&entry), "{:?} in {:?}", entry, text);
                }
            }
        }
    }

    #[test]
    fn what_has_no_whole_word_is_left_to_others() {
        let anywhere = Edges { open_begin: true, open_end: true };
        let entry = Entry { place: 0, text: "casino".to_owned(), edges: anywhere };
        assert_eq!(WordIndex::build(vec![entry]).1.len(), 1);
    }
}
