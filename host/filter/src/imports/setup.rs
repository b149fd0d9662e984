//! `setup`: interest rules and selectors, registered while `configure` runs.

use crate::bindings::refrain::filter::setup;
use crate::interest::Interest;
use crate::state::State;

impl setup::Host for State {
    fn add_interest(&mut self, rule: setup::Interest) -> wasmtime::Result<Result<u32, String>> {
        Ok(State::add_interest(self, Interest::from(rule)))
    }

    fn selector(&mut self, path: String) -> wasmtime::Result<Result<u32, String>> {
        Ok(self.add_selector(&path))
    }
}
