//! The component's own exports: what `export!` calls.

use std::cell::{Cell, OnceCell};
use std::panic::{self, PanicHookInfo};
use std::ptr;

use crate::bindings::refrain::filter::annotate;
use crate::bindings::refrain::filter::types as wit;
use crate::{Filter, Head, Level, Package, Setup, Stanza, host, settings};

pub use crate::bindings::exports::refrain::filter::guest::Guest;
pub use crate::bindings::refrain::filter::tree::Stanza as HostStanza;
pub use crate::bindings::refrain::filter::types::Verdict as HostVerdict;

/// What the exported `configure` returns.
pub type Configured = Result<(), Vec<wit::Problem>>;

thread_local! {
    /// The stanza that is being judged, for the last words of a panic.
    static JUDGED: Cell<*const HostStanza> = const { Cell::new(ptr::null()) };
}

/// Makes the filter and keeps it in `slot`.
pub fn configure<F: Filter>(slot: &OnceCell<F>, config: &str) -> Configured {
    panic::set_hook(Box::new(tell_panic));
    let settings = settings::parse(config)?;
    let filter = F::configure(settings, &mut Setup::default())?;
    // The host configures an instance once; a second filter would change nothing.
    let _ = slot.set(filter);
    Ok(())
}

/// Judges one stanza with the filter in `slot`.
pub fn on_stanza<F: Filter>(slot: &OnceCell<F>, head: &Head, stanza: &HostStanza) -> HostVerdict {
    let Some(filter) = slot.get() else { not_configured() };
    JUDGED.set(stanza);
    let verdict = filter.on_stanza(head, &Stanza::new(host::Stanza(stanza)));
    JUDGED.set(ptr::null());
    verdict.into()
}

/// Writes the manifest; returns `address << 32 | length` of its text.
pub fn manifest<F: Filter>(package: &Package) -> u64 {
    let text = crate::manifest::json::<F>(package).to_string().into_bytes().leak();
    (text.as_ptr() as u64) << 32 | text.len() as u64
}

#[cold]
#[allow(clippy::panic, reason = "a host that breaks the contract has earned a fault")]
fn not_configured() -> ! {
    panic!("a stanza came before the settings");
}

/// A panic ends the call as a trap, of which the host sees no more than `unreachable`. Its words go to the log, and to the operator
/// as the reason.
fn tell_panic(info: &PanicHookInfo<'_>) {
    let text = info.to_string();
    crate::write_log(Level::Error, format_args!("{text}"));
    // SAFETY: it is null, or the stanza of the call that is panicking, which lives as long as that.
    if let Some(stanza) = unsafe { JUDGED.get().as_ref() } {
        annotate::reason(stanza, &text);
    }
}
