//! What becomes of the stanza.

use crate::{Condition, ErrorType, Head, host};

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
    /// Deliver to another address, with this filter's edits, and skip the rest of the chain: see [`redirect`](Self::redirect).
    Redirect(Redirect),
    /// Discard, and end the stream it came by: see [`close_stream`](Self::close_stream).
    CloseStream(StreamError),
    /// Answer a message by another: see [`reply`](Self::reply).
    Reply(Reply),
    /// On to the next filter, and let the stream wait: see [`delay`](Self::delay).
    Delay(Delay),
}

impl Verdict {
    /// A bounce with this condition: `Verdict::bounce(Condition::NotAcceptable).text("No files, please")`.
    pub fn bounce(condition: Condition) -> Self {
        Verdict::Bounce(StanzaError { condition, error_type: None, text: None })
    }

    /// Delivery to another address of the same domain. Needs the operator's grant `redirect`. Any other address is a fault.
    pub fn redirect(to: impl Into<String>) -> Self {
        Verdict::Redirect(Redirect { to: to.into(), act: host::redirect })
    }

    /// The end of the stream, with every conversation on it. Needs the operator's grant `close-stream`.
    pub fn close_stream(condition: StreamCondition) -> Self {
        Verdict::CloseStream(StreamError { condition, text: None, act: host::close_stream })
    }

    /// The end of a message, and an answer to its sender: a message of the same type, in the addressee's name, with this payload, one
    /// element or several as XML. Needs the operator's grant `reply`. What is not well-formed is a fault. The host drops instead what
    /// is no message, an error, or of type groupchat; [`Head::takes_reply`] leaves out the other messages of rooms as well.
    pub fn reply(xml: impl Into<String>) -> Self {
        Verdict::Reply(Reply { xml: xml.into(), act: host::reply })
    }

    /// On to the next filter, with this filter's edits; and the stream it came by is not read for so long, so that all who send over
    /// it wait: every user of that server. At most 10,000 milliseconds; of several delays the longest counts.
    pub fn delay(milliseconds: u32) -> Self {
        Verdict::Delay(Delay { milliseconds, act: host::delay })
    }

    /// Gives the error a human-readable text, which its receiver sees. Only a bounce and the end of a stream have one.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        match &mut self {
            Verdict::Bounce(error) => error.text = Some(text.into()),
            Verdict::CloseStream(error) => error.text = Some(text.into()),
            Verdict::Pass
            | Verdict::Accept
            | Verdict::Drop
            | Verdict::Redirect(_)
            | Verdict::Reply(_)
            | Verdict::Delay(_) => {}
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

/// Another address to deliver to.
#[derive(Debug, Clone)]
pub struct Redirect {
    to: String,
    /// Named where the verdict is made, and called where it is told: a filter that never redirects does not import what does.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
    act: fn(&str) -> host::Action,
}

impl Redirect {
    /// The address.
    pub fn to(&self) -> &str {
        &self.to
    }
}

impl PartialEq for Redirect {
    fn eq(&self, other: &Self) -> bool {
        self.to == other.to
    }
}

impl Eq for Redirect {}

/// The error a stream ends with (RFC 6120 §4.9).
#[derive(Debug, Clone)]
pub struct StreamError {
    condition: StreamCondition,
    text: Option<String>,
    /// As in [`Redirect`].
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
    act: fn(StreamCondition, Option<&str>) -> host::Action,
}

impl StreamError {
    /// The defined condition.
    pub fn condition(&self) -> StreamCondition {
        self.condition
    }

    /// A text for a human.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

impl PartialEq for StreamError {
    fn eq(&self, other: &Self) -> bool {
        (self.condition, &self.text) == (other.condition, &other.text)
    }
}

impl Eq for StreamError {}

/// A message that answers one.
#[derive(Debug, Clone)]
pub struct Reply {
    xml: String,
    /// As in [`Redirect`].
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
    act: fn(&str) -> host::Action,
}

impl Reply {
    /// Its payload.
    pub fn xml(&self) -> &str {
        &self.xml
    }
}

impl PartialEq for Reply {
    fn eq(&self, other: &Self) -> bool {
        self.xml == other.xml
    }
}

impl Eq for Reply {}

/// A pause of the stream.
#[derive(Debug, Clone)]
pub struct Delay {
    milliseconds: u32,
    /// As in [`Redirect`].
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
    act: fn(u32) -> host::Action,
}

impl Delay {
    /// Its length, as it was asked for.
    pub fn milliseconds(&self) -> u32 {
        self.milliseconds
    }
}

impl PartialEq for Delay {
    fn eq(&self, other: &Self) -> bool {
        self.milliseconds == other.milliseconds
    }
}

impl Eq for Delay {}

/// The conditions of RFC 6120 §4.9.3 by which one server may end the stream of another for what it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamCondition {
    /// §4.9.3.8: something here is broken.
    InternalServerError,
    /// §4.9.3.9: an address is not that of who sent it.
    InvalidFrom,
    /// §4.9.3.12: the other side may not do this here.
    NotAuthorized,
    /// §4.9.3.14: what was sent is against a policy.
    PolicyViolation,
    /// §4.9.3.16: the stream is to be opened anew.
    Reset,
    /// §4.9.3.17: there is not enough of something.
    ResourceConstraint,
    /// §4.9.3.21: none of the others.
    UndefinedCondition,
    /// §4.9.3.24: a stanza of a type that is not taken here.
    UnsupportedStanzaType,
}

impl StreamCondition {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            StreamCondition::InternalServerError => "internal-server-error",
            StreamCondition::InvalidFrom => "invalid-from",
            StreamCondition::NotAuthorized => "not-authorized",
            StreamCondition::PolicyViolation => "policy-violation",
            StreamCondition::Reset => "reset",
            StreamCondition::ResourceConstraint => "resource-constraint",
            StreamCondition::UndefinedCondition => "undefined-condition",
            StreamCondition::UnsupportedStanzaType => "unsupported-stanza-type",
        }
    }
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
            Verdict::Redirect(redirect) => Self::Act((redirect.act)(&redirect.to)),
            Verdict::CloseStream(error) => Self::Act((error.act)(error.condition, error.text.as_deref())),
            Verdict::Reply(reply) => Self::Act((reply.act)(&reply.xml)),
            Verdict::Delay(delay) => Self::Act((delay.act)(delay.milliseconds)),
        }
    }
}
