//! The filter pack against stanzas as real clients, servers and spammers write them: what ought to pass leaves byte for byte, what
//! ought not does not.
//!
//! [`book`] reads the corpora, [`pack`] judges them by the configuration that `docs/filters/README.md` recommends, in the sandbox.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail the test")]

mod book;
mod pack;

use std::collections::BTreeSet;

use book::Entry;
use pack::{Judged, Pack};
use refrain_filter::Relation;

/// Everything that `file-transfer` can refuse is allowed, so that the other filters are alone with what they see.
const FILES_ALLOWED: &str = "[filter.file-transfer.settings]\nallow = ['everything']\n";

/// What passes by default is refused as well.
const ALL_DENIED: &str = "[filter.file-transfer.settings]\ndeny = ['everything']\n";

fn failures(found: Vec<String>, of: usize) {
    assert!(found.is_empty(), "{} of {of}:\n\n{}", found.len(), found.join("\n\n"));
}

/// What became of an entry that should have passed as it is.
fn touched(entry: &Entry, judged: &Judged) -> Option<String> {
    let passed = judged.said == "forward" && judged.stanza == entry.stanza.to_xml();
    (!passed).then(|| format!("{entry}\n    {judged}"))
}

fn play_ham(pack: &mut Pack, entries: &[Entry], relation: Relation) -> Vec<String> {
    entries.iter().filter_map(|entry| touched(entry, &pack.judge(entry, Some(relation)))).collect()
}

#[test]
fn ham_passes_untouched_where_files_are_allowed() {
    let (ham, transfers) = (book::read("ham"), book::read("transfers"));
    assert!(ham.len() >= 150, "{} entries", ham.len());
    let mut pack = Pack::recommended_with(FILES_ALLOWED);
    let mut found = play_ham(&mut pack, &ham, Relation::Known);
    found.extend(play_ham(&mut pack, &transfers, Relation::Known));
    failures(found, ham.len() + transfers.len());
}

#[test]
fn ham_passes_untouched_where_files_are_not() {
    let ham = book::read("ham");
    failures(play_ham(&mut Pack::recommended(), &ham, Relation::Known), ham.len());
}

#[test]
fn ham_of_strangers_passes_too() {
    let ham = book::read("ham");
    failures(play_ham(&mut Pack::recommended(), &ham, Relation::Stranger), ham.len());
}

/// Judges entries that say what must become of them; records it where they do not, if that is asked for.
fn play_expected(name: &str, relation: Relation) {
    let mut pack = Pack::recommended();
    let entries = book::read(name);
    let wrong = |entry: &Entry| {
        let judged = pack.judge(entry, Some(relation));
        let same = entry.expected.as_deref() == Some(&*judged.outcome());
        (!same).then(|| format!("{entry}\n    {judged}\n=> {}", judged.outcome()))
    };
    failures(entries.iter().filter_map(wrong).collect(), entries.len());
}

#[test]
fn what_is_transferred_is_lost_and_nothing_else() {
    play_expected("transfers", Relation::Known);
}

#[test]
fn every_mechanism_is_denied_as_its_clients_understand() {
    let of = |entry: &Entry| entry.title.split_once(' ').and_then(|(number, _)| number.parse::<u32>().ok());
    let numbers: BTreeSet<u32> = book::read("mechanisms").iter().filter_map(of).collect();
    let missing: Vec<u32> = (1..=38).filter(|number| !numbers.contains(number)).collect();
    assert!(missing.is_empty(), "nothing of {missing:?}");
    play_expected("mechanisms", Relation::Known);
}

#[test]
fn nothing_of_the_kind_crosses_where_everything_is_denied() {
    let mechanisms = book::read("mechanisms");
    let mut pack = Pack::recommended_with(ALL_DENIED);
    let mut crosses = |entry: &Entry| touched(entry, &pack.judge(entry, Some(Relation::Known))).is_none();
    let found = mechanisms.iter().filter(|entry| crosses(entry)).map(Entry::to_string).collect();
    failures(found, mechanisms.len());
}

#[test]
fn what_nobody_asked_for_is_stopped() {
    let spim = book::read("spim");
    assert!(spim.len() >= 60, "{} entries", spim.len());
    let mut pack = Pack::recommended();
    let mut passes = |entry: &Entry| {
        let judged = pack.judge(entry, Some(Relation::Stranger));
        (judged.said == "forward").then(|| format!("{entry}\n    {judged}"))
    };
    failures(spim.iter().filter_map(&mut passes).collect(), spim.len());
}
