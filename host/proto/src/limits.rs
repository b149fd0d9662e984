//! Every bound of the protocol, each with its reason.

use std::time::Duration;

/// What one stream header or one stanza may cost before it is refused.
///
/// Each limit is met at a byte of the stream that does not depend on how the bytes were split into reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlLimits {
    /// Bytes of the XML declaration and, separately, of the stream header.
    ///
    /// A header is some 300 bytes; ejabberd allows 8 KiB for everything before authentication.
    pub header_bytes_max: u32,
    /// Bytes of one element at stream level, from `<` to `>`.
    ///
    /// RFC 6120 §13.12 asks for at least 10,000; Prosody and ejabberd accept 512 KiB between servers.
    pub stanza_bytes_max: u32,
    /// Levels of elements in a stanza, its root counted as one.
    ///
    /// The deepest payloads in use (forwarded messages with rich content) stay below twenty. Nothing here recurses, but
    /// those who read after us may.
    pub depth_max: u32,
    /// Attributes of one element, namespace declarations apart. Bounds the quadratic search for duplicates.
    pub attributes_max: u32,
    /// Namespace declarations of one element. Payloads use one to five.
    pub namespaces_max: u32,
    /// Namespace declarations in scope at once, those of the stream header included.
    ///
    /// Resolving a prefix looks through all of them, so this bounds its cost whatever the depth.
    pub namespaces_in_scope_max: u32,
    /// Elements and runs of text in one stanza.
    ///
    /// The smallest useful item of a list takes some sixteen bytes, so a stanza of full size can hold one list of them.
    pub nodes_max: u32,
}

impl Default for XmlLimits {
    fn default() -> Self {
        Self {
            header_bytes_max: 8_192,
            stanza_bytes_max: 262_144,
            depth_max: 64,
            attributes_max: 64,
            namespaces_max: 32,
            namespaces_in_scope_max: 128,
            nodes_max: 16_384,
        }
    }
}

/// What one stream may cost, in time and in attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// What one element may cost.
    pub xml: XmlLimits,
    /// Bytes a peer may send in one phase before it has proven a domain, or been answered a question.
    ///
    /// Two headers, a key and some feature requests are 2 KiB; ejabberd allows 8 KiB.
    pub handshake_bytes_max: u32,
    /// From the first byte to TLS, for each step of it: header, then `<starttls/>`.
    ///
    /// MongooseIM gives 5 s per step, Openfire 10 s for all; a peer that takes longer is a slow loris.
    pub step_timeout: Duration,
    /// From the first byte to the first proven domain; and for each key that is put to its authority.
    pub handshake_timeout: Duration,
    /// Without a byte or a stanza either way before the stream is closed.
    ///
    /// Prosody pings after 14 min, MongooseIM after 10 min, Openfire after 30 min.
    pub idle_timeout: Duration,
    /// Between the spaces that keep an opened stream alive through middleboxes (RFC 6120 §4.6.1).
    pub ping_after: Duration,
    /// Without progress in what the peer acknowledges before the stream counts as broken (XEP-0198).
    ///
    /// What it has not taken by then waits longer than TCP gives a silent peer, and a kilobyte a second is progress.
    pub acknowledgement_timeout: Duration,
    /// For the peer to end its half of the stream once we ended ours; Prosody waits as long.
    pub close_timeout: Duration,
    /// SASL exchanges that may fail (RFC 6120 §6.4.5 asks for 2 to 5).
    pub auth_attempts_max: u32,
    /// Keys that may be refused before the stream is; Metronome closes after as many.
    pub dialback_failures_max: u32,
    /// Keys that may wait for their authority at once; each costs a connection somewhere.
    pub pending_verifications_max: usize,
    /// Domain pairs that may share one stream: on the inside, every remote domain in use by jabberd2.
    pub pairs_max: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            xml: XmlLimits::default(),
            handshake_bytes_max: 8_192,
            step_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30 * 60),
            ping_after: Duration::from_secs(5 * 60),
            acknowledgement_timeout: Duration::from_secs(60),
            close_timeout: Duration::from_secs(5),
            auth_attempts_max: 3,
            dialback_failures_max: 10,
            pending_verifications_max: 16,
            pairs_max: 1_000,
        }
    }
}
