//! What steers a running gateway from outside the data plane.

pub mod admin;
pub mod corpus;
pub mod explain;
pub mod judgement;
pub mod redact;
pub mod reload;
pub mod shutdown;
pub mod status;
pub mod watch;

#[cfg(test)]
mod tests;
