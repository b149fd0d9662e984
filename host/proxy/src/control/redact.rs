//! Takes what people wrote to each other out of a stanza and leaves its shape: elements, namespaces, addresses, lengths.
//!
//! record → **redact** → corpus

use std::borrow::Cow;

use refrain_proto::xml::{Attribute, Content, Node};
use refrain_proto::{Element, Stanza};

/// Attributes whose value says how a stanza is built or who speaks to whom. Every other one may carry words (a file's name, a
/// link, a password of a room), so what is not known to be structure is masked.
const STRUCTURE: &[&str] = &[
    "action",
    "affiliation",
    "algo",
    "code",
    "creator",
    "from",
    "hash",
    "id",
    "jid",
    "lang",
    "max",
    "mechanism",
    "media",
    "node",
    "rid",
    "role",
    "senders",
    "sid",
    "size",
    "stamp",
    "subscription",
    "to",
    "type",
    "var",
    "ver",
    "version",
];

/// Returns the stanza as XML in the canonical form, with every letter of its content replaced by `x` and every digit by `0`.
pub fn redact(stanza: &Stanza) -> String {
    let root = stanza.root();
    let mut redacted = Element::new(root.namespace(), root.name());
    copy_attributes(&mut redacted, 0, root);
    copy_content(&mut redacted, 0, root);
    redacted.to_xml()
}

/// The recursion is as deep as a stanza may be (`depth_max`, 64 levels).
fn copy_content(target: &mut Element, parent: u32, source: Node<'_>) {
    for content in source.content() {
        match content {
            Content::Text(text) => target.append_text(parent, &mask(text)),
            Content::Element(child) => {
                let copy = target.append(parent, child.namespace(), child.name());
                copy_attributes(target, copy, child);
                copy_content(target, copy, child);
            }
        }
    }
}

fn copy_attributes(target: &mut Element, copy: u32, source: Node<'_>) {
    for attribute in source.attributes() {
        let value = match is_structure(&attribute) {
            true => Cow::Borrowed(attribute.value),
            false => Cow::Owned(mask(attribute.value)),
        };
        target.set_attribute_in(copy, attribute.namespace, attribute.name, Some(&value));
    }
}

fn is_structure(attribute: &Attribute<'_>) -> bool {
    STRUCTURE.binary_search(&attribute.name).is_ok()
}

/// Masks character by character, so that a text keeps its length, its lines and its punctuation.
fn mask(text: &str) -> String {
    text.chars().map(mask_character).collect()
}

fn mask_character(character: char) -> char {
    match character {
        '0'..='9' => '0',
        'A'..='Z' | 'a'..='z' => 'x',
        '\0'..='\x7f' => character,
        _ if character.is_whitespace() || is_punctuation(character) => character,
        _ if character.is_numeric() => '0',
        // Letters of all scripts, the marks that vary them, and pictures: each may say something.
        _ => 'x',
    }
}

/// General punctuation, and that of Chinese and Japanese.
fn is_punctuation(character: char) -> bool {
    matches!(character, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3000}'..='\u{3003}' | '\u{3008}'..='\u{3011}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redacted(xml: &str) -> String {
        redact(&Stanza::parse(xml).unwrap())
    }

    #[test]
    fn words_go_and_punctuation_lengths_and_addresses_stay() {
        let xml = "<message from='eve@evil.example/x' to='alice@home.example' id='m1' type='chat' xml:lang='en'>\
                   <body>Call 555-0100, now!</body><x xmlns='jabber:x:oob'><url>https://evil.example/a1</url></x></message>";
        let expected = "<message from=\"eve@evil.example/x\" to=\"alice@home.example\" id=\"m1\" type=\"chat\" xml:lang=\"en\">\
                        <body>xxxx 000-0000, xxx!</body><x xmlns=\"jabber:x:oob\"><url>xxxxx://xxxx.xxxxxxx/x0</url></x></message>";
        assert_eq!(redacted(xml), expected);
    }

    #[test]
    fn attributes_that_may_carry_words_are_masked() {
        let xml = "<message from='a@x.example' to='b@y.example'>\
                   <x xmlns='jabber:x:conference' jid='room@y.example' password='hunter2' reason='Secret tea'/></message>";
        let expected = "jid=\"room@y.example\" password=\"xxxxxx0\" reason=\"xxxxxx xxx\"/>";
        assert!(redacted(xml).contains(expected), "{}", redacted(xml));
    }

    #[test]
    fn letters_of_every_script_are_letters() {
        assert_eq!(mask("Grüße, 你好。नमस्ते ٣ 😀"), "xxxxx, xx。xxxxxx 0 x");
    }

    #[test]
    fn the_names_of_structure_are_in_order() {
        assert!(STRUCTURE.is_sorted());
    }

    /// The tree without its texts and values.
    fn shape(node: Node<'_>) -> String {
        let attributes: Vec<String> = node.attributes().map(|a| format!("{{{}}}{}", a.namespace, a.name)).collect();
        let content: Vec<String> = node
            .content()
            .map(|content| match content {
                Content::Text(text) => text.chars().count().to_string(),
                Content::Element(child) => shape(child),
            })
            .collect();
        format!("{{{}}}{}{attributes:?}{content:?}", node.namespace(), node.name())
    }

    /// A payload of some elements inside each other and beside each other, with texts and attributes between.
    fn payload() -> impl Strategy<Value = Element> {
        let part = (0..8_u32, "[a-z]{1,3}", "[a-c]{1,2}", "[^\\p{Cc}\u{fffe}\u{ffff}]{0,12}");
        prop::collection::vec(part, 0..12).prop_map(|parts| {
            let mut element = Element::new("urn:x", "x");
            for (parent, name, attribute, text) in parts {
                let id = element.append(parent, "urn:y", &name);
                element.set_attribute(id, &attribute, Some(&text));
                element.append_text(id, &text);
            }
            element
        })
    }

    proptest! {
        #[test]
        fn a_redacted_stanza_parses_and_has_the_same_structure(payload in payload()) {
            let xml = format!("<message from='a@x.example' to='b@y.example'>{}</message>", payload.to_xml());
            let stanza = Stanza::parse(&xml).unwrap();
            let again = Stanza::parse(&redact(&stanza)).unwrap();
            prop_assert_eq!(shape(again.root()), shape(stanza.root()));
            prop_assert_eq!((again.from(), again.to()), (stanza.from(), stanza.to()));
            let leaked = again.root().descendants().any(|node| node.text().chars().any(|c| c.is_alphanumeric() && c != 'x' && c != '0'));
            prop_assert!(!leaked);
        }
    }
}
