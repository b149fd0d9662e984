//! Several protected servers and several domains on one of them, and many remote domains on one of their streams, with real TLS
//! on both sides.

use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};

use super::*;

/// What the two protected servers host.
const FIRST: &[&str] = &["home.example", "rooms.home.example"];
const SECOND: &[&str] = &["other.example"];

/// The gateway before two protected servers, and one server of the world.
struct Neighbours {
    _folder: tempfile::TempDir,
    app: App,
    first: Server,
    second: Server,
    outside: Server,
    to_first: UnboundedReceiver<Arrival>,
    to_second: UnboundedReceiver<Arrival>,
    to_outside: UnboundedReceiver<Arrival>,
}

impl Neighbours {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        world::make_certificates(folder.path()).unwrap();
        for (authority, file, domains) in [
            ("inside-ca", "first.pem", FIRST),
            ("inside-ca", "second.pem", SECOND),
            ("world-ca", "rooms-public.pem", &FIRST[1..]),
            ("world-ca", "other-public.pem", SECOND),
        ] {
            issue(folder.path(), authority, file, domains);
        }
        let mut first = Server::hosting(folder.path(), FIRST, "first.pem", "inside-ca.pem").await.unwrap();
        let mut second = Server::hosting(folder.path(), SECOND, "second.pem", "inside-ca.pem").await.unwrap();
        let mut outside = Server::outside(folder.path()).await.unwrap();
        let further = |name: &str, server: &Server, certificate: &str| {
            let server = server.address().unwrap();
            format!(
                "[[domain]]\nname = \"{name}\"\nserver = \"{server}\"\ncertificate = \"{certificate}\"\n\
                 server-certificate = \"inside-ca.pem\"\n"
            )
        };
        let rest = world::peers(outside.address().unwrap())
            + &further(FIRST[1], &first, "rooms-public.pem")
            + &further(SECOND[0], &second, "other-public.pem");
        let snapshot = world::gateway(folder.path(), first.address().unwrap(), &rest).unwrap();
        let app = App::start(snapshot, Audit::default()).await.unwrap();
        let (to_first, to_second) = (first.serve().unwrap(), second.serve().unwrap());
        let to_outside = outside.serve().unwrap();
        Neighbours { _folder: folder, app, first, second, outside, to_first, to_second, to_outside }
    }

    fn gateway(&self) -> (SocketAddr, SocketAddr) {
        let (outside, inside) = self.app.listeners();
        (outside[0], inside[0])
    }
}

/// Makes a certificate by one of the world's authorities.
fn issue(folder: &Path, authority: &str, file: &str, domains: &[&str]) {
    let pem = fs::read_to_string(folder.join(format!("{authority}.pem"))).unwrap();
    let (certificate, key) = pem.split_at(pem.find("-----BEGIN PRIVATE KEY").unwrap());
    let issuer = Issuer::from_ca_cert_pem(certificate, KeyPair::from_pem(key).unwrap()).unwrap();
    let names: Vec<String> = domains.iter().map(|domain| (*domain).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join(file), certificate.pem() + &key.serialize_pem()).unwrap();
}

fn message(id: &str, from: &str, to: &str) -> Stanza {
    Stanza::parse(&format!("<message from='{from}' to='{to}' id='{id}' type='chat'><body>hi</body></message>")).unwrap()
}

async fn next(arrivals: &mut UnboundedReceiver<Arrival>) -> String {
    timeout(PATIENCE, arrivals.recv()).await.unwrap().unwrap().id
}

#[tokio::test]
async fn each_domain_is_served_by_its_own_server_in_both_directions() {
    let mut all = Neighbours::start().await;
    let (from_world, from_inside) = all.gateway();
    for (id, to) in [("1", "alice@home.example"), ("2", "tea@rooms.home.example"), ("3", "carol@other.example")] {
        all.outside.send(from_world, &message(id, "bob@away.example/p", to)).await.unwrap();
    }
    let mut arrived = [next(&mut all.to_first).await, next(&mut all.to_first).await];
    arrived.sort();
    assert_eq!((arrived, next(&mut all.to_second).await), (["1".to_owned(), "2".to_owned()], "3".to_owned()));
    for (id, from) in [("4", "alice@home.example/d"), ("5", "tea@rooms.home.example/x")] {
        all.first.send(from_inside, &message(id, from, "bob@away.example")).await.unwrap();
        assert_eq!(next(&mut all.to_outside).await, id);
    }
    all.second.send(from_inside, &message("6", "carol@other.example/d", "bob@away.example")).await.unwrap();
    assert_eq!(next(&mut all.to_outside).await, "6");
    let totals = timeout(PATIENCE, all.app.drain()).await.unwrap();
    assert_eq!((totals.accepted, totals.forwarded, totals.in_flight()), (6, 6, 0));
}

/// XEP-0220 §2.6.2; jabberd2's out-conn-reuse. All remote domains are at one address inside, so a server may send for all of them
/// over one stream. (Its certificate speaks for it, so the keys need no dialling back: XEP-0344 §2.)
#[tokio::test]
async fn one_stream_of_a_protected_server_carries_several_senders_and_many_remote_targets() {
    let mut all = Neighbours::start().await;
    let like = message("1", "alice@home.example/d", "bob@away.example");
    all.first.send(all.gateway().1, &like).await.unwrap();
    assert_eq!(next(&mut all.to_outside).await, "1");
    let targets = [
        ("alice@home.example/d", "tea@rooms.away.example"),
        ("alice@home.example/d", "upload.away.example"),
        ("balcony@rooms.home.example/x", "bob@away.example"),
        ("balcony@rooms.home.example/x", "tea@rooms.away.example"),
    ];
    for (id, (from, to)) in (2..).zip(targets) {
        let stanza = message(&id.to_string(), from, to);
        let key = format!(
            "<db:result xmlns:db='jabber:server:dialback' from='{}' to='{}'>00</db:result>",
            stanza.from().domain(),
            stanza.to().domain()
        );
        all.first.send_over(&like, key.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stanza.write(&mut bytes);
        all.first.send_over(&like, &bytes).unwrap();
        assert_eq!(next(&mut all.to_outside).await, id.to_string());
    }
    assert_eq!(all.app.gateway().streams.from_inside.read(), 1, "all came over one stream");
    let totals = timeout(PATIENCE, all.app.drain()).await.unwrap();
    assert_eq!((totals.accepted, totals.forwarded), (5, 5));
}

/// A protected server is trusted with its own domains alone: for another's it is asked of that other, who knows of nothing.
#[tokio::test]
async fn a_protected_server_does_not_speak_for_the_domain_of_another() {
    let mut all = Neighbours::start().await;
    let like = message("1", "alice@home.example/d", "bob@away.example");
    all.first.send(all.gateway().1, &like).await.unwrap();
    assert_eq!(next(&mut all.to_outside).await, "1");
    let key = b"<db:result xmlns:db='jabber:server:dialback' from='other.example' to='away.example'>00</db:result>";
    all.first.send_over(&like, key).unwrap();
    all.first.send_over(&like, b"<message from='carol@other.example/d' to='bob@away.example' id='2'/>").unwrap();
    all.second.send(all.gateway().1, &message("3", "carol@other.example/d", "bob@away.example")).await.unwrap();
    assert_eq!(next(&mut all.to_outside).await, "3", "what the real one sends crosses, and nothing else");
    let totals = timeout(PATIENCE, all.app.drain()).await.unwrap();
    assert_eq!((totals.accepted, totals.forwarded), (2, 2));
}

/// Neighbours do not meet through the gateway: what one protected domain sends to another has no remote domain in it.
#[tokio::test]
async fn one_protected_domain_does_not_reach_another_through_the_gateway() {
    let mut all = Neighbours::start().await;
    let stanza = message("1", "alice@home.example/d", "carol@other.example");
    assert!(all.first.send(all.gateway().1, &stanza).await.is_err(), "the inside listener is no hosted domain");
    assert!(all.to_second.try_recv().is_err());
}
