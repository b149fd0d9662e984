//! Whatever a peer sends: no panic, no end without a reason, and nothing that depends on how it arrived.

use proptest::prelude::*;
use refrain_proto::{
    Boundary, CertificateFacts, CertificateName, Domain, Event, Input, Jid, Output, ReceivingPolicy, Side, Stream,
    StreamIds, StreamLimits, Validity,
};
use std::sync::Arc;
use std::time::Instant;

/// The pieces that a peer, or an attacker, puts a stream together from.
const PIECES: &[&str] = &[
    "<?xml version='1.0'?>",
    "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams' \
     from='capulet.example' to='home.example' version='1.0'>",
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>",
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>",
    "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</response>",
    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    "<db:result from='capulet.example' to='home.example'>k</db:result>",
    "<db:result from='victim.example' to='home.example'>wrong</db:result>",
    "<db:result type='valid' from='victim.example' to='home.example'/>",
    "<db:verify from='capulet.example' to='home.example' id='1'>k</db:verify>",
    "<db:verify type='valid' from='victim.example' to='home.example' id='1'/>",
    "<message from='juliet@capulet.example' to='alice@home.example'><body>x</body></message>",
    "<message from='eve@victim.example' to='alice@home.example'/>",
    "<iq from='capulet.example' to='home.example' type='get'/>",
    "<stream:features/>",
    " ",
    "</stream:stream>",
    "<!-- -->",
    "<",
    ">",
    "\u{0}",
];

fn begin(tls: bool, now: Instant) -> Stream {
    let domain = Domain::parse("home.example").expect("a domain");
    let policy = ReceivingPolicy {
        boundary: Arc::new(Boundary::new([domain])),
        side: Side::Outside,
        external: true,
        dialback: true,
        limits: StreamLimits::default(),
        ids: StreamIds::from_seed([5; 32]),
    };
    let mut stream = Stream::receiving(policy, now);
    if tls {
        let names = vec![CertificateName::Dns("capulet.example".into())];
        stream.handle(Input::TlsEstablished(Some(CertificateFacts { trusted: true, names })), now);
    }
    stream
}

/// Gives a stream these bytes, confirms the keys that are `k`, and says what came of it.
fn converse(tls: bool, reads: &[&[u8]]) -> (Vec<u8>, Vec<String>) {
    let now = Instant::now();
    let mut stream = begin(tls, now);
    let (mut sent, mut happened) = (Vec::new(), Vec::new());
    for read in reads {
        stream.handle(Input::Bytes(read), now);
        loop {
            match stream.poll() {
                Output::Transmit(bytes) => sent.extend(bytes),
                Output::Event(Event::Verify(claim) | Event::Asked(claim)) => {
                    let validity = if claim.key == "k" { Validity::Valid } else { Validity::Invalid };
                    stream.handle(Input::Answered(claim, validity), now);
                }
                Output::Event(Event::Stanza(stanza)) => {
                    assert_ne!(stanza.from().domain(), "victim.example", "never proven");
                    happened.push(stanza.to_xml());
                    stream.recycle(stanza);
                }
                Output::Event(event) => happened.push(format!("{event:?}")),
                Output::StartTls => happened.push("tls".into()),
                Output::Wait(_) => break,
                Output::Finished(outcome) => {
                    happened.push(outcome.to_string());
                    return (sent, happened);
                }
            }
        }
    }
    (sent, happened)
}

proptest! {
    #[test]
    fn a_conversation_does_not_depend_on_how_it_arrives(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24),
        size in 1..40_usize,
    ) {
        let text = PIECES[0].to_owned() + PIECES[1] + &pieces.concat();
        let split: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        prop_assert_eq!(converse(true, &[text.as_bytes()]), converse(true, &split));
    }

    #[test]
    fn any_pieces_in_any_order_neither_panic_nor_let_the_unproven_pass(
        tls in any::<bool>(),
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24),
    ) {
        let reads: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
        converse(tls, &reads);
    }

    #[test]
    fn any_bytes_are_survived(tls in any::<bool>(), bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        converse(tls, &[&bytes]);
    }

    #[test]
    fn an_address_is_prepared_once_and_for_all(text in "\\PC{0,20}@?\\PC{1,20}/?\\PC{0,20}") {
        if let Ok(jid) = Jid::parse(&text) {
            prop_assert_eq!(Jid::parse(jid.as_str()), Ok(jid));
        }
    }

    #[test]
    fn a_domain_survives_its_a_labels(text in "[a-zA-Z0-9\\-\u{e0}-\u{17f}\u{3b1}-\u{3c9}.]{1,30}") {
        if let Ok(domain) = Domain::parse(&text) {
            prop_assert_eq!(Domain::parse(&domain.to_ascii()), Ok(domain.clone()));
            prop_assert_eq!(Domain::parse(domain.as_str()), Ok(domain));
        }
    }
}
