//! What holds for every stanza of the golden cases, whatever is denied.

use std::path::Path;

use refrain_file_transfer::FileTransfer;
use refrain_sdk::Verdict;
use refrain_sdk::testing::{Tester, case};

const SETTINGS: [&str; 4] = [
    "{}",
    r#"{"deny": ["everything"]}"#,
    r#"{"allow": ["everything"], "deny": ["file-sharing", "urls"]}"#,
    r#"{"deny": ["everything"], "allow": ["stickers", "oob", "calls"]}"#,
];

/// Asks about every stanza under all settings. A fault of the filter, an edit that leaves no stanza among them, is a panic.
fn judge_all(mut check: impl FnMut(&str, Verdict)) {
    let files = case::case_files(Path::new("cases")).expect("the golden cases");
    let files: Vec<_> = files.iter().map(|file| case::CaseFile::read(file).expect("a file of cases")).collect();
    for settings in SETTINGS {
        let mut tester = Tester::<FileTransfer>::new(settings);
        for stanza in files.iter().flat_map(|file| &file.cases).map(|case| &case.stanza) {
            if let Some(verdict) = tester.judge(stanza) {
                check(stanza, verdict);
            }
        }
    }
}

#[test]
fn nothing_is_sent_back_to_rooms_services_and_errors_nor_for_presence() {
    judge_all(|stanza, verdict| {
        let is_from_room = stanza.contains("type='groupchat'") && stanza.contains("to='alice@home.example/desk'");
        let is_private = stanza.contains("from='room@muc.far.example/bob'");
        let is_event = stanza.starts_with("<message") && stanza.contains("pubsub#event'");
        let is_unanswerable = stanza.contains("type='error'") || stanza.contains("type='headline'");
        if is_from_room || is_private || is_event || is_unanswerable || stanza.starts_with("<presence") {
            assert!(!matches!(verdict, Verdict::Bounce(_) | Verdict::Reply(_)), "{stanza}");
        }
    });
}

#[test]
fn no_request_disappears() {
    judge_all(|stanza, verdict| {
        assert!(!stanza.starts_with("<iq") || verdict != Verdict::Drop, "{stanza}");
    });
}

#[test]
fn a_file_does_not_hide_behind_what_is_too_much() {
    let many = format!("<a xmlns='urn:example:a'>{}</a>", "<a><a><a><b/></a></a></a>".repeat(3_500));
    let file =
        "<message xmlns='jabber:client'><x xmlns='jabber:x:oob'><url>https://up.example/a.jpg</url></x></message>";
    let forwarded = format!("<forwarded xmlns='urn:xmpp:forward:0'>{many}{file}</forwarded>");
    let message =
        format!("<message from='eve@evil.example/x' to='alice@home.example'><body>hi</body>{forwarded}</message>");
    let verdict = Tester::<FileTransfer>::new("{}").judge(&message);
    assert!(matches!(verdict, Some(Verdict::Bounce(_))), "{verdict:?}");
}

#[test]
fn what_is_no_honest_message_is_no_fault() {
    let text = "aesgcm://x https://up.example/a.jpg ".repeat(2_000);
    let oob = "<x xmlns='jabber:x:oob'><url>https://up.example/a.jpg</url></x>";
    let deep = format!("{}{oob}{}", "<a xmlns='urn:example:a'>".repeat(50), "</a>".repeat(50));
    let wide = "<thumbnail xmlns='urn:xmpp:thumbs:1'/>".repeat(2_000);
    let spans = "<body start='0' end='99999999999999999999'/><body start='9' end='-1'/><body/>".repeat(200);
    let fallback = format!("<fallback xmlns='urn:xmpp:fallback:0' for='jabber:x:oob'>{spans}</fallback>");
    for payload in [
        format!("<body>{text}</body>{oob}"),
        format!("<body>hi</body>{oob}{deep}"),
        format!("<body>hi</body><event xmlns='http://jabber.org/protocol/pubsub#event'>{wide}</event>"),
        format!("<body>hi</body>{oob}{fallback}"),
        format!("{oob}{}", "<body>hi</body>".repeat(300)),
    ] {
        let message = format!("<message from='eve@evil.example/x' to='alice@home.example'>{payload}</message>");
        for settings in SETTINGS {
            Tester::<FileTransfer>::new(settings).judge(&message);
        }
    }
}
