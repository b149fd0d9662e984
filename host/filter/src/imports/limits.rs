//! `limits`: token buckets, shared by all instances of the filter.

use crate::bindings::refrain::filter::limits;
use crate::state::State;

impl limits::Host for State {
    fn take(&mut self, limiter: u32, key: String, n: u32) -> wasmtime::Result<bool> {
        self.charge(key.len())?;
        Ok(self.registered.limiter(limiter)?.take(&key, n, self.now_ms))
    }

    fn owe(&mut self, limiter: u32, key: String, n: u32) -> wasmtime::Result<u32> {
        self.charge(key.len())?;
        Ok(self.registered.limiter(limiter)?.owe(&key, n, self.now_ms))
    }
}
