//! Streams of ours in either role: nothing panics, nothing unproven passes, what is sent can be read, and nothing depends on
//! how the bytes arrive.

use super::talk::{PEER, Reads, Talk};
use refrain_proto::{
    Boundary, DialbackSecret, Domain, DomainPair, InitiatingPolicy, KeyClaim, Purpose, ReceivingPolicy, Side, Stream,
    StreamIds, StreamLimits,
};
use std::sync::Arc;
use std::time::Instant;

const OURS: &str = "home.example";

/// A peer that connected to us. The first byte is how: bit 0 is TLS from the beginning, bit 1 is from inside, bits 2 and 3
/// are without EXTERNAL and without dialback.
pub fn receiving(input: &[u8]) {
    alike(input, |setting, now| {
        let policy = ReceivingPolicy {
            boundary: Arc::new(Boundary::new([domain(OURS), domain("club.example")])),
            side: if setting & 2 == 0 { Side::Outside } else { Side::Inside },
            external: setting & 4 == 0,
            dialback: setting & 8 == 0,
            limits: StreamLimits::default(),
            ids: StreamIds::from_seed([7; 32]),
        };
        Stream::receiving(policy, now)
    });
}

/// A peer that we connected to. The first byte is how: bit 0 is TLS from the beginning, bit 1 is to verify a key, bits 2 to 4
/// are without EXTERNAL, without dialback and without a certificate that must be trusted.
pub fn initiating(input: &[u8]) {
    alike(input, |setting, now| {
        let pair = DomainPair::new(domain(OURS), domain(PEER));
        let claim = KeyClaim { pair: pair.reversed(), stream_id: "id".to_owned(), key: "k".to_owned() };
        let policy = InitiatingPolicy {
            external: setting & 4 == 0,
            dialback: (setting & 8 == 0).then(|| Arc::new(DialbackSecret::from_text("s3cr3tf0rd14lb4ck"))),
            certificate_required: setting & 16 == 0,
            limits: StreamLimits::default(),
        };
        let purpose = if setting & 2 == 0 { Purpose::Stanzas } else { Purpose::Verify(claim) };
        Stream::initiating(pair, purpose, policy, now)
    });
}

fn alike(input: &[u8], begin: impl Fn(u8, Instant) -> Stream) {
    let Some((&setting, doings)) = input.split_first() else { return };
    let now = Instant::now();
    let told = [Reads::Whole, Reads::Bytewise].map(|reads| {
        let mut talk = Talk::new(begin(setting, now), now);
        if setting & 1 != 0 {
            talk.secure();
        }
        talk.run(doings, reads)
    });
    // What comes in one read with `<starttls/>` is refused with it, and what comes later is when it comes. What comes in one
    // read may be counted as too much for a handshake before any of it is looked at.
    if setting & 1 != 0 && doings.len() < StreamLimits::default().handshake_bytes_max as usize {
        assert_eq!(told[0], told[1], "whole, and byte by byte");
    }
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).expect("a domain")
}
