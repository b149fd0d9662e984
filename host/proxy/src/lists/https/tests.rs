//! What is believed of a server of lists, and what is not.

use refrain_filter::Mode;

use super::*;
use crate::app::App;
use crate::config::{ListConfig, ListConfigs, ListSource, Origin};
use crate::lists::Board;
use crate::lists::board::{Purpose, SourceState};
use crate::lists::tests::gateway;
use crate::lists::tests::server::ListServer;
use crate::net::url::HttpsUrl;

const QUICK: Patience = Patience { step: Duration::from_millis(500), whole: Duration::from_secs(1) };

/// One who asks a server, with a board of its own.
struct Asker {
    asking: Asking,
    board: Arc<Board>,
    config: ListConfig,
    lists: refrain_filter::Lists,
    _app: App,
}

impl Asker {
    async fn of(folder: &tempfile::TempDir, server: &ListServer, path: &str) -> Self {
        let ca = Some(server.ca.clone());
        Asker::trusting(folder, &server.url(path), ca).await
    }

    async fn trusting(folder: &tempfile::TempDir, url: &str, ca_file: Option<std::path::PathBuf>) -> Self {
        let (app, _) = gateway(folder.path(), "").await;
        let source = HttpsSource {
            url: HttpsUrl::parse(url).unwrap(),
            refresh: Duration::from_secs(3_600),
            bytes_max: 100_000,
            ca_file,
        };
        let listed =
            ListSource { weight: 1, stale_after: Duration::from_secs(86_400), origin: Origin::Https(source.clone()) };
        let (own, except) = (Entries::default(), Entries::default());
        let config = ListConfig { own, except, quorum: 1, mode: Mode::Covers, sources: vec![listed.clone()] };
        let board = Board::new(None);
        let lists = board.attach(&ListConfigs::from([("bad".to_owned(), config.clone())]), Purpose::Trial);
        let (handle, gateway) = (board.handle(&listed), app.gateway().clone());
        let asking = Asking { source, handle, gateway, patience: QUICK, doubts: 0, failures: 0, said: None };
        Asker { asking, board, config, lists, _app: app }
    }

    fn known(&self) -> SourceState {
        self.board.sources_of(&self.config, SystemTime::now()).remove(0)
    }

    /// Asks and returns what went wrong.
    async fn problem(&mut self) -> String {
        self.asking.ask().await;
        self.known().problem.unwrap_or_default()
    }
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = ListServer::start(folder.path(), "\u{feff}evil.example spam\n").await;
    let mut asker = Asker::of(&folder, &server, "/list.txt").await;
    assert_eq!(asker.problem().await, "");
    let first = asker.known().success.unwrap();
    assert_eq!(asker.problem().await, "");
    assert!(asker.known().success.unwrap() > first, "304 is a sign of life");
    asker.board.recombine(std::time::Instant::now());
    assert!(asker.lists["bad"].contains("evil.example"));
    let requests = server.requests();
    assert!(!requests[0].contains("if-none-match"), "{}", requests[0]);
    assert!(requests[1].contains("if-none-match: \"21-1\""), "{}", requests[1]);
    server.says("evil.example\nother.example\n");
    assert_eq!(asker.problem().await, "");
    assert_eq!(asker.known().entries.unwrap().len(), 2);
}

#[tokio::test]
async fn redirects_are_followed_to_the_same_place_and_not_into_our_own_network() {
    let folder = tempfile::tempdir().unwrap();
    let server = ListServer::start(folder.path(), "evil.example\n").await;
    let mut asker = Asker::of(&folder, &server, "/moved").await;
    assert_eq!(asker.problem().await, "");
    assert_eq!(asker.known().entries.unwrap().len(), 1);
    for (path, expected) in [
        ("/loop", "more than 5 times"),
        ("/plain", "does not begin with https://"),
        ("/away", "it leads elsewhere: to 127.0.0.2:443, a loopback address, to which only your own url may lead"),
        ("/nowhere", "it leads elsewhere: and does not say where"),
        ("/secret", "it leads elsewhere: \"127.0.0.1/list.txt\" does not begin with https://"),
    ] {
        let problem = Asker::of(&folder, &server, path).await.problem().await;
        assert!(problem.contains(expected), "{path}: {problem}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_list_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = ListServer::start(folder.path(), "").await;
    for (path, expected) in [
        ("/long", "larger than 100000 bytes"),
        ("/flood", "larger than 100000 bytes"),
        ("/slow", "no answer in time"),
        ("/silent", "no answer in time"),
        ("/broken", "no proper answer: error reading a body from connection: "),
        ("/latin1", "not UTF-8"),
        ("/page", "a web page"),
        ("/json", "JSON"),
        ("/same", "304"),
        ("/none", "404"),
    ] {
        let mut asker = Asker::of(&folder, &server, path).await;
        asker.asking.handle.offer(["kept.example"].into_iter().collect());
        // As if it had been fetched without validators.
        if path == "/same" {
            asker = Asker::of(&folder, &server, path).await;
        }
        let before = asker.known().entries;
        let problem = asker.problem().await;
        assert!(problem.contains(expected), "{path}: {problem}");
        assert_eq!(asker.known().entries, before, "{path}");
    }
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_when_it_likes() {
    let folder = tempfile::tempdir().unwrap();
    let server = ListServer::start(folder.path(), "").await;
    let mut asker = Asker::of(&folder, &server, "/busy").await;
    assert!(asker.asking.ask().await >= Duration::from_secs(7_200));
}

#[tokio::test]
async fn a_wrong_certificate_is_no_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let other = ListServer::named(folder.path(), "other.example", "evil.example").await;
    let problem = Asker::of(&folder, &other, "/list.txt").await.problem().await;
    assert!(problem.starts_with("TLS failed: "), "{problem}");
    let server = ListServer::start(folder.path(), "evil.example").await;
    let problem = Asker::trusting(&folder, &server.url("/list.txt"), None).await.problem().await;
    assert!(problem.starts_with("TLS failed: "), "{problem}");
    assert!(other.requests().is_empty() && server.requests().is_empty());
}

#[tokio::test]
async fn a_list_that_shrinks_is_believed_the_third_time() {
    let folder = tempfile::tempdir().unwrap();
    let long: String = (0..100).map(|number| format!("x{number}.example\n")).collect();
    let server = ListServer::start(folder.path(), &long).await;
    let mut asker = Asker::of(&folder, &server, "/list.txt").await;
    assert_eq!(asker.problem().await, "");
    for short in ["", "x.example\n"] {
        for _ in 0..2 {
            server.says(short);
            let problem = asker.problem().await;
            assert!(problem.starts_with("it shrank from 100 entries to "), "{problem}");
            assert_eq!(asker.known().entries.unwrap().len(), 100);
        }
        server.says(&long);
        assert_eq!(asker.problem().await, "");
    }
    server.says("");
    for _ in 0..3 {
        asker.asking.ask().await;
    }
    assert_eq!(asker.known().entries.unwrap().len(), 0);
}

/// A mirror that fails in between says nothing of its list, and is asked like any other that fails.
#[tokio::test]
async fn a_failure_among_doubts_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let long: String = (0..100).map(|number| format!("x{number}.example\n")).collect();
    let server = ListServer::start(folder.path(), &long).await;
    let mut asker = Asker::of(&folder, &server, "/list.txt").await;
    assert_eq!(asker.problem().await, "");
    server.says("");
    let (list, busy) = (asker.asking.source.url.clone(), HttpsUrl::parse(&server.url("/busy")).unwrap());
    for url in [&list, &list, &busy, &list, &list] {
        asker.asking.source.url = url.clone();
        let pause = asker.asking.ask().await;
        assert_eq!(pause >= Duration::from_secs(7_200), *url == busy, "{pause:?}");
    }
    assert_eq!(asker.known().entries.unwrap().len(), 100, "not three times in a row");
    asker.asking.ask().await;
    assert_eq!(asker.known().entries.unwrap().len(), 0);
}

#[tokio::test]
async fn pauses_grow_up_to_the_usual_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = ListServer::start(folder.path(), "").await;
    let mut asker = Asker::of(&folder, &server, "/none").await;
    let mut pauses = Vec::new();
    for _ in 0..9 {
        pauses.push(asker.asking.ask().await.as_secs_f64());
    }
    assert!((27.0..=33.0).contains(&pauses[0]) && (54.0..=66.0).contains(&pauses[1]), "{pauses:?}");
    assert!((3_240.0..=3_960.0).contains(&pauses[8]), "{pauses:?}");
}
