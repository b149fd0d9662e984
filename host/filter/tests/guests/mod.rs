//! Tiny guests in the text format: what a toolchain would have made of them, without the toolchain.
//!
//! A guest is the template below with a body for `configure` and one for `on-stanza`. Both leave the address of their result;
//! `$said` writes a verdict and gives the stanza's handle back, as every guest must.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use refrain_filter::{Chain, ChainWorker, Direction, Engine, EngineOptions, FilterSpec, Grant, Grants};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// One engine for all tests of a file, as for all filters of a proxy.
pub(crate) static ENGINE: LazyLock<Arc<Engine>> =
    LazyLock::new(|| Engine::new(EngineOptions::default()).expect("an engine"));

/// A message to judge.
pub(crate) const CHAT: &str =
    "<message type='chat' id='1' from='eve@evil.example/x' to='alice@home.example'><body>hello</body></message>";

/// The time it is in these tests.
pub(crate) const NOW_MS: u64 = 1_000;

/// Configures a guest by the defaults: no grant, closed on faults, and the deadline of every day.
pub(crate) fn spec(name: &str, guest: Guest<'_>) -> FilterSpec {
    let component = ENGINE.load(name, &guest.module()).expect("the guest loads");
    FilterSpec { grants: Grants::from_iter([Grant::Edit]), ..FilterSpec::new(name, component) }
}

/// Builds an inbound chain.
pub(crate) fn chain(specs: Vec<FilterSpec>) -> Arc<Chain> {
    Arc::new(Chain::build(&ENGINE, Direction::Inbound, specs).expect("the chain builds"))
}

/// Builds an inbound chain for this thread.
pub(crate) fn worker(specs: Vec<FilterSpec>) -> ChainWorker {
    chain(specs).worker()
}

/// A body of `on-stanza` that says this case of `verdict`, with this payload.
pub(crate) fn says(case: u32, payload: u32) -> String {
    format!("(call $said (local.get $stanza) (i32.const {case}) (i32.const {payload}))")
}

/// Judges nothing: `configure` succeeds.
pub(crate) const CONFIGURED: &str = "(i32.const 64)";

/// Imports that came after the first version; each guest takes those that it means to use.
pub(crate) mod import {
    pub(crate) const COUNTER: &str = r#"
  (import "refrain:filter/setup@0.1.2" "counter" (func $counter (param i32 i32 i32 i32 i32)))
  (import "refrain:filter/metrics@0.1.2" "add" (func $add (param i32 i64)))"#;
    pub(crate) const LIMITER: &str = r#"
  (import "refrain:filter/setup@0.1.2" "limiter" (func $limiter (param i32 i32 i32 f64 i32)))
  (import "refrain:filter/limits@0.1.2" "take" (func $take (param i32 i32 i32 i32) (result i32)))"#;
    pub(crate) const OWE: &str = r#"
  (import "refrain:filter/limits@0.1.2" "owe" (func $owe (param i32 i32 i32 i32) (result i32)))"#;
    pub(crate) const LIST: &str = r#"
  (import "refrain:filter/setup@0.1.2" "open-list" (func $open_list (param i32 i32 i32)))
  (import "refrain:filter/lists@0.1.2" "contains" (func $contains (param i32 i32 i32) (result i32)))
  (import "refrain:filter/lists@0.1.2" "lookup" (func $lookup (param i32 i32 i32 i32)))"#;
    pub(crate) const BUCKET: &str = r#"
  (import "refrain:filter/setup@0.1.2" "open-bucket" (func $open_bucket (param i32 i32 i32)))
  (import "refrain:filter/keyvalue@0.1.2" "get" (func $get (param i32 i32 i32 i32)))
  (import "refrain:filter/keyvalue@0.1.2" "set" (func $set (param i32 i32 i32 i32 i32 i32 i32)))
  (import "refrain:filter/keyvalue@0.1.2" "delete" (func $delete (param i32 i32 i32)))
  (import "refrain:filter/keyvalue@0.1.2" "increment" (func $increment (param i32 i32 i32 i64 i32 i32)))"#;
    pub(crate) const REDIRECT: &str = r#"
  (import "refrain:filter/actions@0.1.2" "redirect" (func $redirect (param i32 i32) (result i32)))"#;
    pub(crate) const CLOSE_STREAM: &str = r#"
  (import "refrain:filter/actions@0.1.2" "close-stream" (func $close_stream (param i32 i32 i32 i32 i32) (result i32)))"#;
    pub(crate) const REPLY: &str = r#"
  (import "refrain:filter/actions@0.1.2" "reply" (func $reply (param i32 i32) (result i32)))"#;
    pub(crate) const DELAY: &str = r#"
  (import "refrain:filter/actions@0.1.2" "delay" (func $delay (param i32) (result i32)))"#;
}

/// Grants these, written as an operator writes them.
pub(crate) fn granted(spec: FilterSpec, grants: &[&str]) -> FilterSpec {
    let grants = grants.iter().map(|grant| grant.parse().expect("a grant"));
    FilterSpec { grants: grants.collect(), ..spec }
}

/// A guest under construction.
#[derive(Clone, Copy)]
pub(crate) struct Guest<'a> {
    /// Body of `configure($config: i32, $config_len: i32) -> i32`.
    pub(crate) configure: &'a str,
    /// Body of `on-stanza(…, $stanza: i32) -> i32`.
    pub(crate) on_stanza: &'a str,
    /// Imports besides those of the template, by which a filter asks for grants.
    pub(crate) imports: &'a str,
    /// Further fields of the module: data, globals, functions.
    pub(crate) more: &'a str,
    /// Pages of memory it starts with.
    pub(crate) pages: u32,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Guest {
            configure: CONFIGURED,
            on_stanza: "(call $said (local.get $stanza) (i32.const 0) (i32.const 0))",
            imports: "",
            more: "",
            pages: 1,
        }
    }
}

impl Guest<'_> {
    /// Returns the core module, with `wit/filter.wit` embedded.
    pub(crate) fn module(&self) -> Vec<u8> {
        embed(self.core_module(), &std::fs::read_to_string(wit_path()).expect("wit/filter.wit"))
    }

    /// Returns the core module without its interface.
    pub(crate) fn core_module(&self) -> Vec<u8> {
        wat::parse_str(self.text()).expect("the guest's text")
    }

    /// Returns the text of the core module.
    pub(crate) fn text(&self) -> String {
        let Guest { configure, on_stanza, imports, more, pages } = self;
        format!(
            r#"(module
  (import "refrain:filter/tree@0.1.2" "[resource-drop]stanza" (func $drop (param i32)))
  (import "refrain:filter/tree@0.1.2" "[method]stanza.test" (func $test (param i32 i32) (result i32)))
  (import "refrain:filter/tree@0.1.2" "[method]stanza.text" (func $text (param i32 i32 i32)))
  (import "refrain:filter/tree@0.1.2" "[method]stanza.xml" (func $xml (param i32 i32 i32 i32)))
  (import "refrain:filter/edit@0.1.2" "set-attr" (func $set_attr (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "refrain:filter/edit@0.1.2" "set-text" (func $set_text (param i32 i32 i32 i32 i32)))
  (import "refrain:filter/edit@0.1.2" "insert-xml" (func $insert_xml (param i32 i32 i32 i32 i32)))
  (import "refrain:filter/edit@0.1.2" "remove-all" (func $remove_all (param i32 i32 i32)))
  (import "refrain:filter/annotate@0.1.2" "reason" (func $reason (param i32 i32 i32)))
  (import "refrain:filter/actions@0.1.2" "bounce" (func $bounce (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "refrain:filter/setup@0.1.2" "selector" (func $selector (param i32 i32 i32)))
  (import "refrain:filter/setup@0.1.2" "add-interest"
    (func $add_interest (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "refrain:filter/log@0.1.2" "write" (func $log (param i32 i32 i32)))
  {imports}
  (memory (export "memory") {pages})
  (global $free (mut i32) (i32.const 8192))
  (func $said (param $stanza i32) (param $case i32) (param $payload i32) (result i32)
    (call $drop (local.get $stanza))
    (global.set $free (i32.const 8192))
    (i32.store (i32.const 16) (local.get $case))
    (i32.store (i32.const 20) (local.get $payload))
    (i32.const 16))
  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (memory.copy (local.get $at) (local.get $old) (local.get $old_size))
    (local.get $at))
  (func (export "refrain:filter/guest@0.1.2#configure") (param $config i32) (param $config_len i32) (result i32)
    (global.set $free (i32.const 8192))
    {configure})
  (func (export "refrain:filter/guest@0.1.2#on-stanza")
    (param $direction i32) (param $kind i32) (param $type i32) (param $bits i32) (param $matched i64)
    (param $size i32) (param $now i64) (param $from i32) (param $from_len i32) (param $to i32) (param $to_len i32)
    (param $stanza i32) (result i32)
    {on_stanza})
  {more}
)"#
        )
    }
}

/// Embeds an interface in a core module, as toolchains do.
pub(crate) fn embed(mut module: Vec<u8>, wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("filter.wit", wit).expect("the interface parses");
    let world = resolve.select_world(&[package], Some("filter")).expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("the interface is embedded");
    module
}

/// Where the interface is.
pub(crate) fn wit_path() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/filter.wit"))
}
