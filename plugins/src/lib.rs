//! The bundled filters, compiled to components and embedded.
//!
//! `build.rs` finds the filters in the folders beside it, compiles them for the guest target and makes components of them.

/// Name and component of each bundled filter, sorted by name.
const BUILTIN: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// The names of the bundled filters, sorted.
pub const NAMES: &[&str] = &names();

const fn names() -> [&'static str; BUILTIN.len()] {
    let mut names = [""; BUILTIN.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = BUILTIN[i].0;
        i += 1;
    }
    names
}

/// Returns the component of the bundled filter `name`.
pub fn builtin(name: &str) -> Option<&'static [u8]> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, component)| *component)
}
