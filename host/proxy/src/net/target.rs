//! One server of a domain: its host, its addresses, how TLS begins there, and what signed DNS says of its certificate.

use std::fmt;
use std::net::SocketAddr;

use super::dane::Delegation;

/// How TLS begins on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// After a few words in the clear (RFC 6120 §5).
    StartTls,
    /// With the first byte (XEP-0368).
    DirectTls,
}

/// Where to connect, and what to expect there.
#[derive(Debug, Clone)]
pub struct Target {
    /// The host that DNS or the operator names, for the log.
    pub host: String,
    /// Its addresses, in the order to try them.
    pub addresses: Vec<SocketAddr>,
    /// How TLS begins.
    pub transport: Transport,
    /// What signed DNS says of its certificate.
    pub delegation: Delegation,
}

impl Target {
    /// A target that the operator configured: nobody else says anything about it.
    pub fn fixed(address: SocketAddr) -> Target {
        Target {
            host: address.ip().to_string(),
            addresses: vec![address],
            transport: Transport::StartTls,
            delegation: Delegation::default(),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::StartTls => "starttls",
            Transport::DirectTls => "direct-tls",
        })
    }
}
