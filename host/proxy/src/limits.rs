//! Permits: how many connections may be open, in all and from one address, and how many of them may be strangers'.

pub mod meters;
mod pace;
mod seats;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use refrain_proto::Side;
use tokio::sync::Notify;

use crate::config::Limits;
use crate::observe::refusals::Refusal;
use seats::{Network, Seats};

/// Counts open accepted connections. Taken once per connection, never per stanza.
#[derive(Default)]
pub struct Permits {
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    inside: usize,
    outside: usize,
    /// Connections from load balancers that have not said yet for whom they are.
    unnamed: usize,
    /// Outside connections that have proven nothing yet, the oldest first.
    strangers: BTreeMap<u64, Arc<Notify>>,
    next_ticket: u64,
    seats: Seats,
}

/// A quarter of all connections is kept for the protected servers: without them nothing moves at all.
fn outside_max(limits: &Limits) -> usize {
    limits.connections_max - limits.connections_max / 4
}

/// Strangers may hold a quarter; when it is full, the oldest of them makes room, so that an honest peer, whose handshake takes a
/// fraction of a second, gets through however many there are.
fn strangers_max(limits: &Limits) -> usize {
    limits.connections_max.div_ceil(4)
}

/// The right to hold one connection; given back when dropped.
pub struct Permit {
    open: Arc<Mutex<Open>>,
    side: Side,
    stranger: Option<Stranger>,
    network: Option<Network>,
}

/// One who has proven nothing yet.
struct Stranger {
    ticket: u64,
    asked_to_leave: Arc<Notify>,
}

/// A connection from a load balancer that has not said yet for whom it is.
pub struct Unnamed {
    open: Arc<Mutex<Open>>,
}

impl Permits {
    /// A permit for a connection from `address`, or the limit of this moment that forbids it. The protected servers have few
    /// addresses and may open a stream for each remote domain, so that only the total counts for them.
    pub fn admit(&self, side: Side, address: IpAddr, limits: &Limits, now: Instant) -> Result<Permit, Refusal> {
        let mut open = lock(&self.open);
        if open.inside + open.outside >= limits.connections_max {
            return Err(Refusal::Connections);
        }
        // A permit gives back what it holds when it is dropped, so there is none before it holds all of it.
        let (stranger, network) = match side {
            Side::Inside => {
                open.inside += 1;
                (None, None)
            }
            Side::Outside => {
                if open.outside >= outside_max(limits) {
                    return Err(Refusal::Connections);
                }
                let network = Network::of(address);
                open.seats.take(network, limits, now)?;
                open.outside += 1;
                (Some(open.seat_stranger(limits)), Some(network))
            }
        };
        drop(open);
        Ok(Permit { open: self.open.clone(), side, stranger, network })
    }

    /// Lets a load balancer's connection wait for its PROXY header.
    pub fn await_name(&self, limits: &Limits) -> Result<Unnamed, Refusal> {
        let mut open = lock(&self.open);
        if open.unnamed >= strangers_max(limits) {
            return Err(Refusal::Connections);
        }
        open.unnamed += 1;
        Ok(Unnamed { open: self.open.clone() })
    }
}

impl Open {
    fn seat_stranger(&mut self, limits: &Limits) -> Stranger {
        if self.strangers.len() >= strangers_max(limits)
            && let Some((_, oldest)) = self.strangers.pop_first()
        {
            oldest.notify_one();
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let asked_to_leave = Arc::new(Notify::new());
        self.strangers.insert(ticket, asked_to_leave.clone());
        Stranger { ticket, asked_to_leave }
    }
}

impl Permit {
    /// Completes when a stranger has to make room; never for anybody else.
    pub fn evicted(&self) -> impl Future<Output = ()> + use<> {
        let stranger = self.stranger.as_ref().map(|stranger| stranger.asked_to_leave.clone());
        async move {
            match stranger {
                Some(asked_to_leave) => asked_to_leave.notified().await,
                None => std::future::pending().await,
            }
        }
    }

    /// Notes that the connection has proven who it is; false when it was asked to leave just before.
    pub fn prove(&mut self) -> bool {
        let Some(Stranger { ticket, .. }) = self.stranger.take() else { return true };
        let mut open = lock(&self.open);
        if let Some(network) = self.network {
            open.seats.prove(network);
        }
        open.strangers.remove(&ticket).is_some()
    }

    /// Whether it has proven who it is, or need not.
    pub fn is_proven(&self) -> bool {
        self.stranger.is_none()
    }

    /// Counts one connection more for the rate of its address, for what costs others as much; false when the rate is used up.
    pub fn charge(&self, limits: &Limits, now: Instant) -> bool {
        self.network.is_none_or(|network| lock(&self.open).seats.charge(network, limits, now))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.prove();
        let mut open = lock(&self.open);
        match self.side {
            Side::Inside => open.inside -= 1,
            Side::Outside => open.outside -= 1,
        }
        if let Some(network) = self.network {
            open.seats.leave(network);
        }
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        lock(&self.open).unnamed -= 1;
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(permits: &Permits, address: &str, limits: &Limits) -> Result<Permit, Refusal> {
        permits.admit(Side::Outside, address.parse().unwrap(), limits, Instant::now())
    }

    fn limits(connections_max: usize, connections_per_address_max: usize) -> Limits {
        Limits { connections_max, connections_per_address_max, ..Limits::default() }
    }

    #[test]
    fn refuses_one_address_past_its_share_and_admits_it_again_after_a_close() {
        let (permits, limits) = (Permits::default(), limits(3, 2));
        let held = admit(&permits, "192.0.2.1", &limits).unwrap();
        let _second = admit(&permits, "::ffff:192.0.2.1", &limits).unwrap();
        assert_eq!(admit(&permits, "192.0.2.1", &limits).err(), Some(Refusal::AddressConnections));
        let _third = admit(&permits, "192.0.2.2", &limits).unwrap();
        assert_eq!(admit(&permits, "192.0.2.2", &limits).err(), Some(Refusal::Connections));
        drop(held);
        assert!(admit(&permits, "192.0.2.1", &limits).is_ok());
    }

    #[test]
    fn the_world_cannot_use_up_what_the_protected_servers_need() {
        let (permits, limits) = (Permits::default(), limits(8, 1_000));
        let mut held: Vec<_> = (0..6).map(|_| admit(&permits, "192.0.2.1", &limits).unwrap()).collect();
        assert_eq!(admit(&permits, "192.0.2.1", &limits).err(), Some(Refusal::Connections));
        let inside = || permits.admit(Side::Inside, "127.0.0.1".parse().unwrap(), &limits, Instant::now());
        held.extend([inside().unwrap(), inside().unwrap()]);
        assert_eq!(inside().err(), Some(Refusal::Connections));
    }

    #[tokio::test]
    async fn the_oldest_stranger_makes_room_and_whoever_has_proven_something_stays() {
        let (permits, limits) = (Permits::default(), limits(8, 1_000));
        let mut proven = admit(&permits, "192.0.2.1", &limits).unwrap();
        assert!(proven.prove());
        let mut oldest = admit(&permits, "192.0.2.1", &limits).unwrap();
        let older = admit(&permits, "192.0.2.1", &limits).unwrap();
        let _newest = admit(&permits, "192.0.2.2", &limits).unwrap();
        tokio::select! {
            biased;
            () = proven.evicted() => panic!("has proven who it is"),
            () = older.evicted() => panic!("is not the oldest"),
            () = oldest.evicted() => {}
        }
        assert!(!oldest.prove(), "its proof came too late");
    }
}
