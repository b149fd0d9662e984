//! What a message may carry without being shown as one.

use refrain_sdk::Child;

/// Whether clients show a payload beside a conversation or not at all. What is not known here may be shown.
pub(crate) fn is_signal(payload: &Child) -> bool {
    let name = payload.name.as_str();
    match payload.namespace.as_str() {
        "jabber:server" | "jabber:client" => name == "thread",
        // XEP-0384 §5.5: without a payload it only carries keys; clients send it by themselves.
        "eu.siacs.conversations.axolotl" => name == "encrypted",
        // What goes before a call is told apart by its name.
        namespace if namespace.starts_with("urn:xmpp:jingle-message:") => name != "propose",
        namespace if namespace.starts_with("urn:xmpp:call-invites:") => name != "invite",
        namespace if namespace.starts_with("urn:xmpp:omemo:") => name == "encrypted",
        namespace => SIGNALS.contains(&namespace) || FAMILIES.iter().any(|family| namespace.starts_with(family)),
    }
}

/// Namespaces.
const SIGNALS: [&str; 20] = [
    // XEP-0085, XEP-0022, XEP-0184: typing, and whether it arrived.
    "http://jabber.org/protocol/chatstates",
    "jabber:x:event",
    "urn:xmpp:receipts",
    // XEP-0060 §7.1.2, §8.9: events, and what the service says of a subscription.
    "http://jabber.org/protocol/pubsub#event",
    "http://jabber.org/protocol/pubsub",
    // XEP-0045: who may what in a room, whose occupant it comes from.
    "http://jabber.org/protocol/muc#user",
    // XEP-0422, XEP-0461, XEP-0428: what an older message is to it.
    "urn:xmpp:fasten:0",
    "urn:xmpp:reply:0",
    "urn:xmpp:fallback:0",
    // XEP-0334, XEP-0359, XEP-0203, XEP-0091, XEP-0380, XEP-0421: how it is to be handled, and how it came.
    "urn:xmpp:hints",
    "urn:xmpp:sid:0",
    "urn:xmpp:delay",
    "jabber:x:delay",
    "urn:xmpp:eme:0",
    "urn:xmpp:occupant-id:0",
    // XEP-0079, XEP-0131, XEP-0033, XEP-0172, XEP-0153: about its way and its sender.
    "http://jabber.org/protocol/amp",
    "http://jabber.org/protocol/shim",
    "http://jabber.org/protocol/address",
    "http://jabber.org/protocol/nick",
    "vcard-temp:x:update",
];

/// Beginnings of namespaces that end with a version: XEP-0333, XEP-0444, XEP-0424, XEP-0308.
const FAMILIES: [&str; 4] =
    ["urn:xmpp:chat-markers:", "urn:xmpp:reactions:", "urn:xmpp:message-retract:", "urn:xmpp:message-correct:"];
