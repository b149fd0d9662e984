//! Properties: whatever the input, the parsers agree.

mod generate;

use generate::{damaged, stream};
use proptest::prelude::*;
use refrain_agreement::expat::{self, Server};
use refrain_agreement::{conversations, ours, verdict};
use refrain_proto::limits::XmlLimits;

/// A stream of a golden conversation.
fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let all = conversations::all().expect("conversations").into_iter();
    let short = all.flat_map(|one| one.streams).filter(|stream| stream.len() < 2_000).collect::<Vec<_>>();
    prop::sample::select(short)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t60_what_we_accept_and_what_we_write_is_read_alike_by_all(stream in stream()) {
        let text = String::from_utf8_lossy(&stream);
        prop_assert_eq!(verdict::on_stream(&stream), Ok(()), "{}", text);
    }

    #[test]
    fn t60_damage_does_not_make_parsers_differ(stream in damaged(stream())) {
        let text = String::from_utf8_lossy(&stream);
        prop_assert_eq!(verdict::on_stream(&stream), Ok(()), "{}", text);
    }

    #[test]
    fn t60_damaged_conversations_are_read_alike(stream in damaged(conversation())) {
        let text = String::from_utf8_lossy(&stream);
        prop_assert_eq!(verdict::on_stream(&stream), Ok(()), "{}", text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t60_where_a_stream_is_split_does_not_matter_to_anyone(stream in prop_oneof![stream(), damaged(stream())]) {
        let limits = XmlLimits::default();
        let whole = ours::read([stream.as_slice()], &limits);
        for at in 0..=stream.len() {
            let (first, second) = stream.split_at(at);
            let split = ours::read([first, second], &limits);
            prop_assert_eq!((&split.pieces, split.refused), (&whole.pieces, whole.refused), "split at {}", at);
            let accepted = &stream[..whole.accepted_bytes];
            let (first, second) = accepted.split_at(at.min(accepted.len()));
            let theirs = expat::read(Server::Prosody, [first, second]);
            prop_assert_eq!(&theirs.pieces, &whole.pieces, "split at {}", at);
        }
    }
}
