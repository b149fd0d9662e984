//! How a stream ended.

use crate::error::{Awaited, PeerMisbehaved, StreamCondition};
use crate::stanza::StanzaCondition;

/// How a stream ended; displayed, a sentence for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outcome {
    /// The peer ended the stream in order, or we did once its purpose was served.
    #[error("the stream was closed")]
    Closed,
    /// The host asked for the end.
    #[error("we closed the stream")]
    LocalClose,
    /// The peer ended the stream with an error. A `see-other-host` is not followed.
    #[error("the peer closed the stream with {0}")]
    PeerError(StreamCondition),
    /// We ended the stream for what the peer did.
    #[error("{0}")]
    PeerMisbehaved(PeerMisbehaved),
    /// The peer let a deadline pass.
    #[error("timed out waiting for {0}")]
    TimedOut(Awaited),
    /// The connection ended without the end of the stream.
    #[error("the connection was lost")]
    Eof,
    /// The stream could not serve its purpose, for want of a proof.
    #[error("{0}")]
    NotAuthenticated(Refusal),
}

/// Why an initiated stream found no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The peer's certificate is not trusted or does not speak for the domain; nothing of ours was shown to it.
    #[error("the peer's certificate does not speak for its domain")]
    Certificate,
    /// The peer refused our certificate, and offers no dialback.
    #[error("the peer refused our certificate")]
    External,
    /// The peer was told that our key is not ours (XEP-0220 §2.1.1: bounce with internal-server-error).
    #[error("the peer found our dialback key invalid")]
    KeyInvalid,
    /// The peer could not verify our key (XEP-0220 §2.5: bounce with remote-server-timeout).
    #[error("the peer could not verify our dialback key: {0}")]
    KeyUnverified(StanzaCondition),
}
