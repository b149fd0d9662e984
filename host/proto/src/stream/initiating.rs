//! A peer that we connected to: header, STARTTLS, header, our proof, and then our stanzas; or one question to an authority.
//!
//! [`ExpectHeader`] → [`ExpectFeatures`] → [`ExpectProceed`] → ([`ExpectHeader`] → [`ExpectFeatures`]) → [`ExpectSasl`] →
//! ([`ExpectHeader`] → [`ExpectFeatures`]) or [`ExpectKeyAnswer`] → ([`ExpectEnabled`]) → established; or [`ExpectVerdict`] →
//! the end

use super::dialback::{self, Dialback, DialbackKind};
use super::features::Offered;
use super::header::Header;
use super::outcome::{Outcome, Refusal};
use super::policy::{InitiatingPolicy, Purpose};
use super::sm::{self, Acknowledgements};
use super::wire::Wire;
use crate::auth::dialback::is_stream_id;
use crate::auth::{CertificateFacts, KeyClaim, Proof, Validity, external};
use crate::error::{Awaited, PeerMisbehaved};
use crate::jid::DomainPair;
use crate::ns;
use crate::stanza::StanzaCondition;
use crate::stream::Event;
use crate::xml::{Element, Node, Token};

#[derive(Debug)]
pub(super) struct Initiating {
    context: Context,
    state: State,
}

/// What does not change while the states do.
#[derive(Debug)]
struct Context {
    pair: DomainPair,
    purpose: Purpose,
    policy: InitiatingPolicy,
    peer_stanza_bytes_max: Option<u32>,
    /// Whether the peer said that it acknowledges stanzas, before or after it knew who we are.
    management: bool,
}

#[derive(Debug)]
enum State {
    /// Nothing is sent yet: TLS may come first (XEP-0368).
    Unopened,
    ExpectHeader(ExpectHeader),
    ExpectFeatures(ExpectFeatures),
    ExpectProceed(ExpectProceed),
    ExpectTls,
    ExpectSasl(ExpectSasl),
    ExpectKeyAnswer(ExpectKeyAnswer),
    ExpectVerdict(ExpectVerdict),
    ExpectEnabled(ExpectEnabled),
    Established(Established),
    /// A step failed or the question is answered, which ended the stream.
    Over,
}

/// How often the stream has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    Clear,
    Secured,
    Authenticated,
}

impl Initiating {
    pub(super) fn new(pair: DomainPair, purpose: Purpose, policy: InitiatingPolicy) -> Self {
        let context = Context { pair, purpose, policy, peer_stanza_bytes_max: None, management: false };
        Self { context, state: State::Unopened }
    }

    pub(super) fn is_established(&self) -> bool {
        matches!(self.state, State::Established(_))
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        matches!(self.state, State::Established(Established { acknowledgements: Some(_) }))
    }

    pub(super) fn note_writing(&mut self, stanzas: u32, bytes: usize, wire: &mut Wire) -> &'static [u8] {
        match &mut self.state {
            State::Established(Established { acknowledgements: Some(acknowledgements) }) => {
                acknowledgements.note_writing(stanzas, bytes, wire)
            }
            _ => b"",
        }
    }

    pub(super) fn peer_stanza_bytes_max(&self) -> Option<u32> {
        self.context.peer_stanza_bytes_max
    }

    /// Sends the first header, unless TLS came first.
    pub(super) fn open(&mut self, wire: &mut Wire) {
        if matches!(self.state, State::Unopened) && wire.is_open() {
            self.state = begin(Opening::Clear, wire);
        }
    }

    pub(super) fn tls_established(&mut self, facts: Option<CertificateFacts>, wire: &mut Wire) {
        if !matches!(self.state, State::ExpectTls | State::Unopened) {
            return;
        }
        let speaks = facts.is_some_and(|facts| facts.speaks_for(&self.context.pair.to));
        if self.context.policy.certificate_required && !speaks {
            self.state = State::Over;
            return wire.finish(Outcome::NotAuthenticated(Refusal::Certificate));
        }
        wire.restart_secured();
        self.state = begin(Opening::Secured, wire);
    }

    pub(super) fn step(&mut self, token: Token, element: &Element, wire: &mut Wire) -> Result<(), PeerMisbehaved> {
        let context = &mut self.context;
        let node = element.root();
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::ExpectHeader(state) => state.step(token, element, context, wire)?,
            State::ExpectFeatures(state) => state.step(node, context, wire)?,
            State::ExpectProceed(state) => state.step(node, wire)?,
            State::ExpectSasl(state) => state.step(node, context, wire)?,
            State::ExpectKeyAnswer(state) => state.step(node, context, wire)?,
            State::ExpectVerdict(state) => state.step(node, wire)?,
            State::ExpectEnabled(state) => state.step(node, wire)?,
            State::Established(state) => state.step(node, wire)?,
            state @ (State::Unopened | State::ExpectTls | State::Over) => state,
        };
        Ok(())
    }
}

/// Sends our header; our proof of who we are, and the peer's, are for later.
fn begin(opening: Opening, wire: &mut Wire) -> State {
    wire.open();
    wire.expect(Awaited::Header);
    State::ExpectHeader(ExpectHeader { opening })
}

/// The peer's header.
#[derive(Debug)]
struct ExpectHeader {
    opening: Opening,
}

impl ExpectHeader {
    fn step(
        self,
        token: Token,
        element: &Element,
        context: &Context,
        wire: &mut Wire,
    ) -> Result<State, PeerMisbehaved> {
        let Some(reader) = wire.reader().filter(|_| token == Token::Header) else {
            return Err(PeerMisbehaved::NotAStream);
        };
        let header = Header::parse(element, reader)?;
        // COMPAT(ejabberd): may omit `from`.
        if header.from.as_ref().is_some_and(|from| *from != context.pair.to) {
            return Err(PeerMisbehaved::WrongHost);
        }
        let awaiting =
            ExpectFeatures { opening: self.opening, stream_id: header.id, declares_dialback: header.declares_dialback };
        if !header.has_features {
            // RFC 6120 §4.7.5: no features will come.
            return awaiting.conclude(&Offered::default(), context, wire);
        }
        wire.expect(Awaited::Features);
        Ok(State::ExpectFeatures(awaiting))
    }
}

/// What the peer offers.
#[derive(Debug)]
struct ExpectFeatures {
    opening: Opening,
    stream_id: String,
    declares_dialback: bool,
}

impl ExpectFeatures {
    fn step(self, node: Node<'_>, context: &mut Context, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        if !node.is(ns::STREAM, "features") {
            return Err(PeerMisbehaved::UnexpectedElement);
        }
        let offered = Offered::parse(node);
        context.peer_stanza_bytes_max = offered.stanza_bytes_max.or(context.peer_stanza_bytes_max);
        // XEP-0198 §2: offered before authentication, it holds for after it; dialback is followed by no other features.
        context.management = offered.management;
        self.conclude(&offered, context, wire)
    }

    fn conclude(self, offered: &Offered, context: &Context, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        match (self.opening, &context.purpose) {
            (Opening::Clear, _) => ask_for_tls(offered, wire),
            (Opening::Secured, Purpose::Verify(claim)) => Ok(ask_authority(claim, wire)),
            (Opening::Secured, Purpose::Stanzas) => self.authenticate(offered, context, wire),
            (Opening::Authenticated, _) => Ok(proven(Proof::External, context, wire)),
        }
    }

    /// EXTERNAL if we both can, else dialback.
    fn authenticate(self, offered: &Offered, context: &Context, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        // COMPAT(jabberd2): announces dialback by declaring its namespace in the header, and by nothing else.
        let dialback = offered.dialback || self.declares_dialback;
        let fallback = dialback.then_some(self.stream_id);
        if !(offered.external && context.policy.external) {
            return show_key(fallback, context, wire)?.ok_or(PeerMisbehaved::NoCommonProof);
        }
        let mut auth = Element::new(ns::SASL, "auth");
        auth.set_attribute(0, "mechanism", Some(external::MECHANISM));
        auth.append_text(0, &external::encode(&context.pair.from));
        wire.send(&auth);
        wire.expect(Awaited::Proof);
        Ok(State::ExpectSasl(ExpectSasl { fallback, challenged: false }))
    }
}

/// RFC 6120 §5.3.1: without TLS nothing more is said, whoever took it out of the features.
fn ask_for_tls(offered: &Offered, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
    if !offered.starttls {
        return Err(PeerMisbehaved::TlsRefused);
    }
    wire.send(&Element::new(ns::TLS, "starttls"));
    wire.expect(Awaited::StartTls);
    Ok(State::ExpectProceed(ExpectProceed))
}

/// XEP-0220 §2.1.2. An authority answers whoever asks, so we need not say who we are.
fn ask_authority(claim: &KeyClaim, wire: &mut Wire) -> State {
    wire.send(&dialback::ask_authority(claim));
    wire.expect(Awaited::Proof);
    State::ExpectVerdict(ExpectVerdict { claim: claim.clone() })
}

/// XEP-0220 §2.1.1, on a stream whose id can stand in a key; none if one of us does not do dialback.
fn show_key(stream_id: Option<String>, context: &Context, wire: &mut Wire) -> Result<Option<State>, PeerMisbehaved> {
    let (Some(stream_id), Some(secret)) = (stream_id, &context.policy.dialback) else { return Ok(None) };
    if !is_stream_id(&stream_id) {
        return Err(PeerMisbehaved::BadStreamId);
    }
    let key = secret.key(&context.pair, &stream_id);
    let claim = KeyClaim { pair: context.pair.clone(), stream_id, key };
    wire.raise(Event::KeyShown(claim.clone()));
    wire.send(&dialback::show_key(&claim));
    wire.extend_handshake();
    Ok(Some(State::ExpectKeyAnswer(ExpectKeyAnswer { pair: claim.pair })))
}

/// Asks the peer to acknowledge stanzas, if it offers that; else they may come at once.
fn proven(proof: Proof, context: &Context, wire: &mut Wire) -> State {
    if !context.management {
        return established(proof, None, wire);
    }
    wire.send(&sm::enable());
    wire.expect(Awaited::Management);
    State::ExpectEnabled(ExpectEnabled { proof })
}

fn established(proof: Proof, acknowledgements: Option<Acknowledgements>, wire: &mut Wire) -> State {
    wire.settle(true);
    wire.raise(Event::Established(proof));
    State::Established(Established { acknowledgements })
}

/// `<proceed/>`, and nothing behind it.
#[derive(Debug)]
struct ExpectProceed;

impl ExpectProceed {
    fn step(self, node: Node<'_>, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        if node.is(ns::TLS, "failure") {
            return Err(PeerMisbehaved::TlsRefused);
        }
        if !node.is(ns::TLS, "proceed") {
            return Err(PeerMisbehaved::UnexpectedElement);
        }
        if wire.has_unread_bytes() {
            // The peer now waits for TLS: there is nothing to say to it in the clear.
            wire.fail_silently(PeerMisbehaved::BytesBeforeTls);
            return Ok(State::Over);
        }
        wire.start_tls();
        Ok(State::ExpectTls)
    }
}

/// What the peer says to EXTERNAL.
#[derive(Debug)]
struct ExpectSasl {
    /// The id of this stream, if dialback is the way out.
    fallback: Option<String>,
    challenged: bool,
}

impl ExpectSasl {
    fn step(mut self, node: Node<'_>, context: &Context, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        match (node.namespace(), node.name()) {
            (ns::SASL, "success") => {
                wire.restart_authenticated();
                Ok(begin(Opening::Authenticated, wire))
            }
            (ns::SASL, "failure") => self.fall_back(context, wire),
            // RFC 6120 §6.4.2: a peer that passed over the initial response asks again, once.
            (ns::SASL, "challenge") if !self.challenged => {
                self.challenged = true;
                let mut response = Element::new(ns::SASL, "response");
                response.append_text(0, &external::encode(&context.pair.from));
                wire.send(&response);
                Ok(State::ExpectSasl(self))
            }
            _ => {
                pass_over_dialback(node, wire)?;
                Ok(State::ExpectSasl(self))
            }
        }
    }

    /// As Prosody, Openfire and Metronome do: a refused certificate leaves dialback, on the same stream.
    fn fall_back(self, context: &Context, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        match show_key(self.fallback, context, wire)? {
            Some(state) => Ok(state),
            None => Ok(give_up(Refusal::External, wire)),
        }
    }
}

/// What the peer says to our key.
#[derive(Debug)]
struct ExpectKeyAnswer {
    pair: DomainPair,
}

impl ExpectKeyAnswer {
    fn step(self, node: Node<'_>, context: &Context, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        let Some(answer) = Dialback::parse(node) else { return Err(PeerMisbehaved::UnexpectedElement) };
        match answer {
            Ok(Dialback { kind: DialbackKind::Result, pair, answer: Some(validity), .. })
                if pair == self.pair.reversed() =>
            {
                Ok(match validity {
                    Validity::Valid => proven(Proof::Dialback, context, wire),
                    Validity::Invalid => give_up(Refusal::KeyInvalid, wire),
                    Validity::Error(condition) => give_up(Refusal::KeyUnverified(condition), wire),
                    Validity::Unreachable => {
                        give_up(Refusal::KeyUnverified(StanzaCondition::RemoteServerTimeout), wire)
                    }
                })
            }
            // T02, T03: only the answer to our own question counts, and only from whom we asked.
            _ => {
                wire.raise(Event::Unsolicited);
                Ok(State::ExpectKeyAnswer(self))
            }
        }
    }
}

/// What the peer says to `<enable/>` (XEP-0198 §3).
#[derive(Debug)]
struct ExpectEnabled {
    proof: Proof,
}

impl ExpectEnabled {
    fn step(self, node: Node<'_>, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        if node.is(ns::STREAM_MANAGEMENT, "enabled") {
            return Ok(established(self.proof, Some(Acknowledgements::default()), wire));
        }
        // §6: the stream does without it.
        if node.is(ns::STREAM_MANAGEMENT, "failed") {
            return Ok(established(self.proof, None, wire));
        }
        pass_over_dialback(node, wire)?;
        Ok(State::ExpectEnabled(self))
    }
}

/// Nothing in particular: the stream is for our stanzas, and the peer at most acknowledges them.
#[derive(Debug)]
struct Established {
    /// None where the peer does not.
    acknowledgements: Option<Acknowledgements>,
}

impl Established {
    fn step(mut self, node: Node<'_>, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        let taken = match &mut self.acknowledgements {
            Some(acknowledgements) => acknowledgements.take(node, wire)?,
            None => false,
        };
        if !taken {
            pass_over_dialback(node, wire)?;
        }
        Ok(State::Established(self))
    }
}

/// What the authority says of the key we asked about.
#[derive(Debug)]
struct ExpectVerdict {
    claim: KeyClaim,
}

impl ExpectVerdict {
    fn step(self, node: Node<'_>, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        let Some(answer) = Dialback::parse(node) else { return Err(PeerMisbehaved::UnexpectedElement) };
        match answer {
            Ok(Dialback { kind: DialbackKind::Verify, pair, id: Some(id), answer: Some(validity), .. })
                if pair == self.claim.pair && id == self.claim.stream_id =>
            {
                wire.raise(Event::Verified(self.claim, validity));
                wire.close(Outcome::Closed, false);
                Ok(State::Over)
            }
            // T02, T04: an answer about another stream or another domain is not ours to take.
            _ => {
                wire.raise(Event::Unsolicited);
                Ok(State::ExpectVerdict(self))
            }
        }
    }
}

/// Ends a stream that cannot serve its purpose, though the peer did nothing wrong.
fn give_up(refusal: Refusal, wire: &mut Wire) -> State {
    wire.close(Outcome::NotAuthenticated(refusal), false);
    State::Over
}

/// Dialback answers that nobody waits for are harmless; stanzas and anything else have no place on a stream of ours.
fn pass_over_dialback(node: Node<'_>, wire: &mut Wire) -> Result<(), PeerMisbehaved> {
    if node.namespace() != ns::DIALBACK {
        return Err(PeerMisbehaved::UnexpectedElement);
    }
    wire.raise(Event::Unsolicited);
    Ok(())
}
