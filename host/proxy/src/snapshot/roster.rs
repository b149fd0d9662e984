//! Who is in a chain and what each is asked about, as text: for those who look at its decisions when it may be gone already.

use std::sync::Arc;

use refrain_filter::Chain;

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
        let filters = chain.filters().map(|name| Rostered { name: name.into(), interests: Vec::new() });
        Arc::new(Roster { filters: filters.collect() })
    }
}
