//! What a 350-byte chat message costs to frame and read, and to write: medians in nanoseconds.

use std::hint::black_box;
use std::time::Instant;

use refrain_proto::limits::XmlLimits;
use refrain_proto::xml::{Element, Reader, Token};

const HEADER: &[u8] =
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
    xmlns:db='jabber:server:dialback' from='montague.example' to='capulet.example' id='x' version='1.0'>";

const MESSAGE: &[u8] = b"<message from='romeo@montague.example/orchard' to='juliet@capulet.example/balcony' type='chat' \
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

fn main() {
    let (mut reader, mut element) = (Reader::new(XmlLimits::default()), Element::default());
    reader.feed(HEADER);
    assert_eq!(reader.next(&mut element), Ok(Some(Token::Header)));
    let batch = MESSAGE.repeat(BATCH);
    let read = measure(|| {
        reader.feed(black_box(&batch));
        while let Ok(Some(Token::Element)) = reader.next(&mut element) {
            black_box(&element);
        }
        assert!(reader.is_empty());
    });
    // An element that does not end is framed, and never read.
    let endless = [HEADER, b"<m>", &batch].concat();
    let frame = measure(|| {
        let mut reader = Reader::new(XmlLimits::default());
        reader.feed(black_box(&endless));
        while let Ok(Some(_)) = reader.next(&mut element) {}
        black_box(&reader);
    });
    let single = measure(|| {
        for _ in 0..BATCH {
            reader.feed(black_box(MESSAGE));
            assert_eq!(reader.next(&mut element), Ok(Some(Token::Element)));
            black_box(&element);
        }
    });
    let bytewise = measure(|| {
        for byte in MESSAGE.repeat(BATCH).chunks(1) {
            reader.feed(black_box(byte));
            if let Ok(Some(Token::Element)) = reader.next(&mut element) {
                black_box(&element);
            }
        }
    });
    reader.feed(MESSAGE);
    assert_eq!(reader.next(&mut element), Ok(Some(Token::Element)));
    let mut out = Vec::with_capacity(64 * 1024);
    let write = measure(|| {
        out.clear();
        for _ in 0..BATCH {
            black_box(&element).write(&mut out);
        }
        black_box(&out);
    });
    println!(
        "chat message of {} bytes, {} as written; ns, median of {ROUNDS} batches of {BATCH}",
        MESSAGE.len(),
        out.len() / BATCH
    );
    println!("framing alone                {frame:8.1}");
    println!("read, one batch at once      {read:8.1}");
    println!("read, one stanza at a time   {single:8.1}");
    println!("read, one byte at a time     {bytewise:8.1}");
    println!("write                        {write:8.1}");
}
