//! An element as a flat tree: its nodes in document order in one list, all their strings in one buffer.
//!
//! reader → **element** → writer. An arena is filled, judged, written and filled again; warm, that allocates nothing.

use std::borrow::Cow;
use std::fmt;
use std::iter::FusedIterator;

use super::XmlError;
use super::chars;
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

/// An element inside an arena.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    element: &'a Element,
    id: NodeId,
}

/// An attribute that is not a namespace declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its namespace; empty for an attribute without a prefix.
    pub namespace: &'a str,
    /// Its local name.
    pub name: &'a str,
    /// Its value, normalised and with references resolved.
    pub value: &'a str,
}

/// A part of an element's content.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// A child element.
    Element(Node<'a>),
    /// A run of text, never empty and never next to another.
    Text(&'a str),
}

impl fmt::Debug for Node<'_> {
    /// Shows the tag only, as that of an element does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({}: {{{}}}{})", self.id, self.namespace(), self.name())
    }
}

impl<'a> Node<'a> {
    pub(super) fn item(&self) -> &'a Item {
        &self.element.items[self.id as usize]
    }

    pub(super) fn arena(&self) -> &'a Element {
        self.element
    }

    fn str(&self, span: Span) -> &'a str {
        span.of(&self.element.buffer)
    }

    /// Returns the id of this element in its arena.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Returns the local name.
    pub fn name(&self) -> &'a str {
        self.str(self.item().text)
    }

    /// Returns the namespace, empty if there is none.
    pub fn namespace(&self) -> &'a str {
        self.str(self.item().namespace)
    }

    /// Tells whether the element has this expanded name.
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.name() == name && self.namespace() == namespace
    }

    /// Returns the value of an attribute without a namespace.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attribute_in("", name)
    }

    /// Returns the value of an attribute of this namespace.
    pub fn attribute_in(&self, namespace: &str, name: &str) -> Option<&'a str> {
        self.attributes().find(|a| a.name == name && a.namespace == namespace).map(|a| a.value)
    }

    /// Returns the attributes in the order they were written, namespace declarations left out.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = Attribute<'a>> + use<'a> {
        let range = self.item().attributes;
        let buffer = self.element.buffer.as_str();
        self.element.attributes[range.start as usize..range.end as usize].iter().map(|item| Attribute {
            namespace: item.namespace.of(buffer),
            name: item.name.of(buffer),
            value: item.value.of(buffer),
        })
    }

    /// Returns what is directly inside, in order.
    pub fn content(&self) -> impl FusedIterator<Item = Content<'a>> + use<'a> {
        let node = *self;
        Items { element: self.element, next: self.id + 1, end: self.item().end }.map(move |id| {
            let item = &node.element.items[id as usize];
            match item.is_text {
                true => Content::Text(node.str(item.text)),
                false => Content::Element(Node { element: node.element, id }),
            }
        })
    }

    /// Returns the elements directly inside, in order.
    pub fn children(&self) -> impl FusedIterator<Item = Node<'a>> + use<'a> {
        let element = self.element;
        Items { element, next: self.id + 1, end: self.item().end }.filter_map(|id| element.node(id))
    }

    /// Returns the first child of this expanded name.
    pub fn child(&self, namespace: &str, name: &str) -> Option<Node<'a>> {
        self.children().find(|child| child.is(namespace, name))
    }

    /// Returns every element below this one, in document order.
    pub fn descendants(&self) -> impl FusedIterator<Item = Node<'a>> + use<'a> {
        let element = self.element;
        (self.id + 1..self.item().end).filter_map(|id| element.node(id))
    }

    /// Returns the element this one is in; the root is in none.
    pub fn parent(&self) -> Option<Node<'a>> {
        (self.id != 0).then(|| Node { element: self.element, id: self.item().parent })
    }

    /// Returns its own character data, that of its children left out; borrowed when it is one run.
    pub fn text(&self) -> Cow<'a, str> {
        let mut runs = self.texts();
        let first = runs.next().unwrap_or_default();
        let mut text = Cow::Borrowed(first);
        runs.for_each(|run| text.to_mut().push_str(run));
        text
    }

    /// Returns the length of [`text`](Self::text) in bytes.
    pub fn text_len(&self) -> usize {
        self.texts().map(str::len).sum()
    }

    fn texts(&self) -> impl FusedIterator<Item = &'a str> + use<'a> {
        self.content().filter_map(|content| match content {
            Content::Text(text) => Some(text),
            Content::Element(_) => None,
        })
    }

    fn depth(&self) -> usize {
        std::iter::successors(Some(*self), Node::parent).count()
    }

    fn check(&self, limits: &XmlLimits) -> Result<(), XmlError> {
        if self.depth() > limits.depth_max as usize {
            return Err(XmlError::TooDeep(limits.depth_max));
        }
        if self.attributes().len() > limits.attributes_max as usize {
            return Err(XmlError::TooManyAttributes(limits.attributes_max));
        }
        if !chars::is_name(self.name()) || self.attributes().any(|a| !chars::is_name(a.name)) {
            return Err(XmlError::NotWellFormed("not a name"));
        }
        let declares = |a: Attribute<'_>| a.namespace == ns::XMLNS || (a.namespace.is_empty() && a.name == "xmlns");
        if self.namespace() == ns::XMLNS || self.attributes().any(declares) {
            return Err(XmlError::NotWellFormed("a namespace declaration as an element or attribute"));
        }
        Ok(())
    }
}

/// Walks over siblings, elements and texts.
struct Items<'a> {
    element: &'a Element,
    next: NodeId,
    end: NodeId,
}

impl Iterator for Items<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let id = self.next;
        if id >= self.end {
            return None;
        }
        self.next = self.element.items[id as usize].end;
        Some(id)
    }
}

impl FusedIterator for Items<'_> {}
