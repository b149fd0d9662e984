//! Jingle sessions: those that carry files, and those that carry voice and video.
//!
//! Each action is judged by what it carries alone: this filter remembers no session.

use refrain_sdk::{Condition, ErrorType, Node, Problem, Selector, Setup, Stanza, Verdict};

use crate::mechanism::{Mechanism, Set};
use crate::names;
use crate::policy::Denied;

/// XEP-0166.
pub(crate) const NAMESPACE: &str = "urn:xmpp:jingle:1";

/// Tells what sessions carry.
#[derive(Debug)]
pub(crate) struct Jingle {
    jingle: Selector,
    contents: Selector,
    /// What makes a session one of files or calls wherever it stands in it.
    signs: [(Mechanism, Selector); 5],
}

impl Jingle {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        let mut within = |path: &str| setup.selector(&format!("{{{NAMESPACE}}}jingle{path}"));
        Ok(Jingle {
            jingle: within("")?,
            contents: within(&format!("/{{{NAMESPACE}}}content"))?,
            signs: [
                (Mechanism::Jingle, within("//{urn:xmpp:jingle:apps:file-transfer:*}*")?),
                (Mechanism::Jingle, within("//{urn:xmpp:jingle:jet*}*")?),
                // XEP-0343: the data channel beside the voice.
                (Mechanism::Jingle, within("//{urn:xmpp:jingle:transports:dtls-sctp:*}*")?),
                (Mechanism::Jingle, within("//{urn:xmpp:jingle:transports:webrtc-datachannel:*}*")?),
                (Mechanism::Calls, within("//{urn:xmpp:jingle:apps:rtp:*}*")?),
            ],
        })
    }

    /// Refuses an action that belongs to a denied session.
    pub(crate) fn judge(&self, stanza: &Stanza<'_>, denied: Denied) -> Verdict {
        let action = stanza.find(self.jingle, 1).first().and_then(|jingle| stanza.attr(*jingle, "action"));
        let action = Action::of(&action.unwrap_or_default());
        let denied = match action {
            Action::Offers => denied.along,
            // Who may offer may be answered.
            Action::GoesOn => denied.along.in_both(denied.against),
            // A session that is ending may end.
            Action::Ends => return Verdict::Pass,
        };
        let Some(mechanism) = self.carried(stanza, denied).in_both(denied).iter().next() else { return Verdict::Pass };
        stanza.reason(mechanism.reason());
        match action {
            // XEP-0166: the session is not known.
            Action::GoesOn => mechanism.refuse(Condition::ItemNotFound, ErrorType::Cancel),
            // XEP-0166: the answer of who does not support it, or does not communicate with the initiator.
            Action::Offers | Action::Ends => mechanism.refusal(),
        }
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
    Offers,
    GoesOn,
    Ends,
}

impl Action {
    fn of(action: &str) -> Self {
        match action {
            "" | "session-initiate" | "content-add" | "transport-replace" => Action::Offers,
            "session-terminate" => Action::Ends,
            _ => Action::GoesOn,
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
