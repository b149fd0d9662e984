//! What kind of address one is, and in which order addresses are tried.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is special about an address, in one word; `None` when it is one of the public Internet (RFC 6890 and its updates).
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(embedded) => special_v4(embedded),
            None => special_v6(address),
        },
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, _, _) => Some("unspecified"),
        (127, _, _) => Some("loopback"),
        (10, _, _) | (172, 16..=31, _) | (192, 168, _) => Some("private"),
        // RFC 6598: shared by carriers.
        (100, 64..=127, _) => Some("shared"),
        // Cloud providers hand out credentials at 169.254.169.254.
        (169, 254, _) => Some("link-local"),
        // RFC 5737.
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Some("documentation"),
        (192, 0, 0) | (192, 88, 99) => Some("reserved"),
        // RFC 2544.
        (198, 18 | 19, _) => Some("benchmark"),
        (224..=239, _, _) => Some("multicast"),
        (240..=255, _, _) => Some("reserved"),
        _ => None,
    }
}

/// Global unicast is 2000::/3 without documentation, Teredo and the like; the rest is special.
fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let [a, b, ..] = address.segments();
    match (a, b) {
        _ if address.is_unspecified() => Some("unspecified"),
        _ if address.is_loopback() => Some("loopback"),
        (0xfe80..=0xfebf, _) => Some("link-local"),
        (0xfc00..=0xfdff, _) => Some("private"),
        (0xff00..=0xffff, _) => Some("multicast"),
        (0x2001, 0x0db8) | (0x3fff, 0x0000..=0x0fff) => Some("documentation"),
        (0x2001, 0x0000..=0x01ff) => Some("reserved"),
        (0x2000..=0x3fff, _) => None,
        _ => Some("reserved"),
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056). A network's own NAT64
/// prefix (RFC 8215) is not known to us, and what is in 64:ff9b:1::/48 counts as reserved.
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

    fn kind(address: &str) -> Option<&'static str> {
        special(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_the_public_internet_are_not_special() {
        for address in ["9.9.9.9", "2620:fe::fe", "64:ff9b::909:909", "::ffff:9.9.9.9", "100.128.0.1"] {
            assert_eq!(kind(address), None, "{address}");
        }
    }

    /// T40.
    #[test]
    fn special_addresses_are_known_by_kind_in_every_disguise() {
        let expected = [
            (
                "loopback",
                &["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"][..],
            ),
            ("private", &["10.1.2.3", "172.16.0.1", "172.31.0.1", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1"]),
            ("link-local", &["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"]),
            ("shared", &["100.64.0.1", "100.127.255.255"]),
            ("unspecified", &["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"]),
            ("multicast", &["224.0.0.1", "239.1.2.3", "ff02::1"]),
            ("documentation", &["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff:1::1"]),
            ("benchmark", &["198.18.0.1"]),
            ("reserved", &["255.255.255.255", "192.0.0.8", "2001::1", "64:ff9b:1::1", "::127.0.0.1", "100::1"]),
        ];
        for (expected, addresses) in expected {
            for address in addresses {
                assert_eq!(kind(address), Some(expected), "{address}");
            }
        }
    }

    #[test]
    fn the_families_take_turns() {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let all = interleaved(parse(&["::1", "::2", "::3"]), parse(&["1.1.1.1"]));
        assert_eq!(all, parse(&["::1", "1.1.1.1", "::2", "::3"]));
    }
}
