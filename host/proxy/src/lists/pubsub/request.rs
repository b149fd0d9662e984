//! Writes what we ask of a service, and reads its answers (XEP-0060 §6, XEP-0059).

use refrain_proto::{Domain, Element, Node, Stanza, StanzaType, ns};

use super::event::Standing;
use super::items::{Item, Page, Part};
use super::{RESOURCE, Source};

/// Requests and their answers.
const PUBSUB: &str = "http://jabber.org/protocol/pubsub";
/// Conditions of errors that are about publishing and subscribing alone.
const PUBSUB_ERRORS: &str = "http://jabber.org/protocol/pubsub#errors";
/// Paging.
const RSM: &str = "http://jabber.org/protocol/rsm";

/// So many items with their payloads, some 500 bytes each, stay well below what a stanza may have (`limits.stanza-bytes-max`).
const PAGE_ITEMS: &str = "200";

/// What we want of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Every change from now on (§6.1).
    Subscribe,
    /// No change any more (§6.2).
    Unsubscribe,
    /// All items (§6.5), or those after a page.
    Items(Option<String>),
}

/// The address by which we ask: nobody else has it.
pub fn own_address(asker: &Domain) -> String {
    format!("{asker}/{RESOURCE}")
}

impl Question {
    /// The request as it is sent.
    pub fn write(&self, source: &Source, id: &str) -> Stanza {
        let own = own_address(&source.asker);
        let mut element = Element::new(ns::SERVER, "iq");
        let kind = if matches!(self, Question::Items(_)) { "get" } else { "set" };
        for (name, value) in [("from", own.as_str()), ("to", source.service.as_str()), ("id", id), ("type", kind)] {
            element.set_attribute(0, name, Some(value));
        }
        let pubsub = element.append(0, PUBSUB, "pubsub");
        let name = match self {
            Question::Subscribe => "subscribe",
            Question::Unsubscribe => "unsubscribe",
            Question::Items(_) => "items",
        };
        let request = element.append(pubsub, PUBSUB, name);
        element.set_attribute(request, "node", Some(&source.node));
        match self {
            Question::Subscribe | Question::Unsubscribe => element.set_attribute(request, "jid", Some(&own)),
            Question::Items(after) => page_request(&mut element, pubsub, after.as_deref()),
        }
        let mut stanza = Stanza::default();
        // It has two addresses, a type, an id and one child.
        let _ = stanza.take(&mut element, None);
        stanza
    }
}

/// XEP-0059 §2.1, behind the request: where Prosody reads one child it reads the first.
fn page_request(element: &mut Element, pubsub: u32, after: Option<&str>) {
    let set = element.append(pubsub, RSM, "set");
    let max = element.append(set, RSM, "max");
    element.append_text(max, PAGE_ITEMS);
    if let Some(after) = after {
        let node = element.append(set, RSM, "after");
        element.append_text(node, after);
    }
}

/// What a service answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To a request about the subscription.
    Standing(Standing),
    /// To a request for items.
    Page(Page),
    /// No, and why.
    Refused(String),
    /// It is not an answer to what was asked.
    Odd(&'static str),
}

impl Answer {
    /// Reads the answer to a question about the node.
    pub fn read(stanza: &Stanza, question: &Question, node: &str) -> Self {
        if stanza.stanza_type() == StanzaType::Error {
            return Answer::Refused(condition(stanza));
        }
        let pubsub = stanza.root().child(PUBSUB, "pubsub");
        match question {
            Question::Subscribe => {
                let subscription = pubsub.and_then(|pubsub| pubsub.child(PUBSUB, "subscription"));
                // §6.1.2 wants the element; without it the success is still one.
                let standing = subscription.map_or(Some(Standing::Subscribed), Standing::read);
                standing.map_or(Answer::Odd("a subscription of an unknown kind"), Answer::Standing)
            }
            Question::Unsubscribe => Answer::Standing(Standing::None),
            Question::Items(_) => pubsub.map_or(Answer::Odd("no items"), |pubsub| page(pubsub, node)),
        }
    }
}

fn page(pubsub: Node<'_>, node: &str) -> Answer {
    let Some(items) = pubsub.child(PUBSUB, "items") else { return Answer::Odd("no items") };
    if items.attribute("node").is_some_and(|of| of != node) {
        return Answer::Odd("items of another node");
    }
    let read = items.children().filter(|child| child.is(PUBSUB, "item")).filter_map(Item::read).collect();
    Answer::Page(Page { items: read, part: pubsub.child(RSM, "set").map(part) })
}

fn part(set: Node<'_>) -> Part {
    let first = set.child(RSM, "first");
    Part {
        last: set.child(RSM, "last").map(|last| last.text().into_owned()).filter(|last| !last.is_empty()),
        count: set.child(RSM, "count").and_then(|count| count.text().trim().parse().ok()),
        index: first.and_then(|first| first.attribute("index")).and_then(|index| index.trim().parse().ok()),
    }
}

/// In the service's own words: the condition, what it means for pubsub, and the text, cut.
fn condition(stanza: &Stanza) -> String {
    const TEXT_CHARS_MAX: usize = 200;
    let Some(error) = stanza.root().child(ns::SERVER, "error") else { return "an error that says nothing".to_owned() };
    let mut words: Vec<String> = Vec::new();
    for child in error.children() {
        match (child.namespace(), child.name()) {
            (ns::STANZAS, "text") => {
                let text = child.text();
                let cut = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_CHARS_MAX);
                words.push(format!("({})", cut.collect::<String>()));
            }
            (ns::STANZAS | PUBSUB_ERRORS, name) => words.push(name.chars().take(TEXT_CHARS_MAX).collect()),
            _ => {}
        }
    }
    words.truncate(3);
    words.join(" ")
}
