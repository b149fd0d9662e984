//! What steers a running gateway from outside the data plane.

pub mod corpus;
pub mod judgement;
pub mod redact;
pub mod reload;
pub mod shutdown;
pub mod watch;

#[cfg(test)]
mod tests;
