//! Which addresses the DNS of strangers may send us to, and in which order they are tried.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Whether a stranger's zone may name this address (threat T40): on the public Internet, and at a port where nothing but XMPP or
/// a web server that carries it would be.
pub(super) fn is_public(address: SocketAddr) -> bool {
    let port = address.port();
    let port_is_fit = port >= 1024 || port == 443;
    port_is_fit && ip_is_public(address.ip())
}

fn ip_is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => v4_is_public(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(embedded) => v4_is_public(embedded),
            None => v6_is_public(address),
        },
    }
}

/// The registry of special IPv4 addresses (RFC 6890 and its updates).
fn v4_is_public(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        (0 | 10 | 127, _, _) => true,
        // RFC 6598: shared by carriers.
        (100, 64..=127, _) => true,
        (169, 254, _) => true,
        (172, 16..=31, _) => true,
        (192, 0, 0) => true,
        // RFC 5737: documentation.
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => true,
        (192, 88, 99) => true,
        (192, 168, _) => true,
        // RFC 2544: measurements.
        (198, 18 | 19, _) => true,
        // Multicast, reserved and broadcast.
        (224..=255, _, _) => true,
        _ => false,
    };
    !special
}

/// Global unicast (2000::/3) without documentation, Teredo and the like (RFC 6890 and its updates).
fn v6_is_public(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let is_global_unicast = a & 0xe000 == 0x2000;
    let special = matches!((a, b), (0x2001, 0x0000..=0x01ff) | (0x2001, 0x0db8) | (0x3fff, 0x0000..=0x0fff));
    is_global_unicast && !special
}

/// The IPv4 address that an IPv6 address leads to: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => Some(join(g, h)),
        (0x2002, high, low, ..) => Some(join(high, low)),
        _ => None,
    }
}

/// IPv6 and IPv4 in turns, so that a family that does not work here costs one attempt and not all (RFC 8305 §4).
pub(super) fn interleaved(six: Vec<IpAddr>, four: Vec<IpAddr>) -> Vec<IpAddr> {
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    let mut all = Vec::with_capacity(six.len() + four.len());
    while six.len() + four.len() > 0 {
        all.extend(six.next());
        all.extend(four.next());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    #[test]
    fn a_stranger_may_name_public_addresses() {
        for address in
            ["9.9.9.9:5269", "[2620:fe::fe]:5269", "9.9.9.9:443", "[64:ff9b::909:909]:5269", "100.128.0.1:5269"]
        {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn a_stranger_may_not_name_special_addresses_or_low_ports() {
        let special = [
            "127.0.0.1:5269",
            "10.1.2.3:5269",
            "172.31.0.1:5269",
            "192.168.1.1:5269",
            "169.254.169.254:5269",
            "100.64.0.1:5269",
            "0.0.0.0:5269",
            "255.255.255.255:5269",
            "192.0.2.1:5269",
            "[::1]:5269",
            "[::]:5269",
            "[fe80::1]:5269",
            "[fd00::1]:5269",
            "[ff02::1]:5269",
            "[::ffff:10.0.0.1]:5269",
            "[64:ff9b::7f00:1]:5269",
            "[2002:7f00:1::]:5269",
            "[2001:db8::1]:5269",
            "[2001::1]:5269",
            "9.9.9.9:25",
            "9.9.9.9:0",
        ];
        for address in special {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn the_families_take_turns() {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let all = interleaved(parse(&["::1", "::2", "::3"]), parse(&["1.1.1.1"]));
        assert_eq!(all, parse(&["::1", "1.1.1.1", "::2", "::3"]));
    }
}
