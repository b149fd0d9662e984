//! The host, as a filter reaches it: by the imports of the component, or natively in the filter's tests. Both halves have the
//! same names, so that everything above is written once.

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::indexing_slicing, reason = "it runs in tests only")]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;
#[cfg(not(target_arch = "wasm32"))]
mod world;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::*;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use world::*;
