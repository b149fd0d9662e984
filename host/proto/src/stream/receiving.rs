//! A peer that connected to us: header, STARTTLS, header, a proof, and then its stanzas.
//!
//! [`ExpectHeader`] → [`ExpectStartTls`] → [`ExpectTls`] → [`ExpectHeader`] → [`ExpectProof`] → ([`ExpectHeader`] →)
//! [`Established`]

use super::established::Established;
use super::features::Offer;
use super::header::Header;
use super::pairs::Pairs;
use super::policy::ReceivingPolicy;
use super::session::{Session, Step};
use super::wire::Wire;
use crate::auth::external::{self, SaslFailure};
use crate::auth::{CertificateFacts, KeyClaim, Proof, Validity};
use crate::error::{Awaited, PeerMisbehaved};
use crate::jid::{Domain, DomainPair};
use crate::ns;
use crate::stream::Event;
use crate::xml::{Element, Node, Token};

#[derive(Debug)]
pub(super) struct Receiving {
    policy: ReceivingPolicy,
    state: State,
}

#[derive(Debug)]
enum State {
    ExpectHeader(ExpectHeader),
    ExpectStartTls(ExpectStartTls),
    ExpectTls(ExpectTls),
    ExpectProof(ExpectProof),
    Established(Established),
    /// A step failed, which ended the stream.
    Over,
}

impl Receiving {
    pub(super) fn new(policy: ReceivingPolicy) -> Self {
        Self { policy, state: State::ExpectHeader(ExpectHeader { opening: Opening::Clear }) }
    }

    pub(super) fn is_established(&self) -> bool {
        matches!(self.state, State::Established(_))
    }

    pub(super) fn tls_established(&mut self, facts: Option<CertificateFacts>, wire: &mut Wire) {
        let expected = matches!(self.state, State::ExpectTls(ExpectTls));
        // XEP-0368: TLS came first, so there was no STARTTLS to ask for.
        if expected || wire.is_untouched() {
            self.state = ExpectTls::established(facts, wire);
        }
    }

    pub(super) fn step(&mut self, token: Token, element: &mut Element, wire: &mut Wire) -> Result<(), PeerMisbehaved> {
        let policy = &self.policy;
        // The state that stays is not moved for each stanza.
        if let State::Established(state) = &mut self.state {
            return state.step(element, policy, wire);
        }
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::ExpectHeader(state) => state.step(token, element, policy, wire)?,
            State::ExpectStartTls(state) => state.step(element.root(), wire)?,
            State::ExpectProof(state) => state.step(element.root(), policy, wire)?,
            state @ (State::ExpectTls(_) | State::Established(_) | State::Over) => state,
        };
        Ok(())
    }

    pub(super) fn answered(
        &mut self,
        claim: &KeyClaim,
        validity: Validity,
        wire: &mut Wire,
    ) -> Result<(), PeerMisbehaved> {
        match &mut self.state {
            State::ExpectProof(state) => {
                if let Step::Proven(pair) = state.session.answered(claim, validity, &Pairs::default(), wire)? {
                    self.prove(pair, wire);
                }
                Ok(())
            }
            State::Established(state) => state.answered(claim, validity, wire),
            // The stream has begun anew since; the question was about the one before.
            State::ExpectHeader(_) | State::ExpectStartTls(_) | State::ExpectTls(_) | State::Over => Ok(()),
        }
    }

    fn prove(&mut self, pair: DomainPair, wire: &mut Wire) {
        if let State::ExpectProof(state) = std::mem::replace(&mut self.state, State::Over) {
            self.state = state.proven(pair, Proof::Dialback, wire);
        }
    }

    pub(super) fn revoke(&mut self, pair: &DomainPair) {
        if let State::Established(state) = &mut self.state {
            state.revoke(pair);
        }
    }
}

/// A stream header, for the first, second or third time.
#[derive(Debug)]
struct ExpectHeader {
    opening: Opening,
}

#[derive(Debug)]
enum Opening {
    Clear,
    Secured(Option<CertificateFacts>),
    /// SASL has proven the pair.
    Authenticated(DomainPair, Option<CertificateFacts>),
}

impl ExpectHeader {
    fn step(
        self,
        token: Token,
        element: &Element,
        policy: &ReceivingPolicy,
        wire: &mut Wire,
    ) -> Result<State, PeerMisbehaved> {
        let Some(reader) = wire.reader().filter(|_| token == Token::Header) else {
            return Err(PeerMisbehaved::NotAStream);
        };
        let header = Header::parse(element, reader)?;
        match self.opening {
            Opening::Clear => open_clear(header, policy, wire),
            Opening::Secured(facts) => open_secured(header, facts, policy, wire),
            Opening::Authenticated(pair, facts) => reopen(header, pair, facts, wire),
        }
    }
}

/// RFC 6120 §5.3.1: in the clear there is nothing but STARTTLS. `from` may be missing here; it only helps to pick a
/// certificate.
fn open_clear(header: Header, policy: &ReceivingPolicy, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
    check_addresses(&header, policy, wire)?;
    if !header.has_features {
        return Err(PeerMisbehaved::Legacy);
    }
    wire.open();
    wire.send(&Offer { starttls: true, ..Offer::default() }.to_element());
    wire.expect(Awaited::StartTls);
    Ok(State::ExpectStartTls(ExpectStartTls))
}

fn open_secured(
    header: Header,
    facts: Option<CertificateFacts>,
    policy: &ReceivingPolicy,
    wire: &mut Wire,
) -> Result<State, PeerMisbehaved> {
    let local = check_addresses(&header, policy, wire)?;
    let speaks = |from: &Domain| facts.as_ref().is_some_and(|facts| facts.speaks_for(from));
    let external =
        header.from.filter(|from| policy.external && speaks(from)).map(|from| DomainPair { from, to: local });
    let id = wire.open();
    // RFC 6120 §4.7.5: a peer without a version does not know what features are.
    if header.has_features {
        let offer = Offer { external: external.is_some(), dialback: policy.dialback, ..Offer::default() };
        let limits = Some(&policy.limits);
        wire.send(&Offer { limits, ..offer }.to_element());
    }
    wire.expect(Awaited::Proof);
    let session = Session::new(id, header.lang, facts);
    Ok(State::ExpectProof(ExpectProof { session, external, challenged: false, failures: 0 }))
}

/// RFC 6120 §6.4.6: the stream begins anew, under the same names.
fn reopen(
    header: Header,
    pair: DomainPair,
    facts: Option<CertificateFacts>,
    wire: &mut Wire,
) -> Result<State, PeerMisbehaved> {
    let same = |given: Option<Domain>, proven: &Domain| given.is_none_or(|given| given == *proven);
    if !same(header.from, &pair.from) || !same(header.to, &pair.to) {
        return Err(PeerMisbehaved::HeaderChanged);
    }
    let id = wire.open();
    if header.has_features {
        let limits = wire.limits().clone();
        wire.send(&Offer { limits: Some(&limits), ..Offer::default() }.to_element());
    }
    wire.raise(Event::Authenticated { pair: pair.clone(), by: Proof::External });
    Ok(established(Session::new(id, header.lang, facts), pair, wire))
}

/// Checks whom the header names and returns our own name. An error is told to whom it may concern, under a name we have.
fn check_addresses(header: &Header, policy: &ReceivingPolicy, wire: &mut Wire) -> Result<Domain, PeerMisbehaved> {
    (wire.local, wire.remote) = (None, header.from.clone());
    let local = header.to.clone().ok_or(PeerMisbehaved::ImproperAddressing)?;
    if !policy.boundary.serves(policy.side, &local) {
        return Err(PeerMisbehaved::HostUnknown(local));
    }
    wire.local = Some(local.clone());
    match &header.from {
        Some(from) if !policy.boundary.may_send(policy.side, from) => Err(PeerMisbehaved::ForbiddenFrom(from.clone())),
        Some(_) | None => Ok(local),
    }
}

fn established(session: Session, pair: DomainPair, wire: &mut Wire) -> State {
    wire.settle(false);
    State::Established(Established::new(session, Pairs::of(pair)))
}

/// `<starttls/>`, and nothing behind it.
#[derive(Debug)]
struct ExpectStartTls;

impl ExpectStartTls {
    fn step(self, node: Node<'_>, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        if !node.is(ns::TLS, "starttls") {
            return Err(PeerMisbehaved::BeforeTls);
        }
        // Whoever put these bytes there may not be who speaks after the handshake.
        if wire.has_unread_bytes() {
            return Err(PeerMisbehaved::BytesBeforeTls);
        }
        wire.send(&Element::new(ns::TLS, "proceed"));
        wire.start_tls();
        Ok(State::ExpectTls(ExpectTls))
    }
}

/// The TLS handshake, which the host carries out.
#[derive(Debug)]
struct ExpectTls;

impl ExpectTls {
    fn established(facts: Option<CertificateFacts>, wire: &mut Wire) -> State {
        wire.restart_secured();
        wire.expect(Awaited::Header);
        State::ExpectHeader(ExpectHeader { opening: Opening::Secured(facts) })
    }
}

/// SASL EXTERNAL or a dialback key; meanwhile we may be asked about keys of ours.
#[derive(Debug)]
struct ExpectProof {
    session: Session,
    /// The pair that EXTERNAL would prove; none if it was not offered.
    external: Option<DomainPair>,
    challenged: bool,
    failures: u32,
}

impl ExpectProof {
    fn step(mut self, node: Node<'_>, policy: &ReceivingPolicy, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        match (node.namespace(), node.name()) {
            (ns::SASL, "auth") => self.take_auth(node, wire),
            (ns::SASL, "response") => self.take_response(&node.text(), wire),
            (ns::SASL, "abort") => self.fail(SaslFailure::Aborted, wire),
            (ns::DIALBACK, _) => match self.session.take_dialback(node, &Pairs::default(), policy, wire)? {
                Step::Proven(pair) => Ok(self.proven(pair, Proof::External, wire)),
                Step::Done => Ok(State::ExpectProof(self)),
            },
            (ns::SERVER, "message" | "presence" | "iq") => Err(PeerMisbehaved::NotAuthenticated),
            _ => Err(PeerMisbehaved::UnexpectedElement),
        }
    }

    fn take_auth(mut self, node: Node<'_>, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        if self.external.is_none() || node.attribute("mechanism") != Some(external::MECHANISM) {
            return self.fail(SaslFailure::InvalidMechanism, wire);
        }
        let payload = node.text();
        if payload.trim_ascii().is_empty() {
            // RFC 6120 §6.4.2: without an initial response there is an empty challenge.
            self.challenged = true;
            wire.send(&Element::new(ns::SASL, "challenge"));
            return Ok(State::ExpectProof(self));
        }
        self.check_identity(&payload, wire)
    }

    fn take_response(mut self, payload: &str, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        if !std::mem::take(&mut self.challenged) {
            return self.fail(SaslFailure::MalformedRequest, wire);
        }
        self.check_identity(payload, wire)
    }

    fn check_identity(self, payload: &str, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        let Some(pair) = &self.external else { return self.fail(SaslFailure::InvalidMechanism, wire) };
        match external::check(payload, &pair.from) {
            Ok(()) => Ok(self.succeed(wire)),
            Err(failure) => self.fail(failure, wire),
        }
    }

    fn succeed(self, wire: &mut Wire) -> State {
        let Some(pair) = self.external else { return State::Over };
        wire.send(&Element::new(ns::SASL, "success"));
        wire.restart_authenticated();
        wire.expect(Awaited::Header);
        State::ExpectHeader(ExpectHeader { opening: Opening::Authenticated(pair, self.session.into_facts()) })
    }

    fn fail(mut self, failure: SaslFailure, wire: &mut Wire) -> Result<State, PeerMisbehaved> {
        let mut element = Element::new(ns::SASL, "failure");
        element.append(0, ns::SASL, failure.as_str());
        wire.send(&element);
        self.failures += 1;
        if self.failures > wire.limits().auth_attempts_max {
            return Err(PeerMisbehaved::TooManyAttempts);
        }
        Ok(State::ExpectProof(self))
    }

    fn proven(self, pair: DomainPair, by: Proof, wire: &mut Wire) -> State {
        wire.raise(Event::Authenticated { pair: pair.clone(), by });
        established(self.session, pair, wire)
    }
}
