//! The stanza to judge: questions to the host, which keeps the tree.

use crate::{EditError, Selector, host};

/// The stanza to judge, as it was when the call began: edits become visible to the filters after this one.
///
/// No getter fails: what is not there is `None`, empty or zero.
#[derive(Debug)]
pub struct Stanza<'a> {
    host: host::Stanza<'a>,
}

impl<'a> Stanza<'a> {
    pub(crate) fn new(host: host::Stanza<'a>) -> Self {
        Stanza { host }
    }

    /// Whether a selector matches. The cheap way to look deep: nothing is copied into the filter.
    pub fn test(&self, selector: Selector) -> bool {
        self.host.test(selector.index())
    }

    /// How many nodes a selector matches.
    pub fn count(&self, selector: Selector) -> u32 {
        self.host.count(selector.index())
    }

    /// The text of the first match: an element's own character data, an attribute's value.
    pub fn text(&self, selector: Selector) -> Option<String> {
        self.host.text(selector.index())
    }

    /// The texts of the matches in document order, at most `max`.
    pub fn texts(&self, selector: Selector, max: u32) -> Vec<String> {
        self.host.texts(selector.index(), max)
    }

    /// The matching elements in document order, at most `max`.
    pub fn find(&self, selector: Selector, max: u32) -> Vec<Node> {
        self.host.find(selector.index(), max).into_iter().map(Node).collect()
    }

    /// The child elements of a node.
    pub fn children(&self, node: Node) -> Vec<Child> {
        self.host.children(node.0)
    }

    /// The value of an attribute without a namespace.
    pub fn attr(&self, node: Node, name: &str) -> Option<String> {
        self.host.attr(node.0, name)
    }

    /// The canonical XML of one subtree, cut at `max` bytes at a character boundary.
    pub fn xml(&self, node: Node, max: u32) -> String {
        self.host.xml(node.0, max)
    }

    /// Tells the operator why: shown in log and audit, never sent on the wire. The last one counts; at most 256 bytes.
    pub fn reason(&self, text: &str) {
        self.host.reason(text);
    }
}

/// Edits. The host notes them and applies them only with a verdict that lets the stanza go on.
///
/// The stanza's own `type` and `id` are [`EditError::ForbiddenTarget`]. So are its addresses, unless the operator grants
/// `edit-addresses`: then `set_attr` changes their local part and resource, never the domain.
impl Stanza<'_> {
    /// Sets an attribute without a namespace, or removes it.
    pub fn set_attr(&self, node: Node, name: &str, value: Option<&str>) -> Result<(), EditError> {
        self.host.set_attr(node.0, name, value)
    }

    /// Replaces all content of an element by text.
    pub fn set_text(&self, node: Node, value: &str) -> Result<(), EditError> {
        self.host.set_text(node.0, value)
    }

    /// Appends one element, given as XML, to the children of `parent`.
    pub fn insert_xml(&self, parent: Node, xml: &str) -> Result<(), EditError> {
        self.host.insert_xml(parent.0, xml)
    }

    /// Replaces an element by another, given as XML.
    pub fn replace_xml(&self, node: Node, xml: &str) -> Result<(), EditError> {
        self.host.replace_xml(node.0, xml)
    }

    /// Removes an element.
    pub fn remove(&self, node: Node) -> Result<(), EditError> {
        self.host.remove(node.0)
    }

    /// Removes all elements that a selector matches; returns how many.
    pub fn remove_all(&self, selector: Selector) -> Result<u32, EditError> {
        self.host.remove_all(selector.index())
    }
}

/// One element of the stanza. Good for the call in which it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(u32);

impl Node {
    /// The stanza itself.
    pub const ROOT: Node = Node(0);

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn new(id: u32) -> Self {
        Node(id)
    }
}

/// What [`Stanza::children`] tells of a child element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The element, for further questions.
    pub node: Node,
    /// Its local name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The bytes of its own character data.
    pub text_len: u32,
    /// The number of its child elements.
    pub child_count: u32,
}

#[cfg(target_arch = "wasm32")]
impl From<crate::bindings::refrain::filter::tree::NodeInfo> for Child {
    fn from(info: crate::bindings::refrain::filter::tree::NodeInfo) -> Self {
        Child {
            node: Node(info.node),
            name: info.name,
            namespace: info.ns,
            text_len: info.text_len,
            child_count: info.child_count,
        }
    }
}
