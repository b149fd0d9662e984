//! Loading: what is taken, and how the rest is refused in words its author understands.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

mod guests;

use guests::{ENGINE, Guest, embed, wit_path};
use refrain_filter::{Engine, EngineOptions, LoadError};

fn refusal(bytes: &[u8]) -> String {
    let tried = ENGINE.load("f", bytes).and_then(|component| component.try_out(&ENGINE));
    tried.unwrap_err().to_string()
}

fn wit() -> String {
    std::fs::read_to_string(wit_path()).unwrap()
}

/// A module of a guest whose text was changed.
fn altered(from: &str, to: &str, wit: &str) -> Vec<u8> {
    let text = Guest::default().text();
    assert!(text.contains(from));
    embed(wat::parse_str(text.replace(from, to)).unwrap(), wit)
}

#[test]
fn a_core_module_with_its_interface_embedded_is_taken() {
    let component = ENGINE.load("f", &Guest::default().module()).unwrap();
    assert_eq!(component.name(), "f");
    assert!(component.imports().iter().any(|import| import == "refrain:filter/tree@0.1.2"));
}

#[test]
fn a_component_is_taken() {
    let module = Guest::default().module();
    let component = wit_component::ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
    assert!(ENGINE.load("f", &component).is_ok());
}

#[test]
fn one_file_under_two_names_is_two_filters_of_one_content() {
    let module = Guest::default().module();
    let (a, b) = (ENGINE.load("a", &module).unwrap(), ENGINE.load("b", &module).unwrap());
    assert_eq!((a.name(), b.name()), ("a", "b"));
    assert_eq!((a.digest(), a.bytes()), (b.digest(), module.len()));
    assert_eq!(a.digest(), refrain_filter::Digest::of(&module));
}

#[test]
fn what_a_file_says_of_itself_is_read_and_asked_for() {
    let manifest = r#"{"name":"f","version":"1.0.0","requests":["accept","list:spammers"]}"#;
    let component = ENGINE.load("f", &with_manifest(manifest)).unwrap();
    assert_eq!(component.manifest().unwrap().version, "1.0.0");
    assert_eq!(component.requests().to_string(), "accept, edit, list:spammers");
    assert!(matches!(ENGINE.load("f", &with_manifest("{}")), Err(LoadError::Manifest(_))));
}

/// A guest with a custom section behind everything else.
fn with_manifest(json: &str) -> Vec<u8> {
    let section = [&[16], refrain_filter::MANIFEST_SECTION.as_bytes(), json.as_bytes()].concat();
    let mut module = Guest::default().module();
    // Shorter than 128 bytes, so its length is one byte.
    module.extend([0, u8::try_from(section.len()).unwrap()]);
    module.extend(section);
    module
}

#[test]
fn what_is_not_wasm_is_refused() {
    assert!(matches!(ENGINE.load("f", b"#!/bin/sh"), Err(LoadError::NotWasm)));
    assert!(matches!(ENGINE.load("f", b""), Err(LoadError::NotWasm)));
}

#[test]
fn what_is_cut_short_or_garbled_is_refused() {
    let module = Guest::default().module();
    for end in (8..module.len()).step_by(97) {
        assert!(ENGINE.load("f", &module[..end]).is_err(), "cut at {end}");
    }
    assert!(ENGINE.load("f", b"\0asm\x01\0\0\0\xff\xff\xff").is_err());
    assert!(ENGINE.load("f", b"\0asm\x0d\0\x01\0\xff\xff\xff").is_err());
}

#[test]
fn what_is_too_large_is_refused_unread() {
    let engine = Engine::new(EngineOptions { component_bytes_max: 100, instances_max: 1, ..EngineOptions::default() });
    let error = engine.unwrap().load("f", &[0; 101]).unwrap_err();
    assert_eq!(error.to_string(), "101 bytes; a filter has at most 100");
}

#[test]
fn a_module_without_an_interface_is_told_how_to_get_one() {
    let core = wat::parse_str(Guest::default().text()).unwrap();
    assert!(matches!(ENGINE.load("f", &core), Err(LoadError::NoInterface)));
}

#[test]
fn imports_that_no_filter_gets_are_named() {
    let foreign =
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))"#;
    let refusal = refusal(&wat::parse_str(foreign).unwrap());
    assert_eq!(
        refusal,
        "imports wasi_snapshot_preview1.fd_write, which no filter gets; build it for wasm32-unknown-unknown"
    );
}

#[test]
fn a_component_with_foreign_imports_is_refused_by_name() {
    let text = r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#;
    let refusal = refusal(&wat::parse_str(text).unwrap());
    assert!(refusal.starts_with("imports wasi:cli/environment@0.2.0, which no filter gets"), "{refusal}");
}

#[test]
fn another_version_of_the_interface_is_named() {
    let refusal = refusal(&altered("@0.1.2", "@0.2.0", &wit().replace("@0.1.2", "@0.2.0")));
    assert!(refusal.starts_with("refrain:filter/tree@0.2.0 is of another version of the interface"), "{refusal}");
    assert!(refusal.contains("this host has refrain:filter@0.1.2"), "{refusal}");
}

#[test]
fn an_added_case_of_an_enum_is_another_type() {
    let refusal =
        refusal(&embed(Guest::default().core_module(), &wit().replace("error, unknown,", "error, unknown, novel,")));
    assert!(refusal.starts_with("refrain:filter/guest@0.1.2 function `on-stanza` has another type"), "{refusal}");
    assert!(refusal.contains("stanza-type: expected enum of 16 names, found 17 names"), "{refusal}");
}

#[test]
fn a_function_of_another_type_is_shown_as_both_sides_have_it() {
    let theirs = wit()
        .replace("reason: func(s: borrow<stanza>, text: string)", "reason: func(s: borrow<stanza>, text: list<u8>)");
    let refusal = refusal(&embed(Guest::default().core_module(), &theirs));
    assert_eq!(
        refusal,
        "refrain:filter/annotate@0.1.2 function `reason` has another type (type mismatch with parameters: expected `string` \
         found `list`): the filter has func(s: borrow<a resource>, text: list<u8>), this host has \
         func(s: borrow<stanza>, text: string); rebuild the filter with the SDK of 0.1.2"
    );
}

#[test]
fn an_export_of_another_type_is_shown_too() {
    let theirs = wit().replace("configure: func(config: string)", "configure: func(config: list<u8>)");
    let refusal = refusal(&embed(Guest::default().core_module(), &theirs));
    assert!(refusal.starts_with("refrain:filter/guest@0.1.2 function `configure` has another type"), "{refusal}");
    assert!(
        refusal.contains("the filter has func(config: list<u8>) -> result<_, list<record of 2 fields>>"),
        "{refusal}"
    );
}

#[test]
fn a_function_that_this_host_lacks_is_named() {
    let newer =
        wit().replace("count: func", "sum: func(selector: u32) -> u32; count: func").replace("@0.1.2", "@0.1.7");
    let text = Guest::default().text().replace("@0.1.2", "@0.1.7").replace(
        "(import \"refrain:filter/tree@0.1.7\" \"[method]stanza.text\"",
        "(import \"refrain:filter/tree@0.1.7\" \"[method]stanza.sum\" (func (param i32 i32) (result i32)))
         (import \"refrain:filter/tree@0.1.7\" \"[method]stanza.text\"",
    );
    let refusal = refusal(&embed(wat::parse_str(text).unwrap(), &newer));
    assert_eq!(
        refusal,
        "needs refrain:filter/tree@0.1.7 function `stanza.sum`; this host has refrain:filter@0.1.2, which lacks it: update \
         refrain, or rebuild the filter with the SDK of 0.1.2"
    );
}

#[test]
fn a_later_version_that_asks_for_nothing_new_is_taken() {
    let newer = altered("@0.1.2", "@0.1.7", &wit().replace("@0.1.2", "@0.1.7"));
    assert!(ENGINE.load("f", &newer).is_ok());
}

#[test]
fn a_component_that_is_no_filter_is_refused() {
    assert!(matches!(ENGINE.load("f", &wat::parse_str("(component)").unwrap()), Err(LoadError::NoGuest)));
}
