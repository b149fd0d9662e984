//! What a filter imports and exports, by name: read before anything heavier looks at it.

use wasmparser::{Parser, Payload};

use super::{INTERFACE, INTERFACE_VERSION};
use crate::error::LoadError;
use crate::interface;

/// The part of a 0.x version that must agree.
const COMPATIBLE: &str = "0.1.";
const GUEST: &str = "refrain:filter/guest@";

/// Names shown in a refusal; a program built for another world imports dozens.
const FOREIGN_MAX: usize = 8;

/// Looks at the names a core module imports and exports.
pub(super) fn check_module(module: &[u8]) -> Result<(), LoadError> {
    let mut names = Names::default();
    let mut has_interface = false;
    let invalid = |error: wasmparser::BinaryReaderError| LoadError::Invalid(error.to_string());
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(invalid)? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(invalid)?;
                    names.import(import.module, &format!("{}.{}", import.module, import.name));
                    names.function(import.module, import.name);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    names.export(export.map_err(invalid)?.name.split('#').next().unwrap_or_default());
                }
            }
            Payload::CustomSection(section) => has_interface |= section.name().starts_with("component-type"),
            _ => {}
        }
    }
    if !has_interface && names.foreign.is_empty() {
        return Err(LoadError::NoInterface);
    }
    names.finish()
}

/// What was found, and what is wrong with it.
#[derive(Default)]
pub(super) struct Names {
    foreign: Vec<String>,
    wrong_version: Option<String>,
    lacking: Option<LoadError>,
    has_guest: bool,
}

impl Names {
    /// Takes in an imported interface.
    pub(super) fn import(&mut self, interface: &str, shown: &str) {
        if interface.starts_with(INTERFACE) {
            self.version(interface);
        } else if self.foreign.len() < FOREIGN_MAX && !self.foreign.iter().any(|known| known == shown) {
            self.foreign.push(shown.to_owned());
        }
    }

    /// Takes in an imported function; the first that this host does not have is told of.
    pub(super) fn function(&mut self, import: &str, function: &str) {
        let ours = import.strip_prefix(INTERFACE).and_then(|name| name.split('@').next());
        let Some(interface) = ours.filter(|_| !function.starts_with("[resource-")) else { return };
        if self.lacking.is_none() && interface::signature(interface, function).is_none() {
            let function = interface::spoken(function).to_owned();
            let lacking = LoadError::Lacking { interface: import.to_owned(), function, host: INTERFACE_VERSION };
            self.lacking = Some(lacking);
        }
    }

    /// Takes in an export.
    pub(super) fn export(&mut self, name: &str) {
        if name.starts_with(GUEST) {
            self.version(name);
            self.has_guest = true;
        }
    }

    fn version(&mut self, name: &str) {
        let compatible = name.split_once('@').is_some_and(|(_, version)| version.starts_with(COMPATIBLE));
        if !compatible && self.wrong_version.is_none() {
            self.wrong_version = Some(name.to_owned());
        }
    }

    /// Returns the mistake that says most.
    pub(super) fn finish(self) -> Result<(), LoadError> {
        if !self.foreign.is_empty() {
            return Err(LoadError::ForeignImports(self.foreign));
        }
        if let Some(lacking) = self.lacking {
            return Err(lacking);
        }
        if let Some(name) = self.wrong_version {
            return Err(LoadError::WrongVersion { name, host: INTERFACE_VERSION });
        }
        if self.has_guest { Ok(()) } else { Err(LoadError::NoGuest) }
    }
}
