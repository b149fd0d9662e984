//! Namespace patterns, numbered, so that one pass over a stanza's children serves all rules of all filters.

/// The distinct patterns of a filter, or of a whole chain.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    patterns: Vec<Pattern>,
}

#[derive(Debug, PartialEq, Eq)]
enum Pattern {
    Whole(Box<str>),
    Prefix(Box<str>),
}

impl Namespaces {
    /// Numbers the patterns and returns the bit set of their numbers; empty for an empty list.
    pub(crate) fn mask(&mut self, patterns: &[String]) -> Box<[u64]> {
        let mut mask = Vec::new();
        for pattern in patterns {
            let number = self.number(pattern);
            if mask.len() <= number / 64 {
                mask.resize(number / 64 + 1, 0);
            }
            mask[number / 64] |= 1 << (number % 64);
        }
        mask.into()
    }

    fn number(&mut self, pattern: &str) -> usize {
        let pattern = match pattern.strip_suffix('*') {
            Some(prefix) => Pattern::Prefix(prefix.into()),
            None => Pattern::Whole(pattern.into()),
        };
        self.patterns.iter().position(|known| *known == pattern).unwrap_or_else(|| {
            self.patterns.push(pattern);
            self.patterns.len() - 1
        })
    }

    /// How many words a bit set of all patterns takes.
    pub(crate) fn words(&self) -> usize {
        self.patterns.len().div_ceil(64)
    }

    /// Sets the bit of every pattern that matches this namespace.
    pub(crate) fn mark(&self, namespace: &str, seen: &mut [u64]) {
        for (number, pattern) in self.patterns.iter().enumerate() {
            let matches = match pattern {
                Pattern::Whole(whole) => **whole == *namespace,
                Pattern::Prefix(prefix) => namespace.starts_with(&**prefix),
            };
            if matches {
                seen[number / 64] |= 1 << (number % 64);
            }
        }
    }
}
