#![doc = include_str!("../README.md")]
//!
//! # Map
//!
//! [`Filter`] is what one writes, [`export!`] makes it a component. [`Setup`] says in `configure` which stanzas are of interest;
//! [`Head`] and [`Stanza`] show the one to judge, [`Texts`], [`Forwarded`], [`ErrorReader`] and [`Address`] what is often looked for;
//! [`Verdict`] is the answer. [`Counter`], [`Limiter`], [`List`] and [`Bucket`] are kept by the host. `testing` (off the guest target
//! only) plays golden cases through the same code.

// What runs in the proxy must not end in a panic; each of these would be one.
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used))]

// The attribute `settings` names this crate as its users do.
extern crate self as refrain_sdk;

mod about;
mod address;
#[doc(hidden)]
pub mod bindings;
mod filter;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
mod head;
mod host;
mod log;
mod manifest;
mod read;
mod settings;
mod setup;
mod shared;
mod stanza;
#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::panic, reason = "a test that fails panics")]
pub mod testing;
mod verdict;

pub use about::About;
pub use address::Address;
pub use bindings::refrain::filter::edit::EditError;
pub use bindings::refrain::filter::keyvalue::KvError as BucketError;
pub use bindings::refrain::filter::log::Level;
pub use bindings::refrain::filter::types::{Condition, Direction, ErrorType, Head, Kind, StanzaType};
pub use filter::Filter;
pub use log::{log_enabled, write_log};
pub use manifest::{INTERFACE_VERSION, Package};
pub use read::{ErrorReader, Forwarded, Inner, ReceivedError, Text, Texts, Wrapper};
pub use refrain_sdk_macros::settings;
pub use schemars::{self, JsonSchema};
#[doc(hidden)]
pub use serde;
pub use settings::{NoSettings, Problem, Problems};
pub use setup::{Interest, Rule, Selector, Setup};
pub use shared::{Bucket, Counter, Limiter, List};
pub use stanza::{Child, Node, Stanza};
pub use verdict::{Delay, Redirect, Reply, StanzaError, StreamCondition, StreamError, Verdict};
