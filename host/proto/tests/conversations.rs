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

/// C15, in each phase of a stream and in both roles.
#[test]
fn every_stream_error_of_a_peer_ends_the_stream_and_is_known_by_name() {
    let initiating = "! initiating a.example → b.example\n< <stream from='a.example' to='b.example'>\n\
                      > <stream from='b.example' to='a.example' id='1'>\n";
    let before_tls = "> <stream from='a.example' to='home.example'>\n< <stream from='home.example' to='a.example' id='1'>\n\
                      < <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>\n";
    for beginning in [initiating, before_tls, "! proven a.example → home.example\n"] {
        for condition in StreamCondition::ALL {
            let text = format!(
                "{beginning}> <stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'>elsewhere.example</{condition}>\
                 <text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>because</text></stream:error>\n\
                 < </stream>\n= finished: the peer closed the stream with {condition}\n"
            );
            play(&text, Reads::Whole).unwrap_or_else(|problem| panic!("{condition}: {problem}\n{text}"));
        }
    }
}

/// C53: each condition of XEP-0220 §2.5 is told, and the stream lives.
#[test]
fn every_dialback_error_is_told_and_leaves_the_stream_to_the_next_key() {
    for (answer, condition, kind) in DIALBACK_ERRORS {
        let text = format!(
            "! direct tls no certificate\n> <stream from='a.example' to='home.example'>\n< <stream from='home.example' to='a.example' id='1'>\n\
             < <stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback><limits xmlns='urn:xmpp:stream-limits:0'>\
             <max-bytes>262144</max-bytes><idle-seconds>1800</idle-seconds></limits></stream:features>\n\
             > <db:result from='a.example' to='home.example'>k</db:result>\n? verify a.example → home.example answer {answer}\n\
             < <db:result type='error' from='home.example' to='a.example'><error type='{kind}'>\
             <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>\n\
             > <db:result from='a.example' to='home.example'>k</db:result>\n? verify a.example → home.example answer valid\n\
             < <db:result type='valid' from='home.example' to='a.example'/>\n= authenticated a.example → home.example by dialback\n"
        );
        play(&text, Reads::Whole).unwrap_or_else(|problem| panic!("{condition}: {problem}"));
    }
}

/// C48, C53: and each is understood; what waits for the key is returned with `remote-server-timeout`.
#[test]
fn every_dialback_error_of_a_peer_ends_the_attempt_and_is_no_refusal_of_the_key() {
    for (_, condition, kind) in DIALBACK_ERRORS {
        let text = format!(
            "! initiating capulet.example → montague.example\n! without external\n! direct tls certificate montague.example\n\
             < <stream from='capulet.example' to='montague.example'>\n> <stream from='montague.example' to='capulet.example' id='D60000229F'>\n\
             > <stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback></stream:features>\n\
             ? key shown capulet.example → montague.example id D60000229F\n\
             < <db:result from='capulet.example' to='montague.example'>b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3</db:result>\n\
             > <db:result type='error' from='montague.example' to='capulet.example'><error type='{kind}'>\
             <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>\n\
             < </stream>\n! eof\n= finished: the peer could not verify our dialback key: …\n"
        );
        play(&text, Reads::Whole).unwrap_or_else(|problem| panic!("{condition}: {problem}"));
    }
}

/// The conditions of XEP-0220 §2.5: how the host says them, their names, and the types they are told with.
const DIALBACK_ERRORS: &[(&str, &str, &str)] = &[
    ("item-not-found", "item-not-found", "cancel"),
    ("unreachable", "remote-connection-failed", "wait"),
    ("remote-server-not-found", "remote-server-not-found", "cancel"),
    ("remote-server-timeout", "remote-server-timeout", "wait"),
    ("policy-violation", "policy-violation", "modify"),
    ("not-authorized", "not-authorized", "auth"),
    ("forbidden", "forbidden", "auth"),
    ("not-acceptable", "not-acceptable", "modify"),
];
