//! The threats to parsers of the map, T21 to T29 and T34, before every parser: what we take of them is read alike by all,
//! and where we refuse, a server behind us that would not have is never asked.

use refrain_agreement::expat::{self, Server};
use refrain_agreement::reading::{Content, Piece, Tree};
use refrain_agreement::{ours, verdict};
use refrain_proto::limits::XmlLimits;

/// Puts the bytes into a stream; returns the stanzas that we take of it, on which all must agree.
#[track_caller]
fn taken(bytes: impl AsRef<[u8]>) -> Vec<Tree> {
    let stream = [verdict::HEADER.as_bytes(), bytes.as_ref()].concat();
    assert_eq!(verdict::on_stream(&stream), Ok(()), "{}", String::from_utf8_lossy(&stream));
    let pieces = ours::read([stream.as_slice()], &XmlLimits::default()).pieces;
    let stanza = |piece| if let Piece::Stanza(stanza) = piece { Some(stanza) } else { None };
    pieces.into_iter().filter_map(stanza).collect()
}

#[track_caller]
fn refused(bytes: impl AsRef<[u8]>) {
    assert_eq!(taken(bytes), []);
}

/// Tells whether a server's expat would have taken the bytes that we refuse.
fn expat_takes(server: Server, bytes: &str) -> bool {
    expat::read(server, [verdict::HEADER.as_bytes(), bytes.as_bytes()]).refused.is_none()
}

fn text_of(tree: &Tree) -> &str {
    let [Content::Text(text)] = &tree.content[..] else { panic!("not a text alone: {tree:?}") };
    text
}

#[test]
fn t21_entities_are_taken_by_nobody_who_is_asked() {
    refused("<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><message>&b;</message>");
    refused("<message>&a;</message>");
    let before = "<!DOCTYPE s [<!ENTITY a \"aaaa\">]><s><m>&a;</m></s>".as_bytes();
    assert_eq!(expat::read(Server::Ejabberd, [before]).refused, None, "expat alone would have resolved it");
    assert!(ours::read([before], &XmlLimits::default()).pieces.is_empty());
}

#[test]
fn t22_comments_and_instructions_that_expat_takes_are_not_sent_to_it() {
    for smuggled in ["<message><body>a<!--</body></message><message/>--></body></message>", "<message><?x ?></message>"]
    {
        refused(smuggled);
        assert!(Server::ALL.iter().all(|&server| expat_takes(server, smuggled)));
    }
}

#[test]
fn t23_cdata_is_text_to_all() {
    let stanzas = taken("<message><![CDATA[</message><message from='V'>]]></message>");
    assert_eq!(text_of(&stanzas[0]), "</message><message from='V'>");
    assert_eq!(text_of(&taken("<message><![CDATA[]]]]><![CDATA[>]]></message>")[0]), "]]>");
    refused("<message>]]></message>");
}

#[test]
fn t24_bytes_that_are_not_utf_8_are_taken_by_none() {
    for bytes in [&b"\xEB<>"[..], b"\xC0\xBC", b"\xED\xA0\x80", b"\xF5\x80\x80\x80", b"\xEF\xBF\xBF", b"\x00"] {
        refused([b"<message>", bytes, b"</message><message/>"].concat());
        refused([b"<message a='", bytes, b"'/>"].concat());
    }
}

#[test]
fn t25_a_namespace_that_a_server_would_split_is_not_sent_to_it() {
    for (separator, server) in [("&#10;", Server::Ejabberd), ("|", Server::Jabberd2)] {
        let injected = format!("<message><x xmlns='jabber:server{separator}message'/></message>");
        refused(&injected);
        assert!(!expat_takes(server, &injected), "{server:?} would have ended our stream");
    }
    refused("<message xmlns='jabber:server&#1;x'/>");
}

#[test]
fn t26_namespaces_are_told_apart_by_all() {
    let namespaces = |bytes: &str| taken(bytes).into_iter().map(|stanza| stanza.namespace).collect::<Vec<_>>();
    let confused =
        "<message xmlns='jabber:client'/><message xmlns=''/><stream:message/><message xmlns='urn:x'/><message/>";
    let expected = ["jabber:client", "", "http://etherx.jabber.org/streams", "urn:x", "jabber:server"];
    assert_eq!(namespaces(confused), expected);
    assert_eq!(taken("<message><iq xmlns='jabber:server'/></message>").len(), 1);
}

#[test]
fn t27_prefixes_mean_to_all_what_they_are_bound_to() {
    let namespace = |bytes: &str| taken(bytes).pop().map(|stanza| stanza.namespace);
    assert_eq!(namespace("<db:result xmlns:db='urn:x'/>").as_deref(), Some("urn:x"));
    assert_eq!(namespace("<stream:error xmlns:stream='jabber:server'/>").as_deref(), Some("jabber:server"));
    assert_eq!(taken("<message xmlns:p='urn:p'><p:x p:a='1'><y p:b='2'/></p:x></message>").len(), 1);
    let ill =
        ["p:x", "x p:a=''", "x xmlns:p=''", "x xmlns:xml='urn:x'", "x xmlns:xmlns='urn:x'", "a:b:c xmlns:a='urn:a'"];
    ill.iter().for_each(|tag| refused(format!("<message><{tag}/></message>")));
}

#[test]
fn t29_an_attribute_twice_is_taken_by_none() {
    refused("<message a='1' a='2'/>");
    refused("<message xmlns:p='urn:p' xmlns:q='urn:p' p:a='1' q:a='2'/>");
    assert_eq!(taken("<message xmlns:p='urn:p' a='1' p:a='2'/>").len(), 1);
}

#[test]
fn t34_references_are_the_same_characters_to_all() {
    let value =
        |reference: &str| taken(format!("<message a='{reference}'/>")).pop().map(|one| one.attributes[0].value.clone());
    for (reference, character) in
        [("&#9;", "\t"), ("&#10;", "\n"), ("&#13;", "\r"), ("&#00000000065;", "A"), ("&#x1F600;", "\u{1F600}")]
    {
        assert_eq!(value(reference).as_deref(), Some(character));
    }
    for illegal in ["&#0;", "&#1;", "&#xD800;", "&#x110000;", "&#xFFFE;", "&#xFFFF;", "&#;", "&#x;", "&# 65;"] {
        assert_eq!(value(illegal), None, "{illegal}");
    }
}
