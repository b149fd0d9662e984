//! What each outside address holds and how fast it comes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use super::pace::{Pace, Rate};
use crate::config::Limits;
use crate::observe::refusals::Refusal;

/// Addresses that are remembered; past it, those without a connection are forgotten. A seat is 100 bytes.
const SEATS_MAX: usize = 65_536;

/// Who counts as one: an IPv4 address, or the /64 of an IPv6 one, which is the least that a customer is given (RFC 6177 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Network(address.into()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Network(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
        }
    }
}

/// What all of them hold.
pub struct Seats {
    by_network: HashMap<Network, Seat>,
    /// With so many, it is time to forget some.
    sweep_at: usize,
}

struct Seat {
    open: usize,
    unproven: usize,
    arrivals: Pace,
}

impl Default for Seats {
    fn default() -> Self {
        Seats { by_network: HashMap::new(), sweep_at: SEATS_MAX }
    }
}

impl Seats {
    /// Takes one connection in from there that has proven nothing yet, or says which of its limits is reached.
    pub fn take(&mut self, network: Network, limits: &Limits, now: Instant) -> Result<(), Refusal> {
        self.make_room(now);
        let seat =
            self.by_network.entry(network).or_insert_with(|| Seat { open: 0, unproven: 0, arrivals: Pace::new(now) });
        if seat.open >= limits.connections_per_address_max {
            return Err(Refusal::AddressConnections);
        }
        if seat.unproven >= limits.handshakes_per_address_max {
            return Err(Refusal::AddressHandshakes);
        }
        if !seat.arrivals.try_take(arrival_rate(limits), now) {
            return Err(Refusal::ConnectionRate);
        }
        seat.open += 1;
        seat.unproven += 1;
        Ok(())
    }

    /// Takes one arrival more, for what costs as much as a connection.
    pub fn charge(&mut self, network: Network, limits: &Limits, now: Instant) -> bool {
        self.by_network.get_mut(&network).is_some_and(|seat| seat.arrivals.try_take(arrival_rate(limits), now))
    }

    /// Notes that one of its connections has proven who it is.
    pub fn prove(&mut self, network: Network) {
        if let Some(seat) = self.by_network.get_mut(&network) {
            seat.unproven = seat.unproven.saturating_sub(1);
        }
    }

    /// Gives one connection back.
    pub fn leave(&mut self, network: Network) {
        if let Some(seat) = self.by_network.get_mut(&network) {
            seat.open = seat.open.saturating_sub(1);
        }
    }

    /// Forgets those who would be treated the same as strangers; where that is not half of them, all who hold nothing, so that
    /// this is done rarely.
    fn make_room(&mut self, now: Instant) {
        if self.by_network.len() < self.sweep_at {
            return;
        }
        self.by_network.retain(|_, seat| seat.open > 0 || !seat.arrivals.is_rested(now));
        if self.by_network.len() > self.sweep_at / 2 {
            self.by_network.retain(|_, seat| seat.open > 0);
        }
        self.sweep_at = SEATS_MAX.max(2 * self.by_network.len());
    }
}

/// One minute's worth may come at once: a server that was restarted comes back with all its domains.
fn arrival_rate(limits: &Limits) -> Rate {
    let per_minute = f64::from(limits.connections_per_address_per_minute);
    Rate::new(per_minute / 60.0, per_minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn network(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn an_ipv6_neighbourhood_counts_as_one_and_a_mapped_address_as_what_it_maps() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn each_limit_of_an_address_is_named_when_it_is_reached() {
        let now = Instant::now();
        let limits = Limits {
            connections_per_address_max: 3,
            handshakes_per_address_max: 2,
            connections_per_address_per_minute: 4,
            ..Limits::default()
        };
        let (mut seats, here) = (Seats::default(), network("192.0.2.1"));
        assert_eq!([(); 3].map(|()| seats.take(here, &limits, now)), [Ok(()), Ok(()), Err(Refusal::AddressHandshakes)]);
        seats.prove(here);
        seats.prove(here);
        assert_eq!(seats.take(here, &limits, now), Ok(()));
        assert_eq!(seats.take(here, &limits, now), Err(Refusal::AddressConnections));
        seats.leave(here);
        assert!(seats.charge(here, &limits, now), "the fourth of this minute");
        assert_eq!(seats.take(here, &limits, now), Err(Refusal::ConnectionRate));
        assert_eq!(seats.take(network("192.0.2.2"), &limits, now), Ok(()));
        assert_eq!(seats.take(here, &limits, now + Duration::from_secs(15)), Ok(()));
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_forgets_nobody_who_is_here() {
        let (now, limits) = (Instant::now(), Limits { connections_per_address_max: 1, ..Limits::default() });
        let (mut seats, here) = (Seats::default(), network("192.0.2.1"));
        assert_eq!(seats.take(here, &limits, now), Ok(()));
        for n in 0..3 * SEATS_MAX as u32 {
            let stranger = Network(std::net::Ipv4Addr::from(0x0a00_0000 + n).into());
            assert_eq!(seats.take(stranger, &limits, now), Ok(()));
            seats.leave(stranger);
            assert!(seats.by_network.len() <= SEATS_MAX);
        }
        assert_eq!(seats.take(here, &limits, now), Err(Refusal::AddressConnections));
    }
}
