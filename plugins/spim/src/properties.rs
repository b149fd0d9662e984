//! What holds for every text.

use proptest::prelude::*;

use crate::text::{Views, folded, mentions, normal, reveal, spaced};

/// Texts of what disguises are made of, beside any others.
fn texts() -> impl Strategy<Value = String> {
    let odd = "[a-eа-еα-ε1@$!. _\u{200b}-\u{200f}\u{300}-\u{336}ａ-ｅ🅰-🅴🇦-🇪ﷺ\u{fe0f}\u{e0061}赌가-각ا-ت\u{202a}-\u{202e}𝓪-𝓮]{0,40}";
    prop_oneof![any::<String>(), odd.prop_map(|text: String| text), "[a-z !1.@_-]{0,60}".prop_map(|text: String| text)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn normalising_twice_changes_nothing(text in texts()) {
        let once = normal(&text);
        prop_assert_eq!(normal(&once), once.clone());
        let spaced_once = spaced(&once);
        prop_assert_eq!(spaced(&spaced_once), spaced_once);
    }

    /// U+FDFA is 18 characters in its compatibility form, of 33 bytes: no character grows more.
    #[test]
    fn a_normal_text_is_bounded(text in texts()) {
        let views = Views::of(text.clone());
        prop_assert!(views.normal().len() <= 11 * text.len());
        prop_assert!(views.folded().len() <= 3 * views.normal().len());
        for reading in views.revealed() {
            prop_assert!(reading.text.len() <= 3 * views.normal().len());
        }
    }

    #[test]
    fn what_is_suspect_is_part_of_its_text(text in texts()) {
        for reading in reveal(&normal(&text)) {
            let mut last = 0;
            for suspect in &reading.suspects {
                prop_assert!(last <= suspect.start && suspect.start <= suspect.end);
                prop_assert!(reading.text.get(suspect.clone()).is_some());
                last = suspect.end;
            }
        }
    }

    /// A mention is found where it is, whatever stands around it.
    #[test]
    fn mentions_are_parts_of_their_text(text in texts()) {
        let text = folded(&text);
        for mention in mentions(&text) {
            prop_assert_eq!(text.get(mention.at..mention.at + mention.host.len()), Some(mention.host));
            mention.file_name();
        }
    }
}
