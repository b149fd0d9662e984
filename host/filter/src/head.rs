//! What a filter is told about every stanza: its direction and the bits of its head.

use refrain_proto::ns;
use refrain_proto::{Kind, Node, Stanza, StanzaType};
use serde::{Deserialize, Serialize};

/// Which way a stanza crosses the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the federated world to the protected server.
    #[default]
    Inbound,
    /// From the protected server to the federated world.
    Outbound,
}

impl Direction {
    /// The direction's bit in the masks of an interest rule.
    pub(crate) fn mask(self) -> u8 {
        1 << self as u8
    }

    /// The direction as the operator writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        }
    }
}

/// The bits of `head.bits`: what most filters ask of a stanza, found in one pass over its child elements.
pub struct Bits;

impl Bits {
    /// Has a body.
    pub const BODY: u32 = 1 << 0;
    /// Carries an encrypted payload: OMEMO, OpenPGP (XEP-0373, XEP-0027) or OTR.
    pub const ENCRYPTED: u32 = 1 << 1;
    /// Was delayed (XEP-0203).
    pub const DELAYED: u32 = 1 << 2;
    /// Forwards another stanza (XEP-0297), or is a carbon of one (XEP-0280).
    pub const FORWARDED: u32 = 1 << 3;
    /// Belongs to a chat room: `groupchat`, or a `muc` or `muc#user` payload (XEP-0045).
    pub const MUC: u32 = 1 << 4;
    /// Was edited by an earlier filter of the chain.
    pub const EDITED: u32 = 1 << 5;
    /// Has a subject.
    pub const SUBJECT: u32 = 1 << 6;
    /// The remote address is a [stranger](crate::Relation::Stranger) to the local one.
    pub const STRANGER: u32 = 1 << 7;
    /// The remote address is [known](crate::Relation::Known) to the local one.
    pub const KNOWN: u32 = 1 << 8;

    /// Returns the bits of a stanza as it stands; [`EDITED`](Self::EDITED) and the [relation](crate::Relation) are the chain's
    /// to add.
    pub fn of(stanza: &Stanza) -> u32 {
        let element = stanza.element();
        element.root().children().fold(Self::of_stanza_itself(stanza), |bits, child| bits | Self::of_child(child))
    }

    pub(crate) fn of_stanza_itself(stanza: &Stanza) -> u32 {
        let groupchat = stanza.kind() == Kind::Message && stanza.stanza_type() == StanzaType::Groupchat;
        if groupchat { Self::MUC } else { 0 }
    }

    pub(crate) fn of_child(child: Node<'_>) -> u32 {
        match child.namespace() {
            ns::SERVER if child.name() == "body" => Self::BODY | Self::of_body(child),
            ns::SERVER if child.name() == "subject" => Self::SUBJECT,
            "eu.siacs.conversations.axolotl" | "urn:xmpp:omemo:1" | "urn:xmpp:omemo:2"
                if child.name() == "encrypted" =>
            {
                Self::ENCRYPTED
            }
            "urn:xmpp:openpgp:0" if child.name() == "openpgp" => Self::ENCRYPTED,
            "jabber:x:encrypted" => Self::ENCRYPTED,
            "urn:xmpp:delay" | "jabber:x:delay" => Self::DELAYED,
            "urn:xmpp:forward:0" | "urn:xmpp:carbons:2" => Self::FORWARDED,
            "http://jabber.org/protocol/muc" | "http://jabber.org/protocol/muc#user" => Self::MUC,
            _ => 0,
        }
    }

    /// OTR has no element of its own: XEP-0364 §3 knows a message by the beginning of its body.
    fn of_body(body: Node<'_>) -> u32 {
        if body.text().starts_with("?OTR") { Self::ENCRYPTED } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(xml: &str) -> u32 {
        Bits::of(&Stanza::parse(xml).unwrap())
    }

    fn message(payload: &str) -> u32 {
        bits(&format!("<message from='a@x.example' to='b@y.example'>{payload}</message>"))
    }

    #[test]
    fn tells_a_body_from_a_payload_of_that_name() {
        assert_eq!(message("<body>hi</body>"), Bits::BODY);
        assert_eq!(message("<body xmlns='urn:x'>hi</body>"), 0);
        assert_eq!(message("<subject>tea</subject>"), Bits::SUBJECT);
    }

    #[test]
    fn knows_the_encrypted_payloads() {
        assert_eq!(message("<encrypted xmlns='eu.siacs.conversations.axolotl'/>"), Bits::ENCRYPTED);
        assert_eq!(message("<encrypted xmlns='urn:xmpp:omemo:2'/>"), Bits::ENCRYPTED);
        assert_eq!(message("<openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp>"), Bits::ENCRYPTED);
        assert_eq!(message("<body>?OTRv23?</body>"), Bits::BODY | Bits::ENCRYPTED);
    }

    #[test]
    fn knows_delay_forwarding_and_rooms() {
        assert_eq!(message("<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"), Bits::DELAYED);
        assert_eq!(message("<forwarded xmlns='urn:xmpp:forward:0'/>"), Bits::FORWARDED);
        assert_eq!(message("<x xmlns='http://jabber.org/protocol/muc#user'/>"), Bits::MUC);
        assert_eq!(bits("<message type='groupchat' from='r@x.example/n' to='b@y.example'/>"), Bits::MUC);
    }
}
