//! Errors by whose fault they are: the component's at load, the operator's at build, the guest's at a call.

use std::fmt;

use wasmtime::Trap;

use crate::manifest::ManifestError;
use crate::memory::MemoryMeter;

/// Why a file is not a filter. Each says what its author or operator can do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not a WebAssembly binary at all.
    #[error("this is not a WebAssembly binary: it does not begin with \\0asm")]
    NotWasm,
    /// Larger than [`EngineOptions::component_bytes_max`](crate::EngineOptions).
    #[error("{bytes} bytes; a filter has at most {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A core module that says nothing of the interface it was built for.
    #[error("a core module without an embedded interface; build it with refrain-sdk, or make it a component")]
    NoInterface,
    /// It wants what no filter gets: files, clocks, sockets, or another host.
    #[error("imports {}, which no filter gets; build it for wasm32-unknown-unknown", .0.join(", "))]
    ForeignImports(Vec<String>),
    /// It was built for a version of the interface that this host does not speak.
    #[error(
        "{name} is of another version of the interface; this host has refrain:filter@{host}: update refrain, or rebuild the \
         filter with the SDK of {host}"
    )]
    WrongVersion {
        /// The import or export at fault.
        name: String,
        /// The host's version.
        host: &'static str,
    },
    /// It imports a function that came after this host.
    #[error(
        "needs {interface} function `{function}`; this host has refrain:filter@{host}, which lacks it: update refrain, or \
         rebuild the filter with the SDK of {host}"
    )]
    Lacking {
        /// The interface, with the version that it was built for.
        interface: String,
        /// The function.
        function: String,
        /// The host's version.
        host: &'static str,
    },
    /// It imports or exports a function by another type than the host has.
    #[error(
        "{function} has another type ({cause}): the filter has {found}, this host has {known}; rebuild the filter with the \
         SDK of {host}",
        host = crate::component::INTERFACE_VERSION
    )]
    WrongType {
        /// The function, with its interface.
        function: String,
        /// The filter's type.
        found: String,
        /// The host's.
        known: &'static str,
        /// What differs, as wasmtime says it.
        cause: String,
    },
    /// It lacks the export that makes a filter.
    #[error("does not export refrain:filter/guest@{host}: it is no filter", host = crate::component::INTERFACE_VERSION)]
    NoGuest,
    /// It says of itself what cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The bytes do not validate, or an import or export differs in another way.
    #[error("{0}")]
    Invalid(String),
}

/// A mistake in a chain: which filter, which of its settings, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    /// The filter's name.
    pub filter: String,
    /// The key path within its settings, such as `signatures[2].regex`; empty for the filter as a whole.
    pub path: String,
    /// What is wrong, for the operator.
    pub message: String,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "filter {}: {}", self.filter, self.message),
            path => write!(f, "filter {}: settings.{path}: {}", self.filter, self.message),
        }
    }
}

impl std::error::Error for BuildError {}

/// How a call of a guest failed. It never counts as the guest's verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It trapped: a panic, an illegal access, a call of the host that no filter may make.
    #[error("trapped: {0}")]
    Trap(String),
    /// It missed its deadline.
    #[error("ran out of time")]
    OutOfTime,
    /// It trapped after it was refused more memory.
    #[error("ran out of memory")]
    OutOfMemory,
    /// It gave the host more than a call may.
    #[error("exceeded its output budget")]
    OutputBudget,
    /// Its edits do not leave a valid stanza.
    #[error("left an invalid stanza: {0}")]
    InvalidStanza(String),
    /// It gave a verdict that the operator does not grant it.
    #[error("said {0}, which is not granted to it")]
    NotGranted(&'static str),
    /// It could not be started, or not configured as it was when the chain was built.
    #[error("could not be started: {0}")]
    NotStarted(String),
    /// It was not asked: after too many failures its [circuit](crate::Circuit) is open.
    #[error("was not asked, for it failed too often lately (its circuit is open)")]
    CircuitOpen,
}

impl Fault {
    /// How many causes there are, for counters.
    pub const CAUSES: [&'static str; 8] = [
        "trap",
        "out-of-time",
        "out-of-memory",
        "output-budget",
        "invalid-stanza",
        "not-granted",
        "not-started",
        "circuit-open",
    ];

    /// Returns the index of its cause in [`CAUSES`](Self::CAUSES).
    pub fn cause(&self) -> usize {
        match self {
            Fault::Trap(_) => 0,
            Fault::OutOfTime => 1,
            Fault::OutOfMemory => 2,
            Fault::OutputBudget => 3,
            Fault::InvalidStanza(_) => 4,
            Fault::NotGranted(_) => 5,
            Fault::NotStarted(_) => 6,
            Fault::CircuitOpen => 7,
        }
    }

    /// Names what ended a call.
    pub(crate) fn of(error: &wasmtime::Error, memory: &MemoryMeter) -> Fault {
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Fault::OutOfTime,
            Some(_) if memory.refused() => Fault::OutOfMemory,
            Some(trap) => Fault::Trap(trap.to_string()),
            None if error.is::<OutputExceeded>() || is_hostcall_fuel(error) => Fault::OutputBudget,
            None => Fault::Trap(error.root_cause().to_string()),
        }
    }
}

/// The guest gave the host more in one call than its output budget; ends the call.
#[derive(Debug, thiserror::Error)]
#[error("output budget exceeded")]
pub(crate) struct OutputExceeded;

/// Wasmtime bounds what one host call may copy, by an error whose type it keeps to itself.
fn is_hostcall_fuel(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted")
}
