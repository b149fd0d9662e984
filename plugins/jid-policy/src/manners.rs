//! Who is told of a refusal: an error that reaches a room or a service of PubSub does harm there.

use refrain_sdk::{Condition, Direction, Head, Kind, Problem, Selector, Setup, Stanza, StanzaType, Verdict};

/// The questions by which it is told who would get the error.
#[derive(Debug)]
pub(crate) struct Manners {
    enters: Selector,
    invites: Selector,
    event: Selector,
}

impl Manners {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
        Ok(Manners {
            enters: setup.selector("{http://jabber.org/protocol/muc}x")?,
            invites: setup.selector(&format!("{{{MUC_USER}}}x/{{{MUC_USER}}}invite[@to]"))?,
            event: setup.selector("{http://jabber.org/protocol/pubsub#event}event")?,
        })
    }

    /// A bounce, or a drop where an error would do harm.
    pub(crate) fn tell(&self, bounce: Verdict, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        match &bounce {
            Verdict::Bounce(error) if !self.may_answer(error.condition, head, stanza) => Verdict::Drop,
            _ => bounce,
        }
    }

    fn may_answer(&self, condition: Condition, head: &Head, stanza: &Stanza<'_>) -> bool {
        let is_to_full = head.recipient().resource().is_some();
        match (head.kind, head.stanza_type) {
            // XEP-0045 §7.2: who may not enter a room is told so.
            (Kind::Presence, StanzaType::Available) => is_to_full && stanza.test(self.enters),
            (Kind::Message, StanzaType::Normal | StanzaType::Chat | StanzaType::Unknown) => {
                self.may_answer_message(condition, head, stanza)
            }
            _ => head.may_answer(),
        }
    }

    fn may_answer_message(&self, condition: Condition, head: &Head, stanza: &Stanza<'_>) -> bool {
        if may_be_private(head) {
            // One of ours who writes to an occupant, or an occupant of a room of ours: either is told.
            let may_answer = head.direction == Direction::Outbound || head.may_answer();
            return may_answer && !removes(condition);
        }
        // XEP-0045 §7.8.2: whoever has a room invite somebody says whom; the room says from whom.
        let has_room_invite = head.sender().resource().is_some() && stanza.test(self.invites);
        // A service may end the subscription of whoever answers an event by an error (XEP-0060).
        has_room_invite || head.may_answer() && !stanza.test(self.event)
    }
}

/// Whether a message may be that of a room's occupant to another, which not every server marks as such (XEP-0045 §7.5).
pub(crate) fn may_be_private(head: &Head) -> bool {
    let is_personal = matches!(head.stanza_type, StanzaType::Normal | StanzaType::Chat | StanzaType::Unknown);
    head.kind == Kind::Message
        && is_personal
        && head.sender().resource().is_some()
        && head.recipient().resource().is_some()
}

/// COMPAT(Prosody, ejabberd): a room removes the occupant from whom such an error comes; it passes on others to who wrote.
fn removes(condition: Condition) -> bool {
    matches!(
        condition,
        Condition::Gone
            | Condition::InternalServerError
            | Condition::ItemNotFound
            | Condition::JidMalformed
            | Condition::RecipientUnavailable
            | Condition::Redirect
            | Condition::RemoteServerNotFound
            | Condition::RemoteServerTimeout
            | Condition::ServiceUnavailable
    )
}
