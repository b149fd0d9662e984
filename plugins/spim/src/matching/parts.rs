//! Signatures that may stand within words, and the literals by which expressions are found: one automaton, one pass over a text.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use refrain_sdk::Problem;

/// Literals that are searched at once.
#[derive(Debug)]
pub(crate) struct Parts {
    automaton: AhoCorasick,
}

impl Parts {
    /// Compiles them; each is known by its index.
    pub(crate) fn compile<T: AsRef<[u8]>>(literals: impl IntoIterator<Item = T>) -> Result<Option<Self>, Problem> {
        let mut literals = literals.into_iter().peekable();
        if literals.peek().is_none() {
            return Ok(None);
        }
        // Of its kinds the one that takes least memory.
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(literals);
        let automaton = automaton.map_err(|error| Problem::new("signatures", format!("are too many: {error}")))?;
        Ok(Some(Parts { automaton }))
    }

    /// Tells every find in a text: the index of the literal, and the bytes that it found.
    pub(crate) fn find(&self, text: &str, mut found: impl FnMut(usize, Range<usize>)) {
        // Most texts contain none, and to learn just that is cheaper: only this search may skip ahead.
        if self.automaton.is_match(text) {
            self.automaton.find_overlapping_iter(text).for_each(|one| found(one.pattern().as_usize(), one.range()));
        }
    }
}
