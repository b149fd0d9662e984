//! `metrics`: counters of the filter's own.

use crate::bindings::refrain::filter::metrics;
use crate::state::State;

impl metrics::Host for State {
    fn add(&mut self, counter: u32, n: u64) -> wasmtime::Result<()> {
        self.registered.counter(counter)?.add(n);
        Ok(())
    }
}
