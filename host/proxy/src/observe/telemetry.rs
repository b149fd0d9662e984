//! The log: sentences for people on a terminal, JSON lines for everything else. Always on stderr, never a message's body.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Our own events that matter to an operator; of the libraries, what went wrong.
pub const OPERATING: &str = "warn,refrain=info";

/// Where another output tells the story: only what went wrong.
pub const QUIET: &str = "warn";

/// Starts the log. `filter` (from `--log`) wins over `RUST_LOG`; both are tracing directives, as in `debug` or
/// `refrain=debug,hickory_resolver=warn`. Without either, `default` holds.
pub fn start(filter: Option<&str>, default: &str) -> Result<(), ParseError> {
    let from_environment = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|text| !text.is_empty());
    let filter = EnvFilter::try_new(filter.or(from_environment.as_deref()).unwrap_or(default))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A log that was started already (by a test) stays.
    let _ = match io::stderr().is_terminal() {
        true => log.with_target(false).try_init(),
        false => log.json().flatten_event(true).try_init(),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_filters_are_filters() {
        assert!(EnvFilter::try_new(OPERATING).is_ok() && EnvFilter::try_new(QUIET).is_ok());
    }

    #[test]
    fn refuses_what_is_not_a_filter() {
        assert!(start(Some("refrain=loudly"), OPERATING).is_err());
    }
}
