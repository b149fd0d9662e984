//! The threats of `docs/security.md` in more shapes than are worth a file each: what is said on a stream that is proven, or in a
//! header, and how it is answered. Nothing of it becomes a stanza, whether it comes whole or byte by byte.

mod player;

use player::{Reads, play};
use refrain_proto::{
    Boundary, CertificateFacts, CertificateName, Domain, Event, Input, Output, ReceivingPolicy, Side, Stream,
    StreamIds, StreamLimits,
};
use std::sync::Arc;
use std::time::Instant;

#[track_caller]
fn goes_as_written(text: &str) {
    for reads in [Reads::Whole, Reads::Bytewise] {
        play(text, reads).unwrap_or_else(|problem| panic!("{reads:?}: {problem}\n{text}"));
    }
}

/// What a proven peer sends ends its stream with this condition.
#[track_caller]
fn ends(condition: &str, xml: &str) {
    goes_as_written(&format!(
        "! proven capulet.example → home.example\n> {xml}\n\
         < <stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>\n< </stream>\n\
         ! eof\n= finished: …\n"
    ));
}

/// A message of a proven peer with this inside ends its stream with this condition.
#[track_caller]
fn content_ends(condition: &str, content: &str) {
    ends(condition, &format!("<message from='a@capulet.example' to='b@home.example'>{content}</message>"));
}

/// What a peer sends before any header is answered by a header of ours that names nobody, and this condition.
#[track_caller]
fn beginning_ends(condition: &str, xml: &str) {
    goes_as_written(&format!(
        "> {xml}\n< <stream id='1'>\n\
         < <stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>\n< </stream>\n\
         ! eof\n= finished: …\n"
    ));
}

#[test]
fn t21_document_types_and_entities_are_restricted_wherever_they_stand() {
    let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\"><!ENTITY c \"&b;&b;\">]>";
    beginning_ends("restricted-xml", laughs);
    beginning_ends("restricted-xml", &format!("<?xml version='1.0'?>{laughs}"));
    for xml in
        [laughs, "<!DOCTYPE x SYSTEM 'http://evil.example/x.dtd'>", "<!ENTITY a 'x'>", "<!ATTLIST x>", "<!doctype x>"]
    {
        ends("restricted-xml", xml);
        content_ends("restricted-xml", xml);
    }
    for reference in ["&c;", "&nbsp;", "&file;"] {
        content_ends("restricted-xml", &format!("<body>{reference}</body>"));
        content_ends("restricted-xml", &format!("<body a='{reference}'/>"));
    }
}

#[test]
fn t22_comments_and_processing_instructions_are_restricted_wherever_they_stand() {
    for xml in
        ["<!-- -->", "<!---->", "<!-- <message/> -->", "<?x?>", "<?xml-stylesheet href='x'?>", "<?xml version='1.0'?>"]
    {
        ends("restricted-xml", xml);
        content_ends("restricted-xml", xml);
        content_ends("restricted-xml", &format!("<body>a{xml}b</body>"));
    }
    beginning_ends("restricted-xml", "<!-- -->");
    beginning_ends("restricted-xml", "<?x?>");
}

#[test]
fn t24_bytes_that_are_not_utf_8_end_the_stream_in_text_names_and_values() {
    for bytes in [
        r"\xEB\x3C\x3E",
        r"\xC0\xBC",
        r"\xC1\x81",
        r"\xE0\x80\xBC",
        r"\xED\xA0\x80",
        r"\xED\xBF\xBF",
        r"\xF0\x80\x80\xBC",
        r"\xF4\x90\x80\x80",
        r"\xF5\x80\x80\x80",
        r"\xFE",
        r"\xFF",
        r"\x80",
        r"\xE2\x82",
    ] {
        content_ends("not-well-formed", &format!("<body>{bytes}</body>"));
        content_ends("not-well-formed", &format!("<body a='{bytes}'/>"));
        content_ends("not-well-formed", &format!("<body><![CDATA[{bytes}]]></body>"));
        content_ends("not-well-formed", &format!("<b{bytes}/>"));
    }
}

#[test]
fn t25_t26_t27_only_three_names_of_one_namespace_are_stanzas() {
    let addresses = "from='a@capulet.example' to='b@home.example'";
    for start in [
        "message xmlns='jabber:client'",
        "iq xmlns='jabber:client'",
        "presence xmlns=''",
        "message xmlns='urn:x'",
        "message xmlns='jabber:server '",
        "message xmlns='jabber:server&#9;'",
        "message xmlns='Jabber:server'",
        "message xmlns='jabber:server:dialback'",
        "stream:message",
        "stream:iq",
        "x:message xmlns:x='urn:x'",
        "Message",
        "MESSAGE",
        "messages",
        "xml:message",
        "stream:stream",
        "stream:features",
        "db:result xmlns:db='urn:x'",
        "x xmlns='urn:xmpp:sm:3'",
        "r xmlns='urn:xmpp:sm:3'",
        "handshake",
        "route",
        "log",
        "challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'",
        "proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'",
        "starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'",
        "compress xmlns='http://jabber.org/protocol/compress'",
        "bidi xmlns='urn:xmpp:bidi'",
        "db:other",
    ] {
        ends("unsupported-stanza-type", &format!("<{start} {addresses}/>"));
    }
}

#[test]
fn t27_t29_ill_formed_namespaces_and_repeated_attributes_end_the_stream() {
    for content in [
        "<p:a/>",
        "<a p:b='c'/>",
        "<a xmlns:p=''/>",
        "<a xmlns:xml='urn:x'/>",
        "<a xmlns:xmlns='urn:x'/>",
        "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>",
        "<xmlns:a/>",
        "<a b='1' b='2'/>",
        "<a xml:lang='' xml:lang=''/>",
        "<a xmlns='urn:x' xmlns='urn:x'/>",
        "<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>",
        "<p:a xmlns:p='u'/><p:a/>",
    ] {
        content_ends("not-well-formed", content);
    }
}

#[test]
fn t31_t32_t33_more_than_anybody_needs_is_against_policy() {
    for content in [
        "<body>«262144×x»",
        "<body a='«262144×x»'/>",
        "<«262144×x»/>",
        "<![CDATA[«262144×]»",
        "«65×<a>»",
        "«16384×<a/>»",
    ] {
        content_ends("policy-violation", content);
    }
    let attributes: String = (0..5_000).map(|number| format!(" a{number}=''")).collect();
    content_ends("policy-violation", &format!("<x{attributes}/>"));
    let namespaces: String = (0..10_000).map(|number| format!(" xmlns:a{number}='u'")).collect();
    content_ends("policy-violation", &format!("<x{namespaces}/>"));
    ends("policy-violation", "<«262145×m»");
}

#[test]
fn t34_references_to_what_is_no_character_end_the_stream() {
    for reference in [
        "&#0;",
        "&#1;",
        "&#xB;",
        "&#x1F;",
        "&#xD800;",
        "&#xDFFF;",
        "&#xFFFE;",
        "&#xFFFF;",
        "&#x110000;",
        "&#x100000041;",
        "&#;",
        "&#x;",
        "&#X41;",
        "& ;",
        "&amp",
    ] {
        content_ends("not-well-formed", &format!("<body>{reference}</body>"));
        content_ends("not-well-formed", &format!("<body a='{reference}'/>"));
    }
    for character in [r"\x00", r"\x01", r"\x0B", r"\x1F", r"\xEF\xBF\xBE", r"\xEF\xBF\xBF"] {
        content_ends("not-well-formed", &format!("<body>{character}</body>"));
    }
}

#[test]
fn t30_what_does_not_belong_to_the_phase_ends_the_stream() {
    let cases = [
        ("not-authorized", "<message from='a@capulet.example' to='b@home.example'/>"),
        ("not-authorized", "<iq from='capulet.example' to='home.example' type='get' id='1'><q xmlns='u'/></iq>"),
        ("unsupported-stanza-type", "<stream:features/>"),
        ("unsupported-stanza-type", "<stream:stream>x</stream:stream>"),
        ("unsupported-stanza-type", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        ("unsupported-stanza-type", "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"),
        ("unsupported-stanza-type", "<enable xmlns='urn:xmpp:sm:3'/>"),
        ("unsupported-stanza-type", "<resume xmlns='urn:xmpp:sm:3' h='0' previd='1'/>"),
        ("improper-addressing", "<db:result from='capulet.example'>k</db:result>"),
        ("improper-addressing", "<db:verify to='home.example' id='1'>k</db:verify>"),
        ("improper-addressing", "<db:result from='a b' to='home.example'>k</db:result>"),
    ];
    for (condition, xml) in cases {
        goes_as_written(&format!(
            "! direct tls no certificate\n> <stream from='capulet.example' to='home.example'>\n\
             < <stream from='home.example' to='capulet.example' id='1'>\n\
             < <stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>\
             <limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>262144</max-bytes><idle-seconds>1800</idle-seconds></limits></stream:features>\n\
             > {xml}\n< <stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>\n< </stream>\n\
             ! eof\n= finished: …\n"
        ));
    }
}

#[test]
fn t09_in_the_clear_nothing_but_starttls_is_taken() {
    for xml in [
        "<db:result from='capulet.example' to='home.example'>k</db:result>",
        "<db:verify from='capulet.example' to='home.example' id='1'>k</db:verify>",
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>",
        "<message from='a@capulet.example' to='b@home.example'/>",
        "<starttls xmlns='urn:x'/>",
        "<starttls/>",
        "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>",
        "<bidi xmlns='urn:xmpp:bidi'/>",
    ] {
        goes_as_written(&format!(
            "> <stream from='capulet.example' to='home.example'>\n< <stream from='home.example' to='capulet.example' id='1'>\n\
             < <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>\n\
             > {xml}\n< <stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>\n< </stream>\n\
             ! eof\n= finished: …\n"
        ));
    }
}

#[test]
fn t15_t16_t25_no_stanza_passes_under_a_name_or_to_a_name_that_was_not_proven() {
    for (condition, from, to) in [
        ("invalid-from", "a@victim.example", "b@home.example"),
        ("invalid-from", "a@home.example", "b@home.example"),
        ("invalid-from", "a@rooms.capulet.example", "b@home.example"),
        ("invalid-from", "a@example", "b@home.example"),
        ("invalid-from", "a@cаpulet.example", "b@home.example"),
        ("invalid-from", "a@capulet.example", "b@club.example"),
        ("host-unknown", "a@capulet.example", "b@elsewhere.example"),
        ("host-unknown", "a@capulet.example", "b@rooms.home.example"),
        ("host-unknown", "a@capulet.example", "b@capulet.example"),
        ("improper-addressing", "", "b@home.example"),
        ("improper-addressing", "a@capulet.example", ""),
        ("improper-addressing", "a@capulet.example", "b@"),
        ("improper-addressing", "a@capulet..example", "b@home.example"),
        ("improper-addressing", "a@xn--a.example", "b@home.example"),
    ] {
        ends(condition, &format!("<message from='{from}' to='{to}'/>"));
        ends(condition, &format!("<presence to='{to}' from='{from}' type='subscribe'/>"));
    }
}

/// Plays what a peer sends after direct TLS; returns what it is told and what the log is told.
fn converse(sent: &str) -> (String, String) {
    let now = Instant::now();
    let hosted = ["home.example", "club.example"].map(|name| Domain::parse(name).expect("a domain"));
    let policy = ReceivingPolicy {
        boundary: Arc::new(Boundary::new(hosted)),
        side: Side::Outside,
        external: true,
        dialback: true,
        limits: StreamLimits::default(),
        ids: StreamIds::from_seed([3; 32]),
    };
    let mut stream = Stream::receiving(policy, now);
    let names = vec![CertificateName::Dns("capulet.example".into())];
    stream.handle(Input::TlsEstablished(Some(CertificateFacts { trusted: true, names })), now);
    stream.handle(Input::Bytes(sent.as_bytes()), now);
    let (mut told, mut logged) = (String::new(), String::new());
    loop {
        match stream.poll() {
            Output::Transmit(bytes) => told.push_str(&String::from_utf8_lossy(&bytes)),
            Output::Event(Event::Malformed(defect, _)) => logged.push_str(&defect.to_string()),
            Output::Event(_) | Output::StartTls => {}
            Output::Wait(_) => stream.handle(Input::Eof, now),
            Output::Finished(outcome) => return (told, logged + &outcome.to_string()),
        }
    }
}

const HEADER: &str = "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' \
                      xmlns:stream='http://etherx.jabber.org/streams' version='1.0' ";
const PROOF: &str = "from='capulet.example' to='home.example'>\
                     <db:result from='capulet.example' to='home.example'>k</db:result>";

#[test]
fn t58_what_an_attacker_wrote_comes_back_neither_in_answers_nor_in_the_log() {
    let hostile = "&#10;ERROR root logged in\u{9b}31m";
    for rest in [
        format!("from='{hostile}' to='home.example'>"),
        format!("from='a.example' to='{hostile}'>"),
        format!("from='a.example' to='home.example' version='{hostile}'>"),
        format!("{PROOF}<message from='{hostile}@victim.example/{hostile}' to='b@home.example'/>"),
        format!("{PROOF}<message from='{hostile}' to='b@home.example'/>"),
        format!("{PROOF}<x xmlns='urn:{hostile}'>{hostile}</x>"),
        format!("{PROOF}<message from='a@capulet.example' to='{hostile}@home.example'/>"),
        format!(
            "{PROOF}<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text \
                 xmlns='urn:ietf:params:xml:ns:xmpp-streams'>{hostile}</text></stream:error>"
        ),
    ] {
        let (told, logged) = converse(&format!("{HEADER}{rest}"));
        assert!(!told.contains("root") && !logged.contains("root"), "{rest}: {told} {logged}");
        assert!(!logged.contains(char::is_control), "{rest}: {logged:?}");
    }
}

#[test]
fn t59_no_answer_names_a_host_that_was_not_asked_for() {
    for rest in [
        "from='a.example' to='nowhere.example'>",
        "from='a.example'>",
        "from='a.example' to='192.0.2.1'>",
        "from='a.example' to='localhost'>",
        "to='rooms.home.example'><db:result from='a.example' to='x.example'>k</db:result>",
        "<",
    ] {
        let (told, _) = converse(&format!("{HEADER}{rest}"));
        assert!(told.contains("<stream:error>"), "{rest}: {told}");
        for secret in
            ["from=\"home", "\"home.example\"", "club.example", " by=", "see-other-host", "127.0.0.1", "refrain"]
        {
            assert!(!told.to_lowercase().contains(secret), "{rest}: {told}");
        }
    }
}
