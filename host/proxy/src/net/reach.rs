//! Which addresses a connection may be opened to (threats T40, T41): asked of every socket address right before it is used, so
//! that no answer of DNS can be swapped in between.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::OnceLock;

use super::address;

/// Addresses that no connection of ours may lead to: our own listeners, and the servers behind us.
#[derive(Debug, Default)]
pub struct OwnDoors(OnceLock<Vec<SocketAddr>>);

/// Who named the addresses of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// The operator, in the configuration.
    Operator,
    /// A stranger's zone; `true` when the operator lets it name special addresses.
    Zone {
        /// `private-addresses` of the peer, else of `[outside]`.
        private_addresses: bool,
    },
}

/// Why an address is not connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// It is not one of the public Internet.
    #[error("a {0} address, which DNS may not lead to (private-addresses would allow it)")]
    Special(&'static str),
    /// Nothing that speaks XMPP is there.
    #[error("port {0}, which DNS may not lead to: below 1024 there is only 443 (private-addresses would allow it)")]
    Port(u16),
    /// Refrain would talk to itself.
    #[error("Refrain's own address, or that of a protected server")]
    Own,
}

impl OwnDoors {
    /// Says where we listen, once it is known.
    pub fn open(&self, addresses: Vec<SocketAddr>) {
        // They are bound once in a run; a second call has nothing new to say.
        let _ = self.0.set(addresses);
    }

    fn contain(&self, address: SocketAddr) -> bool {
        let address = canonical(address);
        let own = self.0.get().map(Vec::as_slice).unwrap_or_default();
        own.iter().map(|own| canonical(*own)).any(|own| {
            let here = own.ip() == address.ip() || own.ip().is_unspecified() && is_of_this_machine(address.ip());
            own.port() == address.port() && here
        })
    }
}

/// Says why `address` must not be connected to, if so. `servers` are those of the hosted domains.
pub fn forbidden(
    address: SocketAddr,
    named_by: NamedBy,
    own: &OwnDoors,
    servers: impl Iterator<Item = SocketAddr>,
) -> Option<Forbidden> {
    let canonical = canonical(address);
    if own.contain(address) || address.port() == 0 || canonical.ip().is_unspecified() {
        return Some(Forbidden::Own);
    }
    let NamedBy::Zone { private_addresses } = named_by else { return None };
    if servers.into_iter().any(|server| self::canonical(server) == canonical) {
        return Some(Forbidden::Own);
    }
    if private_addresses {
        return None;
    }
    if let Some(kind) = address::special(address.ip()) {
        return Some(Forbidden::Special(kind));
    }
    let port = address.port();
    (port < 1024 && port != 443).then_some(Forbidden::Port(port))
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether packets to this address stay here: then the system would send them from the very address. Nothing is sent to find out.
fn is_of_this_machine(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = || {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect((address, 9))?;
        socket.local_addr()
    };
    address.is_loopback() || address.is_unspecified() || source().is_ok_and(|source| source.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: NamedBy = NamedBy::Zone { private_addresses: false };
    const TRUSTED_ZONE: NamedBy = NamedBy::Zone { private_addresses: true };

    fn judge(address: &str, named_by: NamedBy, own: &[&str]) -> Option<Forbidden> {
        let doors = OwnDoors::default();
        doors.open(own.iter().map(|own| own.parse().unwrap()).collect());
        let servers = ["127.0.0.1:15269".parse().unwrap()];
        forbidden(address.parse().unwrap(), named_by, &doors, servers.into_iter())
    }

    /// T40.
    #[test]
    fn a_zone_may_name_public_addresses_at_fit_ports() {
        for address in ["9.9.9.9:5269", "[2620:fe::fe]:5270", "9.9.9.9:443", "[::ffff:9.9.9.9]:1024"] {
            assert_eq!(judge(address, ZONE, &[]), None, "{address}");
        }
        for address in ["127.0.0.1:5269", "169.254.169.254:8080", "[::ffff:10.0.0.1]:5269", "100.64.0.1:5269"] {
            assert!(matches!(judge(address, ZONE, &[]), Some(Forbidden::Special(_))), "{address}");
            assert_eq!(judge(address, TRUSTED_ZONE, &[]), None, "{address}");
        }
        assert_eq!(judge("9.9.9.9:25", ZONE, &[]), Some(Forbidden::Port(25)));
        assert_eq!(judge("9.9.9.9:25", TRUSTED_ZONE, &[]), None);
    }

    #[test]
    fn nobody_may_name_what_is_no_address() {
        for address in ["9.9.9.9:0", "0.0.0.0:5269", "[::]:5269", "[::ffff:0.0.0.0]:5269"] {
            for named_by in [ZONE, TRUSTED_ZONE, NamedBy::Operator] {
                assert!(judge(address, named_by, &[]).is_some(), "{address}");
            }
        }
    }

    /// T41.
    #[test]
    fn nobody_may_lead_us_to_ourselves() {
        for named_by in [ZONE, TRUSTED_ZONE, NamedBy::Operator] {
            assert_eq!(judge("192.0.2.1:5269", named_by, &["192.0.2.1:5269"]), Some(Forbidden::Own));
            assert_eq!(judge("[::ffff:192.0.2.1]:5269", named_by, &["192.0.2.1:5269"]), Some(Forbidden::Own));
            for loopback in ["127.0.0.1:5269", "127.0.0.2:5269", "[::1]:5269", "[::ffff:127.0.0.1]:5269"] {
                assert_eq!(judge(loopback, named_by, &["[::]:5269"]), Some(Forbidden::Own), "{loopback}");
            }
        }
        assert_eq!(judge("127.0.0.1:5270", TRUSTED_ZONE, &["[::]:5269"]), None, "another port is another server");
        assert_eq!(judge("9.9.9.9:5269", ZONE, &["[::]:5269"]), None, "another machine");
    }

    #[test]
    fn a_zone_may_not_lead_to_a_protected_server_but_the_operator_does() {
        assert_eq!(judge("127.0.0.1:15269", TRUSTED_ZONE, &[]), Some(Forbidden::Own));
        assert_eq!(judge("127.0.0.1:15269", NamedBy::Operator, &[]), None);
    }
}
