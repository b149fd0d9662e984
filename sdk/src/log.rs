//! Lines for the operator's log.

use std::fmt::Arguments;

use crate::{Level, host};

/// Whether the host keeps lines of this level.
pub fn log_enabled(level: Level) -> bool {
    host::log_enabled(level)
}

/// Writes one line, formatted only if the host keeps it. At most 1,024 bytes a line and 16 lines a call; what is more is cut.
///
/// Bodies of messages do not belong there.
pub fn write_log(level: Level, message: Arguments<'_>) {
    if log_enabled(level) {
        host::write_log(level, &message.to_string());
    }
}

/// Writes a line of level `debug`, as `format!`.
#[macro_export]
macro_rules! debug {
    ($($argument:tt)+) => { $crate::write_log($crate::Level::Debug, ::std::format_args!($($argument)+)) };
}

/// Writes a line of level `info`, as `format!`.
#[macro_export]
macro_rules! info {
    ($($argument:tt)+) => { $crate::write_log($crate::Level::Info, ::std::format_args!($($argument)+)) };
}

/// Writes a line of level `warn`, as `format!`.
#[macro_export]
macro_rules! warn {
    ($($argument:tt)+) => { $crate::write_log($crate::Level::Warn, ::std::format_args!($($argument)+)) };
}
