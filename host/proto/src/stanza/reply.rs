//! The stanza error that answers a stanza (RFC 6120 §8.3).

use super::{Stanza, StanzaError, StanzaType};
use crate::jid::Jid;
use crate::ns;
use crate::xml::Element;

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
