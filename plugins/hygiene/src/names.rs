//! The tables: what belongs to which rule.

use refrain_sdk::Child;

use crate::settings::Rule;

/// What only one's own server sends, and takes from nobody but its users.
const OWN_ACCOUNT: [&str; 15] = [
    "jabber:iq:roster",
    "jabber:iq:private",
    "jabber:iq:privacy",
    "jabber:iq:auth",
    "urn:xmpp:blocking",
    "urn:xmpp:carbons:*",
    "urn:xmpp:push:*",
    "urn:xmpp:mix:pam:*",
    "urn:xmpp:mix:roster:*",
    "urn:ietf:params:xml:ns:xmpp-bind",
    "urn:ietf:params:xml:ns:xmpp-session",
    // XEP-0013, XEP-0136
    "http://jabber.org/protocol/offline",
    "urn:xmpp:archive",
    // XEP-0355, XEP-0356: between a server and its components.
    DELEGATION,
    PRIVILEGE,
];
const DELEGATION: &str = "urn:xmpp:delegation:*";
const PRIVILEGE: &str = "urn:xmpp:privilege:*";
/// Everybody reads it, its owner writes it.
pub(crate) const VCARD: &str = "vcard-temp";

/// Nodes of PubSub in which clients keep what is theirs alone (XEP-0223): nobody else has events of them.
const PRIVATE_NODES: [&str; 5] = [
    // XEP-0048, XEP-0145, XEP-0209
    "storage:*",
    // XEP-0083
    "roster:delimiter",
    // XEP-0402
    "urn:xmpp:bookmarks:*",
    // XEP-0490
    "urn:xmpp:mds:displayed:*",
    // XEP-0373 §5
    "urn:xmpp:openpgp:0:secret-key",
];

/// Stamps, with the attribute that says in whose name.
const STAMPS: [(&str, &str, &str); 5] = [
    ("urn:xmpp:delay", "delay", "from"),
    ("jabber:x:delay", "x", "from"),
    ("urn:xmpp:mam:tmp", "archived", "by"),
    ("urn:xmpp:sid:0", "stanza-id", "by"),
    ("urn:xmpp:occupant-id:0", "occupant-id", "by"),
];

/// What messages stand in.
const ENVELOPES: [&str; 2] = ["urn:xmpp:forward:0", EVENT];
const EVENT: &str = "http://jabber.org/protocol/pubsub#event";
const CARBONS: &str = "urn:xmpp:carbons:*";
pub(crate) const ARCHIVES: &str = "urn:xmpp:mam:*";
const COMMANDS: &str = "http://jabber.org/protocol/commands";
/// XEP-0060 §8.7: the owner of a node of PubSub asks who waits to be let in, wherever the owner is.
pub(crate) const GET_PENDING: &str = "http://jabber.org/protocol/pubsub#get-pending";
pub(crate) const ROOM: &str = "http://jabber.org/protocol/muc#user";

/// The namespaces that may be of a rule that holds: those of iq stanzas, those of messages and presence.
pub(crate) fn payloads(holds: impl Fn(Rule) -> bool) -> (Vec<&'static str>, Vec<&'static str>) {
    let (mut of_iq, mut of_others) = (Vec::new(), Vec::new());
    if holds(Rule::OwnAccount) {
        of_iq.extend(OWN_ACCOUNT);
        of_others.extend([EVENT, DELEGATION, PRIVILEGE]);
    }
    if holds(Rule::Archives) {
        of_iq.push(ARCHIVES);
        of_others.push(ARCHIVES);
    }
    if holds(Rule::Commands) {
        of_iq.push(COMMANDS);
    }
    if holds(Rule::Carbons) {
        of_others.extend(ENVELOPES.into_iter().chain([CARBONS, ARCHIVES]));
    }
    if holds(Rule::Claims) {
        of_others.extend(STAMPS.map(|(namespace, ..)| namespace));
    }
    if holds(Rule::Rooms) {
        of_others.push(ROOM);
    }
    (of_iq, of_others)
}

/// The rule that a request or an answer may break by its payload, and the row that it is in: no stranger's words for the log.
pub(crate) fn rule_of_iq(payload: &Child) -> Option<(Rule, &'static str)> {
    let own = OWN_ACCOUNT.into_iter().map(|pattern| (Rule::OwnAccount, pattern));
    let mut rows = own.chain([(Rule::OwnAccount, VCARD), (Rule::Archives, ARCHIVES), (Rule::Commands, COMMANDS)]);
    rows.find(|(_, pattern)| fits(&payload.namespace, pattern))
}

/// A carbon; the wish to have none made, `private`, is honest.
pub(crate) fn is_carbon(payload: &Child) -> bool {
    fits(&payload.namespace, CARBONS) && matches!(payload.name.as_str(), "received" | "sent")
}

pub(crate) fn is_archived(payload: &Child) -> bool {
    fits(&payload.namespace, ARCHIVES) && payload.name == "result"
}

/// What passes between a server and its components alone.
pub(crate) fn is_of_component(payload: &Child) -> bool {
    [DELEGATION, PRIVILEGE].iter().any(|pattern| fits(&payload.namespace, pattern))
}

pub(crate) fn is_event(payload: &Child) -> bool {
    payload.namespace == EVENT && payload.name == "event"
}

pub(crate) fn is_private(node: &str) -> bool {
    PRIVATE_NODES.iter().any(|pattern| fits(node, pattern))
}

pub(crate) fn is_delay(payload: &Child) -> bool {
    matches!(payload.namespace.as_str(), "urn:xmpp:delay" | "jabber:x:delay")
}

/// The attribute of a stamp that says in whose name it is.
pub(crate) fn stamp(payload: &Child) -> Option<&'static str> {
    let is_same = |(namespace, name, _): &&(&str, &str, &str)| payload.namespace == *namespace && payload.name == *name;
    STAMPS.iter().find(is_same).map(|(.., attribute)| *attribute)
}

fn fits(namespace: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => namespace.starts_with(prefix),
        None => namespace == pattern,
    }
}
