//! The order of SRV targets (RFC 2782): by priority, and within one priority by a draw in which weight is the chance.

use std::hash::{BuildHasher, Hasher, RandomState};

use hickory_resolver::proto::rr::rdata::SRV;

/// Puts targets in the order to try them. `draw(n)` is a number from 0 to `n`, both included.
pub(super) fn ordered(mut targets: Vec<SRV>, mut draw: impl FnMut(u32) -> u32) -> Vec<SRV> {
    // RFC 2782: those of weight 0 stand first in their priority, so that they are drawn only when the draw is 0.
    targets.sort_by_key(|target| (target.priority, target.weight != 0));
    let mut order = Vec::with_capacity(targets.len());
    while let Some(first) = targets.first() {
        let priority = first.priority;
        let rivals = targets.iter().take_while(|target| target.priority == priority);
        let total: u32 = rivals.clone().map(|target| u32::from(target.weight)).sum();
        let drawn = draw(total).min(total);
        let sums = rivals.scan(0, |sum, target| {
            *sum += u32::from(target.weight);
            Some(*sum)
        });
        let at = sums.take_while(|sum| *sum < drawn).count();
        order.push(targets.remove(at));
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

    fn target(priority: u16, weight: u16, host: &str) -> SRV {
        SRV::new(priority, weight, 5269, Name::from_ascii(host).unwrap())
    }

    fn hosts(order: &[SRV]) -> Vec<String> {
        order.iter().map(|target| target.target.to_string()).collect()
    }

    #[test]
    fn tries_lower_priorities_first_whatever_their_weight() {
        let targets = vec![target(20, 100, "c."), target(5, 0, "a."), target(10, 1, "b.")];
        assert_eq!(hosts(&ordered(targets, |max| max)), ["a.", "b.", "c."]);
    }

    #[test]
    fn a_target_of_weight_zero_is_drawn_only_by_a_zero() {
        let targets = || vec![target(1, 3, "heavy."), target(1, 0, "zero.")];
        assert_eq!(hosts(&ordered(targets(), |_| 0)), ["zero.", "heavy."]);
        assert_eq!(hosts(&ordered(targets(), |_| 1)), ["heavy.", "zero."]);
    }

    /// C01: weights within ten per cent over many lookups.
    #[test]
    fn weight_is_the_chance_to_be_first() {
        let mut first: HashMap<String, u32> = HashMap::new();
        for _ in 0..10_000 {
            let order = ordered(vec![target(1, 75, "a."), target(1, 25, "b.")], draw);
            *first.entry(order[0].target.to_string()).or_default() += 1;
        }
        assert!((7_000..8_000).contains(&first["a."]), "{first:?}");
    }

    #[test]
    fn loses_no_target() {
        for _ in 0..100 {
            let order =
                ordered(vec![target(1, 0, "a."), target(1, 9, "b."), target(1, 0, "c."), target(2, 0, "d.")], draw);
            let mut hosts = hosts(&order);
            assert_eq!(hosts.pop().as_deref(), Some("d."));
            hosts.sort();
            assert_eq!(hosts, ["a.", "b.", "c."]);
        }
    }
}
