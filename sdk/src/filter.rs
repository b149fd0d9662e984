//! The trait a filter implements, and the macro that makes it a component.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{About, Head, Problems, Setup, Stanza, Verdict};

/// One filter: settings in, a verdict for each stanza out.
///
/// An instance may be made and ended at any time, and each worker of the proxy has its own. It must therefore depend on its
/// settings alone, and nothing it remembers between two stanzas may matter.
pub trait Filter: Sized + 'static {
    /// The filter's `settings` table: a type with the attribute [`settings`](crate::settings), or
    /// [`NoSettings`](crate::NoSettings).
    ///
    /// Its schema is packed into the component, where `refrain filter info` and the check of a configuration read it.
    type Settings: DeserializeOwned + JsonSchema;

    /// What the filter asks of the operator and how it is tested. Evaluated once, when the component is packed.
    fn about() -> About {
        About::new()
    }

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
/// #     type Settings = NoSettings;
/// #     fn configure(_: NoSettings, _: &mut Setup) -> Result<Self, Problems> { Ok(Silence) }
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

            /// Called once, when the component is packed.
            #[unsafe(export_name = "refrain-manifest")]
            extern "C" fn manifest() -> u64 {
                $crate::guest::manifest::<$filter>(&$crate::Package {
                    name: ::core::env!("CARGO_PKG_NAME"),
                    version: ::core::env!("CARGO_PKG_VERSION"),
                    authors: ::core::env!("CARGO_PKG_AUTHORS"),
                    description: ::core::env!("CARGO_PKG_DESCRIPTION"),
                })
            }
        };
    };
}
