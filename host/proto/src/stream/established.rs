//! A receiving stream on which at least one pair is proven: every stanza is checked against them.
//!
//! header → proof → **stanzas**

use super::pairs::Pairs;
use super::policy::ReceivingPolicy;
use super::session::{Session, Step};
use super::wire::Wire;
use crate::auth::{KeyClaim, Proof, Validity};
use crate::error::PeerMisbehaved;
use crate::jid::DomainPair;
use crate::ns;
use crate::stanza::{Stanza, StanzaDefect, StanzaError};
use crate::stream::Event;
use crate::xml::Element;

#[derive(Debug)]
pub(super) struct Established {
    session: Session,
    pairs: Pairs,
}

impl Established {
    pub(super) fn new(session: Session, pairs: Pairs) -> Self {
        Self { session, pairs }
    }

    pub(super) fn step(
        &mut self,
        element: &mut Element,
        policy: &ReceivingPolicy,
        wire: &mut Wire,
    ) -> Result<(), PeerMisbehaved> {
        if element.root().namespace() == ns::DIALBACK {
            let step = self.session.take_dialback(element.root(), &self.pairs, policy, wire)?;
            self.note(step, Proof::External, wire);
            return Ok(());
        }
        let mut stanza = wire.take_spare();
        let taken = stanza.take(element, self.session.lang());
        match taken {
            Ok(()) => {
                self.check_pair(&stanza, policy)?;
                wire.raise(Event::Stanza(stanza));
            }
            Err(defect) => {
                self.refuse(&stanza, defect, policy, wire)?;
                wire.keep_spare(stanza);
            }
        }
        Ok(())
    }

    /// No stanza passes under a name that its stream did not prove (RFC 6120 §8.1.2.2).
    fn check_pair(&mut self, stanza: &Stanza, policy: &ReceivingPolicy) -> Result<(), PeerMisbehaved> {
        let (from, to) = (stanza.from(), stanza.to());
        if self.pairs.allow(from.domain(), to.domain()) {
            return Ok(());
        }
        let target = to.to_domain();
        if self.pairs.has_sender(from.domain()) && !policy.boundary.serves(policy.side, &target) {
            return Err(PeerMisbehaved::HostUnknown(target));
        }
        Err(PeerMisbehaved::SpoofedFrom(from.domain().to_owned()))
    }

    /// A stanza that cannot pass: its sender is told, if it is one of this stream's and can be told; else the stream ends.
    fn refuse(
        &mut self,
        stanza: &Stanza,
        defect: StanzaDefect,
        policy: &ReceivingPolicy,
        wire: &mut Wire,
    ) -> Result<(), PeerMisbehaved> {
        let Some(condition) = defect.condition() else { return Err(defect.misbehaviour()) };
        self.check_pair(stanza, policy)?;
        let reply = stanza.error_reply(&StanzaError::new(condition)).map(Box::new);
        wire.raise(Event::Malformed(defect, reply));
        Ok(())
    }

    pub(super) fn answered(
        &mut self,
        claim: &KeyClaim,
        validity: Validity,
        wire: &mut Wire,
    ) -> Result<(), PeerMisbehaved> {
        let step = self.session.answered(claim, validity, &self.pairs, wire)?;
        self.note(step, Proof::Dialback, wire);
        Ok(())
    }

    fn note(&mut self, step: Step, by: Proof, wire: &mut Wire) {
        if let Step::Proven(pair) = step {
            self.pairs.add(pair.clone());
            wire.raise(Event::Authenticated { pair, by });
        }
    }

    pub(super) fn revoke(&mut self, pair: &DomainPair) {
        self.pairs.remove(pair);
    }
}
