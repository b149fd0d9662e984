//! The edge: a library so that tests and benches reach its parts; the `refrain` binary is [`command::main`].
//!
//! `command → app → {control, pipeline} → net`; control and pipeline meet only in [`snapshot`].

pub mod app;
pub mod command;
pub mod config;
pub mod control;
pub mod limits;
pub mod lists;
pub mod net;
pub mod observe;
pub mod pipeline;
pub mod relations;
pub mod snapshot;
pub mod state;
