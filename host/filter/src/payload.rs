//! What a message of ours says: elements that a filter gave as XML.
//!
//! imports/actions → **payload** → `Stanza::message_reply`

use refrain_proto::{Element, Node, ns};

use crate::journal::{EditError, JournalLimits, belongs_to_a_stream};

/// One element or several, read as strictly as those that edits insert.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// They are the children of this one, which has nothing else.
    holder: Element,
}

/// Elements are compared by what they mean, which is an equivalence.
impl Eq for Payload {}

impl Payload {
    /// Reads the payload of an answer to a stanza of this size; a bare name is in the stanza's own namespace.
    pub fn parse(xml: &str, stanza_bytes: u32, limits: &JournalLimits) -> Result<Payload, EditError> {
        if xml.len() > limits.bytes_max(stanza_bytes) {
            return Err(EditError::BudgetExceeded);
        }
        let held = format!("<message>{xml}</message>");
        let holder = Element::parse(&held, ns::SERVER, &limits.xml).map_err(|_| EditError::NotWellFormed)?;
        // RFC 6120 §8.1: a stanza holds elements, not text.
        if holder.root().children().next().is_none() || !holder.root().text().trim().is_empty() {
            return Err(EditError::NotWellFormed);
        }
        if belongs_to_a_stream(&holder) {
            return Err(EditError::ForbiddenTarget);
        }
        Ok(Payload { holder })
    }

    /// Goes through the elements.
    pub fn elements(&self) -> impl Iterator<Item = Node<'_>> {
        self.holder.root().children()
    }

    /// Returns their canonical form.
    pub fn to_xml(&self) -> String {
        let mut out = Vec::new();
        self.elements().for_each(|element| element.write(&mut out));
        String::from_utf8_lossy(&out).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(xml: &str) -> Result<Payload, EditError> {
        Payload::parse(xml, 0, &JournalLimits::default())
    }

    #[test]
    fn several_elements_are_kept_in_their_canonical_form() {
        let payload = parse(" <a xmlns='urn:a' b='1'></a>\n<body>x &lt; y</body> ").unwrap();
        assert_eq!(payload.to_xml(), "<a xmlns=\"urn:a\" b=\"1\"/><body>x &lt; y</body>");
    }

    #[test]
    fn what_is_no_payload_is_refused() {
        for xml in [
            "",
            " ",
            "text",
            "<a/>text",
            "<a>",
            "</message><message>",
            "<a/></message><message to='x'><b/>",
            "<!-- -->",
        ] {
            assert_eq!(parse(xml), Err(EditError::NotWellFormed), "{xml}");
        }
    }

    #[test]
    fn stream_level_elements_are_refused() {
        let smuggled = "<x xmlns='urn:x'><result xmlns='jabber:server:dialback'/></x>";
        assert_eq!(parse(smuggled), Err(EditError::ForbiddenTarget));
    }

    #[test]
    fn bytes_are_bounded_as_those_of_edits() {
        let long = format!("<body>{}</body>", "x".repeat(70_000));
        assert_eq!(parse(&long), Err(EditError::BudgetExceeded));
        assert!(Payload::parse(&long, 40_000, &JournalLimits::default()).is_ok());
    }
}
