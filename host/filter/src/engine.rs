//! The one wasmtime engine of the process: how code is compiled, where instances live, what time it is.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Store, Strategy};

use crate::bindings;
use crate::component::{Compiled, Component};
use crate::error::LoadError;
use crate::shared::Shared;
use crate::state::State;
use crate::ticker::Ticker;

/// What all filters together may take.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Instances at once: filters × workers × three generations (live, previous, shadow), those isolated by peer 16 times, and some
    /// slack. Each reserves addresses, not memory.
    pub instances_max: u32,
    /// The most memory that any filter can be allowed ([`FilterLimits::memory_bytes`](crate::FilterLimits)).
    pub memory_bytes_max: usize,
    /// The largest filter that is compiled at all; the bundled ones have some 100 KiB.
    pub component_bytes_max: usize,
    /// Whether the instructions of guests are counted: the same for the same stanza on every machine, and slower.
    pub fuel: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { instances_max: 1_000, memory_bytes_max: 64 << 20, component_bytes_max: 16 << 20, fuel: false }
    }
}

/// Compiles filters and runs them. Its ticker stops when it is dropped.
pub struct Engine {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) options: EngineOptions,
    pub(crate) compiled: Compiled,
    shared: Arc<Shared>,
    started: Instant,
    _ticker: Ticker,
}

impl Engine {
    /// Makes the engine and starts its clock.
    ///
    /// Instances come from a pool of reserved address space; where the system does not grant that much of it they are made on
    /// demand, which costs some 10 µs more each and nothing per call.
    pub fn new(options: EngineOptions) -> wasmtime::Result<Arc<Engine>> {
        let config = || config(&options);
        let wasmtime = wasmtime::Engine::new(config().allocation_strategy(pool(&options))).or_else(|error| {
            tracing::info!(%error, "no address space for a pool of instances, making them on demand");
            wasmtime::Engine::new(config().allocation_strategy(InstanceAllocationStrategy::OnDemand))
        })?;
        let mut linker = Linker::new(&wasmtime);
        bindings::add_to_linker(&mut linker)?;
        let ticker = Ticker::start(wasmtime.clone())?;
        Ok(Arc::new(Engine {
            wasmtime,
            linker,
            options,
            compiled: Compiled::default(),
            shared: Arc::default(),
            started: Instant::now(),
            _ticker: ticker,
        }))
    }

    /// Compiles a filter: a component, or a core module with its interface embedded, as `cargo build` leaves it.
    ///
    /// `name` is what errors call it. Compiling takes a good part of a second a megabyte; what is in use somewhere is not
    /// compiled again. None of its code runs, so what is wrong with it only as a whole, such as the type of an export, is found
    /// by [`Component::try_out`].
    pub fn load(&self, name: &str, bytes: &[u8]) -> Result<Component, LoadError> {
        Component::load(self, name, bytes)
    }

    /// Returns the limiters, buckets and counters of the filters of all chains; they live as long as the engine.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Milliseconds since the engine was made: the clock of the circuits, which no change of the wall clock moves.
    pub(crate) fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn store(&self, state: State) -> Store<State> {
        let mut store = Store::new(&self.wasmtime, state);
        store.limiter(|state| &mut state.memory);
        if self.options.fuel {
            // Counted, not bounded: the deadline bounds. That counting is off is the only error there is.
            let _ = store.set_fuel(u64::MAX);
        }
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().deadline.passed()));
        store
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("options", &self.options).finish_non_exhaustive()
    }
}

fn config(options: &EngineOptions) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Asynchronous calls between components cost every synchronous one a factor of 2 to 4.
        .concurrency_support(false)
        .epoch_interruption(true)
        .consume_fuel(options.fuel)
        // Never the baseline compiler for code we do not trust: its sandbox escapes come in batches.
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        // What no filter needs is not there to be attacked.
        .wasm_gc(false)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        // Stack that a guest may use on the worker's own; tokio's workers have 2 MiB.
        .max_wasm_stack(256 << 10)
        .wasm_backtrace_max_frames(NonZeroUsize::new(16))
        // Neither debuggers nor unwinders look into filters; the tables for them would take as much memory as the code.
        .generate_address_map(false)
        .native_unwind_info(false)
        .memory_init_cow(true)
        .memory_guaranteed_dense_image_size(16 << 20)
        // With 4 GiB of reserved addresses a 32-bit access needs no bounds check.
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20);
    config
}

fn pool(options: &EngineOptions) -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::new();
    let instances = options.instances_max;
    // A componentised module is three core instances: itself, and two that tie its imports.
    pool.total_component_instances(instances)
        .total_core_instances(4 * instances)
        .total_memories(instances)
        .total_tables(4 * instances)
        .max_memory_size(options.memory_bytes_max)
        .max_memories_per_component(1)
        .max_core_instances_per_component(8)
        .max_component_instance_size(1 << 20)
        .table_elements(10_000)
        // Without batches the kernel's lock on the address space keeps threads from making instances side by side.
        .decommit_batch_size(64)
        .max_unused_warm_slots(8)
        // It kept swapped-out pages of the previous tenant (wasmtime#14357).
        .pagemap_scan(Enabled::No);
    InstanceAllocationStrategy::Pooling(pool)
}
