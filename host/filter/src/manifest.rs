//! What a component says of itself, in a custom section: who made it, which settings it takes, what it asks for.
//!
//! It is read without running anything, and none of it is believed: requests are compared with the operator's grants, limits and
//! settings are advice.

use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload};

/// Where a component keeps its manifest: UTF-8 JSON at its top level.
pub const SECTION: &str = "refrain:manifest";

/// The self-tests are its largest part.
const BYTES_MAX: usize = 1 << 20;

/// The manifest of a filter. Keys that this version does not know are passed over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// The name of its package.
    pub name: String,
    /// The version of its package.
    pub version: String,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// One sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The version of the interface that it was built for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// A JSON Schema of its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_schema: Option<serde_json::Value>,
    /// The grants it asks for, besides those that its imports tell of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// The limits it gets along with.
    #[serde(default)]
    pub limits: ManifestLimits,
    /// Golden case files, as TOML.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub self_test: Vec<String>,
}

/// The limits that a filter was made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ManifestLimits {
    /// Milliseconds a call takes at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u32>,
    /// Mebibytes of memory it takes at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u32>,
}

/// Why a manifest cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The bytes around it are not WebAssembly.
    #[error("not WebAssembly: {0}")]
    Malformed(String),
    /// There are two.
    #[error("it has two manifests")]
    Twice,
    /// It is larger than a manifest may be.
    #[error("its manifest has {0} bytes; there are at most {BYTES_MAX}")]
    TooLarge(usize),
    /// It is not the JSON of a manifest.
    #[error("its manifest cannot be read: {0}")]
    NotAManifest(String),
}

impl Manifest {
    /// Finds and reads the manifest of a component or a core module. None of its code runs.
    pub fn read(bytes: &[u8]) -> Result<Option<Manifest>, ManifestError> {
        match section(bytes)? {
            None => Ok(None),
            Some(json) if json.len() > BYTES_MAX => Err(ManifestError::TooLarge(json.len())),
            Some(json) => {
                serde_json::from_slice(json).map(Some).map_err(|error| ManifestError::NotAManifest(error.to_string()))
            }
        }
    }
}

/// Finds the section at the top level: one inside a nested module is that module's own.
fn section(bytes: &[u8]) -> Result<Option<&[u8]>, ManifestError> {
    let (mut depth, mut found) = (0u32, None);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| ManifestError::Malformed(error.to_string()))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION && found.is_none() => {
                found = Some(section.data());
            }
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                return Err(ManifestError::Twice);
            }
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"{"name":"f","version":"1.2.3"}"#;

    /// A core module, or a component, with these custom sections.
    fn binary(header: &[u8; 8], manifests: &[&str]) -> Vec<u8> {
        let mut bytes = header.to_vec();
        for manifest in manifests {
            bytes.push(0);
            push_length(&mut bytes, 1 + SECTION.len() + manifest.len());
            bytes.push(SECTION.len() as u8);
            bytes.extend([SECTION.as_bytes(), manifest.as_bytes()].concat());
        }
        bytes
    }

    /// LEB128.
    fn push_length(bytes: &mut Vec<u8>, mut length: usize) {
        while length > 0x7f {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
    }

    const MODULE: &[u8; 8] = b"\0asm\x01\0\0\0";
    const COMPONENT: &[u8; 8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn a_name_and_a_version_are_enough() {
        for header in [MODULE, COMPONENT] {
            let manifest = Manifest::read(&binary(header, &[MINIMAL])).unwrap().unwrap();
            assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("f", "1.2.3"));
            assert_eq!(Manifest::read(&binary(header, &[])), Ok(None));
        }
    }

    #[test]
    fn what_is_written_reads_back_and_unknown_keys_are_passed_over() {
        let json = r#"{"name":"f","version":"1","authors":["a"],"description":"d","interface":"0.1.1",
            "settings-schema":{"type":"object"},"requests":["accept","list:x"],"limits":{"deadline-ms":9,"cpu":1},
            "self-test":["[[case]]"],"novel":{}}"#;
        let manifest = Manifest::read(&binary(COMPONENT, &[json])).unwrap().unwrap();
        assert_eq!((manifest.limits.deadline_ms, manifest.limits.memory_mib), (Some(9), None));
        assert_eq!(manifest.requests, ["accept", "list:x"]);
        let written = serde_json::to_string(&manifest).unwrap();
        assert_eq!(Manifest::read(&binary(MODULE, &[&written])), Ok(Some(manifest)));
    }

    #[test]
    fn the_manifest_of_a_nested_module_is_not_the_components() {
        let module = binary(MODULE, &[MINIMAL]);
        let mut component = COMPONENT.to_vec();
        component.push(1);
        push_length(&mut component, module.len());
        component.extend(module);
        assert_eq!(Manifest::read(&component), Ok(None));
        component.extend(&binary(COMPONENT, &[r#"{"name":"outer","version":"1"}"#])[8..]);
        assert_eq!(Manifest::read(&component).unwrap().unwrap().name, "outer");
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        assert_eq!(Manifest::read(&binary(COMPONENT, &[MINIMAL, MINIMAL])), Err(ManifestError::Twice));
        let long = format!("{MINIMAL}{}", " ".repeat(BYTES_MAX));
        assert!(matches!(Manifest::read(&binary(COMPONENT, &[&long])), Err(ManifestError::TooLarge(_))));
        for json in ["", "{}", "\u{fffd}", r#"{"name":1,"version":"1"}"#] {
            let read = Manifest::read(&binary(COMPONENT, &[json]));
            assert!(matches!(read, Err(ManifestError::NotAManifest(_))), "{json}: {read:?}");
        }
        assert!(matches!(Manifest::read(b"#!/bin/sh"), Err(ManifestError::Malformed(_))));
    }
}
