//! Networks by the length of their prefix: the smallest one that holds an address is found in as many steps as there are lengths.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

/// Networks with what is said of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Networks {
    /// By family and length; the addresses without what stands behind the prefix.
    lengths: BTreeMap<(bool, u8), HashMap<u128, u32>>,
    count: usize,
}

impl Networks {
    pub(super) fn insert(&mut self, network: IpNet, note: u32) {
        let (address, is_v6) = bits(network.trunc().addr());
        let before = self.lengths.entry((is_v6, network.prefix_len())).or_default().insert(address, note);
        self.count += usize::from(before.is_none());
    }

    pub(super) fn contains(&self, network: IpNet) -> bool {
        let (address, is_v6) = bits(network.trunc().addr());
        self.lengths.get(&(is_v6, network.prefix_len())).is_some_and(|known| known.contains_key(&address))
    }

    /// The smallest network that holds the address: the length of its prefix, and what is said of it.
    pub(super) fn smallest(&self, address: IpAddr) -> Option<(u8, u32)> {
        let (address, is_v6) = bits(address);
        let width = if is_v6 { 128 } else { 32 };
        self.lengths.range((is_v6, 0)..=(is_v6, width)).rev().find_map(|((_, length), known)| {
            let behind = u32::from(width - length);
            let network = address.checked_shr(behind).unwrap_or(0).checked_shl(behind).unwrap_or(0);
            known.get(&network).map(|note| (*length, *note))
        })
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

fn bits(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), false),
        IpAddr::V6(address) => (u128::from(address), true),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_looking_at_each_network_finds(
            networks in proptest::collection::vec((any::<u32>(), 0u8..=32), 0..30),
            address: u32,
        ) {
            // Few addresses, so that networks hold some.
            let address = IpAddr::from(std::net::Ipv4Addr::from(address & 0xc000_0003));
            let mut known = Networks::default();
            let mut all = Vec::new();
            for (at, length) in networks {
                let network = IpNet::new(std::net::Ipv4Addr::from(at & 0xc000_0003).into(), length).unwrap();
                known.insert(network, u32::from(length));
                all.push(network);
            }
            let smallest = all.iter().filter(|network| network.contains(&address)).map(IpNet::prefix_len).max();
            prop_assert_eq!(known.smallest(address).map(|(length, _)| length), smallest);
        }
    }

    #[test]
    fn the_families_do_not_mix() {
        let mut known = Networks::default();
        known.insert("0.0.0.0/0".parse().unwrap(), 4);
        assert_eq!(known.smallest("192.0.2.1".parse().unwrap()), Some((0, 4)));
        assert_eq!(known.smallest("2001:db8::1".parse().unwrap()), None);
        known.insert("::/0".parse().unwrap(), 6);
        assert_eq!(known.smallest("2001:db8::1".parse().unwrap()), Some((0, 6)));
    }
}
