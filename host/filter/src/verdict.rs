//! What may become of a stanza: one filter's word, and the chain's outcome.

use std::time::Duration;

use refrain_proto::{Jid, StanzaError, StreamCondition};

use crate::payload::Payload;

/// One filter's word on one stanza.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// On to the next filter, with the edits of this call.
    Pass,
    /// Deliver now, with the edits of this call, and skip the rest of the chain.
    Accept,
    /// Discard silently.
    Drop,
    /// Return this error to the sender.
    Bounce(StanzaError),
    /// Deliver to this address of the same domain, with the edits of this call, and skip the rest of the chain.
    Redirect(Jid),
    /// Discard, and end the stream it came by.
    CloseStream {
        /// What the peer is told.
        condition: StreamCondition,
        /// In words for a human.
        text: Option<String>,
    },
    /// Answer the message by one with this payload.
    Reply(Payload),
    /// On to the next filter, with the edits of this call; the stream it came by is not read for so long.
    Delay(Duration),
}

impl Verdict {
    /// A stanza that waits longer is one that its sender takes for lost, and what waits with it is everybody's.
    pub const DELAY_MAX: Duration = Duration::from_secs(10);

    /// A delay of so many milliseconds, or the longest there is.
    pub fn delay(milliseconds: u32) -> Self {
        Verdict::Delay(Duration::from_millis(milliseconds.into()).min(Self::DELAY_MAX))
    }

    /// Whether the edits of the call take effect.
    pub fn commits(&self) -> bool {
        matches!(self, Verdict::Pass | Verdict::Accept | Verdict::Redirect(_) | Verdict::Delay(_))
    }
}

/// What the chain as a whole decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The stanza goes on its way.
    Forward,
    /// The stanza is answered by this error. Only ever decided for a stanza that may be answered.
    Bounce(StanzaError),
    /// The message is answered by one with this payload. Only ever decided for a message that may be.
    Reply(Payload),
    /// The stanza goes nowhere.
    Drop,
    /// The stanza goes nowhere, and the stream it came by ends.
    CloseStream {
        /// What the peer is told.
        condition: StreamCondition,
        /// In words for a human.
        text: Option<String>,
    },
}
