//! The host in a filter's tests: the same selectors, interests and journal as in the proxy, over the same tree, without a sandbox.

use std::cell::RefCell;
use std::fmt;

use refrain_filter::{Interest, InterestSet, Journal, Selector};
use refrain_proto::Element;

use crate::bindings::refrain::filter::setup as wit;
use crate::{Child, EditError, Level, Node, StreamCondition};

/// What a filter declared while it was configured.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    pub(crate) interests: InterestSet,
    pub(crate) selectors: Vec<Selector>,
}

impl Setup {
    pub(crate) fn add_interest(&mut self, interest: wit::Interest) -> Result<u32, String> {
        let interest = Interest {
            directions: interest.directions,
            kinds: interest.kinds,
            types: interest.types,
            bits_any: interest.bits_any,
            payload_ns: interest.payload_ns,
            from_domains: interest.from_domains,
            to_domains: interest.to_domains,
            min_size: interest.min_size,
        };
        self.interests.add(interest).map_err(|error| error.to_string())
    }

    pub(crate) fn selector(&mut self, path: &str) -> Result<u32, String> {
        self.selectors.push(Selector::compile(path).map_err(|error| error.to_string())?);
        Ok(self.selectors.len() as u32 - 1)
    }

    pub(crate) fn counter(&mut self, name: &str, help: &str) -> Result<u32, String> {
        super::open_counter(name, help)
    }

    pub(crate) fn limiter(&mut self, name: &str, burst: u32, per_second: f64) -> Result<u32, String> {
        super::open_limiter(name, burst, per_second)
    }

    pub(crate) fn list(&mut self, name: &str) -> Result<u32, String> {
        super::open_list(name)
    }

    pub(crate) fn bucket(&mut self, name: &str) -> Result<u32, String> {
        super::open_bucket(name)
    }
}

/// One call of a filter: the stanza it sees and what it leaves behind.
pub(crate) struct Call<'a> {
    pub(crate) element: &'a Element,
    pub(crate) selectors: &'a [Selector],
    pub(crate) journal: RefCell<Journal>,
    pub(crate) reason: RefCell<Option<String>>,
}

#[derive(Clone, Copy)]
pub(crate) struct Stanza<'a>(pub(crate) &'a Call<'a>);

impl fmt::Debug for Stanza<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.element.to_xml())
    }
}

impl Stanza<'_> {
    fn selector(&self, selector: u32) -> Option<&Selector> {
        self.0.selectors.get(selector as usize)
    }

    pub(crate) fn test(&self, selector: u32) -> bool {
        self.selector(selector).is_some_and(|selector| selector.test(self.0.element))
    }

    pub(crate) fn count(&self, selector: u32) -> u32 {
        self.selector(selector).map_or(0, |selector| selector.count(self.0.element))
    }

    pub(crate) fn text(&self, selector: u32) -> Option<String> {
        Some(self.selector(selector)?.text(self.0.element)?.into_owned())
    }

    pub(crate) fn texts(&self, selector: u32, max: u32) -> Vec<String> {
        let texts = self.selector(selector).map(|selector| selector.texts(self.0.element, max as usize));
        texts.unwrap_or_default().into_iter().map(|text| text.into_owned()).collect()
    }

    pub(crate) fn find(&self, selector: u32, max: u32) -> Vec<u32> {
        self.selector(selector).map(|selector| selector.find(self.0.element, max as usize)).unwrap_or_default()
    }

    pub(crate) fn children(&self, node: u32) -> Vec<Child> {
        let child = |node: refrain_proto::Node<'_>| Child {
            node: Node::new(node.id()),
            name: node.name().to_owned(),
            namespace: node.namespace().to_owned(),
            text_len: node.text_len() as u32,
            child_count: node.children().count() as u32,
        };
        self.0.element.node(node).map(|node| node.children().map(child).collect()).unwrap_or_default()
    }

    pub(crate) fn attr(&self, node: u32, name: &str) -> Option<String> {
        self.0.element.node(node)?.attribute(name).map(str::to_owned)
    }

    pub(crate) fn xml(&self, node: u32, max: u32) -> String {
        let mut out = Vec::new();
        if let Some(node) = self.0.element.node(node) {
            node.write(&mut out);
        }
        let mut xml = String::from_utf8_lossy(&out).into_owned();
        xml.truncate(xml.floor_char_boundary(max as usize));
        xml
    }

    pub(crate) fn reason(&self, text: &str) {
        self.0.reason.replace(Some(text[..text.floor_char_boundary(256)].to_owned()));
    }

    pub(crate) fn set_attr(&self, node: u32, name: &str, value: Option<&str>) -> Result<(), EditError> {
        self.edit(|journal, element| journal.set_attribute(element, node, name.to_owned(), value.map(str::to_owned)))
    }

    pub(crate) fn set_text(&self, node: u32, value: &str) -> Result<(), EditError> {
        self.edit(|journal, element| journal.set_text(element, node, value.to_owned()))
    }

    pub(crate) fn insert_xml(&self, parent: u32, xml: &str) -> Result<(), EditError> {
        self.edit(|journal, element| journal.insert(element, parent, xml))
    }

    pub(crate) fn replace_xml(&self, node: u32, xml: &str) -> Result<(), EditError> {
        self.edit(|journal, element| journal.replace(element, node, xml))
    }

    pub(crate) fn remove(&self, node: u32) -> Result<(), EditError> {
        self.edit(|journal, element| journal.remove(element, node))
    }

    pub(crate) fn remove_all(&self, selector: u32) -> Result<u32, EditError> {
        match self.selector(selector) {
            Some(selector) => self.edit(|journal, element| journal.remove_all(element, selector)),
            None => Ok(0),
        }
    }

    fn edit<T>(
        &self,
        make: impl FnOnce(&mut Journal, &Element) -> Result<T, refrain_filter::EditError>,
    ) -> Result<T, EditError> {
        make(&mut self.0.journal.borrow_mut(), self.0.element).map_err(|error| match error {
            refrain_filter::EditError::NoSuchNode => EditError::NoSuchNode,
            refrain_filter::EditError::NotWellFormed => EditError::NotWellFormed,
            refrain_filter::EditError::ForbiddenTarget => EditError::ForbiddenTarget,
            refrain_filter::EditError::BudgetExceeded => EditError::BudgetExceeded,
        })
    }
}

/// What the host makes of a rich verdict; natively, the verdict itself is looked at.
#[derive(Debug)]
pub(crate) struct Action;

pub(crate) fn redirect(_: &str) -> Action {
    Action
}

pub(crate) fn close_stream(_: StreamCondition, _: Option<&str>) -> Action {
    Action
}

pub(crate) fn reply(_: &str) -> Action {
    Action
}

pub(crate) fn delay(_: u32) -> Action {
    Action
}

pub(crate) fn log_enabled(_: Level) -> bool {
    true
}

pub(crate) fn write_log(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}
