//! `types`: only the resource `action`, whose handles a guest may drop.

use wasmtime::component::Resource;

use crate::bindings::refrain::filter::types;
use crate::state::{ActionHandle, State};

impl types::Host for State {}

impl types::HostAction for State {
    /// The action itself stays until the call ends; they are few.
    fn drop(&mut self, _: Resource<ActionHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}
