//! The boundary: which domains live inside, and therefore who may speak on which side of it.

use crate::jid::Domain;
use std::collections::HashSet;

/// A side of the boundary: where the peer of a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The federated world.
    Outside,
    /// The protected server.
    Inside,
}

/// The domains of the protected server.
#[derive(Clone, Debug, Default)]
pub struct Boundary {
    hosted: HashSet<Domain>,
}

impl Boundary {
    /// Draws the boundary around these domains. Each is meant exactly: a service such as `conference.` is named by itself.
    pub fn new(hosted: impl IntoIterator<Item = Domain>) -> Self {
        Self { hosted: hosted.into_iter().collect() }
    }

    /// The domains inside, in no order.
    pub fn hosted(&self) -> impl Iterator<Item = &Domain> {
        self.hosted.iter()
    }

    /// Tells whether a domain is inside.
    pub fn is_hosted(&self, domain: &Domain) -> bool {
        self.hosted.contains(domain)
    }

    /// Tells whether a peer on this side may be `from`.
    pub fn may_send(&self, side: Side, from: &Domain) -> bool {
        match side {
            Side::Outside => self.is_foreign(from),
            Side::Inside => self.is_hosted(from),
        }
    }

    /// Tells whether a peer on this side is answered under the name `to`.
    pub fn serves(&self, side: Side, to: &Domain) -> bool {
        match side {
            Side::Outside => self.is_hosted(to),
            Side::Inside => self.is_foreign(to),
        }
    }

    /// Nobody outside speaks for a hosted domain or one below it, and no name without a place in public DNS is believed.
    fn is_foreign(&self, domain: &Domain) -> bool {
        let below_hosted = || domain.ancestors().any(|above| self.hosted.contains(above));
        !domain.is_ip_literal() && !domain.is_single_label() && !self.is_hosted(domain) && !below_hosted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    #[test]
    fn nobody_outside_speaks_for_the_hosted_tree() {
        let boundary = Boundary::new([domain("local.example")]);
        for name in ["local.example", "LOCAL.example.", "conference.local.example", "local\u{3002}example"] {
            assert!(!boundary.may_send(Side::Outside, &domain(name)), "{name}");
            assert!(!boundary.serves(Side::Inside, &domain(name)), "{name}");
        }
        assert!(boundary.may_send(Side::Outside, &domain("remote.example")));
        assert!(boundary.may_send(Side::Outside, &domain("notlocal.example")));
    }

    #[test]
    fn addresses_and_bare_names_are_nobody_outside() {
        let boundary = Boundary::new([domain("local.example")]);
        for name in ["localhost", "192.0.2.1", "[::1]", "example"] {
            assert!(!boundary.may_send(Side::Outside, &domain(name)), "{name}");
        }
    }

    #[test]
    fn inside_only_hosted_domains_speak_and_only_to_foreign_ones() {
        let boundary = Boundary::new([domain("local.example")]);
        assert!(boundary.may_send(Side::Inside, &domain("local.example")));
        assert!(!boundary.may_send(Side::Inside, &domain("conference.local.example")));
        assert!(boundary.serves(Side::Inside, &domain("remote.example")));
        assert!(boundary.serves(Side::Outside, &domain("local.example")));
        assert!(!boundary.serves(Side::Outside, &domain("remote.example")));
    }
}
