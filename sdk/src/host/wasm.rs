//! The host behind the component's imports. What a filter does not call is not imported.

use crate::bindings::refrain::filter::{actions, annotate, edit, keyvalue, limits, lists, log, metrics, setup, tree};
use crate::{BucketError, Child, EditError, Level, StreamCondition};

pub(crate) use crate::bindings::refrain::filter::types::Action;

#[derive(Debug, Default)]
pub(crate) struct Setup;

impl Setup {
    pub(crate) fn add_interest(&mut self, interest: setup::Interest) -> Result<u32, String> {
        setup::add_interest(&interest)
    }

    pub(crate) fn selector(&mut self, path: &str) -> Result<u32, String> {
        setup::selector(path)
    }

    pub(crate) fn counter(&mut self, name: &str, help: &str) -> Result<u32, String> {
        setup::counter(name, help)
    }

    pub(crate) fn limiter(&mut self, name: &str, burst: u32, per_second: f64) -> Result<u32, String> {
        setup::limiter(name, burst, per_second)
    }

    pub(crate) fn list(&mut self, name: &str) -> Result<u32, String> {
        setup::open_list(name)
    }

    pub(crate) fn bucket(&mut self, name: &str) -> Result<u32, String> {
        setup::open_bucket(name)
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

pub(crate) fn redirect(to: &str) -> Action {
    actions::redirect(to)
}

pub(crate) fn close_stream(condition: StreamCondition, text: Option<&str>) -> Action {
    actions::close_stream(condition.as_str(), text)
}

pub(crate) fn reply(payload: &str) -> Action {
    actions::reply(payload)
}

pub(crate) fn delay(milliseconds: u32) -> Action {
    actions::delay(milliseconds)
}

pub(crate) fn counter_add(counter: u32, n: u64) {
    metrics::add(counter, n);
}

pub(crate) fn limiter_take(limiter: u32, key: &str, n: u32) -> bool {
    limits::take(limiter, key, n)
}

pub(crate) fn limiter_owe(limiter: u32, key: &str, n: u32) -> u32 {
    limits::owe(limiter, key, n)
}

pub(crate) fn list_contains(list: u32, value: &str) -> bool {
    lists::contains(list, value)
}

pub(crate) fn list_lookup(list: u32, value: &str) -> Option<String> {
    lists::lookup(list, value)
}

pub(crate) fn bucket_get(bucket: u32, key: &str) -> Option<Vec<u8>> {
    keyvalue::get(bucket, key)
}

pub(crate) fn bucket_set(bucket: u32, key: &str, value: &[u8], ttl_s: u32) -> Result<(), BucketError> {
    keyvalue::set(bucket, key, value, ttl_s)
}

pub(crate) fn bucket_delete(bucket: u32, key: &str) {
    keyvalue::delete(bucket, key);
}

pub(crate) fn bucket_increment(bucket: u32, key: &str, by: i64, ttl_s: u32) -> Result<i64, BucketError> {
    keyvalue::increment(bucket, key, by, ttl_s)
}

pub(crate) fn log_enabled(level: Level) -> bool {
    log::enabled(level)
}

pub(crate) fn write_log(level: Level, message: &str) {
    log::write(level, message);
}
