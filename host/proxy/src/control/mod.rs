//! What steers a running gateway from outside the data plane.

pub mod admin;
pub mod corpus;
pub mod explain;
pub mod fault_files;
pub mod guard;
pub mod lists;
pub mod record;
pub mod redact;
pub mod reload;
pub mod shadow;
pub mod shutdown;
pub mod staging;
pub mod status;
pub mod watch;

#[cfg(test)]
pub(crate) mod tests;
