//! The guest side of `wit/filter.wit`, generated. Filters meet it through the types of this crate.
//!
//! On a native target the imports are stubs that nobody calls: `host/native.rs` stands in for them.

#![allow(missing_docs, unreachable_pub, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

wit_bindgen::generate!({
    world: "filter",
    path: "../wit",
    pub_export_macro: true,
    default_bindings_module: "refrain_sdk::bindings",
});
