//! `actions`: verdicts richer than a case of `verdict`.

use refrain_proto::{Jid, StanzaError, StreamCondition};
use wasmtime::component::Resource;

use crate::bindings::refrain::filter::actions;
use crate::bindings::refrain::filter::types::{Condition, ErrorType};
use crate::error::OutputExceeded;
use crate::payload::Payload;
use crate::state::{ActionHandle, State};
use crate::verdict::Verdict;

type Action = wasmtime::Result<Resource<ActionHandle>>;

impl actions::Host for State {
    fn bounce(&mut self, condition: Condition, error_type: Option<ErrorType>, text: Option<String>) -> Action {
        self.charge(text.as_ref().map_or(0, String::len))?;
        let mut error = StanzaError::new(condition.into());
        if let Some(error_type) = error_type {
            error.error_type = error_type.into();
        }
        error.text = sendable(text);
        self.prepare(Verdict::Bounce(error))
    }

    fn redirect(&mut self, to: String) -> Action {
        self.charge(to.len())?;
        let to = Jid::parse(&to).map_err(|error| wasmtime::format_err!("redirects to what is no address: {error}"))?;
        if to.domain() != self.stanza.to().domain() {
            wasmtime::bail!("redirects to another domain, {}", to.domain());
        }
        self.prepare(Verdict::Redirect(to))
    }

    fn close_stream(&mut self, condition: String, text: Option<String>) -> Action {
        self.charge(condition.len() + text.as_ref().map_or(0, String::len))?;
        let Ok(condition) = condition.parse::<StreamCondition>() else {
            wasmtime::bail!("closes the stream with \"{}\", which RFC 6120 does not define", condition.escape_debug());
        };
        self.prepare(Verdict::CloseStream { condition, text: sendable(text) })
    }

    fn reply(&mut self, payload: String) -> Action {
        self.charge(payload.len())?;
        let payload = Payload::parse(&payload, self.stanza.size(), self.journal.limits());
        let payload = payload.map_err(|error| wasmtime::format_err!("replies with what is no payload: {error}"))?;
        self.prepare(Verdict::Reply(payload))
    }

    fn delay(&mut self, milliseconds: u32) -> Action {
        self.prepare(Verdict::delay(milliseconds))
    }
}

impl State {
    fn prepare(&mut self, verdict: Verdict) -> Action {
        if self.actions.len() == State::ACTIONS_MAX {
            return Err(OutputExceeded.into());
        }
        self.actions.push(verdict);
        Ok(Resource::new_own(self.actions.len() as u32 - 1))
    }
}

/// XML cannot carry every character a string can; what it cannot is a mistake of the guest's, not of the sender's.
fn sendable(text: Option<String>) -> Option<String> {
    text.filter(|text| refrain_proto::xml::is_text(text))
}
