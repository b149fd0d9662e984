//! Who may ask, what is answered, and what a caller cannot do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::client::{AskError, ask_within};
use super::{Admin, Control, Listeners};
use crate::control::lists::{Covered, ListStatus};
use crate::control::reload::Swapped;
use crate::control::status::Status;
use crate::control::tests::Steered;
use crate::observe::trace::TraceId;

/// Longer than anything takes here, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

const DOORS: &str = "[admin]\nsocket = 'refrain.sock'\nhttp = '127.0.0.1:0'\ntoken-file = 'token'\n\
    [list.bad]\nentries = 'evil.example spam'\nexcept = 'bob@evil.example'\n";

/// A gateway with both doors open.
struct Asked {
    steered: Steered,
    admin: Admin,
    control: Arc<Control>,
}

impl Asked {
    async fn start() -> Self {
        let steered = Steered::with(DOORS).await;
        let control = Arc::new(Control {
            gateway: steered.app.gateway().clone(),
            reloader: steered.reloader.clone(),
            staging: crate::control::staging::Staging::new(steered.app.gateway(), &steered.reloader),
            listeners: Listeners::default(),
            started: Instant::now(),
        });
        let admin = Admin::open(control.clone()).await.unwrap();
        Asked { steered, admin, control }
    }

    fn socket(&self) -> PathBuf {
        self.steered.folder.path().join("refrain.sock")
    }

    async fn ask(&self, method: Method, path: &str) -> (StatusCode, String) {
        self.send(method, path, String::new()).await
    }

    async fn send(&self, method: Method, path: &str, body: String) -> (StatusCode, String) {
        let reply = timeout(PATIENCE, ask_within(&self.socket(), method, path, body)).await.unwrap().unwrap();
        (reply.status, String::from_utf8(reply.body.to_vec()).unwrap())
    }

    /// Sends bytes over loopback and returns all that comes back.
    async fn over_http(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.admin.http().unwrap()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }
}

#[tokio::test]
async fn the_status_names_the_generation_and_keeps_the_account() {
    let asked = Asked::start().await;
    let (status, body) = asked.ask(Method::GET, "/status").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let status: Status = serde_json::from_str(&body).unwrap();
    assert_eq!((status.generation.number, status.previous_generation), (1, None));
    assert_eq!((status.stanzas.totals.accepted, status.stanzas.in_flight), (0, 0));
    assert_eq!(status.chains.len(), 2);
}

#[tokio::test]
async fn a_list_is_looked_up_and_told_of() {
    let asked = Asked::start().await;
    let (status, body) = asked.ask(Method::GET, "/lists").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let lists: Vec<ListStatus> = serde_json::from_str(&body).unwrap();
    assert_eq!((lists[0].name.as_str(), lists[0].entries, lists[0].own), ("bad", 1, 1));
    let question = r#"{"list": "bad", "values": ["eve@evil.example", "bob@evil.example/x"], "whose": true}"#;
    let (status, body) = asked.send(Method::POST, "/lists/lookup", question.to_owned()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let said: Vec<Covered> = serde_json::from_str(&body).unwrap();
    assert_eq!((said[0].note.as_deref(), said[0].entries[0].entry.as_str()), (Some("spam"), "evil.example"));
    assert_eq!((&said[1].note, said[1].excepted.as_slice()), (&None, &["bob@evil.example".to_owned()][..]));
    let (status, body) = asked.send(Method::POST, "/lists/lookup", r#"{"list": "x", "values": []}"#.to_owned()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("there are: bad"), "{body}");
}

#[tokio::test]
async fn reloads_and_rolls_back_on_request() {
    let asked = Asked::start().await;
    let (status, body) = asked.ask(Method::POST, "/rollback").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(body.contains("there is no previous generation"), "{body}");
    let (status, body) = asked.ask(Method::POST, "/reload").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(serde_json::from_str::<Swapped>(&body).unwrap(), Swapped { generation: 2, before: 1 });
    assert_eq!(asked.ask(Method::POST, "/rollback").await.0, StatusCode::OK);
    asked.steered.edit("[inside]", "[inside]\ncolour = 'red'");
    let (status, body) = asked.ask(Method::POST, "/reload").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("inside.colour") && body.contains("there is no such key"), "{body}");
    assert_eq!(asked.control.gateway.snapshot().generation, 3);
}

#[tokio::test]
async fn a_path_or_method_that_is_not_there_is_said_to_be_none() {
    let asked = Asked::start().await;
    assert_eq!(asked.ask(Method::GET, "/nothing").await.0, StatusCode::NOT_FOUND);
    assert_eq!(asked.ask(Method::GET, "/statuses").await.0, StatusCode::NOT_FOUND);
    let (status, body) = asked.ask(Method::GET, "/reload").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(body.contains("/reload takes POST"), "{body}");
    assert!(asked.ask(Method::GET, "/").await.1.contains("POST   /rollback"));
}

#[tokio::test]
async fn an_id_that_names_no_stanza_is_explained_as_that() {
    let asked = Asked::start().await;
    assert!(asked.ask(Method::GET, "/explain/nonsense").await.1.contains("is not a stanza id"));
    assert!(asked.ask(Method::GET, "/explain/1-1").await.1.contains("from another run"));
    let (status, body) = asked.ask(Method::GET, &format!("/explain/{}", TraceId::next())).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("is not among the last stanzas"), "{body}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let asked = Asked::start().await;
    assert_eq!(asked.send(Method::POST, "/reload", "x".repeat(70_000)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(asked.control.gateway.snapshot().generation, 1);
}

#[tokio::test]
async fn over_loopback_nothing_is_told_without_the_token() {
    let asked = Asked::start().await;
    for path in ["/", "/status", "/metrics", "/nothing"] {
        for wrong in ["", "Authorization: Bearer 0123456789abcdeF\r\n", "Authorization: Basic 0123456789abcdef\r\n"] {
            let answer = asked.over_http(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n{wrong}\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        }
    }
    let answer = asked.over_http("POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_eq!(asked.control.gateway.snapshot().generation, 1);
}

#[tokio::test]
async fn with_the_token_prometheus_gets_its_page_and_a_new_token_takes_a_reload() {
    let asked = Asked::start().await;
    let request = |token: &str| format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    let answer = asked.over_http(&request("0123456789abcdef")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\nrefrain_generation 1\n"), "{answer}");
    fs::write(asked.steered.folder.path().join("token"), "another-token-of-mine").unwrap();
    assert_eq!(asked.ask(Method::POST, "/reload").await.0, StatusCode::OK);
    assert!(asked.over_http(&request("0123456789abcdef")).await.starts_with("HTTP/1.1 401 "));
    assert!(asked.over_http(&request("another-token-of-mine")).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn who_says_nothing_or_too_much_is_shown_out_and_holds_nobody_up() {
    let asked = Asked::start().await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(UnixStream::connect(asked.socket()).await.unwrap());
    }
    assert_eq!(asked.ask(Method::GET, "/status").await.0, StatusCode::OK);
    for mut stream in silent {
        // Whether it is told or merely cut off: the connection ends.
        let _ = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.unwrap();
    }
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert!(asked.over_http(&long).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn only_the_owner_may_open_the_socket_and_nothing_of_it_is_left_behind() {
    let asked = Asked::start().await;
    let mode = fs::metadata(asked.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (socket, folder) = (asked.socket(), asked.steered.folder.path().to_owned());
    assert!(
        !fs::read_dir(&folder).unwrap().any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(".r"))
    );
    drop(asked.admin);
    assert!(!socket.exists());
    let error = ask_within(&socket, Method::GET, "/status", String::new()).await.unwrap_err();
    assert!(matches!(error, AskError::NobodyThere { .. }), "{error}");
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
    let asked = Asked::start().await;
    let Err(error) = Admin::open(asked.control.clone()).await else { panic!("two at one socket") };
    assert!(error.to_string().contains("is Refrain running already?"), "{error}");
    assert_eq!(asked.ask(Method::GET, "/status").await.0, StatusCode::OK, "the first one still answers");
    drop(asked.admin);
    // A listener that is dropped leaves its file, as a crash does.
    drop(std::os::unix::net::UnixListener::bind(asked.steered.folder.path().join("refrain.sock")).unwrap());
    let admin = Admin::open(asked.control.clone()).await.unwrap();
    drop(admin);
    fs::write(asked.steered.folder.path().join("refrain.sock"), "precious").unwrap();
    let Err(error) = Admin::open(asked.control.clone()).await else { panic!("overwrote a file") };
    assert!(error.to_string().contains("something is there that is not a socket"), "{error}");
}
