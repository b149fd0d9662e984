//! What a store holds for its one filter: all that host functions may touch, everything of a call reset before it.

use std::sync::Arc;

use refrain_proto::Stanza;

use crate::deadline::Deadline;
use crate::error::OutputExceeded;
use crate::journal::Journal;
use crate::memory::MemoryMeter;
use crate::registered::{Reach, Registered, Setup};
use crate::verdict::Verdict;

/// The type of `tree.stanza` handles; the only stanza is the one being judged.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct StanzaHandle;

/// The type of `types.action` handles; the number is an index into [`State::actions`].
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct ActionHandle;

/// The data of one filter's store.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) reach: Arc<Reach>,
    pub(crate) registered: Arc<Registered>,
    pub(crate) setup: Setup,
    pub(crate) memory: MemoryMeter,
    pub(crate) deadline: Deadline,
    /// The stanza being judged; moved in for the call and out again.
    pub(crate) stanza: Stanza,
    pub(crate) journal: Journal,
    pub(crate) reason: Option<String>,
    pub(crate) actions: Vec<Verdict>,
    /// The time of the stanza.
    pub(crate) now_ms: u64,
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

    pub(crate) fn new(reach: Arc<Reach>, memory: MemoryMeter, journal: Journal, output_max: usize) -> Self {
        Self {
            reach,
            registered: Arc::default(),
            setup: Setup::Closed,
            memory,
            deadline: Deadline::default(),
            stanza: Stanza::default(),
            journal,
            reason: None,
            actions: Vec::new(),
            now_ms: 0,
            log_lines_left: Self::LOG_LINES_MAX,
            output_left: output_max,
            output_max,
        }
    }

    /// Resets everything that belongs to a call.
    #[inline]
    pub(crate) fn begin(&mut self, stanza_bytes: u32, now_ms: u64) {
        self.now_ms = now_ms;
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

    /// Ends `configure`. Whether a further instance registered as much as the first.
    pub(crate) fn close_setup(&mut self) -> bool {
        let registered = self.setup.close(&self.registered);
        registered.map(|registered| self.registered = registered).is_some()
    }
}
