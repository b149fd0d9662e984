//! Guests that ask for what nobody granted them.

use std::collections::BTreeMap;
use std::sync::Arc;

use refrain_filter::{Chain, Direction, FilterSpec, Grants, List};

use super::guests::{CONFIGURED, ENGINE, Guest, granted, import, spec};

fn refusal(spec: FilterSpec) -> String {
    let errors = Chain::build(&ENGINE, Direction::Inbound, vec![spec]).unwrap_err();
    errors[0].to_string()
}

/// Traps at the first instruction, which is never reached: what is missing is said before anything runs.
fn importing(imports: &str) -> FilterSpec {
    spec("greedy", Guest { imports, configure: "unreachable", ..Guest::default() })
}

#[test]
fn editing_must_be_granted() {
    let refused = FilterSpec { grants: Grants::default(), ..importing("") };
    assert_eq!(
        refusal(refused),
        "filter greedy: asks for edit; granted: nothing; missing: edit; to let it, write grants = [\"edit\"]"
    );
}

/// Its start function would not end: nothing of it may run before it is granted what it asks for.
#[test]
fn not_even_a_start_function_runs_before_the_grants_are_compared() {
    let endless = "(func $endless (loop $again (br $again))) (start $endless)";
    let spec = spec("greedy", Guest { more: endless, ..Guest::default() });
    let refused = FilterSpec { grants: Grants::default(), ..spec.clone() };
    assert!(refusal(refused).contains("missing: edit"));
    assert!(spec.component.try_out(&ENGINE).is_err(), "it is stopped when it does run");
}

#[test]
fn every_interface_and_verdict_that_needs_a_grant_is_refused_without_it() {
    for (imports, missing) in [
        (import::REDIRECT, "redirect"),
        (import::CLOSE_STREAM, "close-stream"),
        (import::REPLY, "reply"),
        (import::LIST, "list:NAME"),
        (import::BUCKET, "bucket:NAME"),
    ] {
        let refusal = refusal(importing(imports));
        assert!(refusal.contains(&format!("missing: {missing}; to let it, write")), "{refusal}");
    }
}

#[test]
fn what_is_free_needs_no_grant() {
    let imports = [import::COUNTER, import::LIMITER, import::DELAY].concat();
    let free = spec("free", Guest { imports: &imports, ..Guest::default() });
    assert!(Chain::build(&ENGINE, Direction::Inbound, vec![free]).is_ok());
}

/// Opens what is called `name` in `configure`; what it is answered is the problem it reports.
fn opens(function: &str, imports: &str, grants: &[&str]) -> FilterSpec {
    // result::err, a list of one problem at 2048: no path, and as message the text of the refusal.
    let configure = format!(
        "(call {function} (i32.const 1024) (i32.const 4) (i32.const 128))
        (i32.store8 (i32.const 64) (i32.load8_u (i32.const 128)))
        (i32.store (i32.const 68) (i32.const 2048))
        (i32.store (i32.const 72) (i32.const 1))
        (i64.store (i32.const 2056) (i64.load (i32.const 132)))
        {CONFIGURED}"
    );
    let more = r#"(data (i32.const 1024) "name")"#;
    let lists = BTreeMap::from([("other".to_owned(), Arc::new(List::default().into()))]);
    let guest = Guest { configure: &configure, imports, more, ..Guest::default() };
    FilterSpec { lists, ..granted(spec("curious", guest), grants) }
}

#[test]
fn lists_and_buckets_are_granted_by_name() {
    let list = opens("$open_list", import::LIST, &["edit", "list:other"]);
    assert_eq!(refusal(list), "filter curious: \"list:name\" is not granted to this filter");
    let bucket = opens("$open_bucket", import::BUCKET, &["edit", "bucket:other"]);
    assert_eq!(refusal(bucket), "filter curious: \"bucket:name\" is not granted to this filter");
}

#[test]
fn a_list_that_is_not_there_cannot_be_opened() {
    let list = opens("$open_list", import::LIST, &["edit", "list:name"]);
    assert_eq!(refusal(list), "filter curious: there is no list \"name\"; describe it in [list.name]");
}
