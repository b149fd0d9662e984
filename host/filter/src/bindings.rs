//! The Rust side of `wit/filter.wit`, generated.
//!
//! Borrowing ownership lets `from` and `to` be lowered into the guest from a `&str`. The two resources are plain markers: the
//! stanza and the actions live in the [`State`](crate::state::State) of the store, and a handle carries only a number.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "filter",
    ownership: Borrowing { duplicate_if_necessary: false },
    imports: { default: trappable },
    with: {
        "refrain:filter/tree.stanza": crate::state::StanzaHandle,
        "refrain:filter/types.action": crate::state::ActionHandle,
    },
});

/// Links every interface of the world: those a filter does not import cost it nothing.
pub(crate) fn add_to_linker(linker: &mut wasmtime::component::Linker<crate::state::State>) -> wasmtime::Result<()> {
    type Own = wasmtime::component::HasSelf<crate::state::State>;
    Filter::add_to_linker::<_, Own>(linker, |state| state)
}
