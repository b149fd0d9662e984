//! What ordinary clients send, as if everybody were a stranger: the worst that a careful first contact can do.

use std::fs;

use refrain_jid_policy::JidPolicy;
use refrain_sdk::Verdict;
use refrain_sdk::testing::{Relation, Tester};

/// The corpus of the whole pack: a title behind `# `, then a stanza, on lines that go on with white space.
const HAM: &str = "../../host/proxy/tests/corpora/ham";
/// Of this side; what it sends is not judged here.
const HOME: &str = "home.example";

/// So that only what is refused for what it is stands out: nobody is stopped for how much it is.
const LIMITS: [&str; 8] = [
    "messages",
    "messages-of-sender",
    "messages-to-user",
    "requests-of-sender",
    "requests-to-user",
    "invitations-of-room",
    "invitations-of-domain",
    "invitations-to-user",
];

/// Titles and stanzas.
fn ham() -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(HAM).expect(HAM).map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).expect("a text"));
    let blocks = texts.flat_map(|text| text.split("\n# ").skip(1).map(str::to_owned).collect::<Vec<_>>());
    blocks.filter_map(|block| entry(&block)).collect()
}

fn entry(block: &str) -> Option<(String, String)> {
    let (title, rest) = block.split_once('\n')?;
    let stanza: String = rest.lines().take_while(|line| !line.starts_with("=>")).map(str::trim_start).collect();
    let from = stanza.split("from=\"").nth(1)?.split('"').next()?;
    let bare = from.split('/').next()?;
    (!bare.ends_with(HOME)).then(|| (title.to_owned(), stanza.clone()))
}

fn refused(first_contact: &str) -> Vec<String> {
    let limits: serde_json::Map<_, _> = LIMITS.iter().map(|key| ((*key).to_owned(), "1000000/h".into())).collect();
    let settings = serde_json::json!({ "first-contact": first_contact, "first-contact-limits": limits });
    let mut policy = Tester::<JidPolicy>::new(&settings.to_string());
    let mut passes = |stanza: &str| matches!(policy.judge_from(Relation::Stranger, stanza), None | Some(Verdict::Pass));
    let refused = ham().into_iter().filter(|(_, stanza)| !passes(stanza));
    refused.map(|(title, stanza)| format!("{title}: {stanza}")).collect()
}

#[test]
fn careful_refuses_of_strangers_calls_their_own_invitations_headlines_and_statuses() {
    const MARKS: [&str; 6] =
        ["<propose ", "session-initiate", "type=\"headline\"", "<status>", "jabber:x:conference", "<invite to="];
    let (all, mut refused) = (ham().len(), refused("careful"));
    assert!(all > 200 && refused.len() < all / 10, "{} of {all}", refused.len());
    refused.retain(|stanza| !MARKS.iter().any(|mark| stanza.contains(mark)));
    assert_eq!(refused, [""; 0]);
}

#[test]
fn open_refuses_nothing() {
    assert_eq!(refused("open"), [""; 0]);
}
