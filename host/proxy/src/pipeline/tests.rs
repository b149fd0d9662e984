//! What becomes of stanzas that cannot be delivered or may not be sent, with real TLS on both sides.

mod admission;
mod block_lists;
mod contacts;
mod ping;
mod rates;
mod secrets;
mod several;
mod verdicts;

use std::net::SocketAddr;
use std::time::Duration;

use refrain_proto::auth::{KeyClaim, Validity};
use refrain_proto::{Domain, DomainPair, Side, Stanza};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::verify;
use crate::app::App;
use crate::command::demo::world::{self, Arrival, Server};
use crate::control::explain::{Asked, Explanation};
use crate::observe::audit::Audit;
use crate::observe::counters::Totals;

/// Longer than anything takes here, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// The gateway with its inside server alone; `rest` is configuration.
struct Inside {
    _folder: tempfile::TempDir,
    app: App,
    server: Server,
    arrivals: UnboundedReceiver<Arrival>,
    gateway: SocketAddr,
}

impl Inside {
    async fn with(rest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        world::make_certificates(folder.path()).unwrap();
        let mut server = Server::inside(folder.path()).await.unwrap();
        let snapshot = world::gateway(folder.path(), server.address().unwrap(), rest).unwrap();
        let app = App::start(snapshot, Audit::default()).await.unwrap();
        let gateway = app.listeners().1[0];
        let arrivals = server.serve().unwrap();
        Inside { _folder: folder, app, server, arrivals, gateway }
    }

    async fn send(&mut self, stanza: &str) {
        self.server.send(self.gateway, &Stanza::parse(stanza).unwrap()).await.unwrap();
    }

    /// The id and the condition of the next error that comes back.
    async fn error(&mut self) -> (String, String) {
        let arrival = timeout(PATIENCE, self.arrivals.recv()).await.unwrap().unwrap();
        (arrival.id, arrival.condition.unwrap())
    }

    async fn end(self) -> Totals {
        timeout(PATIENCE, self.app.drain()).await.unwrap()
    }
}

fn chat(id: &str, to: &str) -> String {
    format!("<message from='alice@home.example/desk' to='{to}' id='{id}' type='chat'><body>hi</body></message>")
}

fn error(id: &str, condition: &str) -> (String, String) {
    (id.to_owned(), condition.to_owned())
}

/// An address where nobody listens.
async fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn an_unreachable_server_is_a_timeout_and_so_it_stays_during_the_back_off() {
    let mut inside = Inside::with(&world::peers(closed().await)).await;
    for id in ["m1", "m2", "m3"] {
        inside.send(&chat(id, "bob@away.example")).await;
        assert_eq!(inside.error().await, error(id, "remote-server-timeout"));
    }
    let totals = inside.end().await;
    assert_eq!((totals.accepted, totals.bounced, totals.in_flight()), (3, 3, 0));
}

#[tokio::test]
async fn what_must_not_be_answered_is_dropped_and_counted() {
    let mut inside = Inside::with(&world::peers(closed().await)).await;
    inside.send("<presence from='alice@home.example/desk' to='bob@away.example' type='unavailable'/>").await;
    inside.send("<iq from='alice@home.example/desk' to='bob@away.example' id='r' type='result'/>").await;
    inside.send(&chat("m1", "bob@away.example")).await;
    assert_eq!(inside.error().await, error("m1", "remote-server-timeout"));
    let totals = inside.end().await;
    assert_eq!((totals.accepted, totals.bounced, totals.dropped, totals.in_flight()), (3, 1, 2, 0));
}

#[tokio::test]
async fn a_full_queue_bounces_what_does_not_fit() {
    // It accepts connections and never says a word, so the stream stays in the making.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rest = world::peers(silent.local_addr().unwrap()) + "[limits]\nqueue-stanzas-max = 2\nqueue-seconds = 2\n";
    let mut inside = Inside::with(&rest).await;
    for id in ["m1", "m2", "m3", "m4"] {
        inside.send(&chat(id, "bob@away.example")).await;
        // One batch each, so that the queue and not a batch is what overflows.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(inside.error().await, error("m3", "resource-constraint"));
    assert_eq!(inside.error().await, error("m4", "resource-constraint"));
    let gateway = inside.app.gateway();
    assert_eq!((gateway.counters.totals().in_flight(), gateway.routes.waiting()), (2, 2), "counted in two places");
    assert_eq!(inside.error().await, error("m1", "remote-server-timeout"));
    assert_eq!(inside.error().await, error("m2", "remote-server-timeout"));
    let totals = inside.end().await;
    assert_eq!((totals.accepted, totals.bounced, totals.in_flight()), (4, 4, 0));
}

#[tokio::test]
async fn a_forged_sender_ends_the_stream_and_nothing_of_it_crosses() {
    let folder = tempfile::tempdir().unwrap();
    world::make_certificates(folder.path()).unwrap();
    let mut inside = Server::inside(folder.path()).await.unwrap();
    let mut outside = Server::outside(folder.path()).await.unwrap();
    let rest = world::peers(outside.address().unwrap());
    let snapshot = world::gateway(folder.path(), inside.address().unwrap(), &rest).unwrap();
    let app = App::start(snapshot, Audit::default()).await.unwrap();
    let gateway = app.listeners().0[0];
    let mut arrivals = inside.serve().unwrap();
    let honest = Stanza::parse("<message from='bob@away.example/p' to='alice@home.example' id='m1'/>").unwrap();
    outside.send(gateway, &honest).await.unwrap();
    assert_eq!(timeout(PATIENCE, arrivals.recv()).await.unwrap().unwrap().id, "m1");
    let forged = b"<message from='eve@evil.example/p' to='alice@home.example' id='m2'/>\
                   <message from='bob@away.example/p' to='alice@home.example' id='m3'/>";
    outside.send_over(&honest, forged).unwrap();
    let totals = timeout(PATIENCE, app.drain()).await.unwrap();
    assert_eq!(arrivals.try_recv().ok().map(|arrival| arrival.xml), None);
    assert_eq!((totals.accepted, totals.forwarded), (1, 1));
}

/// Bounces what bob gets.
const DENIED: &str = "[chain]\noutbound = ['jid-policy', 'spim']\n[filter.jid-policy.settings]\n\
    deny = [{ name = 'bob', jid = 'bob@away.example', match = 'recipient' }]\n[admin]\ntrace-id-in-bounces = true\n";

#[tokio::test]
async fn a_bounce_names_the_id_under_which_the_whole_decision_is_found() {
    let mut inside = Inside::with(&(world::peers(closed().await) + DENIED)).await;
    inside.send(&chat("m1", "bob@away.example")).await;
    let bounce = timeout(PATIENCE, inside.arrivals.recv()).await.unwrap().unwrap();
    let (_, rest) = bounce.xml.rsplit_once('[').unwrap_or_else(|| panic!("no id in {}", bounce.xml));
    let id = rest.split(']').next().unwrap();
    let record = inside.app.gateway().audit.traces().find(id.parse().unwrap()).unwrap();
    let explanation = Explanation::of(record);
    assert_eq!((explanation.id.as_str(), explanation.generation), (id, 1));
    assert_eq!((explanation.from.as_str(), explanation.to.as_str()), ("alice@home.example/desk", "bob@away.example"));
    let [policy, spim] = explanation.chain.as_slice() else { panic!("{explanation:?}") };
    assert_eq!(
        (policy.filter.as_str(), policy.asked, policy.verdict.as_deref()),
        ("jid-policy", Asked::Yes, Some("bounce"))
    );
    assert_eq!((spim.filter.as_str(), spim.asked), ("spim", Asked::NotReached));
    assert!(!serde_json::to_string(&explanation).unwrap().contains(">hi<"), "no body is kept");
    inside.end().await;
}

/// T05, T07: a key is bound to its receiver, its stream and its side of the boundary.
#[tokio::test]
async fn a_key_is_confirmed_only_to_whom_it_was_shown_and_on_that_stream() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rest = world::peers(silent.local_addr().unwrap()) + "[limits]\nqueue-seconds = 1\n";
    let mut inside = Inside::with(&rest).await;
    inside.send(&chat("m1", "bob@away.example")).await;
    let gateway = inside.app.gateway().clone();
    let claim = |side, to: &str, id: &str| {
        let pair = DomainPair::new(Domain::parse("home.example").unwrap(), Domain::parse(to).unwrap());
        KeyClaim { key: gateway.secret(side).key(&pair, id), pair, stream_id: id.to_owned() }
    };
    let shown = claim(Side::Outside, "away.example", "s1");
    // The connection that the silent server gets is the sign that there is a sender.
    timeout(PATIENCE, silent.accept()).await.unwrap().unwrap();
    let answer = |claim: &KeyClaim| verify::answer(&gateway, Side::Outside, claim);
    assert_eq!(answer(&shown), Validity::Invalid, "ours, but never shown");
    gateway.shown_keys.note(&shown);
    assert_eq!(answer(&shown), Validity::Valid);
    for (side, to, id) in [
        (Side::Outside, "away.example", "s2"),
        (Side::Outside, "victim.example", "s1"),
        (Side::Inside, "away.example", "s1"),
    ] {
        assert_eq!(answer(&claim(side, to, id)), Validity::Invalid, "{side:?} {to} {id}");
    }
    // E relays to V the key that it was shown itself.
    let victim = DomainPair::new(shown.pair.from.clone(), Domain::parse("victim.example").unwrap());
    assert_eq!(answer(&KeyClaim { pair: victim, ..shown.clone() }), Validity::Invalid);
    assert_eq!(verify::answer(&gateway, Side::Inside, &shown), Validity::Invalid, "each side has a secret of its own");
    inside.end().await;
}

/// Reads what comes until it contains `awaited`.
async fn read_to(socket: &mut TcpStream, awaited: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    while !read.windows(awaited.len()).any(|window| window == awaited) {
        assert_ne!(socket.read_buf(&mut read).await.unwrap(), 0, "ended after {}", String::from_utf8_lossy(&read));
    }
    read
}

/// C18, C31, T09: whoever breaks the handshake off learns nothing, and nothing is tried in the clear.
#[tokio::test]
async fn a_broken_tls_handshake_is_a_timeout_and_nothing_is_said_in_the_clear() {
    let peer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut inside = Inside::with(&world::peers(peer.local_addr().unwrap())).await;
    inside.send(&chat("m1", "bob@away.example")).await;
    let (mut socket, _) = timeout(PATIENCE, peer.accept()).await.unwrap().unwrap();
    let mut clear = read_to(&mut socket, b"version=\"1.0\">").await;
    let header = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
                  xmlns:db='jabber:server:dialback' from='away.example' to='home.example' id='1' version='1.0'>";
    let features = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\
                    <dialback xmlns='urn:xmpp:features:dialback'/></stream:features>";
    socket.write_all((header.to_owned() + features).as_bytes()).await.unwrap();
    clear.extend(read_to(&mut socket, b"xmpp-tls\"/>").await);
    socket.write_all(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await.unwrap();
    // The ClientHello, then the alert handshake_failure.
    assert_eq!(socket.read_u8().await.unwrap(), 22);
    socket.write_all(&[21, 3, 3, 0, 2, 2, 40]).await.unwrap();
    assert_eq!(inside.error().await, error("m1", "remote-server-timeout"));
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, socket.read_to_end(&mut rest)).await.unwrap();
    for words in ["db:result", "<auth", "message", "alice"] {
        let said = [clear.as_slice(), rest.as_slice()].concat();
        assert!(!String::from_utf8_lossy(&said).contains(words), "{words}");
    }
    let again = timeout(Duration::from_millis(300), peer.accept()).await;
    assert!(again.is_err(), "nothing waits, so nothing is tried again");
    inside.end().await;
}

/// C15: what waits for a stream that ends with an error goes back to its sender.
#[tokio::test]
async fn a_stream_error_of_the_peer_returns_what_waits() {
    let peer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut inside = Inside::with(&world::peers(peer.local_addr().unwrap())).await;
    inside.send(&chat("m1", "bob@away.example")).await;
    let (mut socket, _) = timeout(PATIENCE, peer.accept()).await.unwrap().unwrap();
    read_to(&mut socket, b"version=\"1.0\">").await;
    let answer = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>\
                  <stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>127.0.0.1:1</see-other-host></stream:error>\
                  </stream:stream>";
    socket.write_all(answer.as_bytes()).await.unwrap();
    assert_eq!(inside.error().await, error("m1", "remote-server-timeout"));
    let totals = inside.end().await;
    assert_eq!((totals.accepted, totals.bounced, totals.in_flight()), (1, 1, 0));
}

/// C61: what the next server says it does not take goes back, without `by`; what stands around it goes on.
#[tokio::test]
async fn a_stanza_that_is_too_large_for_the_next_server_returns_and_its_neighbours_arrive() {
    let folder = tempfile::tempdir().unwrap();
    world::make_certificates(folder.path()).unwrap();
    let mut inside = Server::inside(folder.path()).await.unwrap();
    let mut outside = Server::outside(folder.path()).await.unwrap();
    outside.take_at_most(10_000);
    let rest = world::peers(outside.address().unwrap());
    let snapshot = world::gateway(folder.path(), inside.address().unwrap(), &rest).unwrap();
    let app = App::start(snapshot, Audit::default()).await.unwrap();
    let gateway = app.listeners().1[0];
    let (mut home, mut away) = (inside.serve().unwrap(), outside.serve().unwrap());
    let sized = |id: &str, bytes: usize| {
        let stanza = |body: usize| {
            let body = "&lt;".repeat(body / 4) + &"x".repeat(body % 4);
            format!(
                "<message from='alice@home.example/desk' to='bob@away.example' id='{id}' type='chat'><body>{body}</body></message>"
            )
        };
        // Written anew it is as long as it is here: what counts is that form.
        stanza(bytes - stanza(0).len())
    };
    for (id, bytes) in [("m1", 500), ("m2", 12_000), ("m3", 10_000), ("m4", 10_001), ("m5", 500)] {
        inside.send(gateway, &Stanza::parse(&sized(id, bytes)).unwrap()).await.unwrap();
    }
    for id in ["m1", "m3", "m5"] {
        assert_eq!(timeout(PATIENCE, away.recv()).await.unwrap().unwrap().id, id);
    }
    for id in ["m2", "m4"] {
        let bounce = timeout(PATIENCE, home.recv()).await.unwrap().unwrap();
        assert_eq!((bounce.id.as_str(), bounce.condition.as_deref()), (id, Some("policy-violation")));
        assert!(bounce.xml.contains("from=\"bob@away.example\"") && !bounce.xml.contains(" by="), "{}", bounce.xml);
    }
    let totals = timeout(PATIENCE, app.drain()).await.unwrap();
    assert_eq!((totals.accepted, totals.forwarded, totals.bounced, totals.in_flight()), (5, 3, 2, 0));
}
