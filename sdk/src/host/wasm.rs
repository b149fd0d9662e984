//! The host behind the component's imports. What a filter does not call is not imported.

use crate::bindings::refrain::filter::{annotate, edit, log, setup, tree};
use crate::{Child, EditError, Level};

#[derive(Debug, Default)]
pub(crate) struct Setup;

impl Setup {
    pub(crate) fn add_interest(&mut self, interest: setup::Interest) -> Result<u32, String> {
        setup::add_interest(&interest)
    }

    pub(crate) fn selector(&mut self, path: &str) -> Result<u32, String> {
        setup::selector(path)
    }
}

#[derive(Debug)]
pub(crate) struct Stanza<'a>(pub(crate) &'a tree::Stanza);

impl Stanza<'_> {
    pub(crate) fn test(&self, selector: u32) -> bool {
        self.0.test(selector)
    }

    pub(crate) fn count(&self, selector: u32) -> u32 {
        self.0.count(selector)
    }

    pub(crate) fn text(&self, selector: u32) -> Option<String> {
        self.0.text(selector)
    }

    pub(crate) fn texts(&self, selector: u32, max: u32) -> Vec<String> {
        self.0.texts(selector, max)
    }

    pub(crate) fn find(&self, selector: u32, max: u32) -> Vec<u32> {
        self.0.find(selector, max)
    }

    pub(crate) fn children(&self, node: u32) -> Vec<Child> {
        self.0.children(node).into_iter().map(Child::from).collect()
    }

    pub(crate) fn attr(&self, node: u32, name: &str) -> Option<String> {
        self.0.attr(node, name)
    }

    pub(crate) fn xml(&self, node: u32, max: u32) -> String {
        self.0.xml(node, max)
    }

    pub(crate) fn reason(&self, text: &str) {
        annotate::reason(self.0, text);
    }

    pub(crate) fn set_attr(&self, node: u32, name: &str, value: Option<&str>) -> Result<(), EditError> {
        edit::set_attr(self.0, node, name, value)
    }

    pub(crate) fn set_text(&self, node: u32, value: &str) -> Result<(), EditError> {
        edit::set_text(self.0, node, value)
    }

    pub(crate) fn insert_xml(&self, parent: u32, xml: &str) -> Result<(), EditError> {
        edit::insert_xml(self.0, parent, xml)
    }

    pub(crate) fn replace_xml(&self, node: u32, xml: &str) -> Result<(), EditError> {
        edit::replace_xml(self.0, node, xml)
    }

    pub(crate) fn remove(&self, node: u32) -> Result<(), EditError> {
        edit::remove(self.0, node)
    }

    pub(crate) fn remove_all(&self, selector: u32) -> Result<u32, EditError> {
        edit::remove_all(self.0, selector)
    }
}

pub(crate) fn log_enabled(level: Level) -> bool {
    log::enabled(level)
}

pub(crate) fn write_log(level: Level, message: &str) {
    log::write(level, message);
}
