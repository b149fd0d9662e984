//! `log`: the guest's lines, under its filter's name, in the operator's log.

use std::fmt::{self, Write as _};

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
        at_level!(level, event!(filter = &*self.reach.filter, "{}", OneLine(&message)));
        Ok(())
    }
}

/// A guest's message with its control characters escaped, so that it cannot forge a line of its own.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c.is_control() {
            true => write!(f, "{}", c.escape_default()),
            false => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_on_its_line() {
        assert_eq!(OneLine("a \"b\"\n\u{1b}[1m \u{e9}").to_string(), "a \"b\"\\n\\u{1b}[1m \u{e9}");
    }
}
