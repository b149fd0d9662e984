//! What becomes of a stanza when a filter fails on it, by the cause of the failure.

use crate::error::Fault;

/// What becomes of a stanza when a filter fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFault {
    /// It is answered by `internal-server-error`, or dropped where it must not be answered: for filters that protect.
    #[default]
    Closed,
    /// It passes as if the filter had not been there: for filters that help.
    Open,
}

/// The same for every cause, or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultPolicy {
    by_cause: [OnFault; Fault::CAUSES.len()],
}

impl FaultPolicy {
    /// Makes an exception for one cause, an index into [`Fault::CAUSES`].
    pub fn with(mut self, cause: usize, on_fault: OnFault) -> Self {
        if let Some(entry) = self.by_cause.get_mut(cause) {
            *entry = on_fault;
        }
        self
    }

    /// Returns what becomes of a stanza after this fault.
    pub fn of(&self, fault: &Fault) -> OnFault {
        self.by_cause[fault.cause()]
    }
}

impl From<OnFault> for FaultPolicy {
    fn from(on_fault: OnFault) -> Self {
        Self { by_cause: [on_fault; Fault::CAUSES.len()] }
    }
}
