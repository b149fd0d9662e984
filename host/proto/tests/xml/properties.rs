//! Properties: what is written is read back, the split does not matter, another parser agrees.

use proptest::collection::vec;
use proptest::prelude::*;
use refrain_proto::limits::XmlLimits;
use refrain_proto::ns;
use refrain_proto::xml::{Element, XmlError};

use super::writing::openfire_finds_one_stanza;
use super::{HEADER, read, read_whole};

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["message", "body", "iq", "x", "a-b.c", "é_1", "lang"])
}

fn namespace() -> impl Strategy<Value = &'static str> {
    let all =
        vec![ns::SERVER, ns::SERVER, ns::CLIENT, ns::STREAM, ns::DIALBACK, ns::XML, "", "urn:a", "urn:\"<&'>", "a\tb"];
    prop::sample::select(all)
}

fn text() -> impl Strategy<Value = String> {
    let characters =
        vec!['a', ' ', '<', '>', '&', '"', '\'', '\t', '\n', '\r', ']', 'é', '\u{FFFD}', '\u{1F600}', '\u{F000}'];
    vec(prop::sample::select(characters), 0..12).prop_map(|characters| characters.into_iter().collect())
}

#[derive(Clone, Debug)]
enum Build {
    Element(u32, &'static str, &'static str),
    Text(u32, String),
    Attribute(u32, &'static str, &'static str, Option<String>),
}

fn build() -> impl Strategy<Value = Build> {
    let attribute_namespace = prop::sample::select(vec!["", "", ns::XML, "urn:a", "urn:\"", ns::SERVER]);
    prop_oneof![
        3 => (0..9u32, namespace(), name()).prop_map(|(node, namespace, name)| Build::Element(node, namespace, name)),
        2 => (0..9u32, text()).prop_map(|(node, text)| Build::Text(node, text)),
        3 => (0..9u32, attribute_namespace, name(), prop::option::weighted(0.8, text()))
            .prop_map(|(node, namespace, name, value)| Build::Attribute(node, namespace, name, value)),
    ]
}

fn element() -> impl Strategy<Value = Element> {
    (namespace(), name(), vec(build(), 0..24)).prop_map(|(namespace, name, steps)| {
        let mut element = Element::new(namespace, name);
        for step in steps {
            match step {
                Build::Element(node, namespace, name) => drop(element.append(node, namespace, name)),
                Build::Text(node, text) => element.append_text(node, &text),
                Build::Attribute(node, namespace, name, value) => {
                    element.set_attribute_in(node, namespace, name, value.as_deref());
                }
            }
        }
        element
    })
}

/// Pieces that make sense together often enough, and often not.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"<a>",
        b"</a>",
        b"<a",
        b">",
        b"/>",
        b"<b/>",
        b" x='1'",
        b" y=\"2\"",
        b" x='&lt;>'",
        b"'",
        b"\"",
        b"=",
        b"<",
        b"&",
        b";",
        b"&amp;",
        b"&#65;",
        b"&#0;",
        b"&x;",
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"-->",
        b"<?x?>",
        b"<!DOCTYPE a>",
        b"\r\n",
        b"\r",
        b" ",
        b"text",
        b"\xC3",
        b"\xA9",
        b"\xC3\xA9",
        b"\xEF\xBB\xBF",
        b"\xEF\xBF\xBE",
        b"\0",
        b"<p:a",
        b" xmlns='urn:a'",
        b" xmlns:p='urn:p'",
        b" p:x='3'",
        b"</p:a>",
        b"<message>",
        b"</message>",
        b"</stream:stream>",
        b"<db:result>",
        b"</db:result>",
        b"/",
        b"!",
        b"?",
        b"[",
        b"]",
    ];
    vec(prop::sample::select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

fn damages() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    vec((any::<prop::sample::Index>(), 0..3u8, prop::sample::select(b"<>/&;'\"=! x:\xC3]?\0-".to_vec())), 0..3)
}

/// Changes some bytes, puts some in and takes some out.
fn damage(mut bytes: Vec<u8>, damages: Vec<(prop::sample::Index, u8, u8)>) -> Vec<u8> {
    for (index, kind, byte) in damages {
        let at = index.index(bytes.len());
        match kind {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
    }
    bytes
}

/// A stream of good elements, some bytes of which are damaged.
fn damaged_stream() -> impl Strategy<Value = Vec<u8>> {
    (vec(element(), 0..4), damages()).prop_map(|(elements, damages)| {
        let mut stream = HEADER.as_bytes().to_vec();
        elements.iter().for_each(|element| element.write(&mut stream));
        stream.extend_from_slice(b"</stream:stream>\n");
        damage(stream, damages)
    })
}

/// What may be one element, good or not.
fn document() -> impl Strategy<Value = String> {
    let put_together = fragments().prop_map(|content| [b"<m>".as_slice(), &content, b"</m>"].concat());
    let damaged = (element(), damages()).prop_map(|(element, damages)| damage(element.to_xml().into_bytes(), damages));
    prop_oneof![put_together, damaged].prop_filter_map("not UTF-8", |bytes| String::from_utf8(bytes).ok())
}

/// What roxmltree makes of a document inside a stream: one element, or nothing.
fn read_by_another<T>(xml: &str, then: impl FnOnce(roxmltree::Node<'_, '_>) -> T) -> Option<T> {
    let stream = format!("{HEADER}{xml}</stream:stream>");
    let document = roxmltree::Document::parse(&stream).ok()?;
    let mut children = document.root_element().children();
    let only = children.next().filter(|child| child.is_element() && child.next_sibling().is_none())?;
    Some(then(only))
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let (mut pieces, mut start) = (Vec::new(), 0);
    for cut in cuts.into_iter().chain([bytes.len()]) {
        pieces.push(&bytes[start..cut]);
        start = cut;
    }
    pieces
}

fn tight() -> XmlLimits {
    XmlLimits {
        stanza_bytes_max: 60,
        depth_max: 3,
        attributes_max: 3,
        namespaces_max: 2,
        nodes_max: 6,
        ..XmlLimits::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(element in element()) {
        prop_assert_eq!(element.check(&XmlLimits::default()), Ok(()));
        let xml = element.to_xml();
        let read = Element::parse(&xml, ns::SERVER, &XmlLimits::default());
        prop_assert_eq!(read.as_ref(), Ok(&element), "{}", xml);
        prop_assert_eq!(read.map(|read| read.to_xml()), Ok(xml));
    }

    #[test]
    fn what_is_written_is_one_stanza_to_openfire(element in element()) {
        let xml = element.to_xml();
        prop_assert!(openfire_finds_one_stanza(&xml), "{}", xml);
    }

    #[test]
    fn what_is_written_means_the_same_to_another_parser(element in element()) {
        if names_xml(&element) {
            return Ok(());
        }
        let xml = element.to_xml();
        prop_assert_eq!(read_by_another(&xml, |root| same(element.root(), root)), Some(true), "{}", xml);
    }

    #[test]
    fn what_is_accepted_means_the_same_to_another_parser(xml in document()) {
        let Ok(element) = Element::parse(&xml, ns::SERVER, &XmlLimits::default()) else { return Ok(()) };
        // COMPAT(roxmltree): takes a carriage return before a reference for part of a line end.
        if names_xml(&element) || xml.contains('\r') || xml != xml.trim() {
            return Ok(());
        }
        prop_assert_eq!(read_by_another(&xml, |root| same(element.root(), root)), Some(true), "{}", xml);
    }

    #[test]
    fn what_another_parser_accepts_is_accepted_unless_restricted(xml in document()) {
        // COMPAT(roxmltree): takes a name that begins with a colon.
        if [" :", "<:", "/:"].iter().any(|colon| xml.contains(colon)) || read_by_another(&xml, |_| ()).is_none() {
            return Ok(());
        }
        let result = Element::parse(&xml, ns::SERVER, &XmlLimits::default());
        prop_assert!(matches!(result, Ok(_) | Err(XmlError::Restricted(_))), "{:?}: {}", result, xml);
    }

    #[test]
    fn the_split_of_good_and_damaged_streams_does_not_matter(
        stream in damaged_stream(), cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        for limits in [XmlLimits::default(), tight()] {
            let whole = read(&limits, [stream.as_slice()]);
            prop_assert_eq!(&whole, &read(&limits, stream.chunks(1)));
            prop_assert_eq!(&whole, &read(&limits, pieces(&stream, &cuts)));
        }
    }

    #[test]
    fn the_split_of_fragments_does_not_matter(
        headed in any::<bool>(), content in fragments(), cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let stream = if headed { [HEADER.as_bytes(), &content].concat() } else { content };
        for limits in [XmlLimits::default(), tight()] {
            let whole = read(&limits, [stream.as_slice()]);
            prop_assert_eq!(&whole, &read(&limits, stream.chunks(1)));
            prop_assert_eq!(&whole, &read(&limits, pieces(&stream, &cuts)));
        }
    }

    #[test]
    fn the_split_of_any_bytes_does_not_matter(
        bytes in vec(any::<u8>(), 0..64), cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let whole = read_whole(&bytes);
        prop_assert_eq!(&whole, &read(&XmlLimits::default(), bytes.chunks(1)));
        prop_assert_eq!(&whole, &read(&XmlLimits::default(), pieces(&bytes, &cuts)));
    }
}

/// COMPAT(roxmltree): does not know the prefix `xml` on elements.
fn names_xml(element: &Element) -> bool {
    let mut all = std::iter::once(element.root()).chain(element.root().descendants());
    all.any(|node| node.namespace() == ns::XML)
}

/// Compares with what roxmltree read of the same text.
fn same(ours: refrain_proto::Node<'_>, theirs: roxmltree::Node<'_, '_>) -> bool {
    use refrain_proto::xml::Content;
    let attributes = theirs.attributes().map(|a| (a.namespace().unwrap_or_default(), a.name(), a.value()));
    // COMPAT(roxmltree): makes a text without characters of an empty CDATA section.
    let mut content = theirs.children().filter(|child| child.text() != Some("") || child.is_element());
    theirs.tag_name().name() == ours.name()
        && theirs.tag_name().namespace().unwrap_or_default() == ours.namespace()
        && attributes.eq(ours.attributes().map(|a| (a.namespace, a.name, a.value)))
        && ours.content().all(|part| match (part, content.next()) {
            (Content::Element(ours), Some(theirs)) => theirs.is_element() && same(ours, theirs),
            (Content::Text(text), Some(theirs)) => theirs.is_text() && theirs.text() == Some(text),
            (_, None) => false,
        })
        && content.next().is_none()
}
