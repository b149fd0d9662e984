//! Plays a conversation: a text in, what the stream did against what it should have done out.
//!
//! The language of the files is described in `tests/conversations/README.md`.

mod notation;
mod observe;
mod script;

use observe::Observer;
use refrain_proto::{
    Boundary, CertificateFacts, CertificateName, DialbackSecret, Domain, DomainPair, InitiatingPolicy, Input, KeyClaim,
    Purpose, ReceivingPolicy, Side, Stream, StreamIds, StreamLimits, Validity,
};
use script::{Command, Line, Opening, Script};
use std::sync::Arc;
use std::time::Instant;

/// What each stanza counts for that a conversation writes.
const STANZA_BYTES: usize = 1_000;

/// How the bytes of the peer arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Each line at once.
    Whole,
    /// Each byte by itself.
    Bytewise,
}

/// Plays a conversation; the error says which line went differently.
pub fn play(text: &str, reads: Reads) -> Result<(), String> {
    let script = Script::parse(text)?;
    let mut player = Player::new(&script, reads);
    for (number, line) in &script.lines {
        player.take(line).map_err(|problem| format!("line {number}: {problem}"))?;
    }
    match player.observer.next() {
        None => Ok(()),
        Some(surplus) => Err(format!("after the last line: {surplus}")),
    }
}

struct Player {
    stream: Stream,
    observer: Observer,
    reads: Reads,
    now: Instant,
}

impl Player {
    fn new(script: &Script, reads: Reads) -> Self {
        let now = Instant::now();
        let mut stream = begin(script, now);
        let mut observer = Observer::default();
        if !script.tls_first {
            observer.drain(&mut stream);
        }
        Self { stream, observer, reads, now }
    }

    fn take(&mut self, line: &Line) -> Result<(), String> {
        match line {
            Line::PeerSends { bytes, at_once } => {
                self.receive(bytes, *at_once);
                Ok(())
            }
            Line::Expect(expected) => self.expect(expected),
            Line::Ask { question, answer } => {
                self.expect(question)?;
                let claim = self.observer.last_claim.clone().ok_or("no question was asked")?;
                if let Some(validity) = answer {
                    self.handle(Input::Answered(claim, *validity));
                }
                Ok(())
            }
            Line::Do(command) => self.carry_out(command),
        }
    }

    fn receive(&mut self, bytes: &[u8], at_once: bool) {
        if at_once || self.reads == Reads::Whole {
            return self.handle(Input::Bytes(bytes));
        }
        for byte in bytes {
            self.handle(Input::Bytes(std::slice::from_ref(byte)));
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        self.stream.handle(input, self.now);
        self.observer.drain(&mut self.stream);
    }

    fn expect(&mut self, expected: &str) -> Result<(), String> {
        match self.observer.next() {
            Some(observed) if matches(&observed, expected) => Ok(()),
            Some(observed) => Err(format!("\n  expected {expected}\n  observed {observed}")),
            None => Err(format!("\n  expected {expected}\n  observed nothing")),
        }
    }

    fn carry_out(&mut self, command: &Command) -> Result<(), String> {
        match command {
            Command::Tls(facts) => {
                self.expect("tls")?;
                self.handle(Input::TlsEstablished(facts.clone()));
            }
            Command::DirectTls(facts) => self.handle(Input::TlsEstablished(facts.clone())),
            Command::Answer(pair, validity) => {
                let claim = self.observer.claims.iter().rev().find(|claim| claim.pair == *pair).cloned();
                self.handle(Input::Answered(claim.ok_or("no such question was asked")?, *validity));
            }
            Command::Revoke(pair) => self.handle(Input::Revoke(pair.clone())),
            Command::Close(reason) => self.handle(Input::Close(reason.clone())),
            Command::Eof => self.handle(Input::Eof),
            Command::Write(stanzas) => {
                let request = self.stream.writes(*stanzas, *stanzas as usize * STANZA_BYTES, self.now);
                self.observer.sent(request);
                self.observer.drain(&mut self.stream);
            }
            Command::After(duration) => {
                self.now += *duration;
                self.handle(Input::Tick);
            }
        }
        Ok(())
    }
}

/// What ends in `…` is only how the line begins.
fn matches(observed: &str, expected: &str) -> bool {
    expected.strip_suffix('…').map_or(observed == expected, |beginning| observed.starts_with(beginning))
}

fn begin(script: &Script, now: Instant) -> Stream {
    match &script.opening {
        Opening::Receiving(side) => Stream::receiving(receiving_policy(script, *side), now),
        Opening::Initiating(pair) => Stream::initiating(pair.clone(), Purpose::Stanzas, initiating_policy(script), now),
        Opening::Verifying(claim) => {
            Stream::initiating(claim.pair.reversed(), Purpose::Verify(claim.clone()), initiating_policy(script), now)
        }
    }
}

fn receiving_policy(script: &Script, side: Side) -> ReceivingPolicy {
    ReceivingPolicy {
        boundary: Arc::new(Boundary::new(["home.example", "club.example"].map(domain))),
        side,
        external: script.external,
        dialback: script.dialback,
        limits: StreamLimits::default(),
        ids: StreamIds::from_seed([7; 32]),
    }
}

fn initiating_policy(script: &Script) -> InitiatingPolicy {
    InitiatingPolicy {
        certificate_required: script.certificate_required,
        external: script.external,
        // The secret of XEP-0185 §4, so that its keys can be read in the files.
        dialback: script.dialback.then(|| Arc::new(DialbackSecret::from_text("s3cr3tf0rd14lb4ck"))),
        limits: StreamLimits::default(),
    }
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `a → b`
fn pair(text: &str) -> Result<DomainPair, String> {
    let (from, to) = text.split_once('→').ok_or_else(|| format!("no pair: {text}"))?;
    let parse = |text: &str| Domain::parse(text.trim()).map_err(|error| format!("{text}: {error}"));
    Ok(DomainPair { from: parse(from)?, to: parse(to)? })
}

fn validity(text: &str) -> Result<Validity, String> {
    match text {
        "valid" => Ok(Validity::Valid),
        "invalid" => Ok(Validity::Invalid),
        "unreachable" => Ok(Validity::Unreachable),
        error => error.parse().map(Validity::Error).map_err(|_| format!("no answer: {error}")),
    }
}

/// `certificate NAME`, `untrusted certificate NAME` or `no certificate`
fn facts(text: &str) -> Result<Option<CertificateFacts>, String> {
    let facts = |trusted, name: &str| {
        Some(CertificateFacts { trusted, names: vec![CertificateName::Dns(name.trim().to_owned())] })
    };
    if text == "no certificate" {
        return Ok(None);
    }
    if let Some(name) = text.strip_prefix("untrusted certificate ") {
        return Ok(facts(false, name));
    }
    text.strip_prefix("certificate ").map(|name| facts(true, name)).ok_or_else(|| format!("no certificate: {text}"))
}

/// `a → b id ID key KEY`
fn claim(text: &str) -> Result<KeyClaim, String> {
    let malformed = || format!("no claim: {text}");
    let (domains, rest) = text.split_once(" id ").ok_or_else(malformed)?;
    let (stream_id, key) = rest.split_once(" key ").ok_or_else(malformed)?;
    Ok(KeyClaim { pair: pair(domains)?, stream_id: stream_id.to_owned(), key: key.to_owned() })
}
