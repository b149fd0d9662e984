//! The trait a filter implements, and the macro that makes it a component.

use serde::de::DeserializeOwned;

use crate::{Head, Problems, Setup, Stanza, Verdict};

/// One filter: settings in, a verdict for each stanza out.
///
/// An instance may be made and ended at any time, and each worker of the proxy has its own. It must therefore depend on its
/// settings alone, and nothing it remembers between two stanzas may matter.
pub trait Filter: Sized + 'static {
    /// The filter's `settings` table. `#[serde(deny_unknown_fields)]` turns a misspelt key into a [`Problem`](crate::Problem).
    type Settings: DeserializeOwned;

    /// Makes the filter from its settings. Called once, before any stanza.
    ///
    /// Declares through `setup` which stanzas are of interest and compiles the selectors that [`Stanza`] is asked with. All
    /// mistakes in the settings are best returned together: the operator sees them beside the keys of the configuration.
    fn configure(settings: Self::Settings, setup: &mut Setup) -> Result<Self, Problems>;

    /// Judges one stanza.
    ///
    /// The stanza's content comes from strangers: nothing in it may make the filter panic. A panic is logged, counts as a fault
    /// of the filter, and the host answers as the operator's `on-fault` says.
    fn on_stanza(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict;
}

/// Exports one [`Filter`] as the component's `refrain:filter/guest`. Off the guest target it does nothing.
///
/// ```
/// # use refrain_sdk::*;
/// # struct Silence;
/// # impl Filter for Silence {
/// #     type Settings = ();
/// #     fn configure(_: (), _: &mut Setup) -> Result<Self, Problems> { Ok(Silence) }
/// #     fn on_stanza(&self, _: &Head, _: &Stanza<'_>) -> Verdict { Verdict::Drop }
/// # }
/// export!(Silence);
/// ```
#[macro_export]
macro_rules! export {
    ($filter:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            ::std::thread_local! {
                static FILTER: ::std::cell::OnceCell<$filter> = const { ::std::cell::OnceCell::new() };
            }
            struct Exported;
            impl $crate::guest::Guest for Exported {
                fn configure(config: ::std::string::String) -> $crate::guest::Configured {
                    FILTER.with(|filter| $crate::guest::configure(filter, &config))
                }
                fn on_stanza(head: $crate::Head, stanza: &$crate::guest::HostStanza) -> $crate::guest::HostVerdict {
                    FILTER.with(|filter| $crate::guest::on_stanza(filter, &head, stanza))
                }
            }
    $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };
    };
}
