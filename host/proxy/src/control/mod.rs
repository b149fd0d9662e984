//! What steers a running gateway from outside the data plane.

pub mod reload;
pub mod shutdown;
pub mod watch;

#[cfg(test)]
mod tests;
