//! From a module to a component with its manifest, and what is said of modules that misbehave.

use refrain_pack::{MANIFEST_SECTION, PackError, pack};
use wasmparser::{Parser, Payload};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const MANIFEST: &str = r#"{"name":"brevity","requests":["accept"],"version":"0.1.0"}"#;

/// A module of the world `lamp` with these fields besides.
fn module(fields: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "test:lamp/wire" "pull" (func $pull))
            (memory (export "memory") 2)
            (func (export "shine") (result i32) (call $pull) (i32.const 42))
            {fields})"#
    );
    let mut module = wat::parse_str(text).expect("a module");
    let mut resolve = Resolve::default();
    let wit =
        "package test:lamp; interface wire { pull: func(); } world lamp { import wire; export shine: func() -> u32; }";
    let package = resolve.push_str("lamp.wit", wit).expect("an interface");
    let world = resolve.select_world(&[package], Some("lamp")).expect("a world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("room for a section");
    module
}

/// A module whose export gives the text at 1024.
fn saying(text: &str) -> Vec<u8> {
    let place = 1024_u64 << 32 | text.len() as u64;
    let data = text.replace('"', "\\22");
    module(&format!(
        r#"(data (i32.const 1024) "{data}") (func (export "refrain-manifest") (result i64) (i64.const {place}))"#
    ))
}

fn with_export(body: &str) -> Vec<u8> {
    module(&format!(r#"(func (export "refrain-manifest") (result i64) {body})"#))
}

fn sections(component: &[u8]) -> Vec<(String, String)> {
    let mut depth = 0;
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        match payload.expect("a valid component") {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::CustomSection(section) if depth == 0 => {
                found.push((section.name().to_owned(), String::from_utf8_lossy(section.data()).into_owned()));
            }
            _ => {}
        }
    }
    found
}

fn exports(component: &[u8]) -> Vec<String> {
    let mut exports = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ComponentExportSection(section) = payload.expect("a valid component") {
            exports.extend(section.into_iter().map(|export| export.expect("an export").name.name.to_owned()));
        }
    }
    exports
}

fn refused(module: &[u8]) -> String {
    pack(module).expect_err("must be refused").to_string()
}

#[test]
fn the_manifest_is_a_section_of_the_component() {
    let packed = pack(&saying(MANIFEST)).expect("packs");
    assert_eq!(packed.manifest.as_ref().map(|manifest| &manifest["name"]), Some(&"brevity".into()));
    let manifests: Vec<_> =
        sections(&packed.component).into_iter().filter(|(name, _)| name == MANIFEST_SECTION).collect();
    assert_eq!(manifests, [(MANIFEST_SECTION.to_owned(), MANIFEST.to_owned())]);
}

#[test]
fn the_export_is_not_one_of_the_component() {
    assert_eq!(exports(&pack(&saying(MANIFEST)).expect("packs").component), ["shine"]);
}

#[test]
fn what_only_the_manifest_used_is_not_in_the_component() {
    let text = r#"{"name":"a","version":"1"}"#;
    let ballast = "(drop (i32.const 7))".repeat(5_000);
    let place = 1024_u64 << 32 | text.len() as u64;
    let heavy = module(&format!(
        r#"(data (i32.const 1024) "{}") (func $ballast {ballast})
        (func (export "refrain-manifest") (result i64) (call $ballast) (i64.const {place}))"#,
        text.replace('"', "\\\"")
    ));
    let packed = pack(&heavy).unwrap();
    assert!(heavy.len() > 15_000 && packed.component.len() < 5_000, "{} bytes", packed.component.len());
}

#[test]
fn a_module_that_says_nothing_of_itself_has_no_manifest() {
    let packed = pack(&module("")).expect("packs");
    assert_eq!(packed.manifest, None);
    assert!(sections(&packed.component).iter().all(|(name, _)| name != MANIFEST_SECTION));
}

#[test]
fn an_endless_manifest_is_cut_short() {
    assert_eq!(refused(&with_export("(loop (br 0)) (i64.const 0)")), "its manifest: writing it takes too long");
}

#[test]
fn a_manifest_that_panics_is_refused() {
    assert_eq!(refused(&with_export("unreachable")), "its manifest: writing it panics");
}

#[test]
fn a_manifest_may_not_ask_the_host() {
    let said = refused(&with_export("(call $pull) (i64.const 0)"));
    assert!(said.contains("it calls test:lamp/wire.pull: a manifest depends on nothing"), "{said}");
}

#[test]
fn a_manifest_must_be_in_memory_and_short() {
    assert!(refused(&with_export("(i64.const 0xffff_ff00_0000_0010)")).contains("outside the module's memory"));
    assert!(refused(&with_export("(i64.const 0x7fff_ffff)")).contains("at most 1048576 are read"));
}

#[test]
fn a_manifest_is_json_with_a_name_and_a_version() {
    assert!(refused(&saying("{")).starts_with("its manifest: no JSON: "));
    assert_eq!(refused(&saying("[]")), "its manifest: it has no \"name\"");
    assert_eq!(refused(&saying(r#"{"name":"a"}"#)), "its manifest: it has no \"version\"");
}

#[test]
fn what_is_no_module_is_said_to_be_none() {
    assert!(matches!(pack(b"#!/bin/sh"), Err(PackError::NoModule(_))));
    let plain = wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "f")))"#).expect("a module");
    assert!(matches!(pack(&plain), Ok(_) | Err(PackError::NoComponent(_))));
}
