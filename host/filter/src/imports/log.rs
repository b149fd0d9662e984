//! `log`: the guest's lines, under its filter's name, in the operator's log.

use super::cut;
use crate::bindings::refrain::filter::log::{self, Level};
use crate::state::State;

/// Emits a line, or asks whether it would be, at a level known only at run time.
macro_rules! at_level {
    ($level:expr, $macro:ident ! ( $($argument:tt)* )) => {
        match $level {
            Level::Trace => tracing::$macro!(target: "refrain::filter", tracing::Level::TRACE, $($argument)*),
            Level::Debug => tracing::$macro!(target: "refrain::filter", tracing::Level::DEBUG, $($argument)*),
            Level::Info => tracing::$macro!(target: "refrain::filter", tracing::Level::INFO, $($argument)*),
            Level::Warn => tracing::$macro!(target: "refrain::filter", tracing::Level::WARN, $($argument)*),
            Level::Error => tracing::$macro!(target: "refrain::filter", tracing::Level::ERROR, $($argument)*),
        }
    };
}

impl log::Host for State {
    fn enabled(&mut self, level: Level) -> wasmtime::Result<bool> {
        Ok(self.log_lines_left > 0 && at_level!(level, enabled!()))
    }

    fn write(&mut self, level: Level, mut message: String) -> wasmtime::Result<()> {
        let Some(left) = self.log_lines_left.checked_sub(1) else { return Ok(()) };
        self.log_lines_left = left;
        cut(&mut message, State::LOG_LINE_BYTES_MAX);
        // Escaped, so that a guest cannot forge a line of its own by a line feed.
        at_level!(level, event!(filter = &*self.filter, "{}", message.escape_debug()));
        Ok(())
    }
}
