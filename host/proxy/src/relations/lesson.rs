//! What an outbound stanza says about its two ends: only what a person means, or a server on their behalf, makes acquaintance.
//!
//! Clients do much by themselves: they ask strangers what they can do, confirm that messages came, tell that somebody types, and
//! answer to new keys. None of that may make a stranger known, or every stranger would be.

use refrain_proto::{Kind, Node, Stanza, StanzaType, ns};

const MUC_USER: &str = "http://jabber.org/protocol/muc#user";

/// What is learned of a stanza that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lesson {
    /// Nothing.
    Nothing,
    /// The two know each other.
    Known,
    /// The local one is a hosted room, and the remote one is in it.
    Occupant,
    /// They do, by presence or registration: if the remote end is a domain, all its addresses are known.
    Subscribed,
    /// The local one does not want to know the remote one any more.
    Parted,
    /// Likewise, unless this is how its server answers a probe.
    Denied,
}

impl Lesson {
    pub(super) fn of(stanza: &Stanza) -> Lesson {
        match stanza.kind() {
            Kind::Message => of_message(stanza),
            Kind::Presence if is_of_room(stanza) => Lesson::Occupant,
            Kind::Presence => of_presence(stanza.stanza_type()),
            Kind::Iq if stanza.stanza_type() == StanzaType::IqSet => {
                stanza.root().children().map(of_request).next().unwrap_or(Lesson::Nothing)
            }
            // Who asks, and who answers, may be a program.
            Kind::Iq => Lesson::Nothing,
        }
    }
}

fn of_message(stanza: &Stanza) -> Lesson {
    let has = |is: fn(Node<'_>) -> bool| stanza.root().children().any(is);
    match stanza.stanza_type() {
        StanzaType::Error => Lesson::Nothing,
        _ if !has(is_said) || has(is_captcha) => Lesson::Nothing,
        // A room to whom it invites, or to its occupants: to a room it goes from the address of a client, and the room is known since
        // it was joined.
        _ if has(is_passed_on) => Lesson::Occupant,
        StanzaType::Groupchat if stanza.to().resource().is_some() => Lesson::Occupant,
        _ => Lesson::Known,
    }
}

/// XEP-0158 §3: a server asks a stranger itself, with words that nobody wrote.
fn is_captcha(payload: Node<'_>) -> bool {
    payload.namespace() == "urn:xmpp:captcha"
}

/// XEP-0045 §7.8.2: a room passes on an invitation and says from whom; whoever invites says to whom. Strangers have rooms invite.
fn is_passed_on(payload: Node<'_>) -> bool {
    let is_from = |child: Node<'_>| child.name() == "invite" && child.attribute("from").is_some();
    payload.namespace() == MUC_USER && payload.children().any(is_from)
}

/// XEP-0045 §7.2.2: a room tells occupants of each other with their roles.
fn is_of_room(stanza: &Stanza) -> bool {
    let is_role = |child: Node<'_>| child.namespace() == MUC_USER && child.name() == "x";
    stanza.stanza_type() == StanzaType::Available && stanza.root().children().any(is_role)
}

/// Whether somebody says this. What is not here is said by programs: receipts (XEP-0184), markers (XEP-0333), chat states (XEP-0085).
fn is_said(payload: Node<'_>) -> bool {
    match (payload.namespace(), payload.name()) {
        (ns::SERVER, "body" | "subject") => is_typed(payload.text().trim()),
        // XEP-0384 §5.5: a client completes a session with a stranger by an encrypted element without a payload.
        ("eu.siacs.conversations.axolotl" | "urn:xmpp:omemo:1" | "urn:xmpp:omemo:2", "encrypted") => {
            payload.children().any(|child| child.name() == "payload")
        }
        ("urn:xmpp:openpgp:0", "openpgp") | ("jabber:x:encrypted", "x") => true,
        // Invitations, direct (XEP-0249) and mediated (XEP-0045 §7.8.2).
        ("jabber:x:conference", "x") => true,
        (MUC_USER, "x") => payload.children().any(|child| child.name() == "invite"),
        // A call is made, or taken (XEP-0353, XEP-0482).
        ("urn:xmpp:jingle-message:0", "propose" | "proceed") | ("urn:xmpp:call-invites:0", "invite" | "accept") => true,
        // A file, without a word (XEP-0447, XEP-0066).
        ("urn:xmpp:sfs:0", "file-sharing") | ("jabber:x:oob", "x") => true,
        ("urn:xmpp:reactions:0", "reactions") => true,
        _ => false,
    }
}

/// Whether somebody typed a text. OTR negotiates by bodies of its own: only its messages with data (type 3) carry words.
fn is_typed(text: &str) -> bool {
    // Base64 of the version and the type: `?OTR:AAMD` of version 3.
    let has_data = || text.split("?OTR:AA").skip(1).any(|message| message.as_bytes().get(1) == Some(&b'D'));
    !text.is_empty() && (!text.starts_with("?OTR") || has_data())
}

/// A server that logs somebody in probes those whom they are subscribed to, and tells its presence to those who are subscribed to
/// them (RFC 6121 §4.2): so rosters from before are learned. Available presence to others is meant for them alone, as to a room.
fn of_presence(stanza_type: StanzaType) -> Lesson {
    match stanza_type {
        StanzaType::Available | StanzaType::Probe | StanzaType::Subscribe | StanzaType::Subscribed => {
            Lesson::Subscribed
        }
        StanzaType::Unsubscribe => Lesson::Parted,
        StanzaType::Unsubscribed => Lesson::Denied,
        _ => Lesson::Nothing,
    }
}

/// Requests that no client makes by itself.
fn of_request(payload: Node<'_>) -> Lesson {
    let has = |name: &str| payload.children().any(|child| child.name() == name);
    match (payload.namespace(), payload.name()) {
        // With a gateway or another service (XEP-0077, XEP-0100).
        ("jabber:iq:register", "query") if has("remove") => Lesson::Parted,
        ("jabber:iq:register", "query") => Lesson::Subscribed,
        ("http://jabber.org/protocol/commands", "command") => Lesson::Known,
        ("http://jabber.org/protocol/pubsub", "pubsub") if has("subscribe") => Lesson::Known,
        ("urn:xmpp:mix:core:1", "join") => Lesson::Known,
        // A call or a file, offered or taken (XEP-0166).
        ("urn:xmpp:jingle:1", "jingle")
            if matches!(payload.attribute("action"), Some("session-initiate" | "session-accept")) =>
        {
            Lesson::Known
        }
        // A file is offered (XEP-0096, XEP-0047).
        ("http://jabber.org/protocol/si", "si") | ("http://jabber.org/protocol/ibb", "open") => Lesson::Known,
        _ => Lesson::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesson(xml: &str) -> Lesson {
        Lesson::of(&Stanza::parse(&xml.replacen(' ', " from='a@home.example' to='b@far.example' ", 1)).unwrap())
    }

    fn message(payload: &str) -> Lesson {
        lesson(&format!("<message type='chat'>{payload}</message>"))
    }

    fn request(payload: &str) -> Lesson {
        lesson(&format!("<iq type='set' id='1'>{payload}</iq>"))
    }

    #[test]
    fn what_somebody_says_makes_known() {
        for said in [
            "<body>hi</body>",
            "<subject>tea</subject>",
            "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>x</payload></encrypted>",
            "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>x</payload></encrypted>",
            "<openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp>",
            "<x xmlns='jabber:x:encrypted'>x</x>",
            "<x xmlns='jabber:x:conference' jid='r@muc.far.example'/>",
            "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='c@far.example'/></x>",
            "<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>",
            "<invite xmlns='urn:xmpp:call-invites:0' video='true'><jingle sid='s'/></invite>",
            "<accept xmlns='urn:xmpp:call-invites:0' id='1'/>",
            "<file-sharing xmlns='urn:xmpp:sfs:0'><sources/></file-sharing>",
            "<x xmlns='jabber:x:oob'><url>https://up.home.example/a.jpg</url></x>",
            "<body>?OTR:AAMDAAAB</body>",
            "<body>?OTR|1f|2e,00001,00002,?OTR:AAIDAAAB,</body>",
            "<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>x</reaction></reactions>",
        ] {
            assert_eq!(message(said), Lesson::Known, "{said}");
        }
    }

    #[test]
    fn a_room_knows_its_occupants() {
        let joined =
            "<presence id='1'><x xmlns='http://jabber.org/protocol/muc#user'><item role='participant'/></x></presence>";
        assert_eq!(lesson(joined), Lesson::Occupant);
        let said =
            "<message from='r@muc.home.example/a' to='b@far.example/x' type='groupchat'><body>hi</body></message>";
        assert_eq!(Lesson::of(&Stanza::parse(said).unwrap()), Lesson::Occupant);
        let invitation = "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='eve@far.example'/></x>";
        assert_eq!(message(invitation), Lesson::Occupant);
        assert_eq!(message(&format!("<body>eve invites you</body>{invitation}")), Lesson::Occupant);
    }

    #[test]
    fn what_programs_say_does_not() {
        for said in [
            "",
            "<body/>",
            "<body> \n</body>",
            "<body>?OTRv23? wants to talk in private</body>",
            "<body>?OTR:AAMCAAAB</body>",
            "<body>To be heard, visit https://home.example</body><x xmlns='jabber:x:oob'/><captcha xmlns='urn:xmpp:captcha'/>",
            "<ringing xmlns='urn:xmpp:call-invites:0' id='1'/>",
            "<received xmlns='urn:xmpp:receipts' id='1'/>",
            "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>",
            "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
            "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted><store xmlns='urn:xmpp:hints'/>",
            "<ringing xmlns='urn:xmpp:jingle-message:0' id='1'/>",
            "<reject xmlns='urn:xmpp:jingle-message:0' id='1'/>",
            "<x xmlns='http://jabber.org/protocol/muc#user'><decline to='c@far.example'/></x>",
            "<event xmlns='http://jabber.org/protocol/pubsub#event'/>",
            "<x xmlns='urn:x'><body>hi</body></x>",
        ] {
            assert_eq!(message(said), Lesson::Nothing, "{said}");
        }
        assert_eq!(lesson("<message type='error'><body>hi</body></message>"), Lesson::Nothing);
    }

    #[test]
    fn presence_makes_known_or_parts() {
        let presence = |name: &str| lesson(&format!("<presence type='{name}'/>"));
        for known in ["probe", "subscribe", "subscribed"] {
            assert_eq!(presence(known), Lesson::Subscribed, "{known}");
        }
        assert_eq!(lesson("<presence />"), Lesson::Subscribed);
        assert_eq!(lesson("<presence ><x xmlns='http://jabber.org/protocol/muc'/></presence>"), Lesson::Subscribed);
        assert_eq!([presence("unsubscribe"), presence("unsubscribed")], [Lesson::Parted, Lesson::Denied]);
        assert_eq!([presence("unavailable"), presence("error")], [Lesson::Nothing; 2]);
    }

    #[test]
    fn only_requests_that_somebody_meant_make_known() {
        assert_eq!(request("<query xmlns='jabber:iq:register'><username>a</username></query>"), Lesson::Subscribed);
        assert_eq!(request("<query xmlns='jabber:iq:register'><remove/></query>"), Lesson::Parted);
        for meant in [
            "<command xmlns='http://jabber.org/protocol/commands' node='x' action='execute'/>",
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscribe node='x' jid='a@home.example'/></pubsub>",
            "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='1'/>",
            "<si xmlns='http://jabber.org/protocol/si' profile='http://jabber.org/protocol/si/profile/file-transfer'/>",
            "<open xmlns='http://jabber.org/protocol/ibb' sid='1' block-size='4096'/>",
        ] {
            assert_eq!(request(meant), Lesson::Known, "{meant}");
        }
        for made in [
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='x'/></pubsub>",
            "<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='1'/>",
            "<query xmlns='jabber:iq:roster'/>",
        ] {
            assert_eq!(request(made), Lesson::Nothing, "{made}");
        }
        for other in ["get", "result", "error"] {
            let caps = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
            assert_eq!(lesson(&format!("<iq type='{other}' id='1'>{caps}</iq>")), Lesson::Nothing, "{other}");
        }
    }
}
