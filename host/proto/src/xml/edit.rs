//! A journal of changes, applied in one pass that builds the element anew.
//!
//! filters write the journal while they read the element as it was, so ids stay what they were until the pass.

use super::element::{Element, Node, NodeId};

/// One change; ids are those of the element before any change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Sets an attribute without a namespace, or removes it.
    SetAttribute {
        /// The element to change.
        node: NodeId,
        /// The attribute.
        name: String,
        /// The new value; `None` removes the attribute.
        value: Option<String>,
    },
    /// Replaces all content of an element by text.
    SetText {
        /// The element to change.
        node: NodeId,
        /// The new text.
        text: String,
    },
    /// Adds an element as the last child of `parent`.
    Insert {
        /// The element to add to.
        parent: NodeId,
        /// What is added.
        element: Element,
    },
    /// Puts another element in the place of one.
    Replace {
        /// The element that goes.
        node: NodeId,
        /// The element that comes.
        element: Element,
    },
    /// Removes an element with all that is in it; the root stays.
    Remove {
        /// The element that goes.
        node: NodeId,
    },
}

impl Edit {
    fn node(&self) -> NodeId {
        match self {
            Self::SetAttribute { node, .. } | Self::SetText { node, .. } | Self::Replace { node, .. } => *node,
            Self::Insert { parent, .. } => *parent,
            Self::Remove { node } => *node,
        }
    }
}

impl Element {
    /// Returns the element with the edits applied in order.
    ///
    /// An edit of an element that is gone, because it or one around it was removed, replaced or given new text, has no
    /// effect, whichever came first; nor has one whose id names no element.
    pub fn edited(&self, edits: &[Edit]) -> Element {
        let mut order: Vec<&Edit> = edits.iter().collect();
        // Stable: the edits of one node stay in order, and the pass meets the nodes in the order of their ids.
        order.sort_by_key(|edit| edit.node());
        Rebuild { source: self, edits: &order, open: Vec::new() }.run()
    }
}

/// An element of the source whose copy is being filled.
struct Open<'e> {
    end: NodeId,
    copy: NodeId,
    /// What comes behind its content.
    inserts: Vec<&'e Element>,
}

struct Rebuild<'e> {
    source: &'e Element,
    /// Those of nodes not met yet, by node.
    edits: &'e [&'e Edit],
    open: Vec<Open<'e>>,
}

/// What the edits make of one node.
#[derive(Default)]
struct Fate<'e> {
    gone: bool,
    replacement: Option<&'e Element>,
    attributes: Vec<(&'e str, Option<&'e str>)>,
    text: Option<&'e str>,
    inserts: Vec<&'e Element>,
}

impl<'e> Rebuild<'e> {
    fn run(mut self) -> Element {
        let root_fate = self.fate(0);
        if let Some(replacement) = root_fate.replacement {
            return replacement.clone();
        }
        let root = self.source.root();
        let mut target = Element::new(root.namespace(), root.name());
        let mut next = self.fill(&mut target, 0, root, root_fate);
        while let Some(item) = self.source.items.get(next as usize) {
            self.close_before(next, &mut target);
            let parent = self.open.last().map_or(0, |open| open.copy);
            next = match self.source.node(next) {
                Some(node) => self.element(&mut target, parent, node),
                None => {
                    target.append_text(parent, item.text.of(&self.source.buffer));
                    next + 1
                }
            };
        }
        self.close_before(self.source.items.len() as NodeId, &mut target);
        target
    }

    /// Copies one element as its edits want it; returns the id to go on with.
    fn element(&mut self, target: &mut Element, parent: NodeId, node: Node<'e>) -> NodeId {
        let fate = self.fate(node.id());
        if let Some(replacement) = fate.replacement {
            target.append_element(parent, replacement.root());
        }
        if fate.gone || fate.replacement.is_some() {
            return node.item().end;
        }
        let copy = target.append(parent, node.namespace(), node.name());
        self.fill(target, copy, node, fate)
    }

    fn fill(&mut self, target: &mut Element, copy: NodeId, node: Node<'e>, fate: Fate<'e>) -> NodeId {
        target.copy_attributes(copy, node);
        for (name, value) in fate.attributes {
            target.set_attribute(copy, name, value);
        }
        if let Some(text) = fate.text {
            target.append_text(copy, text);
            insert_all(target, copy, &fate.inserts);
            return node.item().end;
        }
        self.open.push(Open { end: node.item().end, copy, inserts: fate.inserts });
        node.id() + 1
    }

    /// Completes the elements of the source that end before `id`.
    fn close_before(&mut self, id: NodeId, target: &mut Element) {
        while let Some(done) = self.open.pop_if(|open| open.end <= id) {
            insert_all(target, done.copy, &done.inserts);
        }
    }

    /// Takes the edits of a node off the list, and those of nodes left out before it.
    fn fate(&mut self, node: NodeId) -> Fate<'e> {
        let passed = self.edits.partition_point(|edit| edit.node() < node);
        let (own, rest) =
            self.edits[passed..].split_at(self.edits[passed..].partition_point(|edit| edit.node() == node));
        self.edits = rest;
        let mut fate = Fate::default();
        for edit in own {
            fate.apply(edit);
        }
        fate
    }
}

impl<'e> Fate<'e> {
    fn apply(&mut self, edit: &'e Edit) {
        if self.gone || self.replacement.is_some() {
            return;
        }
        match edit {
            Edit::SetAttribute { name, value, .. } => self.attributes.push((name, value.as_deref())),
            Edit::SetText { text, .. } => {
                self.text = Some(text);
                self.inserts.clear();
            }
            Edit::Insert { element, .. } => self.inserts.push(element),
            Edit::Replace { element, .. } => self.replacement = Some(element),
            Edit::Remove { node } => self.gone = *node != 0,
        }
    }
}

fn insert_all(target: &mut Element, parent: NodeId, elements: &[&Element]) {
    for element in elements {
        target.append_element(parent, element.root());
    }
}
