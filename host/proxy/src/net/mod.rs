//! Sockets, TLS and names: the only modules that touch the network.

mod address;
pub mod alarm;
pub mod connection;
pub mod credentials;
pub mod dane;
pub mod dial;
pub mod dns;
pub mod https;
pub mod mint;
pub mod names;
pub mod open_files;
pub mod pins;
pub mod proxy_header;
mod race;
pub mod reach;
pub mod responder;
pub mod roots;
mod srv;
pub mod target;
pub mod tls;
pub mod url;
pub mod verifier;
pub mod wire;
