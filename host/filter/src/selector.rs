//! Selectors: a small path language over the parsed stanza, compiled once and evaluated without backtracking.
//!
//! ```text
//! body                              the body of the stanza, in the stanza's own namespace
//! {urn:xmpp:jingle:1}jingle/{*}description    a grandchild in any namespace
//! //{jabber:x:oob}x/url             at any depth
//! {http://jabber.org/protocol/muc#*}x         by prefix of the namespace
//! {urn:x}*[@type='a'][@id]/@id      an attribute, of elements that have two
//! @id                               an attribute of the stanza itself
//! ```

mod parse;
mod walk;

use std::borrow::Cow;
use std::ops::ControlFlow;

use refrain_proto::{Element, Node, NodeId};

pub use parse::SelectorError;

/// A compiled selector.
#[derive(Clone, Debug)]
pub struct Selector {
    source: Box<str>,
    steps: Box<[Step]>,
    attribute: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// Reached by `//`: any descendant, not only a child.
    descends: bool,
    namespace: NamespaceTest,
    /// `None` for `*`.
    name: Option<Box<str>>,
    attributes: Box<[AttributeTest]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum NamespaceTest {
    Any,
    Whole(Box<str>),
    Prefix(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct AttributeTest {
    name: Box<str>,
    /// `None` for `[@a]`: any value.
    value: Option<Box<str>>,
}

impl Selector {
    /// A selector is written by hand; longer ones are mistakes.
    pub const SOURCE_BYTES_MAX: usize = 1024;
    /// One bit of the walker's state each.
    pub const STEPS_MAX: usize = 16;

    /// Compiles a selector; the error tells what was expected where.
    pub fn compile(source: &str) -> Result<Selector, SelectorError> {
        parse::selector(source)
    }

    /// Returns the selector as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it selects an attribute, not elements.
    pub fn is_attribute(&self) -> bool {
        self.attribute.is_some()
    }

    /// Whether anything matches.
    pub fn test(&self, element: &Element) -> bool {
        self.first(element, |_| Some(())).is_some()
    }

    /// Returns how many nodes match.
    pub fn count(&self, element: &Element) -> u32 {
        let mut count = 0;
        self.each(element, |_| {
            count += 1;
            ControlFlow::Continue(())
        });
        count
    }

    /// Returns the text of the first match: an element's own character data, an attribute's value.
    pub fn text<'e>(&self, element: &'e Element) -> Option<Cow<'e, str>> {
        self.first(element, |node| self.text_of(node))
    }

    /// Returns the texts of at most `max` matches, in document order.
    pub fn texts<'e>(&self, element: &'e Element, max: usize) -> Vec<Cow<'e, str>> {
        self.collect(element, max, |node| self.text_of(node))
    }

    /// Returns at most `max` matching elements, in document order; of an attribute, the elements that carry it.
    pub fn find(&self, element: &Element, max: usize) -> Vec<NodeId> {
        self.collect(element, max, |node| Some(node.id()))
    }

    fn text_of<'e>(&self, node: Node<'e>) -> Option<Cow<'e, str>> {
        match &self.attribute {
            Some(name) => node.attribute(name).map(Cow::Borrowed),
            None => Some(node.text()),
        }
    }

    fn first<'e, T>(&self, element: &'e Element, mut take: impl FnMut(Node<'e>) -> Option<T>) -> Option<T> {
        let mut found = None;
        self.each(element, |node| {
            found = take(node);
            ControlFlow::Break(())
        });
        found
    }

    fn collect<'e, T>(&self, element: &'e Element, max: usize, mut take: impl FnMut(Node<'e>) -> Option<T>) -> Vec<T> {
        let mut found = Vec::new();
        if max == 0 {
            return found;
        }
        self.each(element, |node| {
            found.extend(take(node));
            if found.len() == max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        found
    }

    /// Visits every match in document order until told to stop.
    fn each<'e>(&self, element: &'e Element, mut visit: impl FnMut(Node<'e>) -> ControlFlow<()>) {
        let attribute = self.attribute.as_deref();
        let _ = walk::walk(&self.steps, element, &mut |node: Node<'e>| match attribute {
            Some(name) if node.attribute(name).is_none() => ControlFlow::Continue(()),
            _ => visit(node),
        });
    }
}

impl Step {
    fn matches(&self, node: Node<'_>) -> bool {
        self.name.as_deref().is_none_or(|name| name == node.name())
            && self.namespace.matches(node.namespace())
            && self.attributes.iter().all(|test| test.matches(node))
    }
}

impl NamespaceTest {
    fn matches(&self, namespace: &str) -> bool {
        match self {
            NamespaceTest::Any => true,
            NamespaceTest::Whole(whole) => **whole == *namespace,
            NamespaceTest::Prefix(prefix) => namespace.starts_with(&**prefix),
        }
    }
}

impl AttributeTest {
    fn matches(&self, node: Node<'_>) -> bool {
        match (node.attribute(&self.name), &self.value) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(found), Some(wanted)) => found == &**wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use refrain_proto::Stanza;

    const STANZA: &str = "<message type='chat' id='m1' from='eve@evil.example/x' to='alice@home.example'>\
        <body>hello</body>\
        <x xmlns='jabber:x:oob'><url>https://a.example</url></x>\
        <reference xmlns='urn:xmpp:reference:0' type='data'><media><url id='u'>https://b.example</url></media></reference>\
        <a xmlns='urn:a'><a><b n='1'><a><b n='2'/></a></b></a></a>\
        </message>";

    fn with<T>(selector: &str, ask: impl FnOnce(&Selector, &Element) -> T) -> T {
        let stanza = Stanza::parse(STANZA).unwrap();
        ask(&Selector::compile(selector).unwrap(), stanza.element())
    }

    fn texts(selector: &str) -> Vec<String> {
        with(selector, |s, e| s.texts(e, 100).into_iter().map(Cow::into_owned).collect())
    }

    #[test]
    fn a_bare_name_is_a_child_in_the_stanzas_own_namespace() {
        assert_eq!(texts("body"), ["hello"]);
        assert!(texts("url").is_empty());
        assert!(texts("x").is_empty());
    }

    #[test]
    fn steps_descend_by_one_or_by_any_number() {
        assert_eq!(texts("{jabber:x:oob}x/{jabber:x:oob}url"), ["https://a.example"]);
        assert_eq!(texts("//{*}url"), ["https://a.example", "https://b.example"]);
        assert_eq!(texts("{urn:xmpp:reference:0}reference//{*}url"), ["https://b.example"]);
        assert!(texts("{urn:xmpp:reference:0}reference/{*}url").is_empty());
    }

    #[test]
    fn namespaces_match_by_prefix() {
        assert_eq!(texts("{urn:xmpp:*}*/{*}media/{*}url"), ["https://b.example"]);
        assert!(!with("{urn:xmpp:references*}*", Selector::test));
    }

    #[test]
    fn attributes_are_tested_and_selected() {
        assert_eq!(texts("{urn:xmpp:reference:0}reference[@type='data']/@type"), ["data"]);
        assert!(!with("{urn:xmpp:reference:0}reference[@type='mention']", Selector::test));
        assert_eq!(texts("//{*}url[@id]"), ["https://b.example"]);
        assert_eq!(texts("@id"), ["m1"]);
        assert!(!with("body/@id", Selector::test));
    }

    #[test]
    fn nested_matches_are_each_found_once_and_in_document_order() {
        assert_eq!(texts("//{urn:a}a//{urn:a}b/@n"), ["1", "2"]);
        assert_eq!(with("//{urn:a}a/{urn:a}b", Selector::count), 2);
        assert_eq!(with("//{urn:a}a", Selector::count), 3);
        assert_eq!(with("//{urn:a}*", |s, e| s.find(e, 2)).len(), 2);
    }

    #[test]
    fn max_bounds_what_is_returned() {
        assert_eq!(with("//{*}url", |s, e| s.texts(e, 1).len()), 1);
        assert_eq!(with("//{*}url", |s, e| s.texts(e, 0).len()), 0);
    }
}
