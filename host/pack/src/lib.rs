//! Makes a component with its manifest of what a filter's crate compiles to.
//!
//! ```text
//! crate ── Toolchain::cargo ──> core module ── pack ──> component, with the section `refrain:manifest`
//! ```
//!
//! The author's crate says what the manifest says, in Rust: its settings' type is the schema. So the module itself is asked, once,
//! here, in an interpreter that gives it nothing but bounded time and memory. Whoever loads the component reads a section and runs
//! no code.

mod component;
mod error;
mod manifest;
mod shake;
mod toolchain;

use serde_json::Value;

pub use error::PackError;
pub use toolchain::{NoToolchain, TARGET, TOOLCHAIN_VARIABLE, Toolchain};

/// The custom section, at the top level of the component, that has the manifest as JSON.
pub const MANIFEST_SECTION: &str = "refrain:manifest";

/// A filter as it is loaded.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The component, with the manifest in it.
    pub component: Vec<u8>,
    /// What the section says; `None` when the module has nothing to say about itself.
    pub manifest: Option<Value>,
}

/// Makes a component of a core module that has its interface embedded, as `wit-bindgen` leaves it there.
///
/// The module's export `refrain-manifest`, which the SDK's `export!` writes, is called once for the manifest, and then taken out with all
/// that only it used. A module without that export becomes a component without a manifest.
pub fn pack(module: &[u8]) -> Result<Packed, PackError> {
    let manifest = manifest::ask(module)?;
    let Some(manifest) = manifest else {
        return Ok(Packed { component: component::encode(module)?, manifest: None });
    };
    let mut component = component::encode(&shake::off_manifest(module)?)?;
    component::append_section(&mut component, MANIFEST_SECTION, manifest.to_string().as_bytes());
    Ok(Packed { component, manifest: Some(manifest) })
}
