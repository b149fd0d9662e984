//! The log: sentences for people on a terminal, JSON lines for everything else. Always on stderr, never a message's body.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Our own events that matter to an operator; of the libraries, what went wrong.
const DEFAULT_FILTER: &str = "warn,refrain=info";

/// Starts the log. `filter` (from `--log`) wins over `RUST_LOG`; both are tracing directives, as in `debug` or
/// `refrain=debug,hickory_resolver=warn`.
pub fn start(filter: Option<&str>) -> Result<(), ParseError> {
    let from_environment = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|text| !text.is_empty());
    let filter = EnvFilter::try_new(filter.or(from_environment.as_deref()).unwrap_or(DEFAULT_FILTER))?;
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
    fn the_default_filter_is_one() {
        assert!(EnvFilter::try_new(DEFAULT_FILTER).is_ok());
    }

    #[test]
    fn refuses_what_is_not_a_filter() {
        assert!(start(Some("refrain=loudly")).is_err());
    }
}
