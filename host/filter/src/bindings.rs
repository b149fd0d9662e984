//! The Rust side of `wit/filter.wit`, generated.
//!
//! Borrowing ownership lets `from` and `to` be lowered straight out of the stanza; the two resources are plain markers, for
//! the stanza and the action live in the [`State`](crate::state::State) of the store and their handles carry only a number.

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
