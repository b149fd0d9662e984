//! Reads what a service tells its subscribers (XEP-0060 §7.1.2 and on).

use refrain_proto::{Kind, Node, Stanza, StanzaType};

use super::items::{Change, Item};

/// Events and only events.
const EVENT: &str = "http://jabber.org/protocol/pubsub#event";

/// It is shown to the operator and not followed.
const URI_CHARS_MAX: usize = 200;

/// What a service says of one of its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Its items change.
    Changed(Vec<Change>),
    /// It is no more (§8.4.2), and may be found under another address.
    Deleted(Option<String>),
    /// Its configuration is another, and so perhaps how many items it keeps (§8.2.5).
    Configured,
    /// Our subscription is another (§8.8.4).
    Subscription(Standing),
}

/// How we stand with a node (§4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not at all.
    None,
    /// Its owner has not decided yet.
    Pending,
    /// It wants to be told how we wish to be told.
    Unconfigured,
    /// It tells us everything.
    Subscribed,
}

impl Standing {
    /// Reads the attribute `subscription`.
    pub fn read(subscription: Node<'_>) -> Option<Self> {
        match subscription.attribute("subscription")? {
            "none" => Some(Standing::None),
            "pending" => Some(Standing::Pending),
            "unconfigured" => Some(Standing::Unconfigured),
            "subscribed" => Some(Standing::Subscribed),
            _ => None,
        }
    }
}

/// Whether a message is such news, whatever they say.
pub fn is_event(stanza: &Stanza) -> bool {
    stanza.kind() == Kind::Message && stanza.stanza_type() != StanzaType::Error && element(stanza).is_some()
}

/// The news of each node of which there are any.
pub fn read(stanza: &Stanza) -> Vec<(String, Event)> {
    let Some(event) = element(stanza) else { return Vec::new() };
    event.children().filter(|child| child.namespace() == EVENT).filter_map(read_one).collect()
}

fn element(stanza: &Stanza) -> Option<Node<'_>> {
    stanza.root().child(EVENT, "event")
}

fn read_one(child: Node<'_>) -> Option<(String, Event)> {
    let node = child.attribute("node")?.to_owned();
    let event = match child.name() {
        "items" => Event::Changed(child.children().filter_map(change).collect()),
        "purge" => Event::Changed(vec![Change::Purged]),
        "delete" => {
            let redirect = child.child(EVENT, "redirect");
            let elsewhere = redirect.and_then(|redirect| redirect.attribute("uri"));
            Event::Deleted(elsewhere.map(|uri| uri.chars().take(URI_CHARS_MAX).collect()))
        }
        "configuration" => Event::Configured,
        "subscription" => Event::Subscription(Standing::read(child)?),
        _ => return None,
    };
    Some((node, event))
}

fn change(child: Node<'_>) -> Option<Change> {
    match (child.namespace(), child.name()) {
        (EVENT, "item") => Item::read(child).map(Change::Published),
        (EVENT, "retract") => child.attribute("id").map(|id| Change::Retracted(id.into())),
        _ => None,
    }
}
