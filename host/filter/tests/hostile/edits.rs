//! Edits that would forge, smuggle or swell.

use refrain_filter::{Decision, Fault, Outcome};
use refrain_proto::Stanza;

use super::fault_of;
use super::guests::{CHAT, Guest, NOW_MS, says, spec, worker};

/// Runs an edit whose result lies at 128, then drops the stanza if the edit was refused, with `edit-error` in the reason.
fn edit(edit: &str, data: &str, xml: &str) -> (Decision, Stanza) {
    let on_stanza = format!(
        "{edit}
        (if (result i32) (i32.load8_u (i32.const 128))
          (then
            (i32.store8 (i32.const 140) (i32.add (i32.const 48) (i32.load8_u (i32.const 129))))
            (call $reason (local.get $stanza) (i32.const 140) (i32.const 1))
            {})
          (else {}))",
        says(2, 0),
        says(0, 0)
    );
    let more = format!("(data (i32.const 1024) \"{data}\")");
    let guest = Guest { on_stanza: &on_stanza, more: &more, pages: 40, ..Guest::default() };
    let mut stanza = Stanza::parse(xml).unwrap();
    let decision = worker(vec![spec("hostile", guest)]).judge(&mut stanza, NOW_MS);
    (decision, stanza)
}

/// The edit was refused with this case of `edit-error`, and nothing has changed.
fn refused(case: &str, call: &str, data: &str) {
    let (decision, stanza) = edit(call, data, CHAT);
    assert_eq!((decision.outcome, decision.reason.as_deref()), (Outcome::Drop, Some(case)));
    assert_eq!(stanza.to_xml(), Stanza::parse(CHAT).unwrap().to_xml());
}

const NOT_WELL_FORMED: &str = "1";
const FORBIDDEN_TARGET: &str = "2";
const BUDGET_EXCEEDED: &str = "3";

#[test]
fn the_sender_cannot_be_forged() {
    let call = "(call $set_attr (local.get $stanza) (i32.const 0) (i32.const 1024) (i32.const 4)
        (i32.const 1) (i32.const 1028) (i32.const 14) (i32.const 128))";
    refused(FORBIDDEN_TARGET, call, "fromv@home.example");
}

#[test]
fn a_second_element_cannot_follow_the_first() {
    let xml = "<a/></message><message from='v@home.example'/>";
    let call = format!(
        "(call $insert_xml (local.get $stanza) (i32.const 0) (i32.const 1024) (i32.const {}) (i32.const 128))",
        xml.len()
    );
    refused(NOT_WELL_FORMED, &call, xml);
}

#[test]
fn a_stream_level_element_cannot_be_smuggled_in() {
    let xml = "<x xmlns='urn:x'><d:result xmlns:d='jabber:server:dialback'/></x>";
    let call = format!(
        "(call $insert_xml (local.get $stanza) (i32.const 0) (i32.const 1024) (i32.const {}) (i32.const 128))",
        xml.len()
    );
    refused(FORBIDDEN_TARGET, &call, xml);
}

#[test]
fn an_entity_is_not_expanded() {
    let xml = "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>";
    let call = format!(
        "(call $insert_xml (local.get $stanza) (i32.const 0) (i32.const 1024) (i32.const {}) (i32.const 128))",
        xml.len()
    );
    refused(NOT_WELL_FORMED, &call, xml);
}

#[test]
fn a_huge_edit_is_over_budget() {
    let call = "(memory.fill (i32.const 65536) (i32.const 97) (i32.const 200000))
        (call $set_text (local.get $stanza) (i32.const 1) (i32.const 65536) (i32.const 200000) (i32.const 128))";
    refused(BUDGET_EXCEEDED, call, "");
}

#[test]
fn a_huger_edit_is_a_fault() {
    let call = "(memory.fill (i32.const 65536) (i32.const 97) (i32.const 2000000))
        (call $set_text (local.get $stanza) (i32.const 1) (i32.const 65536) (i32.const 2000000) (i32.const 128))";
    let (decision, _) = edit(call, "", CHAT);
    assert_eq!(fault_of(decision), Fault::OutputBudget);
}

#[test]
fn text_is_text_and_never_markup() {
    let text = "</body></message><message from='v@home.example'>";
    let call = format!(
        "(call $set_text (local.get $stanza) (i32.const 1) (i32.const 1024) (i32.const {}) (i32.const 128))",
        text.len()
    );
    let (decision, stanza) = edit(&call, text, CHAT);
    assert_eq!((decision.outcome, decision.edited), (Outcome::Forward, true));
    assert_eq!(Stanza::parse(&stanza.to_xml()).unwrap().root().children().count(), 1);
}

#[test]
fn edits_that_leave_no_valid_stanza_are_a_fault_and_undone() {
    // RFC 6120 §8.2.3: a request has exactly one payload.
    let get = "<iq type='get' id='1' from='a@x.example' to='b@y.example'><q xmlns='urn:q'/></iq>";
    let xml = "<second xmlns='urn:q'/>";
    let call = format!(
        "(call $insert_xml (local.get $stanza) (i32.const 0) (i32.const 1024) (i32.const {}) (i32.const 128))",
        xml.len()
    );
    let (decision, stanza) = edit(&call, xml, get);
    assert!(matches!(fault_of(decision), Fault::InvalidStanza(_)));
    assert_eq!(stanza.to_xml(), Stanza::parse(get).unwrap().to_xml());
}
