//! What was refused to whom, and why: counted for each reason, and told in the log at most once a minute for each.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::seldom::Seldom;

/// Why something was refused, cut off or held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// A connection from an address that `[access]` keeps out.
    AddressDenied,
    /// A load balancer's connection without a PROXY header, with a malformed one, or with one too late.
    ProxyHeader,
    /// Too many connections from one address within a minute.
    ConnectionRate,
    /// Too many connections from one address.
    AddressConnections,
    /// Too many connections from one address that have proven nothing.
    AddressHandshakes,
    /// Too many connections.
    Connections,
    /// A connection that had proven nothing yet made room for a newer one.
    HandshakeEvicted,
    /// A connection that did not prove in time who it is.
    HandshakeTimeout,
    /// A connection that said too much before it had proven anything.
    HandshakeBytes,
    /// A connection whose proofs failed too often.
    HandshakeAttempts,
    /// A dialback key from a domain that must show a certificate.
    DialbackDenied,
    /// A dialback key of an address that had too many verified within a minute.
    DialbackRate,
    /// A stream that was ended, because its address proved too many domains within a minute.
    PairRate,
    /// A connection whose peer does not read what we write.
    WriteStall,
    /// A stream was not read for a while, because its domain sent too many stanzas. Nothing is lost.
    StanzaRate,
    /// Likewise, because of too many bytes.
    ByteRate,
}

impl Refusal {
    /// All there are.
    pub const ALL: [Refusal; 16] = [
        Refusal::AddressDenied,
        Refusal::ProxyHeader,
        Refusal::ConnectionRate,
        Refusal::AddressConnections,
        Refusal::AddressHandshakes,
        Refusal::Connections,
        Refusal::HandshakeEvicted,
        Refusal::HandshakeTimeout,
        Refusal::HandshakeBytes,
        Refusal::HandshakeAttempts,
        Refusal::DialbackDenied,
        Refusal::DialbackRate,
        Refusal::PairRate,
        Refusal::WriteStall,
        Refusal::StanzaRate,
        Refusal::ByteRate,
    ];

    /// Its name in metrics, in the status and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::AddressDenied => "address-denied",
            Refusal::ProxyHeader => "proxy-header",
            Refusal::ConnectionRate => "connection-rate",
            Refusal::AddressConnections => "address-connections",
            Refusal::AddressHandshakes => "address-handshakes",
            Refusal::Connections => "connections",
            Refusal::HandshakeEvicted => "handshake-evicted",
            Refusal::HandshakeTimeout => "handshake-timeout",
            Refusal::HandshakeBytes => "handshake-bytes",
            Refusal::HandshakeAttempts => "handshake-attempts",
            Refusal::DialbackDenied => "dialback-denied",
            Refusal::DialbackRate => "dialback-rate",
            Refusal::PairRate => "pair-rate",
            Refusal::WriteStall => "write-stall",
            Refusal::StanzaRate => "stanza-rate",
            Refusal::ByteRate => "byte-rate",
        }
    }

    /// The key of the configuration that an operator would look at.
    fn key(self) -> &'static str {
        match self {
            Refusal::AddressDenied => "access.deny",
            Refusal::ProxyHeader => "access.proxy-protocol",
            Refusal::ConnectionRate | Refusal::DialbackRate | Refusal::PairRate => {
                "limits.connections-per-address-per-minute"
            }
            Refusal::AddressConnections => "limits.connections-per-address-max",
            Refusal::AddressHandshakes => "limits.handshakes-per-address-max",
            Refusal::Connections | Refusal::HandshakeEvicted => "limits.connections-max",
            Refusal::HandshakeTimeout => "limits.handshake-seconds",
            Refusal::HandshakeBytes => "limits.handshake-bytes-max",
            Refusal::HandshakeAttempts | Refusal::WriteStall => "none: fixed",
            Refusal::DialbackDenied => "peer.dialback",
            Refusal::StanzaRate => "limits.stanzas-per-second",
            Refusal::ByteRate => "limits.bytes-per-second",
        }
    }
}

/// Counts since the start, by reason.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: [AtomicU64; Refusal::ALL.len()],
    told: [Seldom; Refusal::ALL.len()],
}

impl Refusals {
    /// Counts one, and tells it if none of its reason was told within the last minute. `whom` is the peer: an address, or the
    /// domain that it has proven or claims.
    pub fn note(&self, refusal: Refusal, whom: &dyn Display) {
        self.counts[refusal as usize].fetch_add(1, Relaxed);
        if let Some(count) = self.told[refusal as usize].add(1, Instant::now()) {
            let (reason, key) = (refusal.as_str(), refusal.key());
            tracing::warn!(reason, count, last = %whom, key, "refused");
        }
    }

    /// The counts at this moment, all reasons in a fixed order.
    pub fn read(&self) -> Vec<(String, u64)> {
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        Refusal::ALL.iter().zip(counts).map(|(refusal, count)| (refusal.as_str().to_owned(), count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_count_of_its_own() {
        let refusals = Refusals::default();
        refusals.note(Refusal::Connections, &"192.0.2.1");
        refusals.note(Refusal::Connections, &"192.0.2.2");
        let some: Vec<_> = refusals.read().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(some, [("connections".to_owned(), 2)]);
    }

    #[test]
    fn every_reason_stands_where_its_number_says() {
        for (index, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(refusal as usize, index, "{}", refusal.as_str());
        }
    }
}
