//! Takes out of a module what only its manifest needed: the code that makes a schema is as much as a small filter itself.

use walrus::{ModuleConfig, passes};

use crate::PackError;
use crate::manifest::EXPORT;

/// Returns the module without the export that wrote the manifest, and without all that only this export used.
pub(crate) fn off_manifest(module: &[u8]) -> Result<Vec<u8>, PackError> {
    let mut config = ModuleConfig::new();
    config.generate_producers_section(false).generate_name_section(true);
    let mut module = config.parse(module).map_err(|error| PackError::NoModule(format!("{error:#}")))?;
    if module.exports.remove(EXPORT).is_ok() {
        passes::gc::run(&mut module);
    }
    Ok(module.emit_wasm())
}
