//! A list of domains, matched whole or as any subdomain.

use std::collections::HashSet;

use refrain_proto::Domain;

use super::{InterestError, InterestSet};

/// The domains of one list of one rule; without any, every domain matches.
#[derive(Debug, Default)]
pub(crate) struct DomainPatterns {
    whole: HashSet<Box<str>>,
    parents: HashSet<Box<str>>,
}

impl DomainPatterns {
    pub(crate) fn compile(list: &'static str, patterns: &[String]) -> Result<Self, InterestError> {
        if patterns.len() > InterestSet::ENTRIES_MAX {
            return Err(InterestError::TooLong(list));
        }
        let mut compiled = Self::default();
        for (index, pattern) in patterns.iter().enumerate() {
            let (set, domain) = match pattern.strip_prefix("*.") {
                Some(parent) => (&mut compiled.parents, parent),
                None => (&mut compiled.whole, pattern.as_str()),
            };
            let domain =
                Domain::parse(domain).map_err(|_| InterestError::NotADomain { list, index, value: pattern.clone() })?;
            set.insert(domain.to_string().into());
        }
        Ok(compiled)
    }

    pub(crate) fn contain(&self, domain: &str) -> bool {
        if self.whole.is_empty() && self.parents.is_empty() {
            return true;
        }
        (!self.whole.is_empty() && self.whole.contains(domain))
            || (!self.parents.is_empty() && self.has_parent_of(domain))
    }

    fn has_parent_of(&self, mut domain: &str) -> bool {
        while let Some((_, parent)) = domain.split_once('.') {
            if self.parents.contains(parent) {
                return true;
            }
            domain = parent;
        }
        false
    }
}
