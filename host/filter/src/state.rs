//! What a store holds for its one filter: all that host functions may touch, everything of a call reset before it.

use std::sync::Arc;

use refrain_proto::{Stanza, StanzaError};

use crate::deadline::Deadline;
use crate::error::OutputExceeded;
use crate::interest::{Interest, InterestSet};
use crate::journal::Journal;
use crate::memory::MemoryMeter;
use crate::selector::Selector;

/// The type of `tree.stanza` handles; the only stanza is the one being judged.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct StanzaHandle;

/// The type of `types.action` handles; the number is an index into [`State::actions`].
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct ActionHandle;

/// What a filter registered in `configure`: the same for all its instances, so they share it.
#[derive(Debug, Default)]
pub(crate) struct Registered {
    pub(crate) interests: InterestSet,
    pub(crate) selectors: Vec<Selector>,
}

impl Registered {
    /// Returns a selector that `configure` compiled; asking for another ends the call.
    #[inline]
    pub(crate) fn selector(&self, index: u32) -> wasmtime::Result<&Selector> {
        match self.selectors.get(index as usize) {
            Some(selector) => Ok(selector),
            None => Err(no_selector(index)),
        }
    }
}

/// What `setup` does with a registration.
#[derive(Debug)]
pub(crate) enum Setup {
    /// The first instance: what it registers is compiled.
    Compile(Registered),
    /// A further instance: it must register the same again.
    Repeat { interests: u32, selectors: u32 },
    /// No longer configuring.
    Closed,
}

/// The data of one filter's store.
#[derive(Debug)]
pub(crate) struct State {
    /// The filter's name, for its log lines.
    pub(crate) filter: Arc<str>,
    pub(crate) registered: Arc<Registered>,
    pub(crate) setup: Setup,
    pub(crate) memory: MemoryMeter,
    pub(crate) deadline: Deadline,
    /// The stanza being judged; moved in for the call and out again.
    pub(crate) stanza: Stanza,
    pub(crate) journal: Journal,
    pub(crate) reason: Option<String>,
    pub(crate) actions: Vec<StanzaError>,
    pub(crate) log_lines_left: u32,
    output_left: usize,
    output_max: usize,
}

impl State {
    /// An audit line, not an essay.
    pub(crate) const REASON_BYTES_MAX: usize = 256;
    /// A filter returns one action; a few more may be prepared and dropped.
    pub(crate) const ACTIONS_MAX: usize = 16;
    /// Lines a call; a filter that logs more is noise.
    pub(crate) const LOG_LINES_MAX: u32 = 16;
    /// Bytes a line.
    pub(crate) const LOG_LINE_BYTES_MAX: usize = 1024;

    pub(crate) fn new(filter: Arc<str>, memory: MemoryMeter, journal: Journal, output_max: usize) -> Self {
        Self {
            filter,
            registered: Arc::default(),
            setup: Setup::Closed,
            memory,
            deadline: Deadline::default(),
            stanza: Stanza::default(),
            journal,
            reason: None,
            actions: Vec::new(),
            log_lines_left: Self::LOG_LINES_MAX,
            output_left: output_max,
            output_max,
        }
    }

    /// Resets everything that belongs to a call.
    #[inline]
    pub(crate) fn begin(&mut self, stanza_bytes: u32) {
        self.memory.begin();
        self.deadline.begin();
        self.journal.begin(stanza_bytes);
        self.reason = None;
        self.actions.clear();
        self.log_lines_left = Self::LOG_LINES_MAX;
        self.output_left = self.output_max;
    }

    /// Charges what the guest gave against the output budget of the call.
    pub(crate) fn charge(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.output_left = self.output_left.checked_sub(bytes).ok_or(OutputExceeded)?;
        Ok(())
    }

    /// Registers an interest rule, or checks that it is the one of the first instance.
    pub(crate) fn add_interest(&mut self, interest: Interest) -> Result<u32, String> {
        match &mut self.setup {
            Setup::Compile(registered) => registered.interests.add(interest).map_err(|error| error.to_string()),
            Setup::Repeat { interests, .. } => {
                repeated(interests, |index| self.registered.interests.get(index) == Some(&interest))
            }
            Setup::Closed => Err(CLOSED.to_owned()),
        }
    }

    /// Compiles a selector, or checks that it is the one of the first instance.
    pub(crate) fn add_selector(&mut self, source: &str) -> Result<u32, String> {
        match &mut self.setup {
            Setup::Compile(registered) => compile(&mut registered.selectors, source),
            Setup::Repeat { selectors, .. } => {
                let known = &self.registered.selectors;
                repeated(selectors, |index| known.get(index as usize).is_some_and(|known| known.source() == source))
            }
            Setup::Closed => Err(CLOSED.to_owned()),
        }
    }

    /// Ends `configure`. Whether a further instance registered as much as the first.
    pub(crate) fn close_setup(&mut self) -> bool {
        match std::mem::replace(&mut self.setup, Setup::Closed) {
            Setup::Compile(registered) => {
                self.registered = Arc::new(registered);
                true
            }
            Setup::Repeat { interests, selectors } => {
                interests as usize == self.registered.interests.len()
                    && selectors as usize == self.registered.selectors.len()
            }
            Setup::Closed => true,
        }
    }
}

/// A filter is code, not a word list: lists belong into its settings.
const SELECTORS_MAX: usize = 256;
const CLOSED: &str = "callable only inside `configure`";
const DIFFERENT: &str = "`configure` registered something else before, with the same settings";

fn compile(selectors: &mut Vec<Selector>, source: &str) -> Result<u32, String> {
    if selectors.len() == SELECTORS_MAX {
        return Err(format!("a filter has at most {SELECTORS_MAX} selectors"));
    }
    selectors.push(Selector::compile(source).map_err(|error| error.to_string())?);
    Ok(selectors.len() as u32 - 1)
}

fn repeated(next: &mut u32, is_same: impl FnOnce(u32) -> bool) -> Result<u32, String> {
    if !is_same(*next) {
        return Err(DIFFERENT.to_owned());
    }
    *next += 1;
    Ok(*next - 1)
}

#[cold]
fn no_selector(index: u32) -> wasmtime::Error {
    wasmtime::format_err!("selector {index} was not compiled in `configure`")
}
