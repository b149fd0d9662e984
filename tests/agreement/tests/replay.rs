//! The inputs that the fuzzers began with and those they found, run again natively; and the golden conversations, too.

use refrain_agreement::{conversations, targets, verdict};
use std::path::Path;

/// Runs a target on an input; a panic says which.
fn replay(name: &str, run: fn(&[u8]), input: &[u8], origin: &str) {
    let outcome = std::panic::catch_unwind(|| run(input));
    assert!(outcome.is_ok(), "{name} fails on {origin}");
}

#[test]
fn every_input_of_the_corpus_passes_its_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for &(name, run) in targets::ALL {
        let folder = std::fs::read_dir(corpus.join(name)).expect("each target has a corpus");
        let mut replayed = 0;
        for entry in folder {
            let path = entry.expect("an entry").path();
            let input = std::fs::read(&path).expect("an input");
            replay(name, run, &input, &path.display().to_string());
            replayed += 1;
        }
        assert!(replayed > 0, "the corpus of {name} is empty");
    }
}

#[test]
fn every_conversation_passes_the_streams_of_both_roles() {
    for conversation in conversations::all().expect("conversations") {
        replay("receiving", targets::receiving, &conversation.doings, &conversation.name);
        replay("initiating", targets::initiating, &conversation.doings, &conversation.name);
    }
}

#[test]
fn t60_what_peers_say_in_the_conversations_is_read_alike_by_all() {
    let mut compared = 0;
    for conversation in conversations::all().expect("conversations") {
        for stream in &conversation.streams {
            assert_eq!(verdict::on_stream(stream), Ok(()), "{}", conversation.name);
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} streams were found");
}
