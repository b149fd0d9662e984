//! A stream between two servers (RFC 6120 §4), from its first byte to its last, without the connection it runs on.
//!
//! bytes → [`Stream::handle`] → [`Stream::poll`] → bytes and events
//!
//! [`Stream`] is one of two machines, by who connected: `receiving` or `initiating`. Their states are types named for what
//! they await. What both share, and no state decides, is in `wire`: bytes, deadlines, and how a stream ends.

mod clock;
mod dialback;
mod established;
mod features;
mod header;
mod ids;
mod initiating;
mod outcome;
mod pairs;
mod policy;
mod receiving;
mod session;
mod sm;
mod wire;

pub use ids::StreamIds;
pub use outcome::{Outcome, Refusal};
pub use policy::{InitiatingPolicy, Purpose, ReceivingPolicy};

use crate::auth::{CertificateFacts, KeyClaim, Proof, Validity};
use crate::error::StreamCondition;
use crate::jid::{Domain, DomainPair};
use crate::ns;
use crate::stanza::{Stanza, StanzaDefect};
use crate::xml::{Element, Token};
use initiating::Initiating;
use receiving::Receiving;
use std::time::{Duration, Instant};
use wire::Wire;

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// The peer sent these bytes.
    Bytes(&'a [u8]),
    /// TLS stands: what the peer's certificate says, none if it showed none. As the very first input: direct TLS (XEP-0368).
    TlsEstablished(Option<CertificateFacts>),
    /// The answer to [`Event::Verify`] or [`Event::Asked`].
    Answered(KeyClaim, Validity),
    /// This pair may no longer send on this stream; others may.
    Revoke(DomainPair),
    /// The stream shall end, for this reason. Stanzas that are on their way to us are still taken.
    Close(Option<(StreamCondition, Option<String>)>),
    /// The peer's half of the connection ended.
    Eof,
    /// The time of [`Output::Wait`] has come.
    Tick,
}

/// What to do.
#[derive(Debug)]
pub enum Output {
    /// Send these bytes.
    Transmit(Vec<u8>),
    /// Everything before is sent in the clear; now negotiate TLS and answer with [`Input::TlsEstablished`].
    StartTls,
    /// Take note.
    Event(Event),
    /// Nothing until there is an input; by this time at the latest, a tick.
    Wait(Instant),
    /// Everything before is sent, then the connection ends.
    Finished(Outcome),
}

/// What the host has to know or decide.
#[derive(Debug)]
// A stanza is moved out whole, once per stanza, so that its memory can come back by `recycle`: a box would be an allocation.
#[allow(clippy::large_enum_variant)]
pub enum Event {
    /// Receiving: a stanza of a pair that is proven on this stream.
    Stanza(Stanza),
    /// Receiving: a stanza of a proven pair that cannot pass, and what its sender is to be told, if it may be.
    Malformed(StanzaDefect, Option<Box<Stanza>>),
    /// Receiving: put this key to the authority of `pair.from`, then give [`Input::Answered`].
    Verify(KeyClaim),
    /// Receiving: the peer asks us, the authority of `pair.from`, whether the key is ours; give [`Input::Answered`].
    Asked(KeyClaim),
    /// Receiving: this pair may send from now on.
    Authenticated {
        /// From the peer's domain to ours.
        pair: DomainPair,
        /// How that was proven.
        by: Proof,
    },
    /// Initiating: this key of ours is about to be shown. Its authority, us, will be asked about it elsewhere.
    KeyShown(KeyClaim),
    /// Initiating, for stanzas: they may be written from now on.
    Established(Proof),
    /// Initiating, for stanzas: the peer has taken so many more of them on itself, the first written first (XEP-0198 §4).
    Acknowledged(u32),
    /// Initiating, to verify: what the authority says of the claim.
    Verified(KeyClaim, Validity),
    /// An answer to a question that was not asked here. It changed nothing.
    Unsolicited,
}

/// One stream of either direction.
#[derive(Debug)]
pub struct Stream {
    wire: Wire,
    role: Role,
    element: Element,
}

#[derive(Debug)]
enum Role {
    Receiving(Receiving),
    Initiating(Initiating),
}

impl Stream {
    /// Begins a stream with a peer that connected to us.
    pub fn receiving(policy: ReceivingPolicy, now: Instant) -> Self {
        let wire = Wire::new(policy.limits.clone(), Some(policy.ids.clone()), now);
        Self { wire, role: Role::Receiving(Receiving::new(policy)), element: Element::default() }
    }

    /// Begins a stream with a peer that we connected to, from `pair.from` to `pair.to`.
    pub fn initiating(pair: DomainPair, purpose: Purpose, policy: InitiatingPolicy, now: Instant) -> Self {
        let mut wire = Wire::new(policy.limits.clone(), None, now);
        (wire.local, wire.remote) = (Some(pair.from.clone()), Some(pair.to.clone()));
        Self { wire, role: Role::Initiating(Initiating::new(pair, purpose, policy)), element: Element::default() }
    }

    /// Takes one input. It never fails: what the peer did wrong comes out of [`poll`](Self::poll), which is to be drained to
    /// [`Output::Wait`] or [`Output::Finished`] before the next input.
    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        self.wire.advance_to(now);
        if self.wire.is_finished() {
            return;
        }
        match input {
            Input::Bytes(bytes) => self.wire.feed(bytes),
            Input::TlsEstablished(facts) => match &mut self.role {
                Role::Receiving(receiving) => receiving.tls_established(facts, &mut self.wire),
                Role::Initiating(initiating) => initiating.tls_established(facts, &mut self.wire),
            },
            Input::Answered(claim, validity) => self.answered(&claim, validity),
            Input::Revoke(pair) => self.revoke(&pair),
            Input::Close(reason) => self.close(reason),
            Input::Eof => self.wire.eof(),
            Input::Tick => {}
        }
        self.wire.check_deadlines();
    }

    fn answered(&mut self, claim: &KeyClaim, validity: Validity) {
        let Role::Receiving(receiving) = &mut self.role else { return };
        if let Err(misbehaved) = receiving.answered(claim, validity, &mut self.wire) {
            self.wire.misbehaved(misbehaved);
        }
    }

    fn revoke(&mut self, pair: &DomainPair) {
        if let Role::Receiving(receiving) = &mut self.role {
            receiving.revoke(pair);
        }
    }

    fn close(&mut self, reason: Option<(StreamCondition, Option<String>)>) {
        let takes_stanzas = self.is_established();
        match reason {
            Some((condition, text)) => {
                self.wire.close_with(condition, text.as_deref(), Outcome::LocalClose, takes_stanzas);
            }
            None => self.wire.close(Outcome::LocalClose, takes_stanzas),
        }
    }

    /// Returns what to do next. Reads at most one stanza ahead: what the host does not poll stays bytes.
    pub fn poll(&mut self) -> Output {
        if let Role::Initiating(initiating) = &mut self.role {
            initiating.open(&mut self.wire);
        }
        loop {
            if let Some(output) = self.wire.take_output() {
                return output;
            }
            if self.wire.is_finished() || !self.advance() {
                return self.wire.take_output().unwrap_or_else(|| self.wire.rest());
            }
        }
    }

    /// Reads one token and lets the state have it; false when there is none.
    fn advance(&mut self) -> bool {
        let token = match self.wire.next(&mut self.element) {
            Ok(Some(token)) => token,
            Ok(None) => return false,
            Err(error) => {
                let was_open = self.wire.is_open();
                self.wire.give_up_reading(error.into());
                return was_open;
            }
        };
        match token {
            Token::Close => self.wire.peer_closed(Outcome::Closed),
            Token::Element if self.element.root().is(ns::STREAM, "error") => self.peer_failed(),
            Token::Header | Token::Element if self.wire.takes_stanzas() => self.step(token),
            Token::Header | Token::Element => {}
        }
        true
    }

    fn step(&mut self, token: Token) {
        let result = match &mut self.role {
            Role::Receiving(receiving) => receiving.step(token, &mut self.element, &mut self.wire),
            Role::Initiating(initiating) => initiating.step(token, &self.element, &mut self.wire),
        };
        if let Err(misbehaved) = result {
            self.wire.misbehaved(misbehaved);
        }
    }

    /// RFC 6120 §4.9.1.1: an error ends the stream at once.
    fn peer_failed(&mut self) {
        let mut conditions = self.element.root().children().filter(|node| node.namespace() == ns::STREAMS_ERR);
        let condition =
            conditions.find_map(|node| node.name().parse().ok()).unwrap_or(StreamCondition::UndefinedCondition);
        self.wire.peer_closed(Outcome::PeerError(condition));
    }

    /// Gives the memory of a stanza back, for the next one.
    pub fn recycle(&mut self, stanza: Stanza) {
        self.wire.keep_spare(stanza);
    }

    /// Tells the stream that the host is about to write stanzas, as it does past this machine on an established initiating
    /// stream: the stream is not idle, and no space is due. Returns what is to be written right behind them, which is nothing
    /// or a request to acknowledge them.
    pub fn writes(&mut self, stanzas: u32, bytes: usize, now: Instant) -> &'static [u8] {
        self.wire.advance_to(now);
        self.wire.note_written();
        match &mut self.role {
            Role::Receiving(_) => b"",
            Role::Initiating(initiating) => initiating.note_writing(stanzas, bytes, &mut self.wire),
        }
    }

    /// Initiating: whether the peer acknowledges the stanzas it has taken ([`Event::Acknowledged`]).
    pub fn is_acknowledged(&self) -> bool {
        match &self.role {
            Role::Receiving(_) => false,
            Role::Initiating(initiating) => initiating.is_acknowledged(),
        }
    }

    /// Tells the stream that the host did not read for a while: the silence says nothing about the peer.
    pub fn held_back(&mut self, now: Instant) {
        self.wire.advance_to(now);
        self.wire.note_held_back();
    }

    /// Takes larger elements from now on, since the host has asked this peer for one. Of what it did not ask for, the host has to
    /// refuse itself what is too large.
    pub fn take_larger(&mut self, stanza_bytes_max: u32, nodes_max: u32) {
        self.wire.take_larger(stanza_bytes_max, nodes_max);
    }

    /// Tells whether stanzas may pass: an initiating stream's of its pair, a receiving one's of at least one pair.
    pub fn is_established(&self) -> bool {
        let established = match &self.role {
            Role::Receiving(receiving) => receiving.is_established(),
            Role::Initiating(initiating) => initiating.is_established(),
        };
        established && self.wire.is_open()
    }

    /// Tells whether the stream has come to its end.
    pub fn is_finished(&self) -> bool {
        self.wire.is_finished()
    }

    /// From the first byte to the first proof: TLS has no longer than all of it.
    pub fn handshake_timeout(&self) -> Duration {
        self.wire.limits().handshake_timeout
    }

    /// Our domain, as the header says: the one whose certificate to show.
    pub fn local_domain(&self) -> Option<&Domain> {
        self.wire.local.as_ref()
    }

    /// The peer's domain, as the header says, which before a proof is only a claim.
    pub fn remote_domain(&self) -> Option<&Domain> {
        self.wire.remote.as_ref()
    }

    /// Initiating: the largest stanza that the peer says it takes (XEP-0478).
    pub fn peer_stanza_bytes_max(&self) -> Option<u32> {
        match &self.role {
            Role::Receiving(_) => None,
            Role::Initiating(initiating) => initiating.peer_stanza_bytes_max(),
        }
    }
}
