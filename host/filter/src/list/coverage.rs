//! Which entries would cover something: to say whose they are, one by one, where a look-up only says that there is one.

use std::net::IpAddr;

use refrain_proto::Jid;

use super::entry::{Key, hash_of, parse_address};

/// All that would cover one address, domain or word.
#[derive(Debug)]
pub struct Coverage {
    keys: Vec<Key>,
    host: Option<IpAddr>,
}

impl Coverage {
    /// Of what a filter might look up.
    pub fn of(value: &str) -> Self {
        let Ok(jid) = Jid::parse(value) else {
            return Coverage { keys: vec![Key::Word(value.into())], host: parse_address(value) };
        };
        let (full, bare, domain) = (jid.as_str(), jid.bare(), jid.domain());
        let mut keys = vec![Key::Word(full.into()), Key::Word(bare.into()), Key::Word(domain.into())];
        keys.extend([bare, domain].map(|text| Key::Hash(hash_of(text))));
        let dots = domain.match_indices('.').map(|(dot, _)| Key::Parent(domain[dot + 1..].into()));
        keys.extend(dots);
        Coverage { keys, host: parse_address(domain) }
    }

    /// Whether an entry is among them.
    pub fn has(&self, key: &Key) -> bool {
        match key {
            Key::Network(network) => self.host.is_some_and(|host| network.contains(&host)),
            Key::Word(_) | Key::Parent(_) | Key::Hash(_) => self.keys.contains(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::List;
    use super::*;

    /// Few of each, so that entries meet addresses.
    fn entry() -> impl Strategy<Value = String> {
        prop_oneof![
            "(a@)?(b\\.)?x\\.(y|z)(/r)?",
            "\\*\\.(b\\.)?(x\\.)?(y|z)",
            "(a@)?(b\\.)?x\\.(y|z)".prop_map(|text| hash_of(&text).iter().map(|byte| format!("{byte:02x}")).collect()),
            "1\\.2\\.3\\.(4|5)(/24)?",
            "w w|x/",
        ]
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof!["(a@)?(b\\.)?(c\\.)?x\\.(y|z)(/r)?", "(a@)?1\\.2\\.3\\.4(/r)?", "x/|ww"]
    }

    proptest! {
        #[test]
        fn a_list_covers_what_one_of_its_entries_covers(
            entries in proptest::collection::vec(entry(), 0..6),
            value in value(),
        ) {
            let list = List::from_iter(entries.clone());
            let coverage = Coverage::of(&value);
            let any = entries.iter().any(|entry| coverage.has(&Key::parse(entry.split(' ').next().unwrap())));
            prop_assert_eq!(list.lookup(&value).is_some(), any, "{:?} of {:?}", value, entries);
        }
    }
}
