//! What the fuzzers run on their inputs, and the replay of their corpus too: each panics on a finding.

use crate::{ours, verdict};
use refrain_proto::limits::XmlLimits;

/// A target: its name, which is also that of its part of the corpus, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const ALL: &[Target] = &[("agreement", agreement), ("reader", reader)];

/// Every parser agrees with ours on what ours accepts.
pub fn agreement(input: &[u8]) {
    if let Err(difference) = verdict::on_stream(input) {
        panic!("{difference}");
    }
}

/// However a stream arrives, the same is read of it.
pub fn reader(input: &[u8]) {
    let limits = XmlLimits::default();
    let whole = ours::read([input], &limits);
    let bytewise = ours::read(input.chunks(1), &limits);
    assert_eq!((&whole.pieces, whole.refused), (&bytewise.pieces, bytewise.refused), "byte by byte");
}
