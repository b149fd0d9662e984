//! Golden cases in the sandbox: the file says what the filter must do, and the sandbox what it does.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

mod guests;

use std::path::PathBuf;

use guests::{Guest, says};
use refrain_filter::Sandbox;
use refrain_filter::case::run_cases;

/// Replaces the text of a chat message; bounces all else.
fn sandbox() -> Sandbox {
    let on_stanza = format!(
        "(if (result i32) (i32.eq (local.get $type) (i32.const 1))
          (then
            (call $set_text (local.get $stanza) (i32.const 1) (i32.const 1024) (i32.const 3) (i32.const 128))
            {})
          (else {}))",
        says(0, 0),
        says(3, 7)
    );
    let guest = Guest { on_stanza: &on_stanza, more: r#"(data (i32.const 1024) "bye")"#, ..Guest::default() };
    Sandbox::new("f", &guest.module()).expect("the guest loads")
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

const CASES: &str = r#"
[[case]]
name = "a chat message is rewritten"
stanza = "<message type='chat' from='a@x.example' to='b@y.example'><body>hello</body></message>"
verdict = "pass"
result = "<message type='chat' from='a@x.example' to='b@y.example'><body>bye</body></message>"

[[case]]
name = "all else is refused"
stanza = "<presence from='a@x.example' to='b@y.example'/>"
verdict = "bounce"
error = "jid-malformed"
error-type = "modify"
"#;

#[test]
fn cases_that_hold_leave_no_failure() {
    let failures = run_cases(file("holds.toml", CASES), &mut sandbox());
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn cases_that_do_not_are_told_by_name() {
    let path = file("fails.toml", &CASES.replace("bye", "ciao").replace("jid-malformed", "gone"));
    let failures: Vec<_> =
        run_cases(path, &mut sandbox()).iter().map(|f| (f.case.clone(), f.message.clone())).collect();
    assert_eq!(failures.len(), 2);
    assert_eq!(failures[0].0, "a chat message is rewritten");
    assert!(failures[0].1.starts_with("result: expected (-), found (+)\n"), "{}", failures[0].1);
    assert_eq!(failures[1].1, "error: expected \"gone\", found \"jid-malformed\"");
}

const RELATIONS: &str = r#"
relation = "stranger"

[[case]]
name = "a stranger is dropped"
stanza = "<presence from='a@x.example' to='b@y.example'/>"
verdict = "drop"

[[case]]
name = "who is known passes"
relation = "known"
stanza = "<presence from='a@x.example' to='b@y.example'/>"
verdict = "pass"
"#;

#[test]
fn a_case_tells_what_the_two_are_to_each_other() {
    let (pass, drop) = (says(0, 0), says(2, 0));
    let is_stranger = "(i32.and (local.get $bits) (i32.const 128))";
    let on_stanza = format!("(if (result i32) {is_stranger} (then {drop}) (else {pass}))");
    let guest = Guest { on_stanza: &on_stanza, ..Guest::default() };
    let mut sandbox = Sandbox::new("f", &guest.module()).expect("the guest loads");
    let failures = run_cases(file("relations.toml", RELATIONS), &mut sandbox);
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn a_file_that_is_not_there_is_a_failure() {
    assert_eq!(run_cases("no/such/file.toml", &mut sandbox()).len(), 1);
}
