//! A stream of ours and a peer that sends anything, whenever it likes.
//!
//! What the peer does is written in bytes that UTF-8 does not have, so that a mutation of them is another doing: 0xFF ends a
//! read, 0xFE lets eleven seconds pass, 0xFD ends the peer's half of the connection, 0xFC ends ours. All else is sent.

use crate::expat::{self, Server};
use crate::reading::Piece;
use refrain_proto::{
    CertificateFacts, CertificateName, Domain, Event, Input, KeyClaim, Output, StanzaCondition, Stream, Validity,
};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Ends a read.
pub(super) const READ_ENDS: u8 = 0xFF;
/// Lets time pass.
pub(super) const TIME_PASSES: u8 = 0xFE;
/// Ends the peer's half.
pub(super) const PEER_ENDS: u8 = 0xFD;
/// Ends our half.
pub(super) const WE_END: u8 = 0xFC;

/// One input leads to some outputs for each stanza in it, and inputs are short.
const OUTPUTS_MAX: usize = 100_000;

/// The domain whose certificate the peer shows.
pub(super) const PEER: &str = "capulet.example";

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    sent: String,
    happened: Vec<String>,
}

/// How bytes arrive that were sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Whole,
    Bytewise,
}

pub(super) struct Talk {
    stream: Stream,
    now: Instant,
    told: Told,
    proven: HashSet<Domain>,
    tls_is_due: bool,
    is_over: bool,
}

impl Talk {
    pub(super) fn new(stream: Stream, now: Instant) -> Self {
        let proven = HashSet::new();
        Self { stream, now, told: Told::default(), proven, tls_is_due: false, is_over: false }
    }

    /// TLS first, as on the port for it.
    pub(super) fn secure(&mut self) {
        self.handle(Input::TlsEstablished(Some(certificate())));
    }

    /// Lets the peer do what is written, and checks all that was sent to it.
    pub(super) fn run(mut self, doings: &[u8], reads: Reads) -> Told {
        self.drain();
        for doing in doings.split_inclusive(|&byte| matches!(byte, READ_ENDS | TIME_PASSES | PEER_ENDS | WE_END)) {
            let (bytes, mark) = match doing.split_last() {
                Some((&mark, bytes)) if mark >= WE_END => (bytes, mark),
                _ => (doing, READ_ENDS),
            };
            self.receive(bytes, reads);
            match mark {
                TIME_PASSES => {
                    self.now += Duration::from_secs(11);
                    self.handle(Input::Tick);
                }
                PEER_ENDS => self.handle(Input::Eof),
                WE_END => self.handle(Input::Close(None)),
                _ => {}
            }
        }
        check_sent(&self.told.sent);
        self.told
    }

    fn receive(&mut self, bytes: &[u8], reads: Reads) {
        match reads {
            Reads::Whole => self.handle(Input::Bytes(bytes)),
            Reads::Bytewise => bytes.chunks(1).for_each(|byte| self.handle(Input::Bytes(byte))),
        }
        if std::mem::take(&mut self.tls_is_due) {
            self.secure();
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        self.stream.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        for _ in 0..OUTPUTS_MAX {
            match self.stream.poll() {
                Output::Transmit(bytes) => {
                    assert!(!bytes.is_empty(), "nothing is not worth a write");
                    self.told.sent.push_str(std::str::from_utf8(&bytes).expect("we send UTF-8"));
                }
                Output::StartTls => self.tls_is_due = true,
                Output::Event(event) => self.take(event),
                Output::Wait(until) => {
                    assert!(until > self.now, "a wait until now would spin");
                    return;
                }
                Output::Finished(outcome) => {
                    if !std::mem::replace(&mut self.is_over, true) {
                        self.told.happened.push(outcome.to_string());
                    }
                    return;
                }
            }
        }
        panic!("the stream does not come to rest");
    }

    fn take(&mut self, event: Event) {
        assert!(!self.is_over, "after the end: {event:?}");
        match event {
            Event::Stanza(stanza) => {
                let from = stanza.from().to_domain();
                assert!(self.proven.contains(&from), "{from} was not proven");
                self.told.happened.push(stanza.to_xml());
                self.stream.recycle(stanza);
            }
            Event::Authenticated { pair, by } => {
                self.told.happened.push(format!("authenticated {pair:?} {by:?}"));
                self.proven.insert(pair.from);
            }
            Event::Verify(claim) | Event::Asked(claim) => {
                self.told.happened.push(format!("asked {claim:?}"));
                let validity = answer(&claim);
                self.stream.handle(Input::Answered(claim, validity), self.now);
            }
            other => self.told.happened.push(format!("{other:?}")),
        }
    }
}

/// Says what the authority, or we, make of a key.
fn answer(claim: &KeyClaim) -> Validity {
    match claim.key.as_str() {
        "k" => Validity::Valid,
        "e" => Validity::Error(StanzaCondition::RemoteServerTimeout),
        _ => Validity::Invalid,
    }
}

fn certificate() -> CertificateFacts {
    CertificateFacts { trusted: true, names: vec![CertificateName::Dns(PEER.to_owned())] }
}

/// Whatever the peer did, it is sent streams that its parser can read.
fn check_sent(text: &str) {
    let declaration = "<?xml version='1.0'?>";
    for stream in text.split(declaration).skip(1) {
        let stream = format!("{declaration}{stream}");
        for server in Server::ALL {
            let theirs = expat::read(server, [stream.as_bytes()]);
            assert_eq!(theirs.refused, None, "{server:?} cannot read {stream}");
            let strays = theirs.pieces.iter().filter(|piece| matches!(piece, Piece::Stray(_)));
            assert_eq!(strays.count(), 0, "{stream}");
        }
    }
    assert!(text.starts_with(declaration) || text.is_empty(), "not a stream: {text}");
}
