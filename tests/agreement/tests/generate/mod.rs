//! Makes streams as senders might write them, and as they might not.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A stream whose elements are mostly well-formed, in every way of writing that XML allows.
pub fn stream() -> impl Strategy<Value = Vec<u8>> {
    (header(), vec(prop_oneof![8 => element(3), 1 => space()], 0..4), any::<bool>()).prop_map(
        |(header, parts, closed)| {
            let close = if closed { "</stream:stream>" } else { "" };
            (header + &parts.concat() + close).into_bytes()
        },
    )
}

fn header() -> impl Strategy<Value = String> {
    let declarations =
        vec!["", "<?xml version='1.0'?>", "<?xml version=\"1.0\" encoding='utf-8' standalone='yes' ?>\n", "\u{FEFF}"];
    let attributes = vec![
        "xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'",
        "xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' xmlns:p='urn:p'",
        "xmlns:stream='http://etherx.jabber.org/streams' xmlns:s='jabber:server' stream:x='1' xml:lang='en'",
    ];
    (select(declarations), select(attributes))
        .prop_map(|(declaration, attributes)| format!("{declaration}<stream:stream {attributes}>"))
}

fn element(depth: u32) -> BoxedStrategy<String> {
    let content = match depth {
        0 => text().boxed(),
        _ => vec(prop_oneof![2 => text(), 1 => element(depth - 1)], 0..4).prop_map(|parts| parts.concat()).boxed(),
    };
    (name(), vec(attribute(), 0..4), space(), prop::option::weighted(0.8, content))
        .prop_map(|(name, attributes, space, content)| {
            let attributes = attributes.concat();
            match content {
                Some(content) => format!("<{name}{attributes}{space}>{content}</{name}{space}>"),
                None => format!("<{name}{attributes}{space}/>"),
            }
        })
        .boxed()
}

fn name() -> impl Strategy<Value = String> {
    let common = vec![
        "message",
        "presence",
        "iq",
        "body",
        "x",
        "a-b.c",
        "_1",
        "stream:error",
        "db:result",
        "p:x",
        "xml:y",
        "q:x",
    ];
    prop_oneof![8 => select(common).prop_map(str::to_owned), 1 => wide_name()]
}

fn wide_name() -> impl Strategy<Value = String> {
    let characters = vec![
        'é',
        'ß',
        '\u{B7}',
        '\u{300}',
        '\u{37F}',
        '\u{2D0}',
        '\u{200C}',
        '中',
        '\u{1F600}',
        'ｱ',
        '٣',
        '\u{FFFD}',
        '1',
        '-',
    ];
    vec(select(characters), 1..3).prop_map(|characters| "n".to_owned() + &String::from_iter(characters))
}

fn attribute() -> impl Strategy<Value = String> {
    let names = vec!["id", "to", "type", "xml:lang", "p:a", "q:a", "a", "lang", "stream:a"];
    let declared = vec![
        "xmlns='urn:a'",
        "xmlns=''",
        "xmlns:p='urn:p'",
        "xmlns:q=\"urn:q&amp;\"",
        "xmlns:q='urn:p'",
        "xmlns='jabber:client'",
        "xmlns:q='a&#10;b'",
        "xmlns=' spaced\u{9}uri '",
        "xmlns:p='é\u{FFFD}'",
        "xmlns:xml='http://www.w3.org/XML/1998/namespace'",
        "xmlns:p='jabber:server'",
    ];
    let plain = (prop_oneof![6 => select(names).prop_map(str::to_owned), 1 => wide_name()], equals(), quoted())
        .prop_map(|(name, equals, value)| name + equals + &value);
    prop_oneof![2 => plain, 1 => select(declared).prop_map(str::to_owned)]
        .prop_flat_map(|one| space().prop_map(move |space| format!(" {space}{one}")))
}

fn equals() -> impl Strategy<Value = &'static str> {
    select(vec!["=", "=", " =\n", "\t= "])
}

fn quoted() -> impl Strategy<Value = String> {
    (vec(piece(), 0..4), any::<bool>()).prop_map(|(pieces, double)| {
        let (quote, reference) = if double { ("\"", "&quot;") } else { ("'", "&#x27;") };
        format!("{quote}{}{quote}", pieces.concat().replace(quote, reference))
    })
}

/// Text and values: what is plain, what had to be escaped, and what need not.
fn piece() -> impl Strategy<Value = &'static str> {
    select(vec![
        "a",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\"",
        "'",
        ">",
        "/>",
        "]]",
        "]",
        "&lt;",
        "&gt;",
        "&amp;",
        "&quot;",
        "&apos;",
        "&#60;",
        "&#x3C;",
        "&#00000000065;",
        "&#9;",
        "&#10;",
        "&#13;",
        "&#xD;",
        "&#x85;",
        "&#x2028;",
        "&#xE000;",
        "&#x10FFFF;",
        "é",
        "\u{85}",
        "\u{7F}",
        "\u{2028}",
        "\u{FFFD}",
        "\u{FEFF}",
        "\u{FDD0}",
        "\u{1F600}",
        "\u{F000}",
        "&#xFDD0;",
        "&#x1FFFE;",
        "\u{1FFFE}",
        "--",
        "?>",
    ])
}

fn text() -> impl Strategy<Value = String> {
    let section = vec(
        select(vec!["<", "</message>", "<message from='v'>", "&", "]]", "]", "&amp;", "\r\n", "\r", "a", "<![CDATA["]),
        0..4,
    )
    .prop_map(|parts| format!("<![CDATA[{}]]>", parts.concat().replace("]]>", "")));
    prop_oneof![4 => vec(piece(), 0..4).prop_map(|parts| parts.concat().replace("]]>", "]]&gt;")), 1 => section]
}

fn space() -> impl Strategy<Value = String> {
    select(vec!["", "", "", " ", "\n", "\t \r\n"]).prop_map(str::to_owned)
}

/// Changes some bytes, puts some in and takes some out.
pub fn damaged(streams: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => select(b"<>/&;'\"=! x:]?[\0-\x01\n\x85\xA0\xBF\xC2\xC3\xE2\xED\xEF\xF0\xF4\xFE".to_vec()), 1 => any::<u8>()];
    let damages = vec((any::<Index>(), 0..3u8, byte), 1..4);
    (streams, damages).prop_map(|(mut bytes, damages)| {
        for (index, kind, byte) in damages {
            let at = index.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}
