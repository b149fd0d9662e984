//! `annotate`: what the operator is told, never the wire.

use wasmtime::component::Resource;

use super::cut;
use crate::bindings::refrain::filter::annotate;
use crate::state::{StanzaHandle, State};

impl annotate::Host for State {
    fn reason(&mut self, _: Resource<StanzaHandle>, mut text: String) -> wasmtime::Result<()> {
        self.charge(text.len())?;
        cut(&mut text, State::REASON_BYTES_MAX);
        self.reason = Some(text);
        Ok(())
    }
}
