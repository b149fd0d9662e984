//! A warm stream reads and writes stanzas without touching the heap.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use refrain_proto::limits::XmlLimits;
use refrain_proto::xml::{Element, Reader, Token};

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

const HEADER: &[u8] = b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>";

const STANZAS: &[u8] = b"<message from='romeo@a.example/orchard' to='juliet@b.example' type='chat' xml:lang='en' id='&quot;1&quot;'>\
    <body>Art thou not Romeo,\r\n &amp; a Montague?<![CDATA[<]]></body><active xmlns='http://jabber.org/protocol/chatstates'/>\
    <p:x xmlns:p='urn:p' p:a='b&#10;c'/></message>\n<iq from='a.example' to='b.example' id='2' type='get'><ping xmlns='urn:xmpp:ping'/></iq>";

/// Reads and writes as many stanzas as there are, fed in pieces of this size.
fn pass(reader: &mut Reader, element: &mut Element, out: &mut Vec<u8>, piece_bytes: usize) {
    for piece in STANZAS.chunks(piece_bytes) {
        reader.feed(piece);
        while let Ok(Some(token)) = reader.next(element) {
            assert_eq!(token, Token::Element);
            out.clear();
            element.write(out);
        }
    }
    assert!(reader.is_empty());
}

#[test]
fn reads_and_writes_without_allocating_once_warm() {
    let (mut reader, mut element, mut out) = (Reader::new(XmlLimits::default()), Element::default(), Vec::new());
    reader.feed(HEADER);
    assert_eq!(reader.next(&mut element), Ok(Some(Token::Header)));
    let sizes = [STANZAS.len(), 100, 7, 1];
    sizes.iter().for_each(|&size| pass(&mut reader, &mut element, &mut out, size));
    let before = ALLOCATIONS.with(Cell::get);
    for _ in 0..100 {
        sizes.iter().for_each(|&size| pass(&mut reader, &mut element, &mut out, size));
    }
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}
