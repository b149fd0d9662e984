//! What a filter is told before it asks.

use crate::{Head, Kind, Rule, StanzaType};

pub(crate) const BODY: u32 = 1 << 0;
pub(crate) const ENCRYPTED: u32 = 1 << 1;
const DELAYED: u32 = 1 << 2;
pub(crate) const FORWARDED: u32 = 1 << 3;
pub(crate) const MUC: u32 = 1 << 4;
const EDITED: u32 = 1 << 5;
pub(crate) const SUBJECT: u32 = 1 << 6;
pub(crate) const STRANGER: u32 = 1 << 7;
pub(crate) const KNOWN: u32 = 1 << 8;

impl Head {
    /// Whether this interest rule picked the stanza.
    pub fn matched(&self, rule: Rule) -> bool {
        self.matched >> rule.index() & 1 == 1
    }

    /// Whether the stanza has a subject.
    pub fn has_subject(&self) -> bool {
        self.bits & SUBJECT != 0
    }

    /// Whether the stanza has a body.
    pub fn has_body(&self) -> bool {
        self.bits & BODY != 0
    }

    /// Whether the stanza carries an encrypted payload (OMEMO, OpenPGP, OTR), into which no filter can look.
    pub fn is_encrypted(&self) -> bool {
        self.bits & ENCRYPTED != 0
    }

    /// Whether the stanza was delayed (XEP-0203).
    pub fn is_delayed(&self) -> bool {
        self.bits & DELAYED != 0
    }

    /// Whether the stanza wraps another (XEP-0297, XEP-0280).
    pub fn is_forwarded(&self) -> bool {
        self.bits & FORWARDED != 0
    }

    /// Whether the stanza belongs to a room: `groupchat`, or with a `muc` or `muc#user` payload.
    pub fn is_muc(&self) -> bool {
        self.bits & MUC != 0
    }

    /// Whether an earlier filter of the chain edited the stanza.
    pub fn is_edited(&self) -> bool {
        self.bits & EDITED != 0
    }

    /// Whether the remote address is a stranger to the local one: nobody at the local address wrote to it, subscribed to it, or
    /// joined it as a room, as far as the proxy saw and remembers.
    ///
    /// An answer to what a client asked by itself comes from a stranger, too: think of iq results before you refuse.
    ///
    /// This and [`is_known`](Self::is_known) are both false where nothing can be said: the operator keeps no relations, or the local
    /// address is that of a server and not of a user. A remote server, such as a gateway, can be either.
    pub fn is_stranger(&self) -> bool {
        self.bits & STRANGER != 0
    }

    /// Whether the remote address is known to the local one: somebody there turned to it before.
    ///
    /// An outbound stanza that makes them known is not yet known itself.
    pub fn is_known(&self) -> bool {
        self.bits & KNOWN != 0
    }

    /// Whether an error may be sent back without harm.
    ///
    /// Errors, results and headlines are never answered, of presence only a subscription request. Nor is a room: to a delivery
    /// error it answers by removing the occupant (XEP-0045). A room writes `groupchat` to an occupant's full JID, an occupant to
    /// the room's bare one; of other messages that concern a room it is not known who wrote them. From a bare JID to a full one no
    /// person writes, but a room that answers from its archive (XEP-0313), or an account that tells an event (XEP-0163).
    pub fn may_answer(&self) -> bool {
        match (self.kind, self.stanza_type) {
            (Kind::Iq, kind) => matches!(kind, StanzaType::IqGet | StanzaType::IqSet),
            (Kind::Presence, kind) => kind == StanzaType::Subscribe,
            (Kind::Message, StanzaType::Error | StanzaType::Headline) => false,
            (Kind::Message, StanzaType::Groupchat) => resource(&self.to).is_none(),
            // RFC 6120 §8.1.2.1: what a client sends has its full JID.
            (Kind::Message, _) => !self.is_muc() && (resource(&self.from).is_some() || resource(&self.to).is_none()),
        }
    }

    /// Whether a message of our own may answer this one without harm: a message of one person to another, no error and of no room.
    pub fn takes_reply(&self) -> bool {
        let to_all = matches!(self.stanza_type, StanzaType::Error | StanzaType::Groupchat);
        self.kind == Kind::Message && !to_all && !self.is_muc()
    }
}

/// The resource of a prepared JID.
fn resource(jid: &str) -> Option<&str> {
    jid.split_once('/').map(|(_, resource)| resource)
}
