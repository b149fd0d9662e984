//! What a stranger's stanza is to the user whom it reaches.

use refrain_sdk::{Head, Kind, Problem, Selector, Setup, Stanza, StanzaType};

/// What a stranger does. What is none of these is an answer, or passes between rooms, servers and clients without a user's notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Approach {
    /// Asks for a subscription.
    Request,
    /// Writes a message that is shown: with a body, a subject, or an encrypted payload.
    Message,
    /// A room invites in the name of somebody (XEP-0045 §7.8.2).
    RoomInvitation,
    /// Invites into a room themselves (XEP-0249).
    Invitation,
    /// Has a phone ring (XEP-0353, XEP-0482), or puts something before its user that wants a yes: a call, a file, contacts.
    Call,
    /// Writes as one who announces news: a message of type `headline`.
    Headline,
    /// Sends what is shown beside a conversation or not at all: typing notifications, receipts, events.
    Signal,
    /// Shows a status text to an account that has not asked for it.
    Status,
    /// Shows presence, without a text, to an account that has not asked for it.
    Presence,
    /// Asks an account: for its key, its card, what it can.
    Query,
    /// Asks a client whose resource the stranger knows: for its version, the time, whether it is there; or goes on with a call.
    ClientQuery,
}

/// RFC 6121 §4.7.2.2: a status may come in several languages.
const STATUSES_READ: u32 = 16;

impl Approach {
    /// As it is told to the operator.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Approach::Request => "a subscription request",
            Approach::Message => "a message",
            Approach::RoomInvitation => "an invitation by a room",
            Approach::Invitation => "an invitation to a room",
            Approach::Call => "a call, or something else that is offered",
            Approach::Headline => "a headline",
            Approach::Signal => "a message without text",
            Approach::Status => "presence with a status",
            Approach::Presence => "presence",
            Approach::Query => "a question to an account",
            Approach::ClientQuery => "a question to a client",
        }
    }
}

/// The questions by which approaches are told apart.
#[derive(Debug)]
pub(crate) struct Approaches {
    room_invitation: Selector,
    invitation: Selector,
    ringing: [Selector; 2],
    offers: [Selector; 6],
    archived: Selector,
    omemo: [Selector; 2],
    omemo_payload: [Selector; 2],
    status: Selector,
    room_presence: Selector,
}

impl Approaches {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
        Ok(Approaches {
            room_invitation: setup.selector(&format!("{{{MUC_USER}}}x/{{{MUC_USER}}}invite"))?,
            invitation: setup.payload("jabber:x:conference")?,
            ringing: [
                setup.selector("{urn:xmpp:jingle-message:*}propose")?,
                setup.selector("{urn:xmpp:call-invites:*}invite")?,
            ],
            offers: [
                setup.selector("{urn:xmpp:jingle:*}jingle[@action='session-initiate']")?,
                setup.selector("{http://jabber.org/protocol/si}si")?,
                setup.selector("{http://jabber.org/protocol/ibb}open")?,
                setup.selector("{http://jabber.org/protocol/bytestreams}query")?,
                setup.selector("{jabber:iq:oob}query")?,
                setup.selector("{http://jabber.org/protocol/rosterx}x")?,
            ],
            archived: setup.selector("{urn:xmpp:mam:*}result")?,
            omemo: [
                setup.selector("{eu.siacs.conversations.axolotl}encrypted")?,
                setup.selector("{urn:xmpp:omemo:*}encrypted")?,
            ],
            omemo_payload: [
                setup.selector("{eu.siacs.conversations.axolotl}encrypted/{eu.siacs.conversations.axolotl}payload")?,
                setup.selector("{urn:xmpp:omemo:*}encrypted/{urn:xmpp:omemo:*}payload")?,
            ],
            status: setup.selector("status")?,
            room_presence: setup.payload("http://jabber.org/protocol/muc*")?,
        })
    }

    /// What a stanza is; none if it is nothing that a user would notice.
    pub(crate) fn of(&self, head: &Head, stanza: &Stanza<'_>) -> Option<Approach> {
        match head.kind {
            Kind::Message => self.of_message(head, stanza),
            Kind::Presence => self.of_presence(head, stanza),
            Kind::Iq => self.of_iq(head, stanza),
        }
    }

    fn of_message(&self, head: &Head, stanza: &Stanza<'_>) -> Option<Approach> {
        match head.stanza_type {
            // RFC 6121 §8.5.2.1.1: no server hands one to an account. What is for a client comes from a room it is in, and the
            // proxy may have forgotten that it is: clients show none from others.
            StanzaType::Error | StanzaType::Groupchat => return None,
            _ => {}
        }
        // XEP-0313: an answer to a question that was asked, of a room that the proxy may have forgotten. Others are hygiene's.
        if stanza.test(self.archived) {
            return None;
        }
        if stanza.test(self.room_invitation) {
            // A room invites by its bare address; what has a resource is a user who plays the room.
            let is_room = head.sender().resource().is_none();
            return Some(if is_room { Approach::RoomInvitation } else { Approach::Invitation });
        }
        if stanza.test(self.invitation) {
            return Some(Approach::Invitation);
        }
        if self.ringing.iter().any(|ringing| stanza.test(*ringing)) {
            return Some(Approach::Call);
        }
        Some(match (self.is_shown(head, stanza), head.stanza_type) {
            (false, _) => Approach::Signal,
            (true, StanzaType::Headline) => Approach::Headline,
            (true, _) => Approach::Message,
        })
    }

    /// XEP-0384 §5.5: an OMEMO element without a payload only carries keys; clients send it by themselves.
    fn is_shown(&self, head: &Head, stanza: &Stanza<'_>) -> bool {
        let has = |any: &[Selector; 2]| any.iter().any(|selector| stanza.test(*selector));
        let says_something = || has(&self.omemo_payload) || !has(&self.omemo);
        head.has_body() || head.has_subject() || head.is_encrypted() && says_something()
    }

    fn of_presence(&self, head: &Head, stanza: &Stanza<'_>) -> Option<Approach> {
        match head.stanza_type {
            StanzaType::Subscribe => Some(Approach::Request),
            // To a client comes presence from rooms it is in, and from whoever was given its resource; with a payload of rooms
            // somebody enters one of ours.
            StanzaType::Available if head.recipient().resource().is_some() || stanza.test(self.room_presence) => None,
            StanzaType::Available if self.has_status(stanza) => Some(Approach::Status),
            StanzaType::Available => Some(Approach::Presence),
            // Answers and ends. A server ignores an approval that nobody asked for (RFC 6121 §3.1.6), and answers probes itself.
            _ => None,
        }
    }

    fn has_status(&self, stanza: &Stanza<'_>) -> bool {
        stanza.texts(self.status, STATUSES_READ).iter().any(|status| !status.trim().is_empty())
    }

    /// RFC 6121 §8.5: what is put to an account, its server answers; what is put to a client, the client does.
    fn of_iq(&self, head: &Head, stanza: &Stanza<'_>) -> Option<Approach> {
        if !matches!(head.stanza_type, StanzaType::IqGet | StanzaType::IqSet) {
            return None;
        }
        let is_to_client = head.recipient().resource().is_some();
        let is_offer = || self.offers.iter().any(|offer| stanza.test(*offer));
        Some(match is_to_client {
            false => Approach::Query,
            true if head.stanza_type == StanzaType::IqSet && is_offer() => Approach::Call,
            true => Approach::ClientQuery,
        })
    }
}
