//! `lists`: what the operator listed and granted.

use crate::bindings::refrain::filter::lists;
use crate::state::State;

impl lists::Host for State {
    fn contains(&mut self, list: u32, value: String) -> wasmtime::Result<bool> {
        Ok(self.registered.list(list)?.contains(&value))
    }

    fn lookup(&mut self, list: u32, value: String) -> wasmtime::Result<Option<String>> {
        Ok(self.registered.list(list)?.lookup(&value))
    }
}
