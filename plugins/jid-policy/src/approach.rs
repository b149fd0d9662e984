//! What a stranger's stanza is to the user whom it reaches.

use refrain_sdk::{Child, Head, Kind, Node, Problem, Selector, Setup, Stanza, StanzaType};

use crate::signals::is_signal;

/// What a stranger does. What is none of these is an answer, or passes between rooms, servers and clients without a user's notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Approach {
    /// Asks for a subscription.
    Request,
    /// Writes a message that may be shown: with a body, a subject, an encrypted payload, or anything that is no known signal.
    Message,
    /// A room invites in the name of somebody (XEP-0045 §7.8.2).
    RoomInvitation,
    /// Likewise, with a text or a link beside it: a message as well.
    WordyRoomInvitation,
    /// Invites into a room themselves (XEP-0249).
    Invitation,
    /// Has a phone ring (XEP-0353, XEP-0482) or a window shake (XEP-0224), or puts something before its user that wants a yes: a call,
    /// a file, contacts, a login.
    Call,
    /// Writes as one who announces news: a message of type `headline`.
    Headline,
    /// Sends nothing but what is shown beside a conversation or not at all: typing notifications, receipts, events.
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

/// XEP-0249.
const DIRECT_INVITATION: &str = "jabber:x:conference";

/// RFC 6121 §4.7.2.2: a status may come in several languages.
const STATUSES_READ: u32 = 16;

impl Approach {
    /// As it is told to the operator.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Approach::Request => "a subscription request",
            Approach::Message => "a message",
            Approach::RoomInvitation | Approach::WordyRoomInvitation => "an invitation by a room",
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
    ringing: [Selector; 3],
    offers: [Selector; 6],
    confirm: Selector,
    decline: Selector,
    omemo_payload: [Selector; 2],
    status: Selector,
}

impl Approaches {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
        Ok(Approaches {
            room_invitation: setup.selector(&format!("{{{MUC_USER}}}x/{{{MUC_USER}}}invite"))?,
            invitation: setup.payload(DIRECT_INVITATION)?,
            ringing: [
                setup.selector("{urn:xmpp:jingle-message:*}propose")?,
                setup.selector("{urn:xmpp:call-invites:*}invite")?,
                setup.selector("{urn:xmpp:attention:*}attention")?,
            ],
            offers: [
                setup.selector("{urn:xmpp:jingle:*}jingle[@action='session-initiate']")?,
                setup.selector("{http://jabber.org/protocol/si}si")?,
                setup.selector("{http://jabber.org/protocol/ibb}open")?,
                setup.selector("{http://jabber.org/protocol/bytestreams}query")?,
                setup.selector("{jabber:iq:oob}query")?,
                setup.selector("{http://jabber.org/protocol/rosterx}x")?,
            ],
            confirm: setup.selector("{http://jabber.org/protocol/http-auth}confirm")?,
            decline: setup.selector(&format!("{{{MUC_USER}}}x/{{{MUC_USER}}}decline"))?,
            omemo_payload: [
                setup.selector("{eu.siacs.conversations.axolotl}encrypted/{eu.siacs.conversations.axolotl}payload")?,
                setup.selector("{urn:xmpp:omemo:*}encrypted/{urn:xmpp:omemo:*}payload")?,
            ],
            status: setup.selector("status")?,
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
        let payloads = stanza.children(Node::ROOT);
        if is_from_archive(head, &payloads) {
            return None;
        }
        // Whatever stands beside it. Contacts and logins (XEP-0144, XEP-0070) come by messages with a text, too, and count as these.
        if self.ringing.iter().any(|ringing| stanza.test(*ringing)) {
            return Some(Approach::Call);
        }
        let may_be_shown = self.may_be_shown(stanza, &payloads);
        Some(match head.stanza_type {
            StanzaType::Headline if may_be_shown => Approach::Headline,
            _ if stanza.test(self.room_invitation) => self.of_room_invitation(head, stanza, payloads),
            _ if stanza.test(self.invitation) => Approach::Invitation,
            _ if may_be_shown => Approach::Message,
            _ => Approach::Signal,
        })
    }

    fn of_room_invitation(&self, head: &Head, stanza: &Stanza<'_>, mut payloads: Vec<Child>) -> Approach {
        // A room invites by its bare address; what has a resource is a user who plays the room.
        if head.sender().resource().is_some() {
            return Approach::Invitation;
        }
        // Rooms send both kinds at once.
        payloads.retain(|payload| payload.namespace != DIRECT_INVITATION);
        match self.may_be_shown(stanza, &payloads) {
            true => Approach::WordyRoomInvitation,
            false => Approach::RoomInvitation,
        }
    }

    /// Whether anything in a message is no signal.
    fn may_be_shown(&self, stanza: &Stanza<'_>, payloads: &[Child]) -> bool {
        // Who declines an invitation may give a reason (XEP-0045 §7.8.2), which is shown.
        let mut says = self.omemo_payload.iter().chain([&self.decline]);
        says.any(|selector| stanza.test(*selector)) || payloads.iter().any(|payload| !is_signal(payload))
    }

    fn of_presence(&self, head: &Head, stanza: &Stanza<'_>) -> Option<Approach> {
        match head.stanza_type {
            StanzaType::Subscribe => Some(Approach::Request),
            // To a client comes presence from rooms it is in, and from whoever was given its resource; to an occupant of a room of
            // ours from whoever enters as it (XEP-0045 §7.2.1).
            StanzaType::Available if head.recipient().resource().is_some() => None,
            // What nobody knows, some client may show.
            StanzaType::Available | StanzaType::Unknown if self.has_status(stanza) => Some(Approach::Status),
            StanzaType::Available | StanzaType::Unknown => Some(Approach::Presence),
            // Answers and ends. A server ignores an approval that nobody asked for (RFC 6121 §3.1.6), and answers probes itself.
            _ => None,
        }
    }

    fn has_status(&self, stanza: &Stanza<'_>) -> bool {
        stanza.count(self.status) > STATUSES_READ
            || stanza.texts(self.status, STATUSES_READ).iter().any(|status| !status.trim().is_empty())
    }

    /// RFC 6121 §8.5: what is put to an account, its server answers; what is put to a client, the client does.
    fn of_iq(&self, head: &Head, stanza: &Stanza<'_>) -> Option<Approach> {
        if !matches!(head.stanza_type, StanzaType::IqGet | StanzaType::IqSet) {
            return None;
        }
        let is_to_client = head.recipient().resource().is_some();
        let is_offer = || match head.stanza_type {
            StanzaType::IqSet => self.offers.iter().any(|offer| stanza.test(*offer)),
            // XEP-0070 §4.2: a get that asks the user whether it was they who log in.
            _ => stanza.test(self.confirm),
        };
        Some(match is_to_client {
            false => Approach::Query,
            true if is_offer() => Approach::Call,
            true => Approach::ClientQuery,
        })
    }
}

/// XEP-0313 §4.1.1: whether a result answers a question that was asked, of a room that the proxy may have forgotten. The room sends it by
/// its bare address to the client that asked, and clients show nothing else that would stand beside it.
fn is_from_archive(head: &Head, payloads: &[Child]) -> bool {
    let is_result = |child: &Child| child.name == "result" && child.namespace.starts_with("urn:xmpp:mam:");
    head.sender().resource().is_none()
        && head.recipient().resource().is_some()
        && payloads.iter().any(is_result)
        && payloads.iter().all(|child| is_result(child) || is_signal(child))
}
