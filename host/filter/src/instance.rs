//! One filter in its own store: started, configured, and called.

use std::sync::Arc;

use refrain_proto::Stanza;
use wasmtime::Store;
use wasmtime::component::Resource;

use crate::bindings::exports::refrain::filter::guest::{Guest, Head, Verdict as Word};
use crate::bindings::refrain::filter::types::Problem;
use crate::bindings::{Filter as Exports, FilterPre};
use crate::chain::FilterLimits;
use crate::component::Component;
use crate::deadline::Deadline;
use crate::engine::Engine;
use crate::error::Fault;
use crate::grants::Grant;
use crate::journal::{Journal, JournalLimits};
use crate::memory::MemoryMeter;
use crate::registered::{Reach, Registered, Setup};
use crate::state::State;
use crate::verdict::Verdict;

/// Compiling the patterns of a large configuration takes a while, and holds up no stanza.
const CONFIGURE_DEADLINE_MS: u32 = 2_000;
/// Domain lists pass through one host call.
const CONFIGURE_BYTES_MAX: usize = 16 << 20;

/// What all instances of one filter of a chain have in common.
#[derive(Debug)]
pub(crate) struct Blueprint {
    pub(crate) reach: Arc<Reach>,
    pub(crate) component: Component,
    /// The settings as JSON.
    pub(crate) settings: String,
    pub(crate) limits: FilterLimits,
}

/// Why a filter did not start.
pub(crate) enum StartError {
    /// It found these mistakes in its settings.
    Problems(Vec<Problem>),
    Fault(Fault),
}

/// A configured filter.
pub(crate) struct Instance {
    store: Store<State>,
    guest: Guest,
    ticks: u64,
}

impl Instance {
    /// Starts the first instance of a filter and compiles what it registers.
    pub(crate) fn first(engine: &Engine, blueprint: &Blueprint) -> Result<Instance, StartError> {
        Self::start(engine, blueprint, Arc::default(), Setup::compile())
    }

    /// Starts a further instance, which must register the same.
    pub(crate) fn further(
        engine: &Engine,
        blueprint: &Blueprint,
        registered: &Arc<Registered>,
    ) -> Result<Instance, Fault> {
        Self::start(engine, blueprint, registered.clone(), Setup::repeat()).map_err(|error| match error {
            StartError::Fault(fault) => Fault::NotStarted(fault.to_string()),
            StartError::Problems(_) => Fault::NotStarted("it refuses settings that it took before".to_owned()),
        })
    }

    fn start(
        engine: &Engine,
        blueprint: &Blueprint,
        registered: Arc<Registered>,
        setup: Setup,
    ) -> Result<Instance, StartError> {
        let limits = &blueprint.limits;
        let mut state = new_state(blueprint.reach.clone(), limits);
        (state.registered, state.setup) = (registered, setup);
        let mut store = engine.store(state);
        let exports = instantiate(&mut store, blueprint.component.code());
        let exports = exports.map_err(|error| StartError::Fault(Fault::of(&error, &store.data().memory)))?;
        let guest = exports.refrain_filter_guest().clone();
        configure(&mut store, &guest, &blueprint.settings)?;
        store.set_hostcall_fuel(limits.output_bytes);
        store.data_mut().deadline = Deadline::new(limits.deadline_ms);
        let ticks = store.data().deadline.ticks();
        Ok(Instance { store, guest, ticks })
    }

    /// Asks the filter. After a fault the instance must not be asked again.
    #[inline]
    pub(crate) fn judge(&mut self, stanza: &mut Stanza, head: Head<'_>) -> Result<Verdict, Fault> {
        self.store.set_epoch_deadline(self.ticks);
        let state = self.store.data_mut();
        state.begin(head.size, head.now_ms);
        std::mem::swap(&mut state.stanza, stanza);
        // Borrowed by its number: an owned handle would stay in the store's table for ever.
        let said = self.guest.call_on_stanza(&mut self.store, head, Resource::new_borrow(0));
        let state = self.store.data_mut();
        std::mem::swap(&mut state.stanza, stanza);
        match said {
            Ok(Word::Pass) => Ok(Verdict::Pass),
            Ok(Word::Accept) => Ok(Verdict::Accept),
            Ok(Word::Drop) => Ok(Verdict::Drop),
            Ok(Word::Bounce(condition)) => Ok(Verdict::Bounce(refrain_proto::StanzaError::new(condition.into()))),
            Ok(Word::Act(action)) => act(state, action.rep()),
            Err(error) => Err(Fault::of(&error, &state.memory)),
        }
    }

    /// Returns what `configure` registered.
    pub(crate) fn registered(&self) -> &Arc<Registered> {
        &self.store.data().registered
    }

    /// Returns the instructions it has left of as many as there can be, if they are counted.
    pub(crate) fn fuel_left(&self) -> Option<u64> {
        self.store.get_fuel().ok()
    }

    /// Returns the bytes of memory it has grown to.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.store.data().memory.used()
    }

    /// Returns the edits of the last call.
    pub(crate) fn journal(&self) -> &Journal {
        &self.store.data().journal
    }

    /// Takes the reason given in the last call.
    pub(crate) fn take_reason(&mut self) -> Option<String> {
        self.store.data_mut().reason.take()
    }
}

fn act(state: &State, action: u32) -> Result<Verdict, Fault> {
    let verdict = state.actions.get(action as usize).cloned();
    verdict.ok_or_else(|| Fault::Trap("returned an action of an earlier call".to_owned()))
}

fn new_state(reach: Arc<Reach>, limits: &FilterLimits) -> State {
    let memory = MemoryMeter::new(limits.memory_bytes);
    let mut journal = Journal::new(JournalLimits::default());
    journal.allow_addresses(reach.grants.has(&Grant::EditAddresses));
    State::new(reach, memory, journal, limits.output_bytes)
}

/// Links the imports, and runs the start functions of the core modules.
fn instantiate(store: &mut Store<State>, code: &FilterPre<State>) -> wasmtime::Result<Exports> {
    store.data_mut().deadline = Deadline::new(CONFIGURE_DEADLINE_MS);
    store.set_epoch_deadline(store.data().deadline.ticks());
    store.set_hostcall_fuel(CONFIGURE_BYTES_MAX);
    code.instantiate(store)
}

fn configure(store: &mut Store<State>, guest: &Guest, settings: &str) -> Result<(), StartError> {
    let configured = guest.call_configure(&mut *store, settings);
    let repeated = store.data_mut().close_setup();
    match configured {
        Err(error) => Err(StartError::Fault(Fault::of(&error, &store.data().memory))),
        Ok(Err(problems)) => Err(StartError::Problems(problems)),
        Ok(Ok(())) if !repeated => {
            Err(StartError::Fault(Fault::NotStarted("`configure` registered less than before".to_owned())))
        }
        Ok(Ok(())) => Ok(()),
    }
}

/// Instantiates once, which is when wasmtime compares the types of the exports.
pub(crate) fn try_out(engine: &Engine, code: &FilterPre<State>) -> wasmtime::Result<()> {
    let limits = FilterLimits { memory_bytes: engine.options.memory_bytes_max, ..FilterLimits::default() };
    let mut store = engine.store(new_state(Arc::default(), &limits));
    instantiate(&mut store, code).map(|_| ())
}
