//! The edits of one call, kept aside: applied by a committing verdict, dropped by any other and by a fault.
//!
//! imports/edit → **journal** → `Stanza::apply`

use refrain_proto::{Edit, Element, Jid, NodeId, XmlLimits, ns};

use crate::selector::Selector;

/// Why an edit was refused. The call goes on; the filter decides what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The node id names no element of this stanza.
    #[error("no such node")]
    NoSuchNode,
    /// The XML, name or text given cannot be written as XML.
    #[error("not well-formed")]
    NotWellFormed,
    /// The stanza's own addresses, `type`, `id` or tag, or an element that belongs to the stream, not to a stanza.
    #[error("forbidden target")]
    ForbiddenTarget,
    /// More edits, or more bytes in edits, than one call may make.
    #[error("budget exceeded")]
    BudgetExceeded,
}

/// What the edits of one call may amount to.
#[derive(Clone, Debug)]
pub struct JournalLimits {
    /// Bytes given in edits: twice the stanza, or this, whichever is more.
    pub bytes_min: usize,
    /// Edits: each costs a step of the rebuilding pass, and no real filter makes hundreds.
    pub edits_max: usize,
    /// What an inserted element may look like.
    pub xml: XmlLimits,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self { bytes_min: 64 << 10, edits_max: 1_024, xml: XmlLimits::default() }
    }
}

impl JournalLimits {
    /// Bytes that may be given in a call about a stanza of this size.
    pub(crate) fn bytes_max(&self, stanza_bytes: u32) -> usize {
        self.bytes_min.max(2 * stanza_bytes as usize)
    }
}

/// The edits of one call, in the order they were made.
#[derive(Debug, Default)]
pub struct Journal {
    edits: Vec<Edit>,
    bytes_left: usize,
    limits: JournalLimits,
    /// Whether the operator lets the filter edit addresses.
    addresses_allowed: bool,
    edits_addresses: bool,
}

impl Journal {
    /// Makes a journal; [`begin`](Self::begin) opens it for a stanza.
    pub fn new(limits: JournalLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Empties the journal for a call about a stanza of this size.
    pub fn begin(&mut self, stanza_bytes: u32) {
        self.edits.clear();
        self.edits_addresses = false;
        self.bytes_left = self.limits.bytes_max(stanza_bytes);
    }

    /// Says whether the local part and the resource of the stanza's addresses may be edited; they may not by default.
    pub fn allow_addresses(&mut self, allowed: bool) {
        self.addresses_allowed = allowed;
    }

    /// Whether an edit is of an address of the stanza: then [`Stanza::apply_with_addresses`](refrain_proto::Stanza) applies it.
    pub fn edits_addresses(&self) -> bool {
        self.edits_addresses
    }

    /// Returns the edits so far.
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// Whether nothing was edited.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Returns what the call may insert.
    pub fn limits(&self) -> &JournalLimits {
        &self.limits
    }

    /// Returns what applied edits are checked against.
    pub fn xml_limits(&self) -> &XmlLimits {
        &self.limits.xml
    }

    /// Sets an attribute without a namespace, or removes it.
    pub fn set_attribute(
        &mut self,
        element: &Element,
        node: NodeId,
        name: String,
        value: Option<String>,
    ) -> Result<(), EditError> {
        exists(element, node)?;
        match name.as_str() {
            "from" | "to" if node == 0 => return self.set_address(element, name, value),
            "type" | "id" if node == 0 => return Err(EditError::ForbiddenTarget),
            _ => {}
        }
        if !refrain_proto::xml::is_name(&name)
            || name == "xmlns"
            || !value.as_deref().is_none_or(refrain_proto::xml::is_text)
        {
            return Err(EditError::NotWellFormed);
        }
        self.charge(name.len() + value.as_ref().map_or(0, String::len))?;
        self.push(Edit::SetAttribute { node, name, value })
    }

    /// Another domain would be another sender, or another side.
    fn set_address(&mut self, element: &Element, name: String, value: Option<String>) -> Result<(), EditError> {
        let Some(value) = value.filter(|_| self.addresses_allowed) else { return Err(EditError::ForbiddenTarget) };
        self.charge(name.len() + value.len())?;
        let new = Jid::parse(&value).map_err(|_| EditError::NotWellFormed)?;
        let old = element.root().attribute(&name).and_then(|old| Jid::parse(old).ok());
        if old.is_none_or(|old| old.domain() != new.domain()) {
            return Err(EditError::ForbiddenTarget);
        }
        self.push(Edit::SetAttribute { node: 0, name, value: Some(new.as_str().to_owned()) })?;
        self.edits_addresses = true;
        Ok(())
    }

    /// Replaces all content of an element by text. A stanza itself holds elements only (RFC 6120 §8.1).
    pub fn set_text(&mut self, element: &Element, node: NodeId, text: String) -> Result<(), EditError> {
        exists_inside(element, node)?;
        if !refrain_proto::xml::is_text(&text) {
            return Err(EditError::NotWellFormed);
        }
        self.charge(text.len())?;
        self.push(Edit::SetText { node, text })
    }

    /// Appends one element, given as XML, to the children of `parent`.
    pub fn insert(&mut self, element: &Element, parent: NodeId, xml: &str) -> Result<(), EditError> {
        exists(element, parent)?;
        let element = self.parse(xml)?;
        self.push(Edit::Insert { parent, element })
    }

    /// Replaces an element by another.
    pub fn replace(&mut self, element: &Element, node: NodeId, xml: &str) -> Result<(), EditError> {
        exists_inside(element, node)?;
        let element = self.parse(xml)?;
        self.push(Edit::Replace { node, element })
    }

    /// Removes an element.
    pub fn remove(&mut self, element: &Element, node: NodeId) -> Result<(), EditError> {
        exists_inside(element, node)?;
        self.push(Edit::Remove { node })
    }

    /// Removes all elements that the selector matches and returns how many; none are removed if they are too many.
    pub fn remove_all(&mut self, element: &Element, selector: &Selector) -> Result<u32, EditError> {
        if selector.is_attribute() {
            return Err(EditError::ForbiddenTarget);
        }
        let room = self.limits.edits_max - self.edits.len();
        let nodes = selector.find(element, room + 1);
        if nodes.len() > room {
            return Err(EditError::BudgetExceeded);
        }
        self.edits.extend(nodes.iter().map(|&node| Edit::Remove { node }));
        Ok(nodes.len() as u32)
    }

    /// Parses what is to be inserted; a bare name is in the stanza's own namespace.
    fn parse(&mut self, xml: &str) -> Result<Element, EditError> {
        self.charge(xml.len())?;
        let element = Element::parse(xml, ns::SERVER, &self.limits.xml).map_err(|_| EditError::NotWellFormed)?;
        if belongs_to_a_stream(&element) {
            return Err(EditError::ForbiddenTarget);
        }
        Ok(element)
    }

    fn charge(&mut self, bytes: usize) -> Result<(), EditError> {
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(EditError::BudgetExceeded)?;
        Ok(())
    }

    fn push(&mut self, edit: Edit) -> Result<(), EditError> {
        if self.edits.len() >= self.limits.edits_max {
            return Err(EditError::BudgetExceeded);
        }
        self.edits.push(edit);
        Ok(())
    }
}

fn exists(element: &Element, node: NodeId) -> Result<(), EditError> {
    element.node(node).map(|_| ()).ok_or(EditError::NoSuchNode)
}

fn exists_inside(element: &Element, node: NodeId) -> Result<(), EditError> {
    if node == 0 { Err(EditError::ForbiddenTarget) } else { exists(element, node) }
}

/// No payload is of a namespace that only the stream speaks: a peer that mistook it for stream-level would obey it.
pub(crate) fn belongs_to_a_stream(element: &Element) -> bool {
    let of_stream = |namespace| matches!(namespace, ns::STREAM | ns::DIALBACK | ns::TLS | ns::SASL);
    let root = element.root();
    of_stream(root.namespace()) || root.descendants().any(|node| of_stream(node.namespace()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use refrain_proto::Stanza;

    const STANZA: &str = "<message type='chat' id='1' from='eve@evil.example/x' to='alice@home.example'>\
        <body>hello</body><x xmlns='urn:x'><y/></x></message>";

    fn journal() -> (Journal, Stanza) {
        let mut journal = Journal::default();
        let stanza = Stanza::parse(STANZA).unwrap();
        journal.begin(stanza.size());
        (journal, stanza)
    }

    fn edited(make: impl FnOnce(&mut Journal, &Element)) -> String {
        let (mut journal, mut stanza) = journal();
        make(&mut journal, stanza.element());
        stanza.apply(journal.edits(), journal.xml_limits()).unwrap();
        let mut out = Vec::new();
        stanza.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn body(stanza: &Element) -> NodeId {
        stanza.root().child(ns::SERVER, "body").unwrap().id()
    }

    #[test]
    fn records_edits_that_apply() {
        let xml = edited(|journal, element| {
            journal.set_text(element, body(element), "bye".to_owned()).unwrap();
            journal.insert(element, 0, "<thread>t</thread>").unwrap();
            assert_eq!(journal.remove_all(element, &Selector::compile("{urn:x}x").unwrap()), Ok(1));
        });
        assert!(xml.contains("<body>bye</body><thread>t</thread></message>"), "{xml}");
    }

    #[test]
    fn the_envelope_is_out_of_reach() {
        let (mut journal, stanza) = journal();
        let element = stanza.element();
        for name in ["from", "to", "type", "id"] {
            let forged = journal.set_attribute(element, 0, name.to_owned(), Some("x@y.example".to_owned()));
            assert_eq!(forged, Err(EditError::ForbiddenTarget));
        }
        assert_eq!(journal.remove(element, 0), Err(EditError::ForbiddenTarget));
        assert_eq!(journal.replace(element, 0, "<iq/>"), Err(EditError::ForbiddenTarget));
        assert_eq!(journal.set_text(element, 0, String::new()), Err(EditError::ForbiddenTarget));
        assert!(journal.is_empty());
    }

    #[test]
    fn an_address_may_change_within_its_domain_if_granted() {
        let (mut journal, mut stanza) = journal();
        journal.allow_addresses(true);
        let set = |journal: &mut Journal, name: &str, value: &str| {
            journal.set_attribute(stanza.element(), 0, name.to_owned(), Some(value.to_owned()))
        };
        assert_eq!(set(&mut journal, "to", "Bob@home.example/x"), Ok(()));
        assert_eq!(set(&mut journal, "to", "bob@evil.example"), Err(EditError::ForbiddenTarget));
        assert_eq!(set(&mut journal, "from", "@"), Err(EditError::NotWellFormed));
        assert_eq!(set(&mut journal, "id", "2"), Err(EditError::ForbiddenTarget));
        let removed = journal.set_attribute(stanza.element(), 0, "to".to_owned(), None);
        assert_eq!((removed, journal.edits_addresses()), (Err(EditError::ForbiddenTarget), true));

        assert!(stanza.apply(journal.edits(), journal.xml_limits()).is_err());
        stanza.apply_with_addresses(journal.edits(), journal.xml_limits()).unwrap();
        assert_eq!(stanza.to().as_str(), "bob@home.example/x");
    }

    #[test]
    fn stream_level_elements_cannot_be_inserted() {
        let (mut journal, stanza) = journal();
        let smuggled = "<x xmlns='urn:x'><result xmlns='jabber:server:dialback'/></x>";
        assert_eq!(journal.insert(stanza.element(), 0, smuggled), Err(EditError::ForbiddenTarget));
    }

    #[test]
    fn what_is_not_xml_is_refused() {
        let (mut journal, stanza) = journal();
        let element = stanza.element();
        assert_eq!(journal.insert(element, 0, "<a></b>"), Err(EditError::NotWellFormed));
        assert_eq!(journal.insert(element, 0, "<a/><b/>"), Err(EditError::NotWellFormed));
        assert_eq!(journal.set_text(element, body(element), "\u{1}".to_owned()), Err(EditError::NotWellFormed));
        assert_eq!(
            journal.set_attribute(element, body(element), "a b".to_owned(), None),
            Err(EditError::NotWellFormed)
        );
    }

    #[test]
    fn bytes_and_edits_are_bounded() {
        let (mut journal, stanza) = journal();
        let element = stanza.element();
        let long = "x".repeat(40_000);
        assert_eq!(journal.set_text(element, body(element), long.clone()), Ok(()));
        assert_eq!(journal.set_text(element, body(element), long), Err(EditError::BudgetExceeded));
        let last = (0..2_000).find_map(|_| journal.remove(element, body(element)).err());
        assert_eq!(last, Some(EditError::BudgetExceeded));
        assert_eq!(journal.edits().len(), 1_024);
    }

    #[test]
    fn ids_that_name_no_element_are_refused() {
        let (mut journal, stanza) = journal();
        assert_eq!(journal.remove(stanza.element(), 999), Err(EditError::NoSuchNode));
    }
}
