//! Clauses of `docs/standards.md` that are about more than one dialogue.

use refrain_proto::stanza::Stanza;
use refrain_proto::xml::{Reader, Token};
use refrain_proto::{
    Boundary, CertificateFacts, CertificateName, Domain, Element, Event, Input, Output, ReceivingPolicy, Side, Stream,
    StreamIds, StreamLimits, XmlLimits,
};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' \
                      xmlns:stream='http://etherx.jabber.org/streams' from='capulet.example' to='home.example' version='1.0'>";
const AUTH: &str = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>";

fn receiving(ids: StreamIds, now: Instant) -> Stream {
    let policy = ReceivingPolicy {
        boundary: Arc::new(Boundary::new([Domain::parse("home.example").expect("a domain")])),
        side: Side::Outside,
        external: true,
        dialback: true,
        limits: StreamLimits::default(),
        ids,
    };
    Stream::receiving(policy, now)
}

fn secured(stream: &mut Stream, now: Instant) {
    let names = vec![CertificateName::Dns("capulet.example".into())];
    stream.handle(Input::TlsEstablished(Some(CertificateFacts { trusted: true, names })), now);
}

/// Gives the stream what the peer sends; returns the id of the header that answers, and the stanzas.
fn say(stream: &mut Stream, sent: &str, now: Instant) -> (Option<String>, Vec<Stanza>) {
    stream.handle(Input::Bytes(sent.as_bytes()), now);
    let (mut told, mut stanzas) = (Vec::new(), Vec::new());
    loop {
        match stream.poll() {
            Output::Transmit(bytes) => told.extend(bytes),
            Output::Event(Event::Stanza(stanza)) => stanzas.push(stanza),
            Output::Event(_) | Output::StartTls => {}
            Output::Wait(_) | Output::Finished(_) => return (header_id(&told), stanzas),
        }
    }
}

fn header_id(told: &[u8]) -> Option<String> {
    let start = told.windows(5).position(|window| window == b"<?xml")?;
    let (mut reader, mut element) = (Reader::new(XmlLimits::default()), Element::default());
    reader.feed(&told[start..]);
    assert_eq!(reader.next(&mut element), Ok(Some(Token::Header)));
    let root = element.root();
    assert_eq!((root.attribute("from"), root.attribute("to")), (Some("home.example"), Some("capulet.example")));
    assert_eq!(root.attribute("version"), Some("1.0"));
    root.attribute("id").map(str::to_owned)
}

#[test]
fn c06_c07_every_header_of_every_stream_has_an_id_of_its_own() {
    let (ids, now) = (StreamIds::from_seed([4; 32]), Instant::now());
    let mut seen = HashSet::new();
    for _ in 0..1_000 {
        let mut stream = receiving(ids.clone(), now);
        let clear = say(&mut stream, HEADER, now).0;
        say(&mut stream, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", now);
        secured(&mut stream, now);
        let after_tls = say(&mut stream, HEADER, now).0;
        say(&mut stream, AUTH, now);
        let after_sasl = say(&mut stream, HEADER, now).0;
        for id in [clear, after_tls, after_sasl] {
            let id = id.expect("an id");
            // RFC 6120 §4.7.3: unpredictable; 32 hexadecimal digits are 128 bits.
            assert!(id.len() >= 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
            assert!(seen.insert(id), "an id came twice");
        }
    }
}

#[test]
fn c29_a_payload_passes_with_its_meaning_however_it_was_written() {
    let now = Instant::now();
    for (written, canonical) in [
        ("<p:a xmlns:p='urn:p' p:b=\"c\"  d='e'></p:a>", "<a xmlns=\"urn:p\" xmlns:a0=\"urn:p\" a0:b=\"c\" d=\"e\"/>"),
        ("<a xmlns=\"urn:p\"><![CDATA[<&>]]>'\"</a>", "<a xmlns=\"urn:p\">&lt;&amp;&gt;'\"</a>"),
        (
            "<a xmlns='urn:p'><b xmlns=''>\u{1F600}</b> \n<c/></a>",
            "<a xmlns=\"urn:p\"><b xmlns=\"\">\u{1F600}</b> \n<c/></a>",
        ),
    ] {
        let mut stream = receiving(StreamIds::from_seed([4; 32]), now);
        secured(&mut stream, now);
        let begun = format!("{HEADER}{AUTH}{HEADER}");
        say(&mut stream, &begun, now);
        let sent = format!("<iq from='capulet.example' to='home.example' type='set' id='1'>{written}</iq>");
        let (_, stanzas) = say(&mut stream, &sent, now);
        let [stanza] = stanzas.as_slice() else { panic!("{written}") };
        assert!(stanza.to_xml().contains(canonical), "{} does not contain {canonical}", stanza.to_xml());
        assert_eq!(Stanza::parse(&stanza.to_xml()).map(|again| again.to_xml()), Ok(stanza.to_xml()));
    }
}
