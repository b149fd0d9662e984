//! Permits: how many connections may be open, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Limits;

/// Counts open accepted connections. Taken once per connection, never per stanza.
#[derive(Default)]
pub struct Permits {
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The right to hold one connection; given back when dropped.
pub struct Permit {
    open: Arc<Mutex<Open>>,
    address: IpAddr,
}

impl Permits {
    /// A permit for a connection from `address`, or `None` when there are too many for the limits of this moment.
    pub fn admit(&self, address: IpAddr, limits: &Limits) -> Option<Permit> {
        let address = address.to_canonical();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let from_here = open.by_address.get(&address).copied().unwrap_or(0);
        if open.all >= limits.connections_max || from_here >= limits.connections_per_address_max {
            return None;
        }
        open.all += 1;
        open.by_address.insert(address, from_here + 1);
        Some(Permit { open: self.open.clone(), address })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_one_address_past_its_share_and_admits_it_again_after_a_close() {
        let permits = Permits::default();
        let limits = Limits { connections_max: 3, connections_per_address_max: 2, ..Limits::default() };
        let (first, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let held = permits.admit(first, &limits).unwrap();
        let _second = permits.admit(first, &limits).unwrap();
        assert!(permits.admit(first, &limits).is_none());
        let _third = permits.admit(other, &limits).unwrap();
        assert!(permits.admit(other, &limits).is_none(), "the total is full");
        drop(held);
        assert!(permits.admit(first, &limits).is_some());
    }

    #[test]
    fn counts_a_mapped_address_as_the_address_it_maps() {
        let permits = Permits::default();
        let limits = Limits { connections_per_address_max: 1, ..Limits::default() };
        let _held = permits.admit("192.0.2.1".parse().unwrap(), &limits).unwrap();
        assert!(permits.admit("::ffff:192.0.2.1".parse().unwrap(), &limits).is_none());
    }
}
