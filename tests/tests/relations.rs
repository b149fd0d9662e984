//! Who knows whom, as real servers and clients let it be seen: what filters are told of a stranger, before and after an answer, and
//! after a restart.

use std::path::Path;
use std::process::Command;

use refrain_tests::{
    client::{Client, body_of},
    internet::{Internet, Proof},
    refrain::binary,
    server::{Software, are_installed},
    steps::{expect_said, nothing_is_lost, subscribe},
};

const ALICE: &str = "alice@home.example";
const BOB: &str = "bob@away.example";

/// A filter whose decisions are in the log, with what it was told; and a place where relations are kept.
fn configuration(folder: &Path) -> String {
    let (state, socket) = (folder.join("state"), folder.join("refrain.sock"));
    format!(
        "[state]\ndirectory = {state:?}\n[admin]\nsocket = {socket:?}\n[chain]\ninbound = [\"spim\"]\n\
         [filter.spim.settings]\nsignatures = [{{ name = \"casino\", text = \"best casino bonus\", action = \"drop\" }}]\n"
    )
}

/// What `refrain relation` says, with further arguments.
async fn relation(folder: &Path, more: &[&str]) -> String {
    let mut command = Command::new(binary());
    command.args(["relation", ALICE, BOB, "--socket"]).arg(folder.join("refrain.sock")).args(more);
    let asked = tokio::task::spawn_blocking(move || command.output()).await;
    let output = asked.unwrap_or_else(|error| panic!("{error}")).unwrap_or_else(|error| panic!("refrain: {error}"));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

async fn advertise(internet: &mut Internet, bob: &mut Client, alice: &mut Client, relation: &str) {
    let expected = format!("\"relation\":\"{relation}\"");
    bob.send(&format!("<message to='{}' type='chat'><body>The best casino bonus!</body></message>", alice.jid()));
    expect_said(internet, &["stanza judged", BOB, ALICE, &expected]).await;
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("temporary folder: {error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_known_once_it_is_answered_even_after_a_restart() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let folder = folder();
    let mut internet = Internet::through_refrain(Proof::Certificates, &configuration(folder.path()));
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    advertise(&mut internet, &mut bob, &mut alice, "stranger").await;
    assert_eq!(relation(folder.path(), &[]).await, format!("{BOB} is a stranger to {ALICE}"));
    alice.send(&format!("<message to='{}' type='chat'><body>Who are you?</body></message>", bob.jid()));
    bob.expect_message("Who are you?").await;
    advertise(&mut internet, &mut bob, &mut alice, "known").await;
    alice.expect_nothing("what was dropped", |stanza| body_of(stanza).is_some()).await;
    nothing_is_lost(&mut internet);
    drop((internet, alice, bob));

    let mut internet = Internet::through_refrain(Proof::Certificates, &configuration(folder.path()));
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    advertise(&mut internet, &mut bob, &mut alice, "known").await;
    let said = relation(folder.path(), &[]).await;
    assert!(said.starts_with(&format!("{BOB} is known to {ALICE}, last noted ")), "{said}");
    nothing_is_lost(&mut internet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_roster_from_before_is_learned_at_the_next_login() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let folder = folder();
    let mut internet = Internet::through_refrain(Proof::Certificates, &configuration(folder.path()));
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    subscribe(&mut alice, &mut bob).await;
    let forgotten = relation(folder.path(), &["--forget"]).await;
    assert!(forgotten.ends_with("it is forgotten"), "{forgotten}");
    assert_eq!(relation(folder.path(), &[]).await, format!("{BOB} is a stranger to {ALICE}"));
    let mut further = internet.alice().await;
    let online = bob.jid().to_owned();
    further.expect("the answer to a probe", |stanza| stanza.attr("from") == Some(&online)).await;
    assert!(relation(folder.path(), &[]).await.starts_with(&format!("{BOB} is known to {ALICE}")));
    nothing_is_lost(&mut internet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_contact_that_was_refused_is_let_in_once_the_user_has_turned_to_them() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    const REQUESTS_ONLY: &str =
        "[chain]\ninbound = [\"jid-policy\"]\n[filter.jid-policy.settings]\nfirst-contact = \"requests-only\"\n";
    let mut internet = Internet::through_refrain(Proof::Certificates, REQUESTS_ONLY);
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    let greeting = |id: &str| format!("<message to='{ALICE}' type='chat' id='{id}'><body>Hello {id}</body></message>");
    bob.send(&greeting("too-early"));
    assert_eq!(bob.expect_error("too-early").await.0, "subscription-required");
    subscribe(&mut bob, &mut alice).await;
    bob.send(&greeting("now"));
    alice.expect_message("Hello now").await;
    nothing_is_lost(&mut internet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_and_questions_of_clients_make_no_stranger_known() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let folder = folder();
    let mut internet = Internet::through_refrain(Proof::Certificates, &configuration(folder.path()));
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    bob.send(&format!(
        "<message to='{}' type='chat' id='r1'><body>Hello</body><request xmlns='urn:xmpp:receipts'/></message>",
        alice.jid()
    ));
    alice.expect_message("Hello").await;
    alice.send(&format!(
        "<message to='{}' type='chat'><received xmlns='urn:xmpp:receipts' id='r1'/></message>",
        bob.jid()
    ));
    alice.send(&format!(
        "<iq to='{}' type='get' id='q1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
        bob.jid()
    ));
    bob.expect("a question", |stanza| stanza.attr("id") == Some("q1")).await;
    advertise(&mut internet, &mut bob, &mut alice, "stranger").await;
    nothing_is_lost(&mut internet);
}
