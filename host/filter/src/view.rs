//! What all calls about one stanza have in common: looked up once, reused from stanza to stanza.

use std::time::Instant;

use refrain_proto::Stanza;

use crate::bindings::refrain::filter::types::Head;
use crate::chain::Chain;
use crate::interest::Sight;
use crate::relation::Relation;

/// What every call about the same stanza is told; the strings are reused from stanza to stanza.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) sight: Sight,
    now_ms: u64,
    /// When the first filter's turn began and the last one's ended.
    pub(crate) begun: Option<Instant>,
    pub(crate) ended: Option<Instant>,
    pub(crate) addressed: bool,
    from: String,
    to: String,
}

impl View {
    #[inline]
    pub(crate) fn begin(&mut self, stanza: &Stanza, chain: &Chain, relation: Option<Relation>, now_ms: u64) {
        (self.begun, self.ended) = (None, None);
        self.sight.begin(stanza, chain.direction);
        self.sight.add_bits(relation.map_or(0, Relation::bit));
        self.now_ms = now_ms;
        self.addressed = false;
    }

    /// When a filter's turn begins: when the turn before ended, so that the clock is read once a turn.
    #[inline]
    pub(crate) fn turn_begun(&mut self) -> Instant {
        match self.ended {
            Some(ended) => ended,
            None => *self.begun.get_or_insert_with(Instant::now),
        }
    }

    #[inline]
    pub(crate) fn turn_ended(&mut self) -> Instant {
        *self.ended.insert(Instant::now())
    }

    #[inline]
    pub(crate) fn head(&mut self, stanza: &Stanza, chain: &Chain, matched: u64) -> Head<'_> {
        self.sight.look(stanza, &chain.namespaces);
        if !self.addressed {
            self.address(stanza);
        }
        Head {
            direction: chain.direction.into(),
            kind: stanza.kind().into(),
            stanza_type: stanza.stanza_type().into(),
            bits: self.sight.bits(),
            matched,
            size: stanza.size(),
            now_ms: self.now_ms,
            from: &self.from,
            to: &self.to,
        }
    }

    /// Copies the addresses once per stanza: during a call the stanza itself is in the store.
    fn address(&mut self, stanza: &Stanza) {
        self.addressed = true;
        self.from.clear();
        self.from.push_str(stanza.from().as_str());
        self.to.clear();
        self.to.push_str(stanza.to().as_str());
    }
}
