//! What may not be known or guessed: where the protected servers are (T59), and the secrets of dialback (T07).

use refrain_proto::auth::KeyClaim;
use refrain_proto::{Domain, DomainPair, Side};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// The gateway alone; the protected server is at `server`.
async fn gateway(folder: &tempfile::TempDir, server: SocketAddr, rest: &str) -> App {
    world::make_certificates(folder.path()).unwrap();
    let snapshot = world::gateway(folder.path(), server, rest).unwrap();
    App::start(snapshot, Audit::default()).await.unwrap()
}

/// Nothing in what the world is told may say where the inside is, what it runs, or who keeps it.
fn assert_tells_nothing(text: &str, server: SocketAddr, app: &App) {
    let inside = app.listeners().1[0];
    let port = |address: SocketAddr| address.port().to_string();
    for word in ["127.0.0", "[::", "by=", "<text", "efrain", "see-other-host", &port(server), &port(inside)] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[tokio::test]
async fn a_bounce_to_the_world_tells_nothing_of_the_inside() {
    let folder = tempfile::tempdir().unwrap();
    let server = closed().await;
    world::make_certificates(folder.path()).unwrap();
    let mut outside = Server::outside(folder.path()).await.unwrap();
    let rest = world::peers(outside.address().unwrap());
    let snapshot = world::gateway(folder.path(), server, &rest).unwrap();
    let app = App::start(snapshot, Audit::default()).await.unwrap();
    let mut arrivals = outside.serve().unwrap();
    let stanza = Stanza::parse("<message from='bob@away.example/p' to='alice@home.example' id='m1'/>").unwrap();
    outside.send(app.listeners().0[0], &stanza).await.unwrap();
    let bounce = timeout(PATIENCE, arrivals.recv()).await.unwrap().unwrap();
    assert_eq!(bounce.condition.as_deref(), Some("remote-server-timeout"));
    assert_tells_nothing(&bounce.xml, server, &app);
    timeout(PATIENCE, app.drain()).await.unwrap();
}

#[tokio::test]
async fn what_a_stranger_is_answered_tells_nothing_of_the_inside() {
    let folder = tempfile::tempdir().unwrap();
    let server = closed().await;
    let app = gateway(&folder, server, &world::peers(closed().await)).await;
    let header = |addresses: &str| {
        format!(
            "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' {addresses}>"
        )
    };
    let approaches = [
        header("from='away.example' to='nowhere.example'"),
        header("from='away.example'"),
        header("from='home.example' to='home.example'"),
        header("from='away.example' to='home.example'") + "<message/>",
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
    ];
    for approach in approaches {
        let mut stranger = TcpStream::connect(app.listeners().0[0]).await.unwrap();
        stranger.write_all(approach.as_bytes()).await.unwrap();
        stranger.shutdown().await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stranger.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.contains("stream:error"), "{answer}");
        assert_tells_nothing(&answer, server, &app);
    }
    timeout(PATIENCE, app.drain()).await.unwrap();
}

/// CVE-2016-1232: 256 bits of the system's randomness, drawn for each side and each run.
#[tokio::test]
async fn a_dialback_key_proves_nothing_on_the_other_side_and_nothing_in_another_run() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let peers = world::peers(closed().await);
    let runs = [gateway(&folder, closed().await, &peers).await, gateway(&other, closed().await, &peers).await];
    let pair = DomainPair::new(Domain::parse("home.example").unwrap(), Domain::parse("away.example").unwrap());
    let secret = |run: &App, side| run.gateway().secret(side).clone();
    let key = secret(&runs[0], Side::Outside).key(&pair, "1");
    let claim = KeyClaim { pair, stream_id: "1".to_owned(), key };
    assert!(secret(&runs[0], Side::Outside).verify(&claim));
    for (run, side) in [(0, Side::Inside), (1, Side::Outside), (1, Side::Inside)] {
        assert!(!secret(&runs[run], side).verify(&claim));
    }
    for run in runs {
        timeout(PATIENCE, run.drain()).await.unwrap();
    }
}
