//! Rejections: what a client waits for that offers a session or a call by message. To an error not all of them stop ringing.

use refrain_sdk::{Child, Head, Node, Stanza, Verdict};

/// XEP-0353.
pub(crate) const JINGLE_MESSAGE: &str = "urn:xmpp:jingle-message:";
/// XEP-0482.
pub(crate) const CALL_INVITES: &str = "urn:xmpp:call-invites:";
/// XEP-0359.
const STANZA_IDS: &str = "urn:xmpp:sid:0";
/// Those that clients make have 36 (RFC 9562).
const ID_BYTES_MAX: usize = 1_024;

/// What a message offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// XEP-0353: a Jingle session.
    Proposal,
    /// XEP-0482: a call.
    Invitation,
}

impl Offer {
    /// Reads a payload; answers, and the end of a call, are no offers.
    pub(crate) fn of(payload: &Child) -> Option<Offer> {
        match payload.name.as_str() {
            "propose" if payload.namespace.starts_with(JINGLE_MESSAGE) => Some(Offer::Proposal),
            "invite" if payload.namespace.starts_with(CALL_INVITES) => Some(Offer::Invitation),
            _ => None,
        }
    }

    /// The rejection in the addressee's name; `None` where none may be sent, or no id says what it is about.
    pub(crate) fn reject(
        self,
        head: &Head,
        stanza: &Stanza<'_>,
        payloads: &[Child],
        payload: &Child,
    ) -> Option<Verdict> {
        let id = match self {
            Offer::Proposal => stanza.attr(payload.node, "id"),
            Offer::Invitation => id_of_message(stanza, payloads),
        };
        let id = id.filter(|id| head.takes_reply() && is_plain(id)).map(|id| escaped(&id))?;
        let namespace = escaped(&payload.namespace);
        let rejection = match self {
            // XEP-0353 §3.5 asks for a reason; XEP-0166 §7.4 has this one for who supports none of what is offered.
            Offer::Proposal => format!(
                "<reject xmlns='{namespace}' id='{id}'>\
                 <reason xmlns='urn:xmpp:jingle:1'><unsupported-applications/></reason></reject>"
            ),
            Offer::Invitation => format!("<reject xmlns='{namespace}' id='{id}'/>"),
        };
        // XEP-0353 §3: archives keep it, so that the initiator's other clients learn of it.
        Some(Verdict::reply(rejection + "<store xmlns='urn:xmpp:hints'/>"))
    }
}

/// XEP-0482 §3.1: the one that the sender gave the message, which a server on the way may have changed in `id`.
fn id_of_message(stanza: &Stanza<'_>, payloads: &[Child]) -> Option<String> {
    let origin = payloads.iter().find(|payload| payload.namespace == STANZA_IDS && payload.name == "origin-id");
    origin.and_then(|origin| stanza.attr(origin.node, "id")).or_else(|| stanza.attr(Node::ROOT, "id"))
}

/// Whether it is written in an attribute as it is read.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_BYTES_MAX && !id.chars().any(char::is_control)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stands_in_an_attribute_as_it_was() {
        assert_eq!(escaped("a'<&\"b"), "a&apos;&lt;&amp;\"b");
        assert!(is_plain("ca3cf894 \u{e9}") && !is_plain("") && !is_plain("a\nb") && !is_plain(&"x".repeat(1_025)));
    }
}
