//! `[[peer]]`: what differs for some remote domains.

use std::net::SocketAddr;

use refrain_proto::Domain;

use super::file::Section;
use super::limits::RatesWritten;
use super::sides::{ADDRESS_ADVICE, parse_target};

/// What holds for one remote domain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeerPolicy {
    /// Where its server is, instead of what DNS says.
    pub address: Option<SocketAddr>,
    /// Whether dialback may prove it. RFC 7590 §3.4: encrypted but unauthenticated only by explicit choice for this domain.
    pub dialback: bool,
    /// Whether DNS may lead to special addresses for it; without a word here, what `outside.private-addresses` says.
    pub private_addresses: Option<bool>,
    /// How fast it may send, where that differs from `[limits]`.
    pub rates: RatesWritten,
}

/// All `[[peer]]` tables; the most specific pattern speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerPolicies(Vec<(Pattern, PeerPolicy)>);

/// Which remote domains a `[[peer]]` is about, the most specific first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Pattern {
    /// `partner.example`
    Exactly(Domain),
    /// `*.partner.example`: everything below it, at any depth; the number is that of its labels, counted downwards.
    Below(std::cmp::Reverse<usize>, Domain),
    /// `*`
    Any,
}

impl PeerPolicies {
    /// The policy for a remote domain.
    pub fn for_domain(&self, domain: &Domain) -> PeerPolicy {
        let found = self.0.iter().find(|(pattern, _)| pattern.covers(domain));
        found.map(|(_, policy)| *policy).unwrap_or_default()
    }

    /// Whether every `[[peer]]` has a static address. Without a resolver, nobody else can be reached then.
    pub fn all_have_addresses(&self) -> bool {
        !self.is_empty() && self.0.iter().all(|(_, policy)| policy.address.is_some())
    }

    /// The static addresses.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.0.iter().filter_map(|(_, policy)| policy.address)
    }

    /// How many of them allow dialback.
    pub fn dialback_count(&self) -> usize {
        self.0.iter().filter(|(_, policy)| policy.dialback).count()
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no `[[peer]]` at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads all `[[peer]]` tables.
    pub(super) fn read(sections: &[Section<'_>]) -> Self {
        let mut policies: Vec<(Pattern, PeerPolicy)> = Vec::new();
        for section in sections {
            let Some((pattern, policy)) = read_peer(section) else { continue };
            if policies.iter().any(|(other, _)| *other == pattern) {
                section.mistake("name", "this peer has been described already", "join the two [[peer]] tables");
            }
            policies.push((pattern, policy));
        }
        policies.sort_by(|(one, _), (other, _)| one.cmp(other));
        PeerPolicies(policies)
    }
}

fn read_peer(section: &Section<'_>) -> Option<(Pattern, PeerPolicy)> {
    section.knows(&["name", "address", "dialback", "private-addresses", "stanzas-per-second", "bytes-per-second"]);
    section.requires("name", "write a remote domain, \"*.domain\" or \"*\"");
    let policy = PeerPolicy {
        address: section.parsed("address", parse_target, ADDRESS_ADVICE),
        dialback: section.flag("dialback").unwrap_or(false),
        private_addresses: section.flag("private-addresses"),
        rates: RatesWritten::read(section),
    };
    let pattern = section.parsed("name", Pattern::parse, "write a remote domain, \"*.domain\" or \"*\"")?;
    Some((pattern, policy))
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, refrain_proto::JidError> {
        match text.strip_prefix("*.") {
            _ if text == "*" => Ok(Pattern::Any),
            Some(base) => Domain::parse(base).map(|base| Pattern::Below(std::cmp::Reverse(labels(&base)), base)),
            None => Domain::parse(text).map(Pattern::Exactly),
        }
    }

    fn covers(&self, domain: &Domain) -> bool {
        match self {
            Pattern::Exactly(name) => domain == name,
            Pattern::Below(_, base) => domain.is_subdomain_of(base) && domain != base,
            Pattern::Any => true,
        }
    }
}

fn labels(domain: &Domain) -> usize {
    domain.as_str().split('.').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(patterns: &[&str]) -> PeerPolicies {
        let numbered = patterns.iter().zip(1..).map(|(pattern, port)| {
            let address = Some(SocketAddr::from(([192, 0, 2, 1], port)));
            (Pattern::parse(pattern).unwrap(), PeerPolicy { address, ..PeerPolicy::default() })
        });
        let mut policies: Vec<_> = numbered.collect();
        policies.sort_by(|(one, _), (other, _)| one.cmp(other));
        PeerPolicies(policies)
    }

    fn port(policies: &PeerPolicies, domain: &str) -> Option<u16> {
        policies.for_domain(&Domain::parse(domain).unwrap()).address.map(|address| address.port())
    }

    #[test]
    fn the_most_specific_pattern_speaks() {
        let policies = policies(&["*", "*.example", "*.a.example", "b.a.example"]);
        assert_eq!(port(&policies, "b.a.example"), Some(4));
        assert_eq!(port(&policies, "c.b.a.example"), Some(3));
        assert_eq!(port(&policies, "a.example"), Some(2));
        assert_eq!(port(&policies, "example.org"), Some(1));
    }

    #[test]
    fn a_domain_without_a_pattern_must_show_a_certificate() {
        let policy = policies(&["a.example"]).for_domain(&Domain::parse("b.example").unwrap());
        assert_eq!(policy, PeerPolicy::default());
        assert!(!policy.dialback);
    }
}
