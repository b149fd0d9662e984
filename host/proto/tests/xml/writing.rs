//! The canonical form, and fragments read back.

use refrain_proto::limits::XmlLimits;
use refrain_proto::ns;
use refrain_proto::xml::Element;

use super::stanza;

/// The framer of Openfire as it is: it knows no quotes but `"`, and no CDATA that we would ever send.
pub(crate) fn openfire_finds_one_stanza(xml: &str) -> bool {
    let (mut depth, mut quoted, mut in_tag, mut closing, mut last) = (0, false, false, false, ' ');
    for (at, character) in xml.char_indices() {
        match character {
            '"' if in_tag => quoted = !quoted,
            '<' if !quoted => (in_tag, closing) = (true, false),
            '/' if !quoted && last == '<' => closing = true,
            '>' if !quoted => {
                in_tag = false;
                depth += match (closing, last) {
                    (true, _) => -1,
                    (false, '/') => 0,
                    (false, _) => 1,
                };
                if depth == 0 {
                    return at + 1 == xml.len();
                }
            }
            _ => {}
        }
        last = character;
    }
    false
}

#[test]
fn t28_leaves_nothing_that_unsettles_a_framer() {
    for xml in ["<m id='\"'><body>x</body></m>", "<m id='&lt;/m>&lt;m>' b='/>'/>", "<m>\"'&lt;m a='</m>"] {
        let canonical = stanza(xml).unwrap_or_default();
        assert!(openfire_finds_one_stanza(&canonical), "{canonical}");
        assert!(!canonical.contains('\'') || xml.contains("\"'"), "{canonical}");
    }
}

#[test]
fn writes_what_was_built_without_characters_that_xml_does_not_have() {
    let mut element = Element::new(ns::SERVER, "message");
    element.set_attribute(0, "id", Some("a\0\u{FFFE}b"));
    element.append_text(0, "\u{1B}[31m\u{FFFF}\u{FFFD}é\u{F000}");
    assert!(element.check(&XmlLimits::default()).is_err());
    let xml = element.to_xml();
    assert_eq!(xml, "<message id=\"a\u{FFFD}\u{FFFD}b\">\u{FFFD}[31m\u{FFFD}\u{FFFD}é\u{F000}</message>");
}

#[test]
fn parses_one_element_and_nothing_else() {
    let parse = |xml: &str| Element::parse(xml, ns::SERVER, &XmlLimits::default());
    assert!(parse(" <message/>\n").is_ok_and(|element| element.root().is(ns::SERVER, "message")));
    for xml in
        ["", " ", "<message>", "<message/><message/>", "<message/>x", "x<message/>", "<?xml version='1.0'?><message/>"]
    {
        assert!(parse(xml).is_err(), "{xml}");
    }
    assert!(parse("</stream:stream>").is_err());
    assert!(parse("<message/></stream:stream>").is_err());
}
