//! What a receiving stream knows after TLS: the certificate, the language, and which dialback questions are open.

use super::dialback::{self, Dialback, DialbackKind, KEY_BYTES_MAX};
use super::pairs::Pairs;
use super::policy::ReceivingPolicy;
use super::wire::Wire;
use crate::auth::dialback::is_stream_id;
use crate::auth::{CertificateFacts, KeyClaim, Validity};
use crate::error::PeerMisbehaved;
use crate::jid::{Domain, DomainPair};
use crate::stanza::StanzaCondition;
use crate::stream::Event;
use crate::xml::Node;

/// What came of a dialback element or an answer.
#[derive(Debug)]
pub(super) enum Step {
    Done,
    /// This pair was proven. The peer has been told.
    Proven(DomainPair),
}

#[derive(Debug)]
pub(super) struct Session {
    stream_id: String,
    lang: Option<String>,
    facts: Option<CertificateFacts>,
    /// Put to their authorities.
    pending: Vec<KeyClaim>,
    /// Put to us, an authority.
    asked: Vec<KeyClaim>,
    failures: u32,
}

impl Session {
    pub(super) fn new(stream_id: String, lang: Option<String>, facts: Option<CertificateFacts>) -> Self {
        Self { stream_id, lang, facts, pending: Vec::new(), asked: Vec::new(), failures: 0 }
    }

    /// The language of the peer's header.
    pub(super) fn lang(&self) -> Option<&str> {
        self.lang.as_deref()
    }

    pub(super) fn into_facts(self) -> Option<CertificateFacts> {
        self.facts
    }

    pub(super) fn take_dialback(
        &mut self,
        node: Node<'_>,
        pairs: &Pairs,
        policy: &ReceivingPolicy,
        wire: &mut Wire,
    ) -> Result<Step, PeerMisbehaved> {
        let request = Dialback::parse(node).unwrap_or(Err(PeerMisbehaved::UnexpectedElement))?;
        if request.answer.is_some() {
            // T01, T03: we ask nothing on a stream that a peer opened, so there is nothing to be answered.
            wire.raise(Event::Unsolicited);
            return Ok(Step::Done);
        }
        match request.kind {
            DialbackKind::Result => self.take_key(request, pairs, policy, wire),
            DialbackKind::Verify => {
                self.take_question(request, policy, wire);
                Ok(Step::Done)
            }
        }
    }

    /// XEP-0220 §2.2.1: a key that proves `from`, if its authority says so.
    fn take_key(
        &mut self,
        request: Dialback,
        pairs: &Pairs,
        policy: &ReceivingPolicy,
        wire: &mut Wire,
    ) -> Result<Step, PeerMisbehaved> {
        let pair = request.pair;
        if let Err(condition) = check_key(&pair, &request.key, policy) {
            return self.answer(&pair, Validity::Error(condition), wire);
        }
        if pairs.contains(&pair) {
            return self.answer(&pair, Validity::Valid, wire).map(|_| Step::Done);
        }
        // XEP-0344 §2: a certificate that speaks for the domain says what the authority would.
        if policy.external && self.speaks_for(&pair.from) && pairs.len() < policy.limits.pairs_max {
            return self.answer(&pair, Validity::Valid, wire);
        }
        if !policy.dialback {
            return self.answer(&pair, Validity::Error(StanzaCondition::NotAuthorized), wire);
        }
        if self.pending.iter().any(|claim| claim.pair == pair) {
            return Ok(Step::Done);
        }
        if self.pending.len() >= policy.limits.pending_verifications_max || pairs.len() >= policy.limits.pairs_max {
            return self.answer(&pair, Validity::Error(StanzaCondition::ResourceConstraint), wire);
        }
        self.put_to_authority(KeyClaim { pair, stream_id: self.stream_id.clone(), key: request.key }, wire);
        Ok(Step::Done)
    }

    fn speaks_for(&self, domain: &Domain) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.speaks_for(domain))
    }

    fn put_to_authority(&mut self, claim: KeyClaim, wire: &mut Wire) {
        wire.extend_handshake();
        wire.raise(Event::Verify(claim.clone()));
        self.pending.push(claim);
    }

    /// XEP-0220 §2.2.2: somebody was shown a key in our name and asks whether it is ours.
    fn take_question(&mut self, request: Dialback, policy: &ReceivingPolicy, wire: &mut Wire) {
        let id = request.id.filter(|id| is_stream_id(id)).unwrap_or_default();
        let claim = KeyClaim { pair: request.pair.reversed(), stream_id: id, key: request.key };
        let refusal = if !policy.boundary.serves(policy.side, &claim.pair.from) {
            Some(Validity::Error(StanzaCondition::ItemNotFound))
        } else if self.asked.len() >= policy.limits.pending_verifications_max {
            Some(Validity::Error(StanzaCondition::ResourceConstraint))
        } else if claim.stream_id.is_empty() || !policy.boundary.may_send(policy.side, &claim.pair.to) {
            Some(Validity::Invalid)
        } else {
            None
        };
        if let Some(validity) = refusal {
            return wire.send(&dialback::answer_verify(&claim.pair, &claim.stream_id, validity));
        }
        wire.raise(Event::Asked(claim.clone()));
        self.asked.push(claim);
    }

    /// Takes the host's answer to one of the open questions; any other is too late, or was given already.
    pub(super) fn answered(
        &mut self,
        claim: &KeyClaim,
        validity: Validity,
        pairs: &Pairs,
        wire: &mut Wire,
    ) -> Result<Step, PeerMisbehaved> {
        if remove(&mut self.asked, claim) {
            wire.send(&dialback::answer_verify(&claim.pair, &claim.stream_id, validity));
            wire.renew_unproven_bytes();
            return Ok(Step::Done);
        }
        if remove(&mut self.pending, claim) {
            return self.take_verdict(&claim.pair, validity, pairs, wire);
        }
        Ok(Step::Done)
    }

    /// XEP-0220 §2.2.1: whoever shows an invalid key is not worth a stream. But other pairs on it are, so that where there are
    /// some, or may be, it is an error, which leaves them theirs (§2.1.2, §2.5).
    fn take_verdict(
        &mut self,
        pair: &DomainPair,
        validity: Validity,
        pairs: &Pairs,
        wire: &mut Wire,
    ) -> Result<Step, PeerMisbehaved> {
        let alone = pairs.len() == 0 && self.pending.is_empty();
        match validity {
            Validity::Invalid if alone => {
                wire.send(&dialback::answer_result(pair, Validity::Invalid));
                Err(PeerMisbehaved::InvalidKey)
            }
            Validity::Invalid => self.answer(pair, Validity::Error(StanzaCondition::Forbidden), wire),
            Validity::Valid | Validity::Error(_) | Validity::Unreachable => self.answer(pair, validity, wire),
        }
    }

    /// Tells the peer what became of its key. The stream survives a few that are refused (XEP-0220 §2.6).
    fn answer(&mut self, pair: &DomainPair, validity: Validity, wire: &mut Wire) -> Result<Step, PeerMisbehaved> {
        wire.send(&dialback::answer_result(pair, validity));
        if validity == Validity::Valid {
            return Ok(Step::Proven(pair.clone()));
        }
        self.failures += 1;
        if self.failures > wire.limits().dialback_failures_max {
            return Err(PeerMisbehaved::TooManyAttempts);
        }
        Ok(Step::Done)
    }
}

/// Says why a key is refused without being looked at (XEP-0220 §2.5).
fn check_key(pair: &DomainPair, key: &str, policy: &ReceivingPolicy) -> Result<(), StanzaCondition> {
    if !policy.boundary.serves(policy.side, &pair.to) {
        return Err(StanzaCondition::ItemNotFound);
    }
    if !policy.boundary.may_send(policy.side, &pair.from) {
        return Err(StanzaCondition::NotAcceptable);
    }
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(StanzaCondition::BadRequest);
    }
    Ok(())
}

fn remove(claims: &mut Vec<KeyClaim>, claim: &KeyClaim) -> bool {
    let position = claims.iter().position(|open| open == claim);
    position.map(|at| claims.swap_remove(at)).is_some()
}
