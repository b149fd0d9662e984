//! `actions`: verdicts richer than a case of `verdict`.

use refrain_proto::StanzaError;
use wasmtime::component::Resource;

use crate::bindings::refrain::filter::actions;
use crate::bindings::refrain::filter::types::{Condition, ErrorType};
use crate::error::OutputExceeded;
use crate::state::{ActionHandle, State};

impl actions::Host for State {
    fn bounce(
        &mut self,
        condition: Condition,
        error_type: Option<ErrorType>,
        text: Option<String>,
    ) -> wasmtime::Result<Resource<ActionHandle>> {
        self.charge(text.as_ref().map_or(0, String::len))?;
        if self.actions.len() == State::ACTIONS_MAX {
            return Err(OutputExceeded.into());
        }
        let mut error = StanzaError::new(condition.into());
        if let Some(error_type) = error_type {
            error.error_type = error_type.into();
        }
        // XML cannot carry every character a string can; what it cannot is a mistake of the guest's, not of the sender's.
        error.text = text.filter(|text| refrain_proto::xml::is_text(text));
        self.actions.push(error);
        Ok(Resource::new_own(self.actions.len() as u32 - 1))
    }
}
