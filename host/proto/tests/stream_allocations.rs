//! A receiving stream hands stanzas out, and takes their memory back, without touching the heap.

use refrain_proto::{
    Boundary, CertificateFacts, CertificateName, Domain, Event, Input, Output, ReceivingPolicy, Side, Stream,
    StreamIds, StreamLimits,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is passed on to the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' \
    xmlns:stream='http://etherx.jabber.org/streams' from='capulet.example' to='home.example' version='1.0' xml:lang='en'>";

/// One per pair, with addresses to prepare and a language to inherit.
const STANZAS: &str = "<message from='Juliet@capulet.example/balcony' to='alice@home.example' type='chat' id='1'>\
    <body>O Romeo, Romeo! wherefore art thou Romeo?</body></message>\n\
    <iq from='a@montague.example/x' to='alice@home.example' type='get' id='2'><ping xmlns='urn:xmpp:ping'/></iq>";

fn established(now: Instant) -> Stream {
    let domain = |text| Domain::parse(text).expect("a domain");
    let policy = ReceivingPolicy {
        boundary: Arc::new(Boundary::new([domain("home.example")])),
        side: Side::Outside,
        external: true,
        dialback: true,
        limits: StreamLimits::default(),
        ids: StreamIds::from_seed([1; 32]),
    };
    let names = ["capulet.example", "montague.example"].map(|name| CertificateName::Dns(name.into()));
    let mut stream = Stream::receiving(policy, now);
    let mut out = Vec::new();
    stream.handle(Input::TlsEstablished(Some(CertificateFacts { trusted: true, names: names.into() })), now);
    stream.handle(Input::Bytes(HEADER.as_bytes()), now);
    pass(&mut stream, &mut out);
    for sender in ["capulet.example", "montague.example"] {
        let key = format!("<db:result from='{sender}' to='home.example'>k</db:result>");
        stream.handle(Input::Bytes(key.as_bytes()), now);
        pass(&mut stream, &mut out);
    }
    assert!(stream.is_established());
    stream
}

/// Drains a stream as the host does; returns how many stanzas there were.
fn pass(stream: &mut Stream, out: &mut Vec<u8>) -> usize {
    let mut stanzas = 0;
    loop {
        match stream.poll() {
            Output::Event(Event::Stanza(stanza)) => {
                out.clear();
                stanza.write(out);
                stream.recycle(stanza);
                stanzas += 1;
            }
            Output::Wait(_) => return stanzas,
            Output::Transmit(_) | Output::Event(_) => {}
            Output::StartTls | Output::Finished(_) => panic!("the stream is established"),
        }
    }
}

#[test]
fn hands_stanzas_out_without_allocating_once_warm() {
    let now = Instant::now();
    let mut stream = established(now);
    let mut out = Vec::new();
    let mut read = |pieces: usize| {
        let mut stanzas = 0;
        for piece in STANZAS.as_bytes().chunks(pieces) {
            stream.handle(Input::Bytes(piece), now);
            stanzas += pass(&mut stream, &mut out);
        }
        stanzas
    };
    for _ in 0..10 {
        assert_eq!(read(usize::MAX), 2);
    }
    let before = ALLOCATIONS.with(Cell::get);
    for _ in 0..100 {
        assert_eq!(read(usize::MAX) + read(7), 4);
    }
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}
