//! Every conversation of `tests/conversations`, whole and split at every byte: what is said must not depend on how it arrives.

mod player;

use player::{Reads, play};
use refrain_proto::StreamCondition;
use std::path::Path;

fn play_all(reads: Reads) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conversations");
    let mut played = 0;
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder of conversations") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        played += 1;
        let text = std::fs::read_to_string(&path).expect("a conversation");
        if let Err(problem) = play(&text, reads) {
            problems.push(format!("{}: {problem}", path.display()));
        }
    }
    assert!(played > 40, "only {played} conversations were found");
    assert!(problems.is_empty(), "{} of {played} went differently:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn every_conversation_goes_as_written() {
    play_all(Reads::Whole);
}

#[test]
fn every_conversation_goes_the_same_byte_by_byte() {
    play_all(Reads::Bytewise);
}

#[test]
fn every_stream_error_of_a_peer_ends_the_stream_and_is_known_by_name() {
    for condition in StreamCondition::ALL {
        let text = format!(
            "! initiating a.example → b.example\n< <stream from='a.example' to='b.example'>\n\
             > <stream from='b.example' to='a.example' id='1'>\n\
             > <stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>\n\
             < </stream>\n= finished: the peer closed the stream with {condition}\n"
        );
        play(&text, Reads::Whole).unwrap();
    }
}
