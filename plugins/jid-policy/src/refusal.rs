//! How a refusal is told to the sender.

use refrain_sdk::{Condition, Head, Stanza, StanzaType, Verdict};

use crate::index::End;
use crate::manners::Manners;
use crate::settings::{Refusal, Told};

/// What becomes of a refused stanza.
#[derive(Debug, Default, Clone)]
pub(crate) struct Answer {
    pub(crate) action: Refusal,
    pub(crate) error: Option<Told>,
    pub(crate) text: Option<String>,
}

impl Answer {
    /// The verdict on a stanza that is refused for what stands at this end of it.
    pub(crate) fn verdict(&self, because_of: End, head: &Head, stanza: &Stanza<'_>, manners: &Manners) -> Verdict {
        // Of a result the proxy makes an error for whoever asked and would wait in vain otherwise.
        let is_result = head.stanza_type == StanzaType::IqResult;
        match self.action {
            Refusal::Drop if is_result => Verdict::bounce(Condition::ServiceUnavailable),
            Refusal::Drop => Verdict::Drop,
            Refusal::Bounce if is_result => self.bounce(because_of),
            Refusal::Bounce => manners.tell(self.bounce(because_of), head, stanza),
        }
    }

    fn bounce(&self, because_of: End) -> Verdict {
        let bounce = match (self.error, because_of) {
            (Some(told), _) => Verdict::bounce(told.condition()),
            // RFC 6120 §8.3.3.4: only certain entities may do this, and the sender is not among them.
            (None, End::Sender) => {
                Verdict::bounce(Condition::Forbidden).text("You are not allowed to communicate with this address")
            }
            // RFC 6120 §8.3.3.8: nobody may do this, "e.g., sending to entities at a blacklisted domain".
            (None, End::Recipient) => {
                Verdict::bounce(Condition::NotAllowed).text("Communication with this address is not allowed")
            }
        };
        match &self.text {
            Some(text) => bounce.text(text),
            None => bounce,
        }
    }
}
