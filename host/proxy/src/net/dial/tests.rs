//! From a name to a stream, with real DNS, real sockets and real TLS on loopback: which server is taken, and which is not.

use std::path::Path;
use std::sync::Arc;

use hickory_resolver::proto::rr::RecordType;
use rcgen::{CertificateParams, KeyPair};
use refrain_proto::Domain;
use refrain_proto::auth::CertificateName;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::app::App;
use crate::command::demo::world::{self, Arrival, Server};
use crate::net::credentials;
use crate::net::dane::Voucher;
use crate::net::dns::tests::zone::Zone;
use crate::net::names;
use crate::observe::audit::Audit;
use crate::snapshot;

/// A folder with the certificates of the small world.
struct World {
    folder: tempfile::TempDir,
}

/// A remote server that takes streams.
struct Remote {
    address: SocketAddr,
    _server: Server,
    _arrivals: UnboundedReceiver<Arrival>,
}

/// The gateway, with the zone that it asks.
struct Dialler {
    app: App,
    zone: Arc<Zone>,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        world::make_certificates(folder.path()).unwrap();
        World { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A server of `away.example`, whose certificate the world trusts.
    async fn remote(&self, transport: Transport) -> Remote {
        Remote::serving(Server::outside(self.path()).await.unwrap(), transport)
    }

    /// Another one, whose certificate nobody vouches for.
    async fn unknown(&self) -> Remote {
        let key = KeyPair::generate().unwrap();
        let names = ["away.example", "rooms.away.example", "upload.away.example", "bots.farm.example"];
        let params = CertificateParams::new(names.map(str::to_owned).to_vec()).unwrap();
        let pem = params.self_signed(&key).unwrap().pem() + &key.serialize_pem();
        std::fs::write(self.path().join("unknown.pem"), pem).unwrap();
        Remote::serving(Server::outside_with(self.path(), "unknown.pem").await.unwrap(), Transport::StartTls)
    }

    /// The digest of the public key in a certificate file.
    fn key_digest(&self, file: &str) -> Vec<u8> {
        let chain = credentials::certificates(&self.path().join(file)).unwrap();
        let (_, parsed) = x509_parser::parse_x509_certificate(&chain[0]).unwrap();
        Sha256::digest(parsed.tbs_certificate.subject_pki.raw).to_vec()
    }

    /// The gateway; `outside` is added to that table, `rest` to the file.
    async fn dialler(&self, zone: Zone, outside: &str, rest: &str) -> Dialler {
        let (server, zone) = zone.serve().await;
        let path = world::write_config(self.path(), SocketAddr::from(([127, 0, 0, 1], 1)), rest).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("resolver = [\"127.0.0.1:1\"]", &format!("resolver = [\"{server}\"]\n{outside}"));
        std::fs::write(&path, text).unwrap();
        let snapshot = Snapshot::load(&path, &snapshot::engine().unwrap()).unwrap_or_else(|found| panic!("{found}"));
        Dialler { app: App::start(snapshot, Audit::default()).await.unwrap(), zone }
    }

    /// The same in a world whose names are signed.
    async fn validating(&self, zone: Zone) -> Dialler {
        let (zone, anchors) = zone.signed();
        std::fs::write(self.path().join("anchors"), anchors).unwrap();
        let outside = format!("{ALLOWED}dnssec = \"validate\"\ntrust-anchors = \"anchors\"\n");
        self.dialler(zone, &outside, "").await
    }
}

impl Remote {
    fn serving(mut server: Server, transport: Transport) -> Remote {
        let address = server.address().unwrap();
        let arrivals = server.serve_by(transport).unwrap();
        Remote { address, _server: server, _arrivals: arrivals }
    }

    fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Dialler {
    async fn dial(&self) -> Result<Connection, DialError> {
        let pair = pair("home.example", "away.example");
        dial(self.app.gateway(), Side::Outside, &pair).await.map(|(connection, _)| connection)
    }

    /// What vouches for the server that is reached.
    async fn voucher(&self) -> Result<Voucher, DialError> {
        Ok(self.dial().await?.voucher().unwrap())
    }

    /// What was counted as of no use.
    fn failures(&self) -> Vec<(String, u64)> {
        let counts = self.app.gateway().dials.read(Side::Outside);
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    async fn condition(&self) -> StanzaCondition {
        self.dial().await.err().unwrap().condition()
    }
}

const ALLOWED: &str = "private-addresses = true\n";

fn pair(from: &str, to: &str) -> DomainPair {
    DomainPair { from: Domain::parse(from).unwrap(), to: Domain::parse(to).unwrap() }
}

/// The host of every server here.
fn host() -> Zone {
    Zone::default().a("xmpp.example", "127.0.0.1")
}

async fn closed() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Takes connections and says something that is neither XMPP nor TLS.
async fn gibberish() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.write_all(b"220 mail.example ESMTP\r\n").await;
        }
    });
    port
}

/// C46.
#[tokio::test]
async fn a_direct_tls_target_is_met_with_tls_from_the_first_byte() {
    let world = World::new();
    let remote = world.remote(Transport::DirectTls).await;
    let dialler = world.dialler(host().srv_tls("away.example", 0, remote.port(), "xmpp.example."), ALLOWED, "").await;
    assert_eq!(dialler.voucher().await.unwrap(), Voucher::Pkix);
}

/// C46.
#[tokio::test]
async fn both_transports_are_tried_in_the_order_of_their_priorities() {
    let world = World::new();
    let (direct, starttls) = (world.remote(Transport::DirectTls).await, world.remote(Transport::StartTls).await);
    for (direct_priority, expected) in [(1, direct.port()), (9, starttls.port())] {
        let zone = host().srv("away.example", 5, starttls.port(), "xmpp.example.").srv_tls(
            "away.example",
            direct_priority,
            direct.port(),
            "xmpp.example.",
        );
        let connection = world.dialler(zone, ALLOWED, "").await.dial().await.unwrap();
        assert_eq!(connection.peer_address().unwrap().port(), expected);
    }
}

#[tokio::test]
async fn a_server_that_came_to_nothing_is_followed_by_the_next() {
    let world = World::new();
    let (good, unknown) = (world.remote(Transport::StartTls).await, world.unknown().await);
    let zone = host()
        .srv("away.example", 1, closed().await, "xmpp.example.")
        .srv("away.example", 2, gibberish().await, "xmpp.example.")
        .srv_tls("away.example", 3, gibberish().await, "xmpp.example.")
        .srv_tls("away.example", 4, good.port(), "xmpp.example.")
        .srv("away.example", 5, unknown.port(), "xmpp.example.")
        .srv("away.example", 6, good.port(), "xmpp.example.");
    let connection = world.dialler(zone, ALLOWED, "").await.dial().await.unwrap();
    assert_eq!(connection.peer_address().unwrap(), good.address);
}

#[tokio::test]
async fn a_server_that_says_nothing_leaves_time_for_the_next() {
    let world = World::new();
    let good = world.remote(Transport::StartTls).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let zone = host().srv("away.example", 1, silent.local_addr().unwrap().port(), "xmpp.example.").srv(
        "away.example",
        2,
        good.port(),
        "xmpp.example.",
    );
    let dialler = world.dialler(zone, ALLOWED, "[limits]\nhandshake-seconds = 4\n").await;
    let connection = dialler.dial().await.unwrap();
    assert_eq!(connection.peer_address().unwrap(), good.address);
    assert_eq!(dialler.failures(), [("timed-out".to_owned(), 1)]);
}

/// C03, C31.
#[tokio::test]
async fn when_all_targets_refuse_it_is_a_timeout_and_the_domain_itself_is_not_tried() {
    let world = World::new();
    let zone = host().a("away.example", "127.0.0.1").srv("away.example", 1, closed().await, "xmpp.example.").srv_tls(
        "away.example",
        2,
        closed().await,
        "xmpp.example.",
    );
    let dialler = world.dialler(zone, ALLOWED, "").await;
    assert_eq!(dialler.condition().await, StanzaCondition::RemoteServerTimeout);
    assert_eq!(dialler.zone.asked_for("away.example", RecordType::A), 0);
    assert_eq!(dialler.failures(), [("unconnected".to_owned(), 2)]);
}

/// C02, C31.
#[tokio::test]
async fn a_name_that_leads_nowhere_is_not_found_and_one_that_cannot_be_resolved_is_a_timeout() {
    let world = World::new();
    assert_eq!(world.dialler(host(), "", "").await.condition().await, StanzaCondition::RemoteServerNotFound);
    let absent = host().srv("away.example", 0, 0, ".").a("away.example", "127.0.0.1");
    assert_eq!(world.dialler(absent, ALLOWED, "").await.condition().await, StanzaCondition::RemoteServerNotFound);
    let broken = host().code("_xmpp-server._tcp.away.example", hickory_resolver::proto::op::ResponseCode::ServFail);
    assert_eq!(world.dialler(broken, "", "").await.condition().await, StanzaCondition::RemoteServerTimeout);
}

/// T40: nothing is connected to where a stranger's zone leads to a special address.
#[tokio::test]
async fn a_zone_leads_to_no_special_address_unless_the_operator_allows_it_for_the_domain() {
    let world = World::new();
    let remote = world.remote(Transport::StartTls).await;
    let (listener, zone) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), || {
        host().srv("away.example", 5, remote.port(), "xmpp.example.")
    });
    let port = listener.local_addr().unwrap().port();
    let refused = zone()
        .srv("away.example", 1, port, "xmpp.example.")
        .srv("away.example", 1, port, "mapped.example.")
        .aaaa("mapped.example", "::ffff:127.0.0.1")
        .ttl(0);
    let dialler = world.dialler(refused, "", "").await;
    let error = dialler.dial().await.err().unwrap();
    assert!(matches!(error, DialError::Forbidden { reason: Forbidden::Special("loopback"), .. }), "{error}");
    assert_eq!(error.condition(), StanzaCondition::RemoteServerNotFound);
    let connected = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(connected.is_err(), "somebody was connected to");
    // What was checked is what would have been used: the name is not resolved a second time.
    assert_eq!(dialler.zone.asked_for("xmpp.example", RecordType::A), 2, "once for each of its targets");
    let peer = "[[peer]]\nname = \"away.example\"\nprivate-addresses = true\n";
    assert!(world.dialler(zone(), "", peer).await.dial().await.is_ok());
    let peer = "[[peer]]\nname = \"away.example\"\nprivate-addresses = false\n";
    assert!(world.dialler(zone(), ALLOWED, peer).await.dial().await.is_err(), "the more specific word counts");
}

/// T41.
#[tokio::test]
async fn no_zone_leads_us_to_ourselves_or_to_a_protected_server() {
    let world = World::new();
    let own = {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        free.local_addr().unwrap().port()
    };
    let zone = host()
        .srv_tls("away.example", 1, own, "xmpp.example.")
        .srv_tls("away.example", 2, own, "two.example.")
        .srv("away.example", 3, 1, "xmpp.example.")
        .a("two.example", "127.0.0.2");
    let outside = format!("{ALLOWED}listen-tls = [\"[::]:{own}\"]\n");
    let dialler = world.dialler(zone, &outside, "").await;
    let error = dialler.dial().await.err().unwrap();
    assert!(matches!(error, DialError::Forbidden { reason: Forbidden::Own, .. }), "{error}");
    assert_eq!(dialler.app.gateway().streams.from_outside.read(), 0);
}

/// C63, T19.
#[tokio::test]
async fn with_secure_names_the_tlsa_record_decides_and_not_the_authorities() {
    let world = World::new();
    let (trusted, unknown) = (world.remote(Transport::StartTls).await, world.unknown().await);
    let announced = |remote: &Remote| host().srv("away.example", 0, remote.port(), "xmpp.example.");
    let pinned = |remote: &Remote, file| {
        announced(remote).tlsa("xmpp.example", remote.port(), [3, 1, 1], &world.key_digest(file))
    };

    let dialler = world.validating(pinned(&trusted, "away.pem")).await;
    assert_eq!(dialler.voucher().await.unwrap(), Voucher::Dane);
    let dialler = world.validating(pinned(&unknown, "unknown.pem")).await;
    assert_eq!(dialler.voucher().await.unwrap(), Voucher::Dane, "nobody else vouches for it");
    let dialler = world.validating(announced(&trusted)).await;
    assert_eq!(dialler.voucher().await.unwrap(), Voucher::Pkix, "signed, but without TLSA");

    let error = world.validating(pinned(&trusted, "unknown.pem")).await.dial().await.err().unwrap();
    assert!(error.to_string().contains("matches no TLSA record"), "{error}");
    assert_eq!((error.condition(), error.reason()), (StanzaCondition::RemoteServerTimeout, Useless::Dane));
    assert!(world.validating(announced(&unknown)).await.dial().await.is_err());
}

/// C63.
#[tokio::test]
async fn without_secure_names_a_tlsa_record_means_nothing() {
    let world = World::new();
    let remote = world.remote(Transport::StartTls).await;
    let wrong = [0; 32];
    let zone = || {
        host().srv("away.example", 0, remote.port(), "xmpp.example.").tlsa(
            "xmpp.example",
            remote.port(),
            [3, 1, 1],
            &wrong,
        )
    };
    let unsigned = world.validating(zone().unsigned_below("away.example")).await;
    assert_eq!(unsigned.voucher().await.unwrap(), Voucher::Pkix);
    let off = world.dialler(zone(), ALLOWED, "").await;
    assert_eq!(off.voucher().await.unwrap(), Voucher::Pkix);
}

#[tokio::test]
async fn a_forged_name_is_a_timeout_and_nobody_is_connected_to() {
    let world = World::new();
    let remote = world.remote(Transport::StartTls).await;
    let zone = host()
        .srv("away.example", 0, remote.port(), "xmpp.example.")
        .forged("_xmpp-server._tcp.away.example", RecordType::SRV);
    let error = world.validating(zone).await.dial().await.err().unwrap();
    assert!(matches!(error, DialError::Resolve(ResolveError::Bogus(_))), "{error}");
    assert_eq!(error.condition(), StanzaCondition::RemoteServerTimeout);
}

/// C46: what a peer that connects with TLS at once is offered.
#[tokio::test]
async fn the_direct_tls_listener_takes_streams_and_offers_no_starttls() {
    let world = World::new();
    let remote = Server::outside(world.path()).await.unwrap();
    let dialler = world.dialler(host(), "listen-tls = [\"127.0.0.1:0\"]\n", "").await;
    let gateway = dialler.app.tls_listeners()[0];
    let there = pair("away.example", "home.example");
    assert!(remote.dial_by(Transport::DirectTls, gateway, &there).await.is_ok());

    let snapshot = dialler.app.gateway().snapshot();
    let (config, name) = snapshot.tls.client(Side::Outside, &pair("home.example", "home.example")).unwrap();
    let mut wire = Wire::new(TcpStream::connect(gateway).await.unwrap());
    wire.connect_tls(config, name).await.unwrap();
    let header = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
                  from='away.example' to='home.example' version='1.0'>";
    wire.write_all(header.as_bytes()).await.unwrap();
    wire.flush().await.unwrap();
    let mut heard = String::new();
    while !heard.contains("</stream:features>") && !heard.contains("<stream:features/>") {
        let mut buffer = [0; 1024];
        let length = timeout(Duration::from_secs(5), wire.read(&mut buffer)).await.unwrap().unwrap();
        assert!(length > 0, "{heard}");
        heard.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    assert!(!heard.contains("starttls"), "{heard}");
}

/// C42, C45 on the listener of direct TLS, where nothing but the handshake says who is meant.
#[tokio::test]
async fn the_direct_tls_listener_goes_by_the_server_name_and_refuses_other_protocols() {
    let world = World::new();
    let dialler = world.dialler(host(), "listen-tls = [\"127.0.0.1:0\"]\n", "").await;
    let gateway = dialler.app.tls_listeners()[0];
    let tls = dialler.app.gateway().snapshot().tls.clone();
    let shake = async |name: &str, protocols: &[&[u8]]| {
        let (config, _) = tls.client(Side::Outside, &pair("home.example", "home.example")).unwrap();
        let mut config = (*config).clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let name = rustls::pki_types::ServerName::try_from(name.to_owned()).unwrap();
        let mut wire = Wire::new(TcpStream::connect(gateway).await.unwrap());
        wire.connect_tls(Arc::new(config), name).await?;
        let shown = wire.peer_certificates().unwrap()[0].clone();
        std::io::Result::Ok(names::of_der(&shown))
    };
    let home = vec![CertificateName::Dns("home.example".to_owned())];
    for name in ["home.example", "unknown.example", "192.0.2.1"] {
        assert_eq!(shake(name, &[b"xmpp-server"]).await.unwrap(), home, "{name}");
    }
    assert_eq!(shake("home.example", &[]).await.unwrap(), home, "no protocol named");
    assert!(shake("home.example", &[b"h2", b"xmpp-server"]).await.is_ok());
    let error = shake("home.example", &[b"h2"]).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    let error = shake("home.example", &[b"xmpp-client"]).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

/// C46, T38: words in the clear at the TLS port lead to nothing.
#[tokio::test]
async fn the_direct_tls_listener_does_not_speak_in_the_clear() {
    let world = World::new();
    let dialler = world.dialler(host(), "listen-tls = [\"127.0.0.1:0\"]\n", "").await;
    let mut socket = TcpStream::connect(dialler.app.tls_listeners()[0]).await.unwrap();
    socket.write_all(b"<stream:stream xmlns='jabber:server' to='home.example' version='1.0'>").await.unwrap();
    let mut heard = Vec::new();
    timeout(Duration::from_secs(5), socket.read_to_end(&mut heard)).await.unwrap().ok();
    assert!(!heard.windows(6).any(|window| window == b"stream"), "{heard:?}");
}

/// C48: XEP-0220 §2.1.1 for an invalid key; §2.5 for one that could not be verified.
#[test]
fn an_invalid_key_returns_stanzas_with_an_error_of_its_own() {
    let refused = |refusal| DialError::Refused(Outcome::NotAuthenticated(refusal)).condition();
    assert_eq!(refused(Refusal::KeyInvalid), StanzaCondition::InternalServerError);
    for refusal in [
        Refusal::KeyUnverified(StanzaCondition::ItemNotFound),
        Refusal::KeyUnverified(StanzaCondition::Forbidden),
        Refusal::External,
        Refusal::Certificate,
    ] {
        assert_eq!(refused(refusal), StanzaCondition::RemoteServerTimeout, "{refusal}");
    }
    assert_eq!(DialError::Refused(Outcome::Eof).condition(), StanzaCondition::RemoteServerTimeout);
}
