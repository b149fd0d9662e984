//! What the fuzzers run on their inputs, and the replay of their corpus too: each panics on a finding.

mod names;
mod streams;
mod talk;
mod xml;

pub use names::jid;
pub use streams::{initiating, receiving};
pub use xml::{agreement, reader};

/// A target: its name, which is also that of its part of the corpus, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const ALL: &[Target] =
    &[("agreement", agreement), ("initiating", initiating), ("jid", jid), ("reader", reader), ("receiving", receiving)];
