//! An element as a flat tree: its nodes in document order in one list, all their strings in one buffer.
//!
//! reader → **element** → writer. An arena is filled, judged, written and filled again; warm, that allocates nothing.

use std::fmt;

use super::XmlError;
use super::chars;
use super::node::{Items, Node};
use crate::limits::XmlLimits;
use crate::ns;

/// Names an element of an arena; 0 is the root. Ids grow in document order, with gaps where text stands.
pub type NodeId = u32;

/// A stretch of the arena's buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }

    pub(super) fn of(self, buffer: &str) -> &str {
        &buffer[self.start as usize..self.end as usize]
    }
}

/// An element or a run of text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Item {
    /// The local name, or the text itself.
    pub(super) text: Span,
    pub(super) namespace: Span,
    /// Where its attributes stand in the arena's list.
    pub(super) attributes: Span,
    pub(super) parent: NodeId,
    /// One past its last descendant.
    pub(super) end: NodeId,
    pub(super) is_text: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct AttributeItem {
    pub(super) namespace: Span,
    pub(super) name: Span,
    pub(super) value: Span,
}

/// An XML element with all that is in it, namespaces resolved.
///
/// Two elements are equal when they mean the same: prefixes and the place of declarations do not count, the order of
/// attributes does.
///
/// Names given to the building functions must be names without a colon; [`Element::check`] finds those that are not.
#[derive(Clone)]
pub struct Element {
    pub(super) buffer: String,
    pub(super) items: Vec<Item>,
    pub(super) attributes: Vec<AttributeItem>,
    pub(super) received_bytes: u32,
}

impl Default for Element {
    /// Makes an arena to be filled: a root without a name.
    fn default() -> Self {
        Self::new("", "")
    }
}

impl Element {
    /// Makes an element without attributes or content.
    pub fn new(namespace: &str, name: &str) -> Self {
        let mut element = Self { buffer: String::new(), items: Vec::new(), attributes: Vec::new(), received_bytes: 0 };
        element.push_root(namespace, name);
        element
    }

    /// Empties the arena, keeping its memory, to a root without a name.
    pub fn clear(&mut self) {
        self.reset();
        self.push_root("", "");
    }

    /// Empties the arena altogether, for the reader to fill.
    pub(super) fn reset(&mut self) {
        self.buffer.clear();
        self.items.clear();
        self.attributes.clear();
        self.received_bytes = 0;
    }

    fn push_root(&mut self, namespace: &str, name: &str) {
        let (text, namespace) = (self.push_str(name), self.push_str(namespace));
        self.items.push(Item { text, namespace, end: 1, ..Item::default() });
    }

    /// Returns how many bytes the peer sent for this element, 0 if it was built here.
    pub fn received_bytes(&self) -> u32 {
        self.received_bytes
    }

    /// Returns the outermost element.
    pub fn root(&self) -> Node<'_> {
        Node { element: self, id: 0 }
    }

    /// Returns the element of this id, if the id names one.
    pub fn node(&self, id: NodeId) -> Option<Node<'_>> {
        let item = self.items.get(id as usize)?;
        (!item.is_text).then_some(Node { element: self, id })
    }

    /// Returns the `xml:lang` of the root.
    pub fn xml_lang(&self) -> Option<&str> {
        self.root().attribute_in(ns::XML, "lang")
    }

    /// Sets the `xml:lang` of the root.
    pub fn set_xml_lang(&mut self, language: &str) {
        self.set_attribute_in(0, ns::XML, "lang", Some(language));
    }

    /// Adds an element as the last child of `parent` and returns its id.
    ///
    /// Ids stay as they are when `parent` is on the branch that was added to last, which is how trees are built; else those
    /// of the nodes that follow in document order grow by one. An id that names no element stands for the root.
    pub fn append(&mut self, parent: NodeId, namespace: &str, name: &str) -> NodeId {
        let parent = self.node(parent).map_or(0, |node| node.id);
        let namespace = self.reuse_namespace(parent, namespace);
        let text = self.push_str(name);
        self.insert_item(Item { text, namespace, parent, ..Item::default() })
    }

    /// Adds text after the content of `parent`; ids behave as with [`append`](Self::append).
    pub fn append_text(&mut self, parent: NodeId, text: &str) {
        if text.is_empty() {
            return;
        }
        let parent = self.node(parent).map_or(0, |node| node.id);
        match self.last_child(parent).filter(|&last| self.items[last].is_text) {
            Some(last) => {
                let span = self.items[last].text;
                let mut start = span.start as usize;
                if span.end as usize != self.buffer.len() {
                    start = self.buffer.len();
                    self.buffer.extend_from_within(span.start as usize..span.end as usize);
                }
                self.buffer.push_str(text);
                self.items[last].text = Span::new(start, self.buffer.len());
            }
            None => {
                let text = self.push_str(text);
                self.insert_item(Item { text, parent, is_text: true, ..Item::default() });
            }
        }
    }

    /// Adds a copy of `other` as the last child of `parent` and returns its id.
    pub fn append_element(&mut self, parent: NodeId, other: Node<'_>) -> NodeId {
        let root = self.append(parent, other.namespace(), other.name());
        self.copy_attributes(root, other);
        self.copy_content(root, other);
        root
    }

    /// Sets an attribute without a namespace, or removes it.
    pub fn set_attribute(&mut self, node: NodeId, name: &str, value: Option<&str>) {
        self.set_attribute_in(node, "", name, value);
    }

    /// Sets an attribute of this namespace, or removes it. An id that names no element is passed over.
    pub fn set_attribute_in(&mut self, node: NodeId, namespace: &str, name: &str, value: Option<&str>) {
        let Some(found) = self.node(node) else { return };
        let range = found.item().attributes;
        let position = found.attributes().position(|a| a.name == name && a.namespace == namespace);
        match (position, value) {
            (Some(position), Some(value)) => {
                self.attributes[range.start as usize + position].value = self.push_str(value);
            }
            (Some(position), None) => self.remove_attribute(node, position),
            (None, Some(value)) => {
                let (namespace, name) = (self.push_str(namespace), self.push_str(name));
                let value = self.push_str(value);
                self.push_attribute(node, AttributeItem { namespace, name, value });
            }
            (None, None) => {}
        }
    }

    /// Checks that what was built can be written: names, characters and limits. What the reader returned is always fine.
    pub fn check(&self, limits: &XmlLimits) -> Result<(), XmlError> {
        if self.items.len() > limits.nodes_max as usize {
            return Err(XmlError::TooManyNodes(limits.nodes_max));
        }
        if !chars::is_text(&self.buffer) {
            return Err(XmlError::NotWellFormed("a character that XML does not have"));
        }
        std::iter::once(self.root()).chain(self.root().descendants()).try_for_each(|node| node.check(limits))
    }

    pub(super) fn push_str(&mut self, text: &str) -> Span {
        let start = self.buffer.len();
        self.buffer.push_str(text);
        Span::new(start, self.buffer.len())
    }

    /// A child is mostly of its parent's namespace, which then is not stored again.
    fn reuse_namespace(&mut self, parent: NodeId, namespace: &str) -> Span {
        let span = self.items[parent as usize].namespace;
        if span.of(&self.buffer) == namespace { span } else { self.push_str(namespace) }
    }

    /// Finds what text would be added to, without a walk over the siblings when the parent ends the arena.
    fn last_child(&self, parent: NodeId) -> Option<usize> {
        let end = self.items[parent as usize].end;
        if end as usize == self.items.len() {
            let last = self.items.len() - 1;
            return (self.items[last].parent == parent && last != parent as usize).then_some(last);
        }
        Items { element: self, next: parent + 1, end }.last().map(|id| id as usize)
    }

    /// Puts an item behind the content of its parent.
    fn insert_item(&mut self, mut item: Item) -> NodeId {
        let id = self.items[item.parent as usize].end;
        item.end = id + 1;
        let mut ancestor = item.parent;
        loop {
            self.items[ancestor as usize].end += 1;
            if ancestor == 0 {
                break;
            }
            ancestor = self.items[ancestor as usize].parent;
        }
        for later in &mut self.items[id as usize..] {
            later.end += 1;
            later.parent += u32::from(later.parent >= id);
        }
        self.items.insert(id as usize, item);
        id
    }

    /// Attributes of an element stand together: those of an element that was not the last to get one move to the end.
    fn push_attribute(&mut self, node: NodeId, attribute: AttributeItem) {
        let range = self.items[node as usize].attributes;
        if range.end as usize != self.attributes.len() {
            let start = self.attributes.len();
            self.attributes.extend_from_within(range.start as usize..range.end as usize);
            self.items[node as usize].attributes = Span::new(start, self.attributes.len());
        } else if range.is_empty() {
            self.items[node as usize].attributes.start = range.end;
        }
        self.attributes.push(attribute);
        self.items[node as usize].attributes.end = self.attributes.len() as u32;
    }

    fn remove_attribute(&mut self, node: NodeId, position: usize) {
        let range = self.items[node as usize].attributes;
        self.attributes
            .copy_within(range.start as usize + position + 1..range.end as usize, range.start as usize + position);
        self.items[node as usize].attributes.end -= 1;
    }

    pub(super) fn copy_attributes(&mut self, to: NodeId, from: Node<'_>) {
        for attribute in from.attributes() {
            let (namespace, name) = (self.push_str(attribute.namespace), self.push_str(attribute.name));
            let value = self.push_str(attribute.value);
            self.push_attribute(to, AttributeItem { namespace, name, value });
        }
    }

    /// Copies what is inside `from` behind the content of `to`, without recursion: ids of the copy differ by a constant.
    fn copy_content(&mut self, to: NodeId, from: Node<'_>) {
        let mut copies = vec![to];
        let mut open = vec![from.id];
        for id in from.id + 1..from.item().end {
            let item = from.element.items[id as usize];
            while open.last().is_some_and(|&top| top != item.parent) {
                open.pop();
                copies.pop();
            }
            let parent = copies.last().copied().unwrap_or(to);
            match from.element.node(id) {
                None => self.append_text(parent, item.text.of(&from.element.buffer)),
                Some(node) => {
                    let copy = self.append(parent, node.namespace(), node.name());
                    self.copy_attributes(copy, node);
                    open.push(id);
                    copies.push(copy);
                }
            }
        }
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.items.len() == other.items.len()
            && self.items.iter().zip(&other.items).enumerate().all(|(id, (mine, theirs))| {
                mine.end == theirs.end
                    && mine.is_text == theirs.is_text
                    && mine.text.of(&self.buffer) == theirs.text.of(&other.buffer)
                    && (mine.is_text
                        || same_tag(Node { element: self, id: id as u32 }, Node { element: other, id: id as u32 }))
            })
    }
}

impl Eq for Element {}

fn same_tag(mine: Node<'_>, theirs: Node<'_>) -> bool {
    mine.namespace() == theirs.namespace() && mine.attributes().eq(theirs.attributes())
}

impl fmt::Debug for Element {
    /// Shows the tag only: what people write to each other does not belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn message() -> Element {
        let mut message = Element::new(ns::SERVER, "message");
        message.set_attribute(0, "to", Some("juliet@capulet.example"));
        let body = message.append(0, ns::SERVER, "body");
        message.append_text(body, "hi");
        message.append(0, "urn:x", "x");
        message
    }

    fn names(nodes: impl Iterator<Item = Node<'static>>) -> Vec<&'static str> {
        nodes.map(|node| node.name()).collect()
    }

    #[test]
    fn walks_over_what_was_built() {
        let message: &'static Element = Box::leak(Box::new(message()));
        let root = message.root();
        assert_eq!(names(root.children()), ["body", "x"]);
        assert_eq!(names(root.descendants()), ["body", "x"]);
        let body = root.child(ns::SERVER, "body").unwrap();
        assert_eq!((body.text().as_ref(), body.text_len()), ("hi", 2));
        assert!(body.parent().is_some_and(|parent| parent.id() == 0) && root.parent().is_none());
        assert!(root.child("urn:y", "x").is_none() && root.child("urn:x", "x").is_some());
        assert_eq!(message.node(body.id()).map(|node| node.name()), Some("body"));
        assert!(message.node(body.id() + 1).is_none(), "a text is not a node");
        assert!(message.node(99).is_none());
    }

    #[test]
    fn text_is_an_elements_own() {
        let mut message = message();
        message.append_text(0, "a");
        message.append_text(0, "b");
        assert_eq!(message.root().text(), "ab");
        assert!(matches!(message.root().text(), Cow::Borrowed(_)));
        let x = message.append(0, "", "y");
        message.append_text(x, "inner");
        message.append_text(0, "c");
        assert_eq!((message.root().text().as_ref(), message.root().text_len()), ("abc", 3));
        assert_eq!(message.root().content().count(), 5);
    }

    #[test]
    fn adds_to_an_earlier_branch_too() {
        let mut message = message();
        message.append(1, "urn:y", "y");
        message.append_text(1, "z");
        message.set_attribute(1, "a", Some("1"));
        let xml = "<message to=\"juliet@capulet.example\"><body a=\"1\">hi<y xmlns=\"urn:y\"/>z</body><x xmlns=\"urn:x\"/></message>";
        assert_eq!(message.to_xml(), xml);
        assert_eq!(Element::parse(xml, ns::SERVER, &XmlLimits::default()).as_ref(), Ok(&message));
    }

    #[test]
    fn sets_and_removes_attributes() {
        let mut message = message();
        message.set_attribute(0, "id", Some("1"));
        message.set_attribute(1, "x", Some("y"));
        message.set_attribute(0, "type", Some("chat"));
        message.set_attribute(0, "id", Some("2"));
        message.set_attribute(0, "to", None);
        message.set_attribute(0, "from", None);
        message.set_attribute(77, "from", Some("nobody"));
        message.set_xml_lang("en");
        let attributes: Vec<_> = message.root().attributes().map(|a| (a.namespace, a.name, a.value)).collect();
        assert_eq!(attributes, [("", "id", "2"), ("", "type", "chat"), (ns::XML, "lang", "en")]);
        assert_eq!((message.xml_lang(), message.root().attribute("lang")), (Some("en"), None));
    }

    #[test]
    fn equality_is_of_meaning() {
        let parse = |xml| Element::parse(xml, ns::SERVER, &XmlLimits::default()).unwrap();
        let element = parse("<m a='1' b='2'><x xmlns='urn:x'>a&lt;</x></m>");
        assert_eq!(
            element,
            parse("<p:m xmlns:p='jabber:server' a=\"1\" b='2'><q:x xmlns:q='urn:x'>a<![CDATA[<]]></q:x></p:m>")
        );
        for other in ["<m/>", "<m b='2' a='1'><x xmlns='urn:x'>a&lt;</x></m>", "<m a='1' b='2'><x>a&lt;</x></m>"] {
            assert_ne!(element, parse(other));
        }
    }

    #[test]
    fn a_copy_inside_another_is_the_same() {
        let (inner, mut outer) = (message(), message());
        let copy = outer.append_element(1, inner.root());
        assert_eq!(outer.node(copy).unwrap().child("urn:x", "x").map(|x| x.name()), Some("x"));
        assert_eq!(outer.node(1).unwrap().text(), "hi");
        let mut alone = Element::new(ns::SERVER, "m");
        alone.append_element(0, outer.node(copy).unwrap());
        let mut expected = Element::new(ns::SERVER, "m");
        expected.append_element(0, inner.root());
        assert_eq!(alone, expected);
    }

    #[test]
    fn finds_what_cannot_be_written() {
        let check = |change: fn(&mut Element)| {
            let mut message = message();
            change(&mut message);
            message.check(&XmlLimits::default())
        };
        assert_eq!(check(|_| {}), Ok(()));
        assert!(check(|m| m.append_text(0, "\0")).is_err());
        assert!(check(|m| m.set_attribute(0, "a b", Some(""))).is_err());
        assert!(check(|m| m.set_attribute(0, "xmlns", Some("urn:x"))).is_err());
        assert!(check(|m| m.set_attribute(0, "x:y", Some(""))).is_err());
        assert!(check(|m| _ = m.append(0, "", "1")).is_err());
        assert_eq!(check(|m| _ = (0..65).fold(0, |at, _| m.append(at, "", "a"))), Err(XmlError::TooDeep(64)));
        let many = |m: &mut Element| (0..65).for_each(|i| m.set_attribute(0, &format!("a{i}"), Some("")));
        assert_eq!(check(many), Err(XmlError::TooManyAttributes(64)));
        assert_eq!(check(|m| (0..16_384).for_each(|_| _ = m.append(0, "", "a"))), Err(XmlError::TooManyNodes(16_384)));
    }

    #[test]
    fn a_cleared_arena_has_a_root_without_a_name() {
        let mut message = message();
        message.clear();
        assert_eq!(message, Element::default());
        assert!(message.check(&XmlLimits::default()).is_err());
    }
}
