//! What is shown to whom, what is accepted, and what it proves: with real handshakes in memory.

use std::path::Path;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose as Usage, IsCa, Issuer, KeyPair, SanType,
};
use refrain_proto::auth::CertificateName;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConnection, HandshakeKind, ServerConnection};
use tempfile::TempDir;

use super::*;

mod hello;

const DAY: Duration = Duration::from_secs(86_400);

/// A folder with the files of a configuration, and the authority that remote servers trust.
struct World {
    folder: TempDir,
    authority: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
struct Identity {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let authority = authority(folder.path(), "world");
        authority_file(folder.path(), "inside-ca");
        let world = World { folder, authority };
        world.file("home.pem", &world.issue(names(&["home.example", "*.home.example"])));
        world.file("second.pem", &world.issue(names(&["second.example"])));
        world
    }

    fn issue(&self, params: CertificateParams) -> Identity {
        signed(params, &self.authority)
    }

    fn file(&self, name: &str, identity: &Identity) {
        let pem = identity.pem.clone() + &identity.key.serialize_pem();
        std::fs::write(self.folder.path().join(name), pem).unwrap();
    }

    fn config(&self, domains: &str) -> Config {
        let text = format!(
            "[outside]\nlisten = '127.0.0.1:0'\nresolver = '127.0.0.1'\nroots = 'world.pem'\n\
             [inside]\nlisten = '127.0.0.1:0'\nauthority = 'inside-ca.pem'\n{domains}"
        );
        let (config, mistakes) = Config::parse(&text, &self.folder.path().join("refrain.toml")).unwrap();
        assert!(mistakes.is_empty(), "{mistakes}");
        config
    }

    fn tls(&self) -> Tls {
        Tls::load(&self.config(&(domain("home.example", "home.pem") + &domain("second.example", "second.pem"))))
            .unwrap()
    }

    fn trusts(&self, tls: &Tls, params: CertificateParams) -> bool {
        tls.facts(Side::Outside, Some(&[self.issue(params).certificate])).unwrap().trusted
    }

    fn speaks_for(&self, tls: &Tls, params: CertificateParams, domain: &str) -> bool {
        tls.facts(Side::Outside, Some(&[self.issue(params).certificate])).unwrap().speaks_for(&name(domain))
    }
}

impl Identity {
    fn new(certificate: &rcgen::Certificate, key: KeyPair) -> Identity {
        Identity { certificate: certificate.der().clone(), pem: certificate.pem(), key }
    }

    fn certified(&self) -> Arc<CertifiedKey> {
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        Arc::new(CertifiedKey::from_der(vec![self.certificate.clone()], key, &ring::default_provider()).unwrap())
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("authority {:?}", std::time::Instant::now()));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn authority(folder: &Path, file: &str) -> Issuer<'static, KeyPair> {
    let (params, key) = (authority_params(), KeyPair::generate().unwrap());
    std::fs::write(folder.join(format!("{file}.pem")), params.self_signed(&key).unwrap().pem()).unwrap();
    Issuer::new(params, key)
}

fn authority_file(folder: &Path, file: &str) {
    let made = crate::net::mint::NewAuthority::create(&[], SystemTime::now()).unwrap();
    std::fs::write(folder.join(format!("{file}.pem")), made.certificate + &made.key).unwrap();
}

fn signed(params: CertificateParams, issuer: &Issuer<'_, KeyPair>) -> Identity {
    let key = KeyPair::generate().unwrap();
    Identity::new(&params.signed_by(&key, issuer).unwrap(), key)
}

fn names(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn other_name(id: &[u64], value: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::OtherName((id.to_vec(), value.into()))];
    params
}

fn with(mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    change(&mut params);
    params
}

fn domain(name: &str, file: &str) -> String {
    format!("[[domain]]\nname = '{name}'\nserver = '127.0.0.1:15269'\ncertificate = '{file}'\n")
}

fn name(domain: &str) -> Domain {
    Domain::parse(domain).unwrap()
}

/// A client that takes any certificate and offers what a test wants.
fn stranger(alpn: &[&str], versions: &[&'static rustls::SupportedProtocolVersion]) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(SignatureOnly::new(provider))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    config
}

/// Plays a handshake to its end in memory.
fn shake(
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    sni: ServerName<'static>,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let (mut client, mut server) = (ClientConnection::new(client, sni)?, ServerConnection::new(server)?);
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut bytes = wire.as_slice();
        while !bytes.is_empty() {
            server.read_tls(&mut bytes).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut bytes = wire.as_slice();
        while !bytes.is_empty() {
            client.read_tls(&mut bytes).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok((client, server))
}

fn both_versions() -> &'static [&'static rustls::SupportedProtocolVersion] {
    rustls::ALL_VERSIONS
}

/// The DNS names that the server shows to a client that asks for `sni` (none: the client names an address).
fn shown(tls: &Tls, side: Side, sni: &str, to: Option<&str>) -> Vec<CertificateName> {
    let server = tls.server(side, to.map(name).as_ref()).unwrap();
    let sni = ServerName::try_from(sni.to_owned()).unwrap();
    let (client, _) = shake(Arc::new(stranger(&[], both_versions())), server, sni).unwrap();
    names::of_der(&client.peer_certificates().unwrap()[0])
}

fn dns(names: &[&str]) -> Vec<CertificateName> {
    names.iter().map(|name| CertificateName::Dns((*name).to_owned())).collect()
}

const NO_SNI: &str = "192.0.2.1";

#[test]
fn shows_the_certificate_that_the_server_name_asks_for_then_the_one_that_to_means_then_the_first() {
    let tls = World::new().tls();
    let (first, second) = (dns(&["home.example", "*.home.example"]), dns(&["second.example"]));
    assert_eq!(shown(&tls, Side::Outside, "second.example", Some("home.example")), second);
    assert_eq!(shown(&tls, Side::Outside, "unknown.example", Some("second.example")), second);
    assert_eq!(shown(&tls, Side::Outside, NO_SNI, Some("second.example")), second);
    assert_eq!(shown(&tls, Side::Outside, NO_SNI, None), first);
}

#[test]
fn is_any_remote_domain_towards_the_inside_but_never_a_hosted_one() {
    let tls = World::new().tls();
    assert_eq!(shown(&tls, Side::Inside, NO_SNI, Some("remote.example")), dns(&["remote.example"]));
    assert_eq!(shown(&tls, Side::Inside, "asked.example", Some("remote.example")), dns(&["asked.example"]));
    assert_eq!(shown(&tls, Side::Inside, NO_SNI, Some("bücher.example")), dns(&["xn--bcher-kva.example"]));
    for hosted in ["home.example", "conference.home.example", "second.example"] {
        let server = tls.server(Side::Inside, Some(&name(hosted))).unwrap();
        let sni = ServerName::try_from(NO_SNI.to_owned()).unwrap();
        assert!(shake(Arc::new(stranger(&[], both_versions())), server, sni).is_err(), "{hosted}");
        let pair = DomainPair { from: name(hosted), to: name("second.example") };
        assert!(matches!(tls.client(Side::Inside, &pair), Err(TlsError::Mint(MintError::Hosted(_)))), "{hosted}");
    }
}

#[test]
fn connects_as_the_hosted_domain_outside_and_as_the_remote_domain_inside() {
    let tls = World::new().tls();
    let pair = DomainPair { from: name("home.example"), to: name("bücher.example") };
    let (client, sni) = tls.client(Side::Outside, &pair).unwrap();
    assert_eq!(sni, ServerName::try_from("xn--bcher-kva.example").unwrap());
    let (_, server) = shake(client, tls.server(Side::Outside, None).unwrap(), sni).unwrap();
    let facts = tls.facts(Side::Outside, server.peer_certificates()).unwrap();
    assert!(facts.speaks_for(&name("home.example")));

    let (client, sni) = tls.client(Side::Inside, &pair.reversed()).unwrap();
    assert_eq!(sni, ServerName::try_from("home.example").unwrap());
    let (_, server) = shake(client, tls.server(Side::Outside, None).unwrap(), sni).unwrap();
    assert_eq!(names::of_der(&server.peer_certificates().unwrap()[0]), dns(&["xn--bcher-kva.example"]));

    assert!(matches!(tls.client(Side::Outside, &pair.reversed()), Err(TlsError::NotHosted(_))));
}

/// The anchors of the inside authority's file.
fn inside_anchors(world: &World) -> RootCertStore {
    let mut anchors = RootCertStore::empty();
    anchors.add_parsable_certificates(credentials::certificates(&world.folder.path().join("inside-ca.pem")).unwrap());
    anchors
}

#[test]
fn minted_certificates_serve_in_both_roles_for_a_week_and_are_renewed_when_half_used() {
    let world = World::new();
    let tls = world.tls();
    let anchors = inside_anchors(&world);
    let now = SystemTime::now();
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let minted = tls.minter.certificate(&name("remote.example"), now).unwrap();
    assert_eq!(minted.cert.len(), 2, "the authority comes along");
    for (day, trusted) in [(0, true), (6, true), (8, false)] {
        let at = UnixTime::since_unix_epoch(seconds + day * DAY);
        assert_eq!(chain_is_trusted(&minted.cert, &anchors.roots, at).is_ok(), trusted, "day {day}");
    }
    let leaf = webpki::EndEntityCert::try_from(&minted.cert[0]).unwrap();
    for usage in [webpki::KeyUsage::server_auth(), webpki::KeyUsage::client_auth()] {
        let at = UnixTime::since_unix_epoch(seconds);
        let algorithms = webpki::ALL_VERIFICATION_ALGS;
        leaf.verify_for_usage(algorithms, &anchors.roots, &[], at, usage, None, None).unwrap();
    }
    let again = |days: u32| tls.minter.certificate(&name("remote.example"), now + days * DAY).unwrap();
    assert!(Arc::ptr_eq(&minted, &again(3)));
    assert!(!Arc::ptr_eq(&minted, &again(4)));
}

#[test]
fn minted_certificates_differ_in_their_serial_numbers() {
    let tls = World::new().tls();
    let serial = |domain: &str| {
        let minted = tls.minter.certificate(&name(domain), SystemTime::now()).unwrap();
        credentials::with_leaf(&minted.cert, |leaf| Ok(leaf.raw_serial().to_vec())).unwrap()
    };
    assert_ne!(serial("a.example"), serial("b.example"));
}

#[test]
fn an_authority_with_excluded_domains_cannot_speak_for_them() {
    let made = crate::net::mint::NewAuthority::create(&[name("home.example")], SystemTime::now()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, made.certificate + &made.key).unwrap();
    let files = KeyPairFiles { certificate: path.clone(), key: path.clone() };
    let minter = Minter::load(&files, vec![]).unwrap_or_else(|unfit| panic!("{unfit:?}"));
    let mut anchors = RootCertStore::empty();
    anchors.add_parsable_certificates(credentials::certificates(&path).unwrap());
    for (domain, trusted) in [("remote.example", true), ("home.example", false), ("sub.home.example", false)] {
        let minted = minter.certificate(&name(domain), SystemTime::now()).unwrap();
        let judged = chain_is_trusted(&minted.cert, &anchors.roots, UnixTime::now());
        assert_eq!(judged.is_ok(), trusted, "{domain}: {judged:?}");
    }
}

/// C37, T13.
#[test]
fn trusts_a_chain_only_within_its_time_from_a_known_authority_and_for_a_fit_usage() {
    let world = World::new();
    let tls = world.tls();
    let good = || names(&["remote.example"]);
    let now = SystemTime::now();
    let used_for = |usages: &[Usage]| with(good(), |params| params.extended_key_usages = usages.to_vec());
    assert!(world.trusts(&tls, good()), "no usage named: any");
    assert!(world.trusts(&tls, used_for(&[Usage::ServerAuth])));
    assert!(world.trusts(&tls, used_for(&[Usage::ClientAuth, Usage::ServerAuth])));
    assert!(!world.trusts(&tls, used_for(&[Usage::ClientAuth])), "a client's");
    assert!(!world.trusts(&tls, used_for(&[Usage::CodeSigning])));
    assert!(!world.trusts(&tls, with(good(), |params| params.not_after = (now - DAY).into())), "expired");
    assert!(!world.trusts(&tls, with(good(), |params| params.not_before = (now + DAY).into())), "not yet valid");
    let as_authority = with(good(), |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert!(!world.trusts(&tls, as_authority), "an authority is no server");

    let other = Issuer::new(authority_params(), KeyPair::generate().unwrap());
    let facts = tls.facts(Side::Outside, Some(&[signed(good(), &other).certificate])).unwrap();
    assert!(!facts.trusted, "unknown authority");
    assert!(!facts.speaks_for(&name("remote.example")));
    let key = KeyPair::generate().unwrap();
    let self_signed = good().self_signed(&key).unwrap().der().clone();
    assert!(!tls.facts(Side::Outside, Some(&[self_signed])).unwrap().trusted, "self-signed");
    assert_eq!(tls.facts(Side::Outside, None), None);
    assert_eq!(tls.facts(Side::Outside, Some(&[])), None);
}

/// C36, T13.
#[test]
fn a_certificate_speaks_for_its_dns_srv_and_xmpp_names_alone() {
    let world = World::new();
    let tls = world.tls();
    let speaks = |params, domain| world.speaks_for(&tls, params, domain);
    const SRV: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 8, 7];
    const XMPP: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 8, 5];
    assert!(speaks(names(&["Remote.Example"]), "remote.example"));
    assert!(speaks(names(&["xn--bcher-kva.example"]), "bücher.example"));
    assert!(speaks(names(&["*.remote.example"]), "chat.remote.example"));
    assert!(!speaks(names(&["*.remote.example"]), "a.chat.remote.example"));
    assert!(!speaks(names(&["*.remote.example"]), "remote.example"));
    assert!(!speaks(names(&["*.example"]), "remote.example"));
    assert!(!speaks(names(&["remote.example.evil.example"]), "remote.example"));
    assert!(!speaks(names(&["remote.example\0.evil.example"]), "remote.example"));
    assert!(speaks(other_name(SRV, "_xmpp-server.remote.example"), "remote.example"));
    assert!(!speaks(other_name(SRV, "_xmpp-client.remote.example"), "remote.example"));
    assert!(speaks(other_name(XMPP, "remote.example"), "remote.example"));
    assert!(!speaks(other_name(XMPP, "user@remote.example"), "remote.example"));
    assert!(!speaks(other_name(&[1, 3, 6, 1, 5, 5, 7, 8, 9], "remote.example"), "remote.example"));
    let common_name = with(names(&["other.example"]), |params| {
        params.distinguished_name.push(DnType::CommonName, "remote.example");
    });
    assert!(!speaks(common_name, "remote.example"));
    let address = with(CertificateParams::default(), |params| {
        params.subject_alt_names = vec![SanType::IpAddress([192, 0, 2, 1].into())];
    });
    assert!(!speaks(address, "192.0.2.1"));
}

/// T14.
#[test]
fn urls_in_a_certificate_are_not_fetched() {
    let world = World::new();
    let tls = world.tls();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/of-an-attacker", listener.local_addr().unwrap());
    let length = u8::try_from(url.len()).unwrap();
    // authorityInfoAccess with one caIssuers (RFC 5280 §4.2.2.1).
    let mut issuers = vec![0x30, length + 14, 0x30, length + 12, 6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 2, 0x86, length];
    issuers.extend(url.as_bytes());
    let params = with(names(&["remote.example"]), |params| {
        params.crl_distribution_points = vec![rcgen::CrlDistributionPoint { uris: vec![url] }];
        let access = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], issuers);
        params.custom_extensions.push(access);
    });
    assert!(world.trusts(&tls, params));
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody connected");
}

/// T13: a certificate or a chain made to cost time and memory.
#[test]
fn takes_a_bounded_number_of_names_and_intermediates() {
    let world = World::new();
    let tls = world.tls();
    let many: Vec<String> = (0..3_000).map(|number| format!("n{number}.remote.example")).collect();
    let facts =
        tls.facts(Side::Outside, Some(&[world.issue(CertificateParams::new(many).unwrap()).certificate])).unwrap();
    assert_eq!(facts.names.len(), 1_000);
    let leaf = world.issue(names(&["remote.example"])).certificate;
    assert!(!tls.facts(Side::Outside, Some(&vec![leaf; 100])).unwrap().trusted);
}

#[test]
fn a_chain_through_an_intermediate_authority_is_trusted() {
    let world = World::new();
    let tls = world.tls();
    let (params, key) = (authority_params(), KeyPair::generate().unwrap());
    let intermediate = params.signed_by(&key, &world.authority).unwrap().der().clone();
    let leaf = signed(names(&["remote.example"]), &Issuer::new(params, key)).certificate;
    assert!(tls.facts(Side::Outside, Some(&[leaf.clone(), intermediate])).unwrap().trusted);
    assert!(!tls.facts(Side::Outside, Some(&[leaf])).unwrap().trusted);
}

/// C21, C37: an unfit certificate is judged, not refused: dialback may still be allowed for this peer.
#[test]
fn a_handshake_succeeds_whatever_certificate_the_client_shows_if_it_holds_the_key() {
    let world = World::new();
    let tls = world.tls();
    let expired = with(names(&["remote.example"]), |params| params.not_after = (SystemTime::now() - DAY).into());
    let mut client = stranger(&[], both_versions());
    client.client_auth_cert_resolver = Arc::new(ClientIdentity(world.issue(expired).certified()));
    let sni = ServerName::try_from("home.example").unwrap();
    let (_, server) = shake(Arc::new(client), tls.server(Side::Outside, None).unwrap(), sni.clone()).unwrap();
    assert!(!tls.facts(Side::Outside, server.peer_certificates()).unwrap().trusted);
    let anonymous = Arc::new(stranger(&[], both_versions()));
    let (_, server) = shake(anonymous, tls.server(Side::Outside, None).unwrap(), sni.clone()).unwrap();
    assert_eq!(tls.facts(Side::Outside, server.peer_certificates()), None);

    let stolen = CertifiedKey::new(
        vec![world.issue(names(&["remote.example"])).certificate],
        world.issue(names(&["evil.example"])).certified().key.clone(),
    );
    let mut thief = stranger(&[], both_versions());
    thief.client_auth_cert_resolver = Arc::new(ClientIdentity(Arc::new(stolen)));
    assert!(shake(Arc::new(thief), tls.server(Side::Outside, None).unwrap(), sni).is_err());
}

/// C45.
#[test]
fn accepts_the_protocol_name_of_xmpp_or_none_and_no_other() {
    let tls = World::new().tls();
    let with_alpn = |alpn: &[&str]| {
        let sni = ServerName::try_from("home.example").unwrap();
        shake(Arc::new(stranger(alpn, both_versions())), tls.server(Side::Outside, None).unwrap(), sni).map(|_| ())
    };
    assert_eq!(with_alpn(&[]), Ok(()));
    assert_eq!(with_alpn(&["xmpp-server"]), Ok(()));
    assert_eq!(with_alpn(&["h2", "xmpp-server"]), Ok(()));
    assert_eq!(with_alpn(&["h2", "http/1.1"]), Err(rustls::Error::NoApplicationProtocol));
}

/// C43, C44.
#[test]
fn speaks_tls_1_2_and_1_3_with_aead_and_never_resumes() {
    let tls = World::new().tls();
    for version in both_versions() {
        let client = Arc::new(stranger(&[], &[version]));
        for _ in 0..2 {
            let sni = ServerName::try_from("home.example").unwrap();
            let (client, server) = shake(client.clone(), tls.server(Side::Outside, None).unwrap(), sni).unwrap();
            assert_eq!(client.protocol_version(), Some(version.version));
            assert_eq!(client.handshake_kind(), Some(HandshakeKind::Full));
            assert_eq!(server.received_resumption_data(), None);
            let suite = format!("{:?}", client.negotiated_cipher_suite().unwrap().suite());
            assert!(suite.contains("GCM") || suite.contains("CHACHA20"), "{suite}");
        }
    }
}

#[test]
fn a_protected_server_is_proven_by_its_pinned_certificate_or_by_its_pinned_authority() {
    let world = World::new();
    let folder = world.folder.path();
    let snakeoil = {
        let key = KeyPair::generate().unwrap();
        let expired = with(names(&["localhost"]), |params| params.not_after = (SystemTime::now() - DAY).into());
        Identity::new(&expired.self_signed(&key).unwrap(), key)
    };
    world.file("snakeoil.pem", &snakeoil);
    let internal = authority(folder, "internal");
    let pin = |file: &str| format!("server-certificate = '{file}'\n");
    let text = domain("home.example", "home.pem")
        + &pin("snakeoil.pem")
        + &domain("second.example", "second.pem")
        + &pin("internal.pem");
    let tls = Tls::load(&world.config(&text)).unwrap();
    let (home, second) = (name("home.example"), name("second.example"));
    assert!(tls.pins(&home) && tls.pins(&second) && !tls.pins(&name("remote.example")));

    let facts =
        |identity: &Identity| tls.facts(Side::Inside, Some(std::slice::from_ref(&identity.certificate))).unwrap();
    let pinned = facts(&snakeoil);
    assert!(pinned.speaks_for(&home) && !pinned.speaks_for(&second));
    let vouched = facts(&signed(names(&["home.example", "second.example"]), &internal));
    assert!(
        vouched.speaks_for(&second) && !vouched.speaks_for(&home),
        "an authority speaks for the domain that names it"
    );
    assert!(!facts(&signed(names(&["other.example"]), &internal)).trusted);
    assert!(!facts(&world.issue(names(&["home.example"]))).trusted, "the outside's authorities mean nothing inside");
    assert!(tls.facts(Side::Inside, None).is_none());
}

#[test]
fn reports_every_unfit_file_at_once_at_its_key() {
    let world = World::new();
    let now = SystemTime::now();
    world
        .file("expired.pem", &world.issue(with(names(&["a.example"]), |params| params.not_after = (now - DAY).into())));
    let (one, other) = (world.issue(names(&["b.example"])), world.issue(names(&["b.example"])));
    world.file("swapped.pem", &Identity { key: other.key, ..one });
    std::fs::write(world.folder.path().join("empty.pem"), "").unwrap();
    let files = [("a", "expired"), ("b", "swapped"), ("c", "home"), ("d", "missing"), ("e", "empty")];
    let mut text: String =
        files.iter().map(|(name, file)| domain(&format!("{name}.example"), &format!("{file}.pem"))).collect();
    text += "server-certificate = 'nowhere.pem'\n";
    let mut config = world.config(&text);
    config.inside.authority.certificate = world.folder.path().join("home.pem");
    config.inside.authority.key = world.folder.path().join("home.pem");
    let mistakes = Tls::load(&config).err().unwrap();
    let found: Vec<String> = mistakes.iter().map(|mistake| format!("{}: {}", mistake.key, mistake.problem)).collect();
    let expected = [
        ("inside.authority:", "not the certificate of an authority"),
        ("domain[0].certificate:", "is valid from"),
        ("domain[1].key:", "does not belong to the certificate"),
        ("domain[2].certificate:", "does not cover c.example; it names: home.example, *.home.example"),
        ("domain[3].certificate:", "missing.pem cannot be read"),
        ("domain[4].certificate:", "there is no certificate in"),
        ("domain[4].server-certificate:", "nowhere.pem cannot be read"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, (key, problem)) in found.iter().zip(expected) {
        assert!(found.starts_with(key) && found.contains(problem), "{found}");
    }
    assert!(mistakes.iter().all(|mistake| mistake.line.is_some()));
}

#[test]
fn asks_for_a_client_certificate_without_requiring_one_or_hinting_at_authorities() {
    use rustls::server::danger::ClientCertVerifier;
    let verifier = SignatureOnly::new(Arc::new(ring::default_provider()));
    assert!(verifier.offer_client_auth() && !verifier.client_auth_mandatory());
    assert!(verifier.root_hint_subjects().is_empty());
}
