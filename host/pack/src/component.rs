//! The component around a module.

use wit_component::ComponentEncoder;

use crate::PackError;

/// Wraps a core module by the interface that its toolchain embedded in it. Exports that the interface does not name stay inside.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>, PackError> {
    let component = ComponentEncoder::default().validate(true).module(module).and_then(|mut encoder| encoder.encode());
    component.map_err(|error| PackError::NoComponent(format!("{error:#}")))
}

/// Appends a custom section: the id 0, then its size, then its name behind the name's length, then its data.
pub(crate) fn append_section(binary: &mut Vec<u8>, name: &str, data: &[u8]) {
    let mut section = Vec::new();
    write_leb(&mut section, name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(data);
    binary.push(0);
    write_leb(binary, section.len());
    binary.extend_from_slice(&section);
}

/// LEB128, seven bits a byte, the lowest first.
fn write_leb(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
