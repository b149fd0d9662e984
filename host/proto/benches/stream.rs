//! What a 350-byte chat message costs from read bytes to a stanza of a proven pair, and on to written bytes: medians in
//! nanoseconds.

use refrain_proto::{
    Boundary, CertificateFacts, CertificateName, Domain, Event, Input, Jid, Output, ReceivingPolicy, Side, Stream,
    StreamIds, StreamLimits,
};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' \
    xmlns:stream='http://etherx.jabber.org/streams' from='montague.example' to='capulet.example' version='1.0' \
    xml:lang='en'><db:result from='montague.example' to='capulet.example'>k</db:result>";

const MESSAGE: &str = "<message from='romeo@montague.example/orchard' to='juliet@capulet.example/balcony' type='chat' \
    id='6d3c1f6e-21'><body>Wherefore art thou? Deny thy father and refuse thy name, or if thou wilt not, be but sworn my \
    love, and I'll no longer...</body><active xmlns='http://jabber.org/protocol/chatstates'/><request \
    xmlns='urn:xmpp:receipts'/></message>";

/// Stanzas in one batch, about what one read of 64 KiB brings.
const BATCH: usize = 180;
const ROUNDS: usize = 2_000;

/// Measures batches and returns the median per stanza.
fn measure(mut batch: impl FnMut()) -> f64 {
    let mut nanoseconds: Vec<u128> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            batch();
            start.elapsed().as_nanos()
        })
        .collect();
    nanoseconds.sort_unstable();
    nanoseconds[ROUNDS / 2] as f64 / BATCH as f64
}

fn established(now: Instant) -> Stream {
    let policy = ReceivingPolicy {
        boundary: Arc::new(Boundary::new(Domain::parse("capulet.example"))),
        side: Side::Outside,
        external: true,
        dialback: true,
        limits: StreamLimits::default(),
        ids: StreamIds::from_seed([1; 32]),
    };
    let facts = CertificateFacts { trusted: true, names: vec![CertificateName::Dns("montague.example".into())] };
    let mut stream = Stream::receiving(policy, now);
    stream.handle(Input::TlsEstablished(Some(facts)), now);
    stream.handle(Input::Bytes(HEADER.as_bytes()), now);
    drain(&mut stream, |_| {});
    assert!(stream.is_established());
    stream
}

/// Drains a stream as the host does; returns how many stanzas there were.
fn drain(stream: &mut Stream, mut take: impl FnMut(&refrain_proto::Stanza)) -> usize {
    let mut stanzas = 0;
    loop {
        match stream.poll() {
            Output::Event(Event::Stanza(stanza)) => {
                take(&stanza);
                stream.recycle(stanza);
                stanzas += 1;
            }
            Output::Wait(_) => return stanzas,
            Output::Transmit(_) | Output::Event(_) => {}
            Output::StartTls | Output::Finished(_) => panic!("the stream is established"),
        }
    }
}

fn main() {
    let now = Instant::now();
    let mut stream = established(now);
    let batch = MESSAGE.repeat(BATCH);
    let receive = measure(|| {
        stream.handle(Input::Bytes(black_box(batch.as_bytes())), now);
        let stanzas = drain(&mut stream, |stanza| {
            black_box(stanza);
        });
        assert_eq!(stanzas, BATCH);
    });
    let mut out = Vec::with_capacity(128 * 1024);
    let pass = measure(|| {
        out.clear();
        stream.handle(Input::Bytes(black_box(batch.as_bytes())), now);
        drain(&mut stream, |stanza| stanza.write(&mut out));
        black_box(&out);
    });
    let mut jid = Jid::default();
    let assign = measure(|| {
        for _ in 0..BATCH {
            jid.assign(black_box("romeo@montague.example/orchard")).ok();
            black_box(&jid);
        }
    });
    println!("receive {receive:.0} ns, receive and write {pass:.0} ns, prepare one address {assign:.0} ns per message");
}
