//! Jingle sessions: those that carry files, and those that carry voice and video.
//!
//! Each action is judged by what it carries alone: this filter remembers no session.

use refrain_sdk::{Condition, ErrorType, Node, Problem, Selector, Setup, Stanza, Verdict};

use crate::mechanism::{Mechanism, Set};
use crate::names;
use crate::policy::Denied;

/// XEP-0166, and its forerunner.
pub(crate) const NAMESPACES: [&str; 2] = ["urn:xmpp:jingle:1", "urn:xmpp:jingle:0"];

/// Tells what sessions carry.
#[derive(Debug)]
pub(crate) struct Jingle {
    jingle: Selector,
    contents: Selector,
    /// What makes a session one of files or calls wherever it stands in it.
    signs: [(Mechanism, Selector); 5],
    /// XEP-0234 up to version 0.15: what the initiator sends, and what it asks for.
    offers: Selector,
    requests: Selector,
    thumbnails: Selector,
}

impl Jingle {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        let mut within = |path: &str| setup.selector(&format!("{{urn:xmpp:jingle:*}}jingle{path}"));
        Ok(Jingle {
            jingle: within("")?,
            contents: within("/{urn:xmpp:jingle:*}content")?,
            signs: [
                (Mechanism::Jingle, within("//{urn:xmpp:jingle:apps:file-transfer:*}*")?),
                (Mechanism::Jingle, within("//{urn:xmpp:jingle:jet*}*")?),
                // XEP-0343: the data channel beside the voice.
                (Mechanism::Jingle, within("//{urn:xmpp:jingle:transports:dtls-sctp:*}*")?),
                (Mechanism::Jingle, within("//{urn:xmpp:jingle:transports:webrtc-datachannel:*}*")?),
                (Mechanism::Calls, within("//{urn:xmpp:jingle:apps:rtp:*}*")?),
            ],
            offers: within("//{urn:xmpp:jingle:apps:file-transfer:*}offer")?,
            requests: within("//{urn:xmpp:jingle:apps:file-transfer:*}request")?,
            thumbnails: within("//{urn:xmpp:thumbs:*}thumbnail")?,
        })
    }

    /// Refuses an action that belongs to a denied session.
    pub(crate) fn judge(&self, stanza: &Stanza<'_>, denied: Denied) -> Verdict {
        let action = stanza.find(self.jingle, 1).first().and_then(|jingle| stanza.attr(*jingle, "action"));
        let action = Action::of(&action.unwrap_or_default());
        // A session that is ending may end.
        if action == Action::Ends {
            return Verdict::Pass;
        }
        let here = self.denied(stanza, action, denied);
        let Some(mechanism) = self.carried(stanza, here).in_both(here).iter().next() else {
            return self.trim(stanza, denied.along);
        };
        stanza.reason(mechanism.reason());
        match action {
            // XEP-0166: the session is not known.
            Action::Accepts | Action::GoesOn => mechanism.refuse(Condition::ItemNotFound, ErrorType::Cancel),
            // XEP-0166: the answer of who does not support it, or does not communicate with the initiator.
            Action::Initiates | Action::Adds | Action::Replaces | Action::Ends => mechanism.refusal(),
        }
    }

    /// A session that may be offered may have a picture of what it offers, which may be denied for itself.
    fn trim(&self, stanza: &Stanza<'_>, denied: Set) -> Verdict {
        if denied.has(Mechanism::Thumbnails) && stanza.remove_all(self.thumbnails).is_ok_and(|removed| removed > 0) {
            stanza.reason(Mechanism::Thumbnails.reason());
        }
        Verdict::Pass
    }

    /// What is denied to an action: a call by the way it was offered, a file by the way it goes.
    fn denied(&self, stanza: &Stanza<'_>, action: Action, denied: Denied) -> Set {
        let offered = match action {
            Action::Initiates | Action::Adds => denied.along,
            // Who may offer may be answered.
            Action::Accepts | Action::Replaces | Action::GoesOn | Action::Ends => denied.along.in_both(denied.against),
        };
        let files = Set::of(Mechanism::Jingle);
        let contents = stanza.find(self.contents, u32::MAX).into_iter();
        let contents = contents.filter(|content| of_content(stanza, *content).has(Mechanism::Jingle));
        let ways = contents.map(|content| action.way(stanza.attr(content, "senders").as_deref(), denied));
        match ways.reduce(Set::with) {
            Some(ways) => offered.without(files).with(ways.with(self.said(stanza, action, denied)).in_both(files)),
            None => offered,
        }
    }

    /// What is denied to the ways that old clients name by elements.
    fn said(&self, stanza: &Stanza<'_>, action: Action, denied: Denied) -> Set {
        let said = [(self.offers, denied.along), (self.requests, denied.against)];
        let said = said.into_iter().filter(|(sign, _)| action == Action::Initiates && stanza.test(*sign));
        said.fold(Set::NONE, |all, (_, denied)| all.with(denied))
    }

    fn carried(&self, stanza: &Stanza<'_>, denied: Set) -> Set {
        let signs = self.signs.iter().filter(|(mechanism, sign)| denied.has(*mechanism) && stanza.test(*sign));
        let found = signs.fold(Set::NONE, |found, (mechanism, _)| found.with(Set::of(*mechanism)));
        let contents = stanza.find(self.contents, u32::MAX).into_iter();
        let found = contents.fold(found, |found, content| found.with(of_content(stanza, content)));
        // ICE and raw UDP carry anything: without a description, which stood in the offer, they pass, if anything may.
        let anything = Set::of(Mechanism::Jingle).with(Set::of(Mechanism::Calls));
        if found.is_empty() && anything.in_both(denied) == anything { anything } else { found }
    }
}

/// What an action does to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Initiates,
    Accepts,
    Adds,
    Replaces,
    GoesOn,
    Ends,
}

impl Action {
    fn of(action: &str) -> Self {
        match action {
            "session-initiate" => Action::Initiates,
            "session-accept" => Action::Accepts,
            "" | "content-add" => Action::Adds,
            "transport-replace" => Action::Replaces,
            "session-terminate" | "content-reject" | "content-remove" | "transport-reject" => Action::Ends,
            _ => Action::GoesOn,
        }
    }

    /// What is denied to a file that these parties of the session send (XEP-0166 §7.3). Who writes is known to be the initiator, or the
    /// responder, by the action alone: what else says so may be false.
    fn way(self, senders: Option<&str>, denied: Denied) -> Set {
        match (self, senders) {
            (Action::Initiates, Some("initiator" | "none")) | (Action::Accepts, Some("responder")) => denied.along,
            (Action::Initiates, Some("responder")) | (Action::Accepts, Some("initiator")) => denied.against,
            // Both is what it means if nothing is said.
            (Action::Initiates | Action::Adds, _) => denied.along.with(denied.against),
            (Action::Accepts | Action::Replaces | Action::GoesOn | Action::Ends, _) => {
                denied.along.in_both(denied.against)
            }
        }
    }
}

/// The mechanism that a description belongs to: what is neither voice nor video may be anything.
pub(crate) fn of_description(namespace: &str) -> Mechanism {
    match names::mechanism_of(namespace) {
        Some(Mechanism::Calls) => Mechanism::Calls,
        _ => Mechanism::Jingle,
    }
}

fn of_content(stanza: &Stanza<'_>, content: Node) -> Set {
    let carried = |part: &refrain_sdk::Child| match part.name.as_str() {
        "description" => Set::of(of_description(&part.namespace)),
        "transport" => names::mechanism_of(&part.namespace).map_or(Set::NONE, Set::of),
        _ => Set::NONE,
    };
    stanza.children(content).iter().fold(Set::NONE, |found, part| found.with(carried(part)))
}
