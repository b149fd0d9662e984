//! Judges a stanza by a chain of sandboxed WebAssembly components: a stanza in, a verdict out.
//!
//! ```text
//! bytes ── Engine::load ──> Component ── Chain::build ──> Chain ── worker ──> ChainWorker ── judge ──> Decision
//! ```
//!
//! A filter is a component of the world `filter` (`wit/filter.wit`). It says in `configure` which stanzas interest it and which
//! selectors it will ask about; both are compiled and evaluated natively, so a stanza that interests nobody never enters a
//! sandbox. What a filter may reach is what it imports: the linker knows the interfaces of our own package and nothing else.
//!
//! Without the feature `runtime` only the native half is built, over which the SDK tests filters without a sandbox:
//! [`Selector`], [`InterestSet`], [`Journal`], [`List`], [`Manifest`], [`Verdict`] and the golden [`case`] files.
//!
//! What holds for every call, whatever the guest does: it ends by its deadline; its memory, output and log are bounded; its edits
//! take effect only with a committing verdict and only if the stanza is still valid; a fault is named and costs this one call.

pub mod case;
mod grants;
mod head;
mod interest;
mod journal;
mod list;
mod manifest;
mod payload;
mod relation;
mod selector;
mod shared;
mod verdict;

pub use grants::{Grant, Grants, Requests, UnknownGrant};
pub use head::{Bits, Direction};
pub use interest::{Interest, InterestError, InterestSet};
pub use journal::{EditError, Journal, JournalLimits};
pub use list::{Coverage, Entry, Hash, Hits, Key, List, Lists, LiveList, Mode, hash_of};
pub use manifest::{Manifest, ManifestError, ManifestLimits, SECTION as MANIFEST_SECTION};
pub use payload::Payload;
pub use relation::Relation;
pub use selector::{Selector, SelectorError};
pub use shared::{
    Bucket, Changes, Counter, FilterCounter, KvError, Limiter, Met, PairKey, Pairs, PairsLimits, Rate, Shared,
};
pub use verdict::{Outcome, Verdict};

#[cfg(feature = "runtime")]
mod bindings;
#[cfg(feature = "runtime")]
mod chain;
#[cfg(feature = "runtime")]
mod circuit;
#[cfg(feature = "runtime")]
mod component;
#[cfg(feature = "runtime")]
mod convert;
#[cfg(feature = "runtime")]
mod counters;
#[cfg(feature = "runtime")]
mod deadline;
#[cfg(feature = "runtime")]
mod digest;
#[cfg(feature = "runtime")]
mod engine;
#[cfg(feature = "runtime")]
mod error;
#[cfg(feature = "runtime")]
mod histogram;
#[cfg(feature = "runtime")]
mod imports;
#[cfg(feature = "runtime")]
mod instance;
#[cfg(feature = "runtime")]
mod instances;
#[cfg(feature = "runtime")]
mod interface;
#[cfg(feature = "runtime")]
mod memory;
#[cfg(feature = "runtime")]
mod policy;
#[cfg(feature = "runtime")]
mod reasons;
#[cfg(feature = "runtime")]
mod registered;
#[cfg(feature = "runtime")]
mod sandbox;
#[cfg(feature = "runtime")]
mod state;
#[cfg(feature = "runtime")]
mod step;
#[cfg(feature = "runtime")]
mod ticker;
#[cfg(feature = "runtime")]
mod view;
#[cfg(feature = "runtime")]
mod walk;
#[cfg(feature = "runtime")]
mod worker;

#[cfg(feature = "runtime")]
pub use chain::{Chain, FilterLimits, FilterSpec, FilterStatus};
#[cfg(feature = "runtime")]
pub use circuit::{Circuit, CircuitLimits};
#[cfg(feature = "runtime")]
pub use component::Component;
#[cfg(feature = "runtime")]
pub use counters::Counts;
#[cfg(feature = "runtime")]
pub use digest::Digest;
#[cfg(feature = "runtime")]
pub use engine::{Engine, EngineOptions};
#[cfg(feature = "runtime")]
pub use error::{BuildError, Fault, LoadError};
#[cfg(feature = "runtime")]
pub use histogram::Histogram;
#[cfg(feature = "runtime")]
pub use instances::Isolation;
#[cfg(feature = "runtime")]
pub use policy::{FaultPolicy, OnFault};
#[cfg(feature = "runtime")]
pub use sandbox::{Cost, Keep, Sandbox};
#[cfg(feature = "runtime")]
pub use step::{Step, Word};
#[cfg(feature = "runtime")]
pub use worker::{ChainWorker, Decision};
