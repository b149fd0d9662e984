//! Who is in a chain and what each is asked about, as text: for those who look at its decisions when it may be gone already.

use std::sync::Arc;

use refrain_filter::{Chain, Interest};

/// The filters of a chain, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// In order.
    pub filters: Vec<Rostered>,
}

/// One filter of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rostered {
    /// The operator's name for it.
    pub name: Arc<str>,
    /// Its interest rules; none when it sees every stanza.
    pub interests: Vec<String>,
}

impl Roster {
    /// Reads it off a chain.
    pub fn of(chain: &Chain) -> Arc<Self> {
        let filters = chain.status().into_iter().map(|filter| Rostered {
            interests: filter.interests.iter().map(interest_text).collect(),
            name: filter.name,
        });
        Arc::new(Roster { filters: filters.collect() })
    }

    /// The interest rules of a filter whose bits are set.
    pub fn matched(&self, filter: &str, bits: u64) -> Vec<String> {
        let found = self.filters.iter().find(|rostered| *rostered.name == *filter);
        let rules = found.map(|rostered| rostered.interests.as_slice()).unwrap_or_default();
        let matched = rules.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
        matched.map(|(_, rule)| rule.clone()).collect()
    }
}

/// Lists in rules come from the settings and may have thousands of entries.
const SHOWN_MAX: usize = 5;
const DIRECTIONS: [&str; 2] = ["inbound", "outbound"];
const KINDS: [&str; 3] = ["message", "presence", "iq"];
const TYPES: [&str; 16] = [
    "normal",
    "chat",
    "groupchat",
    "headline",
    "available",
    "unavailable",
    "subscribe",
    "subscribed",
    "unsubscribe",
    "unsubscribed",
    "probe",
    "iq-get",
    "iq-set",
    "iq-result",
    "error",
    "unknown",
];
const BITS: [&str; 9] = ["body", "encrypted", "delayed", "forwarded", "muc", "edited", "subject", "stranger", "known"];

/// A rule as a person reads it: its conditions, all of which hold.
fn interest_text(interest: &Interest) -> String {
    let mut conditions: Vec<String> = Vec::new();
    let mut add = |name: &str, values: String| {
        if !values.is_empty() {
            conditions.push(format!("{name} {values}"));
        }
    };
    add("direction", cases(u32::from(interest.directions), &DIRECTIONS));
    add("kind", cases(u32::from(interest.kinds), &KINDS));
    add("type", cases(interest.types, &TYPES));
    add("has", cases(interest.bits_any, &BITS));
    add("payload", shortened(&interest.payload_ns));
    add("from", shortened(&interest.from_domains));
    add("to", shortened(&interest.to_domains));
    if interest.min_size > 0 {
        add("size at least", interest.min_size.to_string());
    }
    if conditions.is_empty() { "every stanza".to_owned() } else { conditions.join(", ") }
}

/// The cases whose bits are set.
fn cases(mask: u32, names: &[&str]) -> String {
    let set = names.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
    set.map(|(_, name)| *name).collect::<Vec<_>>().join("|")
}

fn shortened(values: &[String]) -> String {
    let shown = values.iter().take(SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join("|");
    match values.len().saturating_sub(SHOWN_MAX) {
        0 => shown,
        more => format!("{shown}|… {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_as_its_conditions() {
        assert_eq!(interest_text(&Interest::default()), "every stanza");
        let interest = Interest {
            kinds: 0b101,
            bits_any: 1,
            from_domains: (0..7).map(|n| format!("{n}.example")).collect(),
            min_size: 10,
            ..Interest::default()
        };
        assert_eq!(
            interest_text(&interest),
            "kind message|iq, has body, from 0.example|1.example|2.example|3.example|4.example|… 2 more, size at least 10"
        );
    }
}
