//! The bounds that two operators may want to set differently. Every other bound is a constant next to what it bounds.

use std::time::Duration;

use refrain_proto::limits::StreamLimits;

use super::file::Section;

/// Bounds on stanzas, queues, connections and waiting (`[limits]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one stanza. RFC 6120 §13.12 asks for at least 10,000; the common servers accept 512 KiB between each other, but
    /// offer clients 256 KiB or less.
    pub stanza_bytes_max: u32,
    /// Stanzas that wait for one domain pair while its stream is being opened.
    pub queue_stanzas_max: usize,
    /// Bytes of these stanzas.
    pub queue_bytes_max: usize,
    /// How long they wait before they are bounced with `remote-server-timeout`.
    pub queue_timeout: Duration,
    /// Accepted connections on both sides together.
    pub connections_max: usize,
    /// Accepted connections from one outside address (of IPv6: one /64): a hoster with many domains opens one per pair.
    pub connections_per_address_max: usize,
    /// New connections from it within a minute; each dialback key that it has us ask about counts as one more.
    pub connections_per_address_per_minute: u32,
    /// Of its connections, those that have proven nothing yet (threat T38).
    pub handshakes_per_address_max: usize,
    /// Bytes of one phase before a peer has proven something; ejabberd allows 8 KiB, Prosody 10,000 bytes.
    pub handshake_bytes_max: u32,
    /// From the first byte to an authenticated stream, in either role.
    pub handshake_timeout: Duration,
    /// How much one remote domain may send us, unless its `[[peer]]` says otherwise.
    pub rates: Rates,
    /// Silence after which a stream is closed.
    pub idle_timeout: Duration,
    /// What becomes of stanzas that a broken stream leaves unacknowledged.
    pub after_break: AfterBreak,
    /// How long a shutdown waits for queues to empty.
    pub drain_timeout: Duration,
}

/// What becomes of stanzas that were written and not acknowledged when their stream broke (XEP-0198): the next server may have
/// taken them or not, and nobody can know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AfterBreak {
    /// They are sent again, so that some may arrive twice.
    #[default]
    Resend,
    /// Their senders are told that they were not delivered, though some may have been.
    Bounce,
}

impl AfterBreak {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "resend" => Ok(AfterBreak::Resend),
            "bounce" => Ok(AfterBreak::Bounce),
            _ => Err("there is no such choice"),
        }
    }
}

/// How fast a remote domain may send to us, all its streams together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Stanzas, on average; for a moment it may be [`BURST_SECONDS`] of them at once.
    pub stanzas_per_second: u32,
    /// Bytes inside TLS, likewise.
    pub bytes_per_second: u32,
}

/// What a domain may send at once after a silence, as seconds of its rate: the presence of a large room after a restart.
pub const BURST_SECONDS: u32 = 10;

impl Default for Rates {
    fn default() -> Self {
        // Prosody 0.12 takes 30 kB/s from each server and ejabberd 23.01 takes 200 kB/s, as Debian ships them, and both of each
        // connection: who is used to these does not notice ours.
        Rates { stanzas_per_second: 1_000, bytes_per_second: 1024 * 1024 }
    }
}

/// The rates that a table names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RatesWritten {
    stanzas_per_second: Option<u32>,
    bytes_per_second: Option<u32>,
}

impl RatesWritten {
    /// Reads the two keys of any table.
    pub(super) fn read(section: &Section<'_>) -> Self {
        let rate = |key, range| section.number(key, range).and_then(|number| u32::try_from(number).ok());
        RatesWritten {
            stanzas_per_second: rate("stanzas-per-second", 1..=1_000_000_000),
            // A pause must not outlast the patience of the peer: one stanza of the largest size passes within minutes.
            bytes_per_second: rate("bytes-per-second", 10_000..=4_000_000_000),
        }
    }

    /// What holds where these are written over `rates`.
    pub fn over(self, rates: Rates) -> Rates {
        Rates {
            stanzas_per_second: self.stanzas_per_second.unwrap_or(rates.stanzas_per_second),
            bytes_per_second: self.bytes_per_second.unwrap_or(rates.bytes_per_second),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            stanza_bytes_max: 262_144,
            queue_stanzas_max: 1_000,
            queue_bytes_max: 4 * 1024 * 1024,
            queue_timeout: Duration::from_secs(30),
            connections_max: 10_000,
            connections_per_address_max: 256,
            connections_per_address_per_minute: 600,
            handshakes_per_address_max: 20,
            handshake_bytes_max: 8_192,
            rates: Rates::default(),
            handshake_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30 * 60),
            after_break: AfterBreak::Resend,
            drain_timeout: Duration::from_secs(20),
        }
    }
}

impl Limits {
    /// Reads `[limits]`; what is not written keeps its default.
    pub(super) fn read(section: &Section<'_>) -> Self {
        section.knows(&[
            "stanza-bytes-max",
            "queue-stanzas-max",
            "queue-bytes-max",
            "queue-seconds",
            "connections-max",
            "connections-per-address-max",
            "connections-per-address-per-minute",
            "handshakes-per-address-max",
            "handshake-bytes-max",
            "handshake-seconds",
            "idle-seconds",
            "after-break",
            "drain-seconds",
            "stanzas-per-second",
            "bytes-per-second",
        ]);
        let default = Limits::default();
        let short = |key, range, default| {
            let number = section.number(key, range);
            number.and_then(|number| u32::try_from(number).ok()).unwrap_or(default)
        };
        let count = |key, range, default| {
            let number = section.number(key, range);
            number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default)
        };
        let seconds = |key, range, default| section.number(key, range).map_or(default, Duration::from_secs);
        Limits {
            // RFC 6120 §13.12: a limit below 10,000 bytes would refuse ordinary stanzas.
            stanza_bytes_max: short("stanza-bytes-max", 10_000..=16 * 1024 * 1024, default.stanza_bytes_max),
            queue_stanzas_max: count("queue-stanzas-max", 1..=1_000_000, default.queue_stanzas_max),
            queue_bytes_max: count("queue-bytes-max", 10_000..=1 << 30, default.queue_bytes_max),
            queue_timeout: seconds("queue-seconds", 1..=600, default.queue_timeout),
            connections_max: count("connections-max", 1..=1_000_000, default.connections_max),
            connections_per_address_max: count(
                "connections-per-address-max",
                1..=1_000_000,
                default.connections_per_address_max,
            ),
            connections_per_address_per_minute: short(
                "connections-per-address-per-minute",
                1..=1_000_000,
                default.connections_per_address_per_minute,
            ),
            handshakes_per_address_max: count(
                "handshakes-per-address-max",
                1..=1_000_000,
                default.handshakes_per_address_max,
            ),
            // Two headers, a key and what asks for features take 2 KiB.
            handshake_bytes_max: short("handshake-bytes-max", 4_096..=1024 * 1024, default.handshake_bytes_max),
            rates: RatesWritten::read(section).over(default.rates),
            handshake_timeout: seconds("handshake-seconds", 1..=600, default.handshake_timeout),
            idle_timeout: seconds("idle-seconds", 10..=7 * 86_400, default.idle_timeout),
            after_break: section
                .parsed("after-break", AfterBreak::parse, "write \"resend\" or \"bounce\"")
                .unwrap_or(default.after_break),
            drain_timeout: seconds("drain-seconds", 0..=600, default.drain_timeout),
        }
    }

    /// The bounds of one stream. What no operator needs to set keeps the protocol's own default.
    pub fn stream(&self) -> StreamLimits {
        let mut limits = StreamLimits::default();
        limits.xml.stanza_bytes_max = self.stanza_bytes_max;
        limits.handshake_bytes_max = self.handshake_bytes_max;
        limits.handshake_timeout = self.handshake_timeout;
        limits.idle_timeout = self.idle_timeout;
        limits
    }
}
