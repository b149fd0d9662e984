//! Lists in a running gateway: fetched, kept over a restart, and over reloads under traffic.

pub mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use refrain_filter::LiveList;
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::command::demo::world;
use crate::control::lists::{self, Question};
use crate::control::reload::{Cause, Reloader};
use crate::lists::freshness::Freshness;
use crate::observe::audit::Audit;
use crate::snapshot::{self, Snapshot};
use server::ListServer;

/// Longer than anything takes here, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway with this configuration, which nobody talks to.
pub async fn gateway(folder: &Path, rest: &str) -> (App, PathBuf) {
    world::make_certificates(folder).unwrap();
    let config = world::write_config(folder, "127.0.0.1:1".parse().unwrap(), rest).unwrap();
    let engine = snapshot::engine().unwrap();
    (App::start(Snapshot::load(&config, &engine).unwrap(), Audit::default()).await.unwrap(), config)
}

fn list(app: &App, name: &str) -> Arc<LiveList> {
    app.gateway().snapshot().lists[name].clone()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never came true: {what}"));
}

fn with_source(server: &ListServer, more: &str) -> String {
    format!("{more}\n[[list.bad.https]]\nurl = '{}'\nca-file = '{}'\n", server.url("/list.txt"), server.ca.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_fetched_and_a_restart_keeps_the_last_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = ListServer::start(folder.path(), "evil.example spam\n# comment\n*.worse.example\n").await;
    let rest = with_source(&server, "[state]\ndirectory = 'state'\n[list.bad]\nexcept = ['good.worse.example']\n");
    let (app, config) = gateway(folder.path(), &rest).await;
    let label = format!("{}/list.txt: spam", server.address);
    until("the list is fetched", || list(&app, "bad").lookup("eve@evil.example") == Some(label.clone())).await;
    assert_eq!(list(&app, "bad").lookup("a@good.worse.example"), None);
    app.drain().await;
    until("it is written down", || {
        folder.path().join("state/lists").read_dir().is_ok_and(|mut files| files.next().is_some())
    })
    .await;
    drop(server);

    let snapshot = Snapshot::load(&config, &snapshot::engine().unwrap()).unwrap();
    assert_eq!(snapshot.lists["bad"].lookup("eve@evil.example"), Some(label), "before anything runs");
    let app = App::start(snapshot, Audit::default()).await.unwrap();
    let status = lists::statuses(app.gateway());
    assert_eq!((status[0].entries, status[0].sources[0].freshness), (2, Freshness::Fresh));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_was_never_heard_says_so_and_has_the_operators_own_entries() {
    let folder = tempfile::tempdir().unwrap();
    let gone = ListServer::start(folder.path(), "").await;
    let rest = with_source(&gone, "[list.bad]\nentries = 'own.example'\n");
    drop(gone);
    let (app, _) = gateway(folder.path(), &rest).await;
    until("the source fails", || lists::statuses(app.gateway())[0].sources[0].problem.is_some()).await;
    let status = lists::statuses(app.gateway());
    assert_eq!((status[0].entries, status[0].sources[0].freshness), (1, Freshness::Missing));
    assert!(list(&app, "bad").lookup("x@own.example").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_keep_what_sources_offered_and_no_look_up_misses_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = ListServer::start(folder.path(), "evil.example\n").await;
    let (app, config) = gateway(folder.path(), &with_source(&server, "[list.bad]\nquorum = 1\n")).await;
    until("the list is fetched", || list(&app, "bad").lookup("evil.example").is_some()).await;

    let gateway = app.gateway().clone();
    let looking = tokio::task::spawn_blocking(move || {
        let mut looked = 0_u64;
        while !gateway.ending.receiving.is_cancelled() {
            assert!(gateway.snapshot().lists["bad"].lookup("eve@evil.example").is_some(), "missed after {looked}");
            looked += 1;
        }
        looked
    });
    let reloader = Reloader::new(app.gateway().clone(), snapshot::engine().unwrap(), &config);
    let text = std::fs::read_to_string(&config).unwrap();
    for (number, change) in
        ["entries = 'a.example'", "except = 'b.example'", "preview = false", "quorum = 1", ""].iter().enumerate()
    {
        // Another list with another source, each time: a set of sources that changed.
        let more = format!("[[list.other.https]]\nurl = 'https://127.0.0.1:1/{number}'\n");
        std::fs::write(&config, more + &text.replace("quorum = 1", change)).unwrap();
        reloader.reload(Cause::Admin).await.unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    let hits = list(&app, "bad").hits().total();
    app.drain().await;
    assert!(looking.await.unwrap() > 1_000);
    assert!(hits > 1_000, "hits are counted over reloads: {hits}");
    assert_eq!(server.requests().len(), 1, "a reload is no reason to fetch again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_entry_covers_an_address_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = ListServer::start(folder.path(), "evil.example spam\nfriend.example\n").await;
    let rest =
        with_source(&server, "[list.bad]\nentries = '*.example mine'\nexcept = ['friend.example']\nquorum = 1\n");
    let (app, _) = gateway(folder.path(), &rest).await;
    until("the list is fetched", || list(&app, "bad").get().len() == 3).await;
    let ask = |values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        lists::look_up(app.gateway(), &Question { list: "bad".to_owned(), values, whose: true }).unwrap()
    };
    let hits = list(&app, "bad").hits().total();
    let [evil, friend, other] = ask(&["eve@evil.example", "friend.example", "x.org"]).try_into().unwrap();
    assert_eq!(evil.note.unwrap(), format!("{}/list.txt: spam", server.address));
    let whose: Vec<_> = evil.entries.iter().map(|said| (said.source.is_none(), said.entry.as_str())).collect();
    assert_eq!(whose, [(true, "*.example"), (false, "evil.example")]);
    assert_eq!((friend.note, friend.excepted), (None, vec!["friend.example".to_owned()]));
    assert!(other.note.is_none() && other.entries.is_empty());
    assert_eq!(list(&app, "bad").hits().total(), hits, "a question is no hit");
}
