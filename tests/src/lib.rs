//! Refrain between real servers, end to end, and under load.
//!
//! Nothing here is linked into the proxy: the harness starts the built `refrain` binary as an operator would, and speaks
//! to it over sockets. [`internet`] assembles a small Internet on loopback out of [`dns`], [`authority`], [`prosody`],
//! [`refrain`] and [`client`]; [`load`] drives the proxy with a generator of its own and compares it with a byte relay.

pub mod authority;
pub mod client;
pub mod dns;
pub mod internet;
pub mod load;
pub mod process;
pub mod prosody;
pub mod refrain;
