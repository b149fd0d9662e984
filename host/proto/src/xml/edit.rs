//! A journal of changes, applied in one pass that builds the element anew.
//!
//! filters write the journal while they read the element as it was, so ids stay what they were until the pass.

use super::element::{Element, NodeId};
use super::node::Node;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::XmlLimits;
    use crate::ns;

    const MESSAGE: &str = "<message to=\"a\">1<body x=\"y\">hi<b>!</b></body>2<x xmlns=\"urn:x\"><c/></x></message>";

    fn parse(xml: &str) -> Element {
        Element::parse(xml, ns::SERVER, &XmlLimits::default()).unwrap()
    }

    /// The id of the first element of this name.
    fn id(name: &str) -> NodeId {
        parse(MESSAGE).root().descendants().find(|node| node.name() == name).unwrap().id()
    }

    fn edited(edits: &[Edit]) -> String {
        parse(MESSAGE).edited(edits).to_xml()
    }

    fn attribute(node: NodeId, name: &str, value: Option<&str>) -> Edit {
        Edit::SetAttribute { node, name: name.into(), value: value.map(Into::into) }
    }

    fn text(node: NodeId, text: &str) -> Edit {
        Edit::SetText { node, text: text.into() }
    }

    fn insert(parent: NodeId, xml: &str) -> Edit {
        Edit::Insert { parent, element: parse(xml) }
    }

    #[test]
    fn no_edits_change_nothing() {
        assert_eq!(parse(MESSAGE).edited(&[]), parse(MESSAGE));
        assert_eq!(
            parse(MESSAGE).edited(&[text(99, "x"), Edit::Remove { node: 1 }]),
            parse(MESSAGE),
            "ids of no element"
        );
    }

    #[test]
    fn sets_attributes_in_order() {
        let edits = [
            attribute(0, "to", None),
            attribute(id("body"), "x", Some("z")),
            attribute(0, "id", Some("1")),
            attribute(0, "id", Some("2")),
        ];
        let expected = "<message id=\"2\">1<body x=\"z\">hi<b>!</b></body>2<x xmlns=\"urn:x\"><c/></x></message>";
        assert_eq!(edited(&edits), expected);
    }

    #[test]
    fn text_replaces_all_content_and_what_was_put_in_before() {
        let body = id("body");
        let edits = [insert(body, "<i/>"), text(id("b"), "?"), text(body, "new"), insert(body, "<j/>")];
        let expected = "<message to=\"a\">1<body x=\"y\">new<j/></body>2<x xmlns=\"urn:x\"><c/></x></message>";
        assert_eq!(edited(&edits), expected);
    }

    #[test]
    fn inserts_behind_the_content() {
        let edits = [
            insert(0, "<z xmlns='urn:x'>t<u/></z>"),
            insert(id("c"), "<d/>"),
            insert(id("body"), "<i/>"),
            insert(0, "<y/>"),
        ];
        let expected = "<message to=\"a\">1<body x=\"y\">hi<b>!</b><i/></body>2<x xmlns=\"urn:x\"><c><d xmlns=\"jabber:server\"/></c></x>\
            <z xmlns=\"urn:x\">t<u/></z><y/></message>";
        assert_eq!(edited(&edits), expected);
    }

    #[test]
    fn removes_and_joins_the_text_around() {
        let result = parse(MESSAGE).edited(&[
            Edit::Remove { node: id("body") },
            text(id("b"), "gone"),
            Edit::Remove { node: 0 },
        ]);
        assert_eq!(result.to_xml(), "<message to=\"a\">12<x xmlns=\"urn:x\"><c/></x></message>");
        assert_eq!(result.root().content().count(), 2);
    }

    #[test]
    fn replaces_an_element_in_its_place() {
        let edits =
            [Edit::Replace { node: id("body"), element: parse("<body>[removed]</body>") }, text(id("body"), "late")];
        let expected = "<message to=\"a\">1<body>[removed]</body>2<x xmlns=\"urn:x\"><c/></x></message>";
        assert_eq!(edited(&edits), expected);
        assert_eq!(edited(&[Edit::Replace { node: 0, element: parse("<iq/>") }]), "<iq/>");
    }
}
