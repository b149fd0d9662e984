//! The stanza error that answers a stanza (RFC 6120 §8.3).

use super::{Kind, Stanza, StanzaError, StanzaType};
use crate::jid::Jid;
use crate::ns;
use crate::xml::{Element, Node};

impl Stanza {
    /// Builds the error that goes back to the sender, as from the addressee: the id kept, the payload left out.
    ///
    /// None for what must not be answered: an error or a result (RFC 6120 §8.3.1, §8.2.3), or somebody's going away.
    pub fn error_reply(&self, error: &StanzaError) -> Option<Stanza> {
        if matches!(self.stanza_type, StanzaType::Error | StanzaType::IqResult | StanzaType::Unavailable) {
            return None;
        }
        Some(self.error_between(&self.to, &self.from, error))
    }

    /// Whether a message may answer it: it is one, and neither an error (RFC 6120 §8.3.1) nor to or from a room, where everybody
    /// would read the answer (RFC 6121 §5.2.2).
    pub fn takes_message_reply(&self) -> bool {
        self.kind == Kind::Message && !matches!(self.stanza_type, StanzaType::Error | StanzaType::Groupchat)
    }

    /// Builds a message of the same type that goes back to the sender, as from the addressee, with these elements.
    ///
    /// None for what [takes none](Self::takes_message_reply). It has no id: nobody is to answer it, and RFC 6120 §8.1.3 asks for none.
    pub fn message_reply<'a>(&self, payload: impl Iterator<Item = Node<'a>>) -> Option<Stanza> {
        if !self.takes_message_reply() {
            return None;
        }
        let mut element = Element::new(ns::SERVER, Kind::Message.as_str());
        element.set_attribute(0, "from", Some(self.to.as_str()));
        element.set_attribute(0, "to", Some(self.from.as_str()));
        // A value that nobody defines means the default (RFC 6121 §5.2.2).
        let defined = self.root().attribute("type").filter(|_| self.stanza_type != StanzaType::Unknown);
        element.set_attribute(0, "type", defined);
        for node in payload {
            element.append_element(0, node);
        }
        let stanza_type = StanzaType::of(Kind::Message, defined);
        let size = element.to_xml().len() as u32;
        Some(Stanza { size, element, from: self.to.clone(), to: self.from.clone(), kind: Kind::Message, stanza_type })
    }

    /// Turns an iq result into an error on its way, from the same sender: its addressee waits for one of the two, and would wait
    /// in vain if a result that must not pass were only discarded (RFC 6120 §8.2.3).
    pub fn fail_result(&mut self, error: &StanzaError) {
        *self = self.error_between(&self.from, &self.to, error);
    }

    fn error_between(&self, from: &Jid, to: &Jid, error: &StanzaError) -> Stanza {
        let mut element = Element::new(ns::SERVER, self.kind.as_str());
        element.set_attribute(0, "from", Some(from.as_str()));
        element.set_attribute(0, "to", Some(to.as_str()));
        element.set_attribute(0, "type", Some("error"));
        element.set_attribute(0, "id", self.id());
        append_error(&mut element, error);
        Stanza {
            size: element.to_xml().len() as u32,
            element,
            from: from.clone(),
            to: to.clone(),
            kind: self.kind,
            stanza_type: StanzaType::Error,
        }
    }
}

/// Appends `<error/>` without `by`, which would name a server (XEP-0478 §3 asks for none either).
fn append_error(element: &mut Element, error: &StanzaError) {
    let node = element.append(0, ns::SERVER, "error");
    element.set_attribute(node, "type", Some(error.error_type.as_str()));
    element.append(node, ns::STANZAS, error.condition.as_str());
    if let Some(text) = &error.text {
        let node = element.append(node, ns::STANZAS, "text");
        element.set_attribute_in(node, ns::XML, "lang", Some("en"));
        element.append_text(node, text);
    }
}
