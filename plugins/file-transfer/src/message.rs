//! Messages and presence: what is denied goes, and what else was said stays. If nothing remains, who sent it is told, unless it was a
//! room or a service.

use refrain_sdk::{
    Child, Condition, Direction, ErrorType, Head, Node, Problem, Selector, Setup, Stanza, StanzaType, Verdict,
};

use crate::body::{Bodies, Texts};
use crate::jingle;
use crate::mechanism::{Mechanism, Set};
use crate::names;
use crate::places::Places;
use crate::reject::Offer;
use crate::walk::{self, Remains, Walk};

/// Judges messages and presence.
#[derive(Debug)]
pub(crate) struct Messages {
    challenge: Selector,
    places: Places,
}

impl Messages {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        let challenge = setup.selector("{urn:xmpp:captcha}captcha/{jabber:x:data}x")?;
        Ok(Messages { challenge, places: Places::new(setup)? })
    }

    pub(crate) fn judge(&self, head: &Head, stanza: &Stanza<'_>, denied: Set, texts: &Texts) -> Verdict {
        let is_challenge = self.is_challenge(head, stanza);
        let denied = if is_challenge { denied.without(Set::of_challenges()) } else { denied };
        let children = stanza.children(Node::ROOT);
        if let Some((mechanism, verdict)) = refused_whole(head, stanza, &children, denied) {
            stanza.reason(mechanism.reason());
            return verdict;
        }
        let mut walk = Walk::new(stanza, denied, is_challenge, Bodies::new(texts));
        let stripped = walk.message(&children).and_then(|remains| Ok((remains, self.strip_places(stanza, denied)?)));
        let found = walk.found().with(stripped.map_or(Set::NONE, |(_, places)| places));
        let mechanism = match (found.iter().next(), stripped) {
            (None, Ok(_)) => return Verdict::Pass,
            (None, Err(_)) => walk::too_much(stanza),
            (Some(mechanism), _) => {
                stanza.reason(&found.reason());
                mechanism
            }
        };
        let is_archive = children.iter().any(names::is_archive);
        match stripped {
            // An archive without what it shows would be read as far as there, and no further.
            Ok(_) if is_archive => Verdict::Pass,
            // Who waits for an error must have it.
            Ok(_) if head.stanza_type == StanzaType::Error => Verdict::Pass,
            Ok((Remains::Something, _)) if !found.has(Mechanism::E2ee) => Verdict::Pass,
            Ok(_) if is_subject_of_room(head) && !found.has(Mechanism::E2ee) => Verdict::Pass,
            // A service of PubSub that meets an error ends the subscription (XEP-0060).
            _ if is_event(&children) => Verdict::Drop,
            _ => answer(head, &children, mechanism.refuse(Condition::PolicyViolation, ErrorType::Modify)),
        }
    }

    /// Presence is never answered by an error; what remains of it goes on.
    pub(crate) fn judge_presence(&self, stanza: &Stanza<'_>, denied: Set, texts: &Texts) -> Verdict {
        let children = stanza.children(Node::ROOT);
        let mut walk = Walk::new(stanza, denied, false, Bodies::new(texts));
        let stripped = walk.message(&children).and_then(|_| self.strip_places(stanza, denied));
        let found = walk.found().with(stripped.unwrap_or(Set::NONE));
        if !found.is_empty() {
            stanza.reason(&found.reason());
        }
        if stripped.is_ok() { Verdict::Pass } else { Verdict::Drop }
    }

    /// XEP-0158 §3.1.2: a server or a room asks who wants to write for a proof of humanity; out of band data is one way to it, a picture
    /// another. Users write from full JIDs.
    fn is_challenge(&self, head: &Head, stanza: &Stanza<'_>) -> bool {
        head.sender().resource().is_none() && stanza.test(self.challenge)
    }

    fn strip_places(&self, stanza: &Stanza<'_>, denied: Set) -> Result<Set, refrain_sdk::EditError> {
        if denied.has(Mechanism::Urls) { self.places.strip(stanza) } else { Ok(Set::NONE) }
    }
}

/// What is not worth stripping: it would be something else than it was.
fn refused_whole(head: &Head, stanza: &Stanza<'_>, children: &[Child], denied: Set) -> Option<(Mechanism, Verdict)> {
    let refuse = |mechanism: Mechanism, condition, error_type| {
        Some((mechanism, answer(head, children, mechanism.refuse(condition, error_type))))
    };
    // One that quotes what it is about goes on without it.
    if head.stanza_type == StanzaType::Error {
        return None;
    }
    let is_packet = |child: &Child| names::mechanism_of(&child.namespace) == Some(Mechanism::Ibb);
    if denied.has(Mechanism::Ibb) && children.iter().any(is_packet) {
        // XEP-0047 §2.2: a packet of a session that is not known.
        return refuse(Mechanism::Ibb, Condition::ItemNotFound, ErrorType::Cancel);
    }
    if head.is_encrypted() && denied.has(Mechanism::E2ee) {
        return refuse(Mechanism::E2ee, Condition::PolicyViolation, ErrorType::Modify);
    }
    let offers = children.iter().filter_map(|child| Some((Offer::of(child)?, child)));
    // In a room nobody waits for an answer to an invitation.
    let mut offers = offers.filter(|(offer, _)| *offer == Offer::Proposal || head.may_answer());
    let (mechanism, offer, child) = offers.find_map(|(offer, child)| {
        let mechanism = offered(stanza, offer, child).in_both(denied).iter().next()?;
        Some((mechanism, offer, child))
    })?;
    let refusal = answer(head, children, mechanism.refuse(Condition::PolicyViolation, ErrorType::Cancel));
    if !matches!(refusal, Verdict::Bounce(_)) {
        return Some((mechanism, refusal));
    }
    Some((mechanism, offer.reject(head, stanza, children, child).unwrap_or(refusal)))
}

/// Users write from full addresses. What comes from a bare one may be of a room, which takes an error for the end of whoever it was
/// delivered to (XEP-0045); so may a channel, whatever it writes to (XEP-0369).
fn answer(head: &Head, children: &[Child], refusal: Verdict) -> Verdict {
    let has = |namespace: &str| children.iter().any(|child| child.namespace.starts_with(namespace));
    let may_be_a_room = head.sender().local().is_some() && head.sender().resource().is_none();
    if may_be_a_room || has("urn:xmpp:mix:core:") {
        return Verdict::Drop;
    }
    if is_private_of_ours(head) && is_passed_on(&refusal) { refusal } else { refusal.if_answerable(head) }
}

/// XEP-0045 §7.5: to an occupant of a room, from a user of this side or from a room of this side that speaks for one.
fn is_private_of_ours(head: &Head) -> bool {
    let is_personal = matches!(head.stanza_type, StanzaType::Chat | StanzaType::Normal);
    is_personal && head.is_muc() && head.direction == Direction::Outbound
}

/// COMPAT(Prosody, ejabberd): a room passes such an error on to who wrote; for others, such as `item-not-found`, it removes an occupant.
fn is_passed_on(refusal: &Verdict) -> bool {
    matches!(refusal, Verdict::Bounce(error) if error.condition == Condition::PolicyViolation)
}

/// XEP-0045 §7.2.15: a subject without a body ends the joining of a room, even if nothing is left of it.
fn is_subject_of_room(head: &Head) -> bool {
    let is_from_room = head.stanza_type == StanzaType::Groupchat && !head.may_answer();
    is_from_room && head.has_subject() && !head.has_body()
}

/// What a client would ring for.
fn offered(stanza: &Stanza<'_>, offer: Offer, child: &Child) -> Set {
    if offer == Offer::Invitation {
        return Set::of(Mechanism::CallInvites);
    }
    let proposed = stanza.children(child.node);
    let proposed = proposed.iter().map(|description| Set::of(jingle::of_description(&description.namespace)));
    proposed.fold(Set::NONE, Set::with)
}

fn is_event(children: &[Child]) -> bool {
    children.iter().any(|child| child.namespace == names::PUBSUB_EVENT)
}
