//! What is known of remote domains, across restarts and on a full disk.

use std::path::Path;

use refrain_tests::{
    client::Client,
    internet::{Internet, Proof},
    server::{Software, are_installed},
};

const CHANGED: &str = "the key of a remote domain has changed";

/// Lets both servers talk through a proxy that keeps its state there; returns its log. Every call makes the remote server a new
/// key, as an interception would.
async fn talk(directory: &Path) -> String {
    let rest = format!("[state]\ndirectory = {directory:?}\n");
    let mut internet = Internet::through_refrain(Proof::Certificates, &rest);
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    greet(&mut alice, &mut bob).await;
    greet(&mut bob, &mut alice).await;
    let refrain = internet.refrain();
    let (status, account) = tokio::task::block_in_place(|| refrain.drain());
    assert!(status.success() && account.lost == 0, "{status}: {account:?}\n{}", refrain.log());
    assert_eq!((account.accepted, account.forwarded), (2, 2));
    refrain.log()
}

async fn greet(one: &mut Client, other: &mut Client) {
    one.send(&format!("<message to='{}' type='chat'><body>hello</body></message>", other.jid()));
    other.expect_message("hello").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_of_a_remote_server_shows_even_after_a_restart() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("temporary folder: {error}"));
    let directory = folder.path().join("state");
    assert!(!talk(&directory).await.contains(CHANGED), "one key for both directions is no change");
    let log = talk(&directory).await;
    let warnings = log.lines().filter(|line| line.contains(CHANGED) && line.contains("away.example"));
    assert_eq!(warnings.count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_costs_the_record_and_no_stanza() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("temporary folder: {error}"));
    // Whatever is written there fails for want of space, also for root.
    let linked = std::os::unix::fs::symlink("/dev/full", folder.path().join("refrain.redb"));
    linked.unwrap_or_else(|error| panic!("link: {error}"));
    let log = talk(folder.path()).await;
    assert!(log.contains("cannot be kept"), "{log}");
}
