//! Refrain between real servers, end to end, and under load.
//!
//! Nothing here is linked into the proxy: the harness starts the built `refrain` binary as an operator would, and speaks
//! to it over sockets. [`internet`] assembles a small Internet on loopback out of [`dns`], [`authority`], a [`server`] on each
//! side ([`prosody`], [`ejabberd`] or [`jabberd2`]), [`refrain`] and [`client`], whose users go through [`steps`], and perhaps a
//! [`block_list`]; [`load`]
//! drives the proxy with a generator of its own and compares it with a byte relay.

pub mod authority;
pub mod block_list;
pub mod client;
pub mod dns;
pub mod ejabberd;
pub mod faults;
pub mod internet;
pub mod jabberd2;
pub mod load;
pub mod process;
pub mod prosody;
pub mod refrain;
pub mod server;
pub mod steps;
