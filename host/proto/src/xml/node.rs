//! Reading an element: views of one node of the arena, which are copied freely.

use std::borrow::Cow;
use std::fmt;
use std::iter::FusedIterator;

use super::XmlError;
use super::chars;
use super::element::{Element, Item, NodeId, Span};
use super::scope::check_namespace;
use crate::limits::XmlLimits;
use crate::ns;

/// An element inside an arena.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    pub(super) element: &'a Element,
    pub(super) id: NodeId,
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

    pub(super) fn check(&self, limits: &XmlLimits) -> Result<(), XmlError> {
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
        check_namespace(self.namespace())?;
        self.attributes().try_for_each(|a| check_namespace(a.namespace))
    }
}

/// Walks over siblings, elements and texts.
pub(super) struct Items<'a> {
    pub(super) element: &'a Element,
    pub(super) next: NodeId,
    pub(super) end: NodeId,
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
