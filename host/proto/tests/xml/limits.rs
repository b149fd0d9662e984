//! Every limit is met at its byte, and none below it.

use refrain_proto::limits::XmlLimits;
use refrain_proto::xml::{Element, Reader, Token, XmlError};

use super::{HEADER, accepts, header, stanza, stanza_within};

#[test]
fn t31_refuses_a_stanza_at_the_byte_that_makes_it_too_large() {
    let limits = XmlLimits { stanza_bytes_max: 100, ..XmlLimits::default() };
    let of_size = |size: usize| format!("<m>{}</m>", "x".repeat(size - 7));
    assert!(stanza_within(&limits, of_size(100)).is_ok());
    assert_eq!(stanza_within(&limits, of_size(101)), Err(XmlError::TooLarge(100)));
    assert_eq!(stanza_within(&limits, &of_size(101)[..100]), Err(XmlError::TooLarge(100)));
    assert!(stanza(of_size(262_144)).is_ok());
    assert_eq!(stanza(of_size(262_145)), Err(XmlError::TooLarge(262_144)));
}

#[test]
fn t31_refuses_unfinished_names_values_and_sections_too() {
    for start in ["<", "<m a='", "<m a", "<m></", "<m><![CDATA[", "<m>"] {
        assert_eq!(stanza(format!("{start}{}", "x".repeat(300_000))), Err(XmlError::TooLarge(262_144)), "{start}");
    }
}

#[test]
fn t31_bounds_the_header_and_the_declaration() {
    assert_eq!(header(format!("<s a='{}'>", "x".repeat(8_192))), Err(XmlError::TooLarge(8_192)));
    assert_eq!(header(format!("<?xml {}", " ".repeat(8_192))), Err(XmlError::TooLarge(8_192)));
}

#[test]
fn t31_an_error_before_the_limit_comes_first() {
    let limits = XmlLimits { stanza_bytes_max: 100, ..XmlLimits::default() };
    let comment = format!("<m><!-- {}", "x".repeat(200));
    assert!(matches!(stanza_within(&limits, comment), Err(XmlError::Restricted(_))));
    let late = format!("<m>{}<!-- ", "x".repeat(96));
    assert_eq!(stanza_within(&limits, late), Err(XmlError::TooLarge(100)));
}

#[test]
fn t31_white_space_between_stanzas_is_free() {
    accepts(&format!("{}<m/>", " ".repeat(300_000)), "<m/>");
}

#[test]
fn limits_change_from_one_element_to_the_next() {
    let small = XmlLimits { stanza_bytes_max: 10, ..XmlLimits::default() };
    let (mut reader, mut element) = (Reader::new(small), Element::default());
    reader.feed(HEADER.as_bytes());
    reader.feed(b"<message/><message>x</message>");
    assert_eq!(reader.next(&mut element), Ok(Some(Token::Header)));
    assert_eq!(reader.next(&mut element), Ok(Some(Token::Element)));
    reader.set_limits(XmlLimits::default());
    assert_eq!(reader.next(&mut element), Ok(Some(Token::Element)));
}

#[test]
fn t32_refuses_the_level_too_many() {
    let nested = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
    assert!(stanza(nested(64)).is_ok());
    assert_eq!(stanza(nested(65)), Err(XmlError::TooDeep(64)));
    assert_eq!(stanza("<a>".repeat(65)), Err(XmlError::TooDeep(64)));
    assert_eq!(stanza(format!("{}<b/>", "<a>".repeat(64))), Err(XmlError::TooDeep(64)));
}

#[test]
fn t33_refuses_attributes_declarations_and_nodes_too_many() {
    let attributes = |count: usize| (0..count).map(|i| format!(" a{i}='{i}'")).collect::<String>();
    let declarations = |count: usize| (0..count).map(|i| format!(" xmlns:p{i}='urn:{i}'")).collect::<String>();
    assert!(stanza(format!("<m{}{}/>", attributes(64), declarations(32))).is_ok());
    assert_eq!(stanza(format!("<m{}/>", attributes(65))), Err(XmlError::TooManyAttributes(64)));
    assert_eq!(stanza(format!("<m{}/>", declarations(33))), Err(XmlError::TooManyNamespaces(32)));
    let nested = format!("<a{}>", declarations(32)).repeat(4);
    assert_eq!(stanza(format!("{nested}{}", "</a>".repeat(4))), Err(XmlError::TooManyNamespaces(128)));
    let nodes = |count: usize| format!("<m>{}</m>", "<a/>".repeat(count - 1));
    assert!(stanza(nodes(16_384)).is_ok());
    assert_eq!(stanza(nodes(16_385)), Err(XmlError::TooManyNodes(16_384)));
}

#[test]
fn t36_gives_the_same_for_a_large_stanza_byte_by_byte() {
    let body = "x<b a='>'/>&amp;<![CDATA[]]]]>".repeat(2_000);
    accepts(&format!("<m>{body}</m>"), &format!("<m>{}</m>", "x<b a=\"&gt;\"/>&amp;]]".repeat(2_000)));
}

#[test]
fn memory_stays_near_one_stanza_whatever_comes() {
    let (mut reader, mut element) = (Reader::new(XmlLimits::default()), Element::default());
    reader.feed(HEADER.as_bytes());
    reader.feed(b"<m>");
    let mut refused = false;
    for _ in 0..1_000 {
        reader.feed(&[b'x'; 1_024]);
        while let Ok(Some(_)) = reader.next(&mut element) {}
        refused |= reader.next(&mut element).is_err();
        assert!(reader.buffered() <= 262_144 + 1_024);
    }
    assert!(refused);
}
