//! What stands in messages and presence, and may be forged there.

use refrain_sdk::{Child, EditError, Head, Kind, Node, Problem, Selector, Setup, Stanza, StanzaType, Verdict};

use crate::names;
use crate::policy::Policy;
use crate::settings::Rule;

/// Judges messages and presence.
#[derive(Debug)]
pub(crate) struct Payloads {
    /// Carbons in what the stanza has in it, however deep.
    carbons: [Selector; 2],
}

impl Payloads {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        let received = setup.selector("{*}*//{urn:xmpp:carbons:*}received")?;
        let sent = setup.selector("{*}*//{urn:xmpp:carbons:*}sent")?;
        Ok(Payloads { carbons: [received, sent] })
    }

    pub(crate) fn judge(&self, policy: &Policy, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        let payloads = stanza.children(Node::ROOT);
        let of_no_room = || is_of_no_room(policy, head).then_some("rooms: a message of a room from where no room is");
        if let Some(reason) =
            payloads.iter().find_map(|payload| forged(payload, policy, head, stanza)).or_else(of_no_room)
        {
            stanza.reason(reason);
            return Verdict::Drop;
        }
        let of_room = payloads.iter().any(|payload| payload.namespace == names::ROOM);
        if (Strip { policy, head, stanza, of_room }).strip(&payloads, self.carbons).is_ok() {
            return Verdict::Pass;
        }
        stanza.reason("more than an honest stanza has");
        Verdict::Drop
    }
}

/// The reason why a stanza with this in it is nothing but a forgery.
fn forged(payload: &Child, policy: &Policy, head: &Head, stanza: &Stanza<'_>) -> Option<&'static str> {
    if policy.holds(Rule::Carbons) && names::is_carbon(payload) {
        return Some("carbons: a copy that only one's own server makes");
    }
    // An error has in it what it is about.
    if head.stanza_type == StanzaType::Error {
        return None;
    }
    if policy.holds(Rule::OwnAccount) && (names::is_of_component(payload) || is_private_event(payload, stanza)) {
        return Some("own-account: what only one's own server tells");
    }
    (policy.holds(Rule::Archives) && names::is_archived(payload) && is_of_no_archive(policy, head))
        .then_some("archives: a result from where no archive is, or to where nobody asked")
}

/// CVE-2023-28686: clients took others' events for those of their own account.
fn is_private_event(event: &Child, stanza: &Stanza<'_>) -> bool {
    let names_private = |child: &Child| stanza.attr(child.node, "node").is_some_and(|node| names::is_private(&node));
    names::is_event(event) && stanza.children(event.node).iter().any(names_private)
}

/// A room or a service has an archive, its occupants have not; who asked it has a resource.
fn is_of_no_archive(policy: &Policy, head: &Head) -> bool {
    let (from, to) = (head.sender(), head.recipient());
    let asked = to.local().is_none() || to.resource().is_some();
    from.resource().is_some() || !asked || from.local().is_some() && !policy.may_have_rooms(from)
}

/// What is to a bare address may be for a room of this side.
fn is_of_no_room(policy: &Policy, head: &Head) -> bool {
    let to = head.recipient();
    policy.holds(Rule::Rooms)
        && head.stanza_type == StanzaType::Groupchat
        && (to.resource().is_some() || policy.has_only_users(to))
        && !policy.may_have_rooms(head.sender())
}

/// One pass over one stanza that notes removals.
struct Strip<'s> {
    policy: &'s Policy,
    head: &'s Head,
    stanza: &'s Stanza<'s>,
    /// Whether it says something in a room's words.
    of_room: bool,
}

impl Strip<'_> {
    fn strip(&self, payloads: &[Child], carbons: [Selector; 2]) -> Result<(), EditError> {
        for payload in payloads {
            self.strip_claim(payload)?;
            self.strip_room(payload)?;
        }
        for selector in carbons.into_iter().filter(|_| self.policy.holds(Rule::Carbons)) {
            if self.stanza.test(selector) {
                self.stanza.remove_all(selector)?;
                self.stanza.reason("carbons: a copy within a forwarded message");
            }
        }
        Ok(())
    }

    fn strip_claim(&self, payload: &Child) -> Result<(), EditError> {
        let Some(attribute) = names::stamp(payload).filter(|_| self.policy.holds(Rule::Claims)) else { return Ok(()) };
        let Some(claim) = self.stanza.attr(payload.node, attribute) else { return Ok(()) };
        // An error has in it what it is about, such as a message of a room of ours.
        let is_error = self.head.stanza_type == StanzaType::Error;
        if is_error || !self.policy.is_hosted(self.head, &claim) || self.is_history(payload) {
            return Ok(());
        }
        self.stanza.reason(&format!("claims: {} in the name of a hosted domain", payload.name));
        self.stanza.remove(payload.node)
    }

    /// Rooms tell late what a user of ours said (XEP-0045 §7.2.14) or is, with the delay that it came with or in that user's name.
    fn is_history(&self, payload: &Child) -> bool {
        let (from, to) = (self.head.sender(), self.head.recipient());
        let is_told_by_rooms = match self.head.kind {
            Kind::Presence => self.of_room,
            _ => self.head.stanza_type == StanzaType::Groupchat,
        };
        is_told_by_rooms
            && names::is_delay(payload)
            && from.local().is_some()
            && from.resource().is_some()
            && to.resource().is_some()
            && self.policy.may_have_rooms(from)
    }

    fn strip_room(&self, payload: &Child) -> Result<(), EditError> {
        if payload.namespace != names::ROOM || !self.policy.holds(Rule::Rooms) || self.may_be_of_room() {
            return Ok(());
        }
        let is_event = |child: &&Child| matches!(child.name.as_str(), "status" | "item" | "destroy");
        let children = self.stanza.children(payload.node);
        let events: Vec<_> = children.iter().filter(is_event).collect();
        if events.is_empty() {
            return Ok(());
        }
        self.stanza.reason("rooms: an event from where no room is");
        // What is empty would still look like a room's.
        if events.len() == children.len() {
            return self.stanza.remove(payload.node);
        }
        // Invitations pass.
        events.into_iter().try_for_each(|event| self.stanza.remove(event.node))
    }

    /// Whether the sender may be a room that tells of an event: one cannot know more from one stanza.
    fn may_be_of_room(&self) -> bool {
        let (from, to) = (self.head.sender(), self.head.recipient());
        let is_told_rightly = match (self.head.kind, self.head.stanza_type) {
            // An error has in it what it is about.
            (_, StanzaType::Error) => return true,
            (Kind::Presence, _) => from.resource().is_some(),
            (_, StanzaType::Groupchat) => to.resource().is_some(),
            // XEP-0045 §9.3: an affiliation changed (101), told by the room itself.
            (_, kind) => kind == StanzaType::Normal && from.resource().is_none(),
        };
        is_told_rightly && from.local().is_some() && self.policy.may_have_rooms(from)
    }
}
