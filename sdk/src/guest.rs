//! The component's own exports: what `export!` calls.

use std::cell::OnceCell;
use std::panic::{self, PanicHookInfo};

use crate::bindings::refrain::filter::types as wit;
use crate::{Filter, Head, Level, Setup, Stanza, host, settings};

pub use crate::bindings::exports::refrain::filter::guest::Guest;
pub use crate::bindings::refrain::filter::tree::Stanza as HostStanza;
pub use crate::bindings::refrain::filter::types::Verdict as HostVerdict;

/// What the exported `configure` returns.
pub type Configured = Result<(), Vec<wit::Problem>>;

/// Makes the filter and keeps it in `slot`.
pub fn configure<F: Filter>(slot: &OnceCell<F>, config: &str) -> Configured {
    panic::set_hook(Box::new(log_panic));
    let settings = settings::parse(config)?;
    let filter = F::configure(settings, &mut Setup::default())?;
    // The host configures an instance once; a second filter would change nothing.
    let _ = slot.set(filter);
    Ok(())
}

/// Judges one stanza with the filter in `slot`.
pub fn on_stanza<F: Filter>(slot: &OnceCell<F>, head: &Head, stanza: &HostStanza) -> HostVerdict {
    let Some(filter) = slot.get() else {
        panic!("a stanza came before the settings");
    };
    filter.on_stanza(head, &Stanza::new(host::Stanza(stanza))).into()
}

/// A panic ends the call as a trap, of which the host sees no more than `unreachable`. The log has its words.
fn log_panic(info: &PanicHookInfo<'_>) {
    crate::write_log(Level::Error, format_args!("{info}"));
}
