//! What becomes of the stanza.

use crate::{Condition, ErrorType, Head};

/// A filter's word on one stanza.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// On to the next filter, with this filter's edits.
    Pass,
    /// Deliver now, with this filter's edits, and skip the rest of the chain. Needs the operator's grant `accept`.
    Accept,
    /// Discard silently. The host answers an iq get or set with `service-unavailable`, so that no requester hangs.
    Drop,
    /// Return an error to the sender. The host drops instead what must not be answered (RFC 6120 §8.3.1).
    Bounce(StanzaError),
}

impl Verdict {
    /// A bounce with this condition: `Verdict::bounce(Condition::NotAcceptable).text("No files, please")`.
    pub fn bounce(condition: Condition) -> Self {
        Verdict::Bounce(StanzaError { condition, error_type: None, text: None })
    }

    /// Gives the error a human-readable text, which its receiver sees. Only a bounce has one.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        if let Verdict::Bounce(error) = &mut self {
            error.text = Some(text.into());
        }
        self
    }

    /// Gives the error a type other than the usual one of its condition. Only a bounce has one.
    pub fn error_type(mut self, error_type: ErrorType) -> Self {
        if let Verdict::Bounce(error) = &mut self {
            error.error_type = Some(error_type);
        }
        self
    }

    /// A bounce becomes a drop where an error would do harm; see [`Head::may_answer`].
    pub fn if_answerable(self, head: &Head) -> Self {
        match self {
            Verdict::Bounce(_) if !head.may_answer() => Verdict::Drop,
            verdict => verdict,
        }
    }
}

/// The error a bounced stanza is answered with (RFC 6120 §8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StanzaError {
    /// The defined condition.
    pub condition: Condition,
    /// The error type; absent, the one RFC 6120 §8.3.3 associates with the condition.
    pub error_type: Option<ErrorType>,
    /// A text for a human.
    pub text: Option<String>,
}

#[cfg(target_arch = "wasm32")]
impl From<Verdict> for crate::bindings::refrain::filter::types::Verdict {
    // Inlined, a filter without texts in its errors does not import `actions`.
    #[inline(always)]
    fn from(verdict: Verdict) -> Self {
        use crate::bindings::refrain::filter::actions;
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Accept => Self::Accept,
            Verdict::Drop => Self::Drop,
            Verdict::Bounce(StanzaError { condition, error_type: None, text: None }) => Self::Bounce(condition),
            Verdict::Bounce(error) => {
                Self::Act(actions::bounce(error.condition, error.error_type, error.text.as_deref()))
            }
        }
    }
}
