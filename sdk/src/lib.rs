#![doc = include_str!("../README.md")]
//!
//! # Map
//!
//! [`Filter`] is what one writes, [`export!`] makes it a component. [`Setup`] says in `configure` which stanzas are of interest;
//! [`Head`] and [`Stanza`] show the one to judge; [`Verdict`] is the answer. `testing` (off the guest target only) plays
//! golden cases through the same code.

#[doc(hidden)]
pub mod bindings;
mod filter;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
mod head;
mod host;
mod log;
mod settings;
mod setup;
mod stanza;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod verdict;

pub use bindings::refrain::filter::edit::EditError;
pub use bindings::refrain::filter::log::Level;
pub use bindings::refrain::filter::types::{Condition, Direction, ErrorType, Head, Kind, StanzaType};
pub use filter::Filter;
pub use log::{log_enabled, write_log};
pub use settings::{Problem, Problems};
pub use setup::{Interest, Rule, Selector, Setup};
pub use stanza::{Child, Node, Stanza};
pub use verdict::{StanzaError, Verdict};
