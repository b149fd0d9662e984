//! The two SRV services of a domain as one list (XEP-0368), and its order (RFC 2782): by priority, and within one priority by a
//! draw in which weight is the chance.

use std::hash::{BuildHasher, Hasher, RandomState};

use hickory_resolver::proto::rr::rdata::SRV;

use super::target::Transport;

/// One SRV record, with what its service name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The record.
    pub(super) record: SRV,
    /// How TLS begins at its target.
    pub(super) transport: Transport,
    /// Whether the record set was validated as secure.
    pub(super) secure: bool,
}

/// What a domain says of its servers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Announced {
    /// Nothing: the domain itself is the target (RFC 6120 §3.2.2).
    Nothing,
    /// That there is none.
    Absence,
    /// These, in the order to try them.
    Services(Vec<Service>),
}

/// Joins the answers to both questions as if they were one, and takes the first `max` of them in a drawn order.
pub(super) fn announced(services: Vec<Service>, max: usize, draw: impl FnMut(u32) -> u32) -> Announced {
    if services.is_empty() {
        return Announced::Nothing;
    }
    // RFC 2782: the target "." says that this service is not there; XEP-0368 §3: it says nothing of the other one. With one
    // answer of whatever kind there is no fallback to the addresses of the domain.
    let present: Vec<_> = services.into_iter().filter(|service| !service.record.target.is_root()).collect();
    if present.is_empty() { Announced::Absence } else { Announced::Services(ordered(present, max, draw)) }
}

/// Puts the first `max` in the order to try them. `draw(n)` is a number from 0 to `n`, both included.
fn ordered(mut services: Vec<Service>, max: usize, mut draw: impl FnMut(u32) -> u32) -> Vec<Service> {
    // RFC 2782: those of weight 0 stand first in their priority, so that they are drawn only when the draw is 0.
    services.sort_by_key(|service| (service.record.priority, service.record.weight != 0));
    let mut order = Vec::new();
    while let Some(first) = services.first().filter(|_| order.len() < max) {
        let priority = first.record.priority;
        let rivals = services.iter().take_while(|service| service.record.priority == priority);
        let total: u32 = rivals.clone().map(|service| u32::from(service.record.weight)).sum();
        let drawn = draw(total).min(total);
        let sums = rivals.scan(0, |sum, service| {
            *sum += u32::from(service.record.weight);
            Some(*sum)
        });
        let at = sums.take_while(|sum| *sum < drawn).count();
        order.push(services.remove(at));
    }
    order
}

/// A number from 0 to `max`. Each `RandomState` has its own random keys; for sharing load that is random enough.
pub(super) fn draw(max: u32) -> u32 {
    let random = RandomState::new().build_hasher().finish();
    u32::try_from(random % (u64::from(max) + 1)).unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use hickory_resolver::proto::rr::Name;

    use super::*;

    fn service(priority: u16, weight: u16, host: &str) -> Service {
        let record = SRV::new(priority, weight, 5269, Name::from_ascii(host).unwrap());
        Service { record, transport: Transport::StartTls, secure: false }
    }

    fn direct(priority: u16, weight: u16, host: &str) -> Service {
        Service { transport: Transport::DirectTls, ..service(priority, weight, host) }
    }

    fn hosts(order: &[Service]) -> Vec<String> {
        order.iter().map(|service| service.record.target.to_string()).collect()
    }

    #[test]
    fn tries_lower_priorities_first_whatever_their_weight() {
        let services = vec![service(20, 100, "c."), service(5, 0, "a."), service(10, 1, "b.")];
        assert_eq!(hosts(&ordered(services, 9, |max| max)), ["a.", "b.", "c."]);
    }

    #[test]
    fn a_target_of_weight_zero_is_drawn_only_by_a_zero() {
        let services = || vec![service(1, 3, "heavy."), service(1, 0, "zero.")];
        assert_eq!(hosts(&ordered(services(), 9, |_| 0)), ["zero.", "heavy."]);
        assert_eq!(hosts(&ordered(services(), 9, |_| 1)), ["heavy.", "zero."]);
    }

    /// C01: weights within ten per cent over many lookups.
    #[test]
    fn weight_is_the_chance_to_be_first() {
        let mut first: HashMap<String, u32> = HashMap::new();
        for _ in 0..10_000 {
            let order = ordered(vec![service(1, 75, "a."), direct(1, 25, "b.")], 9, draw);
            *first.entry(order[0].record.target.to_string()).or_default() += 1;
        }
        assert!((7_000..8_000).contains(&first["a."]), "{first:?}");
    }

    #[test]
    fn loses_no_target() {
        for _ in 0..100 {
            let services = vec![service(1, 0, "a."), direct(1, 9, "b."), service(1, 0, "c."), direct(2, 0, "d.")];
            let mut hosts = hosts(&ordered(services, 9, draw));
            assert_eq!(hosts.pop().as_deref(), Some("d."));
            hosts.sort();
            assert_eq!(hosts, ["a.", "b.", "c."]);
        }
    }

    /// T42.
    #[test]
    fn takes_the_first_few_of_very_many() {
        let services = (0..3_000).map(|number| service(number, 1, "a.")).collect();
        let order = ordered(services, 8, draw);
        assert_eq!(order.iter().map(|service| service.record.priority).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    }

    /// C02, C47.
    #[test]
    fn the_root_as_target_takes_one_service_away_and_the_fallback_with_it() {
        let announced = |services| announced(services, 9, |_| 0);
        assert_eq!(announced(vec![]), Announced::Nothing);
        assert_eq!(announced(vec![service(0, 0, ".")]), Announced::Absence);
        assert_eq!(announced(vec![direct(0, 0, ".")]), Announced::Absence);
        assert_eq!(announced(vec![direct(0, 0, "."), service(0, 0, ".")]), Announced::Absence);
        let rest = Announced::Services(vec![service(9, 0, "a.")]);
        assert_eq!(announced(vec![direct(0, 0, "."), service(9, 0, "a.")]), rest);
        let rest = Announced::Services(vec![direct(9, 0, "a.")]);
        assert_eq!(announced(vec![service(0, 0, "."), direct(9, 0, "a.")]), rest);
    }
}
