//! The operator's lists, alive: what their sources offer, combined into what filters look up.
//!
//! [`https`], [`pubsub`] → [`board`] → [`combine`] → `refrain_filter::LiveList`; [`tender`] keeps it going, [`kept`] is its memory.

pub mod board;
pub mod combine;
pub mod entries;
pub mod freshness;
pub mod https;
pub mod kept;
pub mod pubsub;
pub mod tender;

pub use board::{Board, SourceHandle};
pub use entries::Entries;

#[cfg(test)]
pub(crate) mod tests;
