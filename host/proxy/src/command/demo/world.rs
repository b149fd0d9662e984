//! The world of the demo: throwaway authorities, one small server inside, one outside, and the gateway's configuration between.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use refrain_proto::Stanza;
use refrain_proto::limits::StreamLimits;
use refrain_proto::stream::{Event, InitiatingPolicy, Purpose, ReceivingPolicy, Stream, StreamIds};
use refrain_proto::{Boundary, Domain, DomainPair, JidError, Side};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::net::connection::{Connection, TlsRole, Turn};
use crate::net::dane::Delegation;
use crate::net::dial::{finish, negotiate, step};
use crate::net::target::Transport;
use crate::net::tls::Tls;
use crate::net::wire::Wire;
use crate::snapshot::{self, Snapshot};

/// Whatever can go wrong while the world is built.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The domains of the protected server.
const INSIDE: &[&str] = &["home.example"];
/// The domains of the outside server.
const OUTSIDE: &[&str] = &["away.example", "rooms.away.example", "upload.away.example", "bots.farm.example"];

/// Makes the authorities and certificates in `folder`.
pub fn make_certificates(folder: &Path) -> Result<(), Error> {
    let world = Authority::make(folder, "demo world CA", "world-ca")?;
    world.issue(folder, "home-public", INSIDE)?;
    world.issue(folder, "away", OUTSIDE)?;
    let inside = Authority::make(folder, "demo inside CA", "inside-ca")?;
    inside.issue(folder, "home-internal", INSIDE)?;
    Ok(())
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn make(folder: &Path, name: &str, file: &str) -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&key)?;
        fs::write(folder.join(format!("{file}.pem")), certificate.pem() + &key.serialize_pem())?;
        Ok(Authority { issuer: Issuer::new(params, key) })
    }

    fn issue(&self, folder: &Path, file: &str, domains: &[&str]) -> Result<(), Error> {
        let key = KeyPair::generate()?;
        let names: Vec<String> = domains.iter().map(|domain| (*domain).to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer)?;
        fs::write(folder.join(format!("{file}.pem")), certificate.pem() + &key.serialize_pem())?;
        Ok(())
    }
}

/// Writes the gateway's configuration as an operator would and builds it; `rest` has the peers and the chains.
pub fn gateway(folder: &Path, inside: SocketAddr, rest: &str) -> Result<Snapshot, Error> {
    Ok(Snapshot::load(&write_config(folder, inside, rest)?, &snapshot::engine()?)?)
}

/// Writes the gateway's configuration and says where.
pub fn write_config(folder: &Path, inside: SocketAddr, rest: &str) -> Result<PathBuf, Error> {
    let text = format!(
        r#"{rest}
[outside]
listen = ["127.0.0.1:0"]
roots = "world-ca.pem"
resolver = ["127.0.0.1:1"]
[inside]
listen = ["127.0.0.1:0"]
authority = "inside-ca.pem"
[[domain]]
name = "home.example"
server = "{inside}"
certificate = "home-public.pem"
server-certificate = "inside-ca.pem"
"#
    );
    let path = folder.join("refrain.toml");
    fs::write(&path, text)?;
    Ok(path)
}

/// The part of the configuration that says where the outside server's domains are.
pub fn peers(outside: SocketAddr) -> String {
    OUTSIDE.iter().map(|name| format!("[[peer]]\nname = \"{name}\"\naddress = \"{outside}\"\n")).collect()
}

/// A stanza that reached a demo server.
pub struct Arrival {
    /// Its `id`.
    pub id: String,
    /// The condition, when it is a stanza error.
    pub condition: Option<String>,
    /// Its canonical form.
    pub xml: String,
}

/// A small XMPP server: takes every stanza for its domains, and sends what it is told to.
pub struct Server {
    tls: Arc<Tls>,
    listener: Option<TcpListener>,
    domains: &'static [&'static str],
    links: HashMap<DomainPair, mpsc::UnboundedSender<Vec<u8>>>,
    limits: StreamLimits,
}

impl Server {
    /// The server behind the gateway. It trusts the inside authority alone.
    pub async fn inside(folder: &Path) -> Result<Self, Error> {
        Server::hosting(folder, INSIDE, "home-internal.pem", "inside-ca.pem").await
    }

    /// A server of the federated world.
    pub async fn outside(folder: &Path) -> Result<Self, Error> {
        Server::hosting(folder, OUTSIDE, "away.pem", "world-ca.pem").await
    }

    /// A server of the federated world with another certificate.
    #[cfg(test)]
    pub async fn outside_with(folder: &Path, certificate: &str) -> Result<Self, Error> {
        Server::hosting(folder, OUTSIDE, certificate, "world-ca.pem").await
    }

    /// A server for `domains`, which shows a certificate and trusts `roots`, both files in the folder.
    pub async fn hosting(
        folder: &Path,
        domains: &'static [&'static str],
        certificate: &str,
        roots: &str,
    ) -> Result<Self, Error> {
        let hosted: String = domains
            .iter()
            .map(|name| {
                format!("[[domain]]\nname = \"{name}\"\nserver = \"127.0.0.1:1\"\ncertificate = \"{certificate}\"\n")
            })
            .collect();
        // Seen from itself, every server is the one that faces the world: its certificates and trust are those of an outside.
        let text = format!(
            "[outside]\nlisten = [\"127.0.0.1:0\"]\nroots = \"{roots}\"\nresolver = [\"127.0.0.1:1\"]\n[inside]\nlisten = [\"127.0.0.1:0\"]\n\
             authority = \"inside-ca.pem\"\n{hosted}"
        );
        let path = folder.join(format!("server-of-{}.toml", domains[0]));
        fs::write(&path, text)?;
        let tls = Arc::new(Tls::load(&Config::load(&path)?)?);
        let listener = Some(TcpListener::bind("127.0.0.1:0").await?);
        Ok(Server { tls, listener, domains, links: HashMap::new(), limits: StreamLimits::default() })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.as_ref().map_or(Err(io::ErrorKind::NotConnected.into()), TcpListener::local_addr)
    }

    /// Takes no larger stanzas than this, and says so (XEP-0478).
    #[cfg(test)]
    pub fn take_at_most(&mut self, stanza_bytes: u32) {
        self.limits.xml.stanza_bytes_max = stanza_bytes;
    }

    /// Takes connections from now on; arrivals come out of the channel.
    pub fn serve(&mut self) -> Result<mpsc::UnboundedReceiver<Arrival>, Error> {
        self.serve_by(Transport::StartTls)
    }

    /// Like [`serve`](Self::serve), with TLS beginning as `transport` says.
    pub fn serve_by(&mut self, transport: Transport) -> Result<mpsc::UnboundedReceiver<Arrival>, Error> {
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let listener = self.listener.take().ok_or("already serving")?;
        let tls = self.tls.clone();
        let policy = ReceivingPolicy {
            boundary: Arc::new(Boundary::new(self.hosted()?)),
            side: Side::Outside,
            external: true,
            dialback: false,
            limits: self.limits.clone(),
            ids: StreamIds::from_seed([7; 32]),
        };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let stream = Stream::receiving(policy.clone(), Instant::now());
                let connection =
                    Connection::new(Wire::new(socket), stream, tls.clone(), Side::Outside, TlsRole::Server);
                tokio::spawn(take(connection, transport, arrived.clone()));
            }
        });
        Ok(arrivals)
    }

    fn hosted(&self) -> Result<Vec<Domain>, JidError> {
        self.domains.iter().map(|name| Domain::parse(name)).collect()
    }

    /// Sends a stanza to the gateway, over a stream of its pair that is opened when first needed.
    pub async fn send(&mut self, gateway: SocketAddr, stanza: &Stanza) -> Result<(), Error> {
        let pair =
            DomainPair { from: Domain::parse(stanza.from().domain())?, to: Domain::parse(stanza.to().domain())? };
        if !self.links.contains_key(&pair) {
            let connection = self.dial(gateway, &pair).await?;
            let (queue, stanzas) = mpsc::unbounded_channel();
            tokio::spawn(give(connection, stanzas));
            self.links.insert(pair.clone(), queue);
        }
        let mut bytes = Vec::new();
        stanza.write(&mut bytes);
        self.links[&pair].send(bytes).map_err(|_| "the stream to the gateway ended")?;
        Ok(())
    }

    /// Writes bytes over the stream that already carries the pair of `like`, whatever they say.
    #[cfg(test)]
    pub fn send_over(&self, like: &Stanza, bytes: &[u8]) -> Result<(), Error> {
        let pair = DomainPair { from: Domain::parse(like.from().domain())?, to: Domain::parse(like.to().domain())? };
        self.links.get(&pair).ok_or("no stream carries this pair")?.send(bytes.to_vec())?;
        Ok(())
    }

    /// Opens new streams for what is sent from now on; the old ones end in order.
    #[cfg(test)]
    pub fn forget_links(&mut self) {
        self.links.clear();
    }

    async fn dial(&self, gateway: SocketAddr, pair: &DomainPair) -> Result<Connection, Error> {
        self.dial_by(Transport::StartTls, gateway, pair).await
    }

    /// Opens a stream to the gateway, with TLS beginning as `transport` says.
    pub async fn dial_by(
        &self,
        transport: Transport,
        gateway: SocketAddr,
        pair: &DomainPair,
    ) -> Result<Connection, Error> {
        let policy = InitiatingPolicy {
            certificate_required: true,
            external: true,
            dialback: None,
            limits: StreamLimits::default(),
        };
        let stream = Stream::initiating(pair.clone(), Purpose::Stanzas, policy, Instant::now());
        let wire = Wire::new(TcpStream::connect(gateway).await?);
        let mut connection = Connection::new(
            wire,
            stream,
            self.tls.clone(),
            Side::Outside,
            TlsRole::Client(pair.clone(), Delegation::default()),
        );
        if transport == Transport::DirectTls {
            connection.secure().await?;
        }
        negotiate(&mut connection, &|event| matches!(event, Event::Established(_)).then_some(())).await?;
        Ok(connection)
    }
}

/// Reads a connection to its end and reports every stanza.
async fn take(mut connection: Connection, transport: Transport, arrived: mpsc::UnboundedSender<Arrival>) {
    if transport == Transport::DirectTls && connection.secure().await.is_err() {
        return;
    }
    loop {
        let going_on = match connection.turn().await {
            Ok(Turn::Event(Event::Stanza(stanza))) => {
                let known = arrived.send(arrival(&stanza)).is_ok();
                connection.stream().recycle(stanza);
                known
            }
            Ok(Turn::Event(_)) => true,
            Ok(Turn::Wait(until)) => step(&mut connection, until).await.is_ok(),
            Ok(Turn::Finished(_)) | Err(_) => false,
        };
        if !going_on {
            return;
        }
    }
}

/// Writes what comes out of the channel until it closes.
async fn give(mut connection: Connection, mut stanzas: mpsc::UnboundedReceiver<Vec<u8>>) {
    loop {
        let until = match connection.turn().await {
            Ok(Turn::Wait(until)) => until,
            // Of answers to keys that a test showed.
            Ok(Turn::Event(_)) => continue,
            Ok(Turn::Finished(_)) | Err(_) => return,
        };
        tokio::select! {
            bytes = stanzas.recv() => {
                let Some(bytes) = bytes else { return finish(&mut connection).await };
                if connection.write(&bytes).await.is_err() {
                    return;
                }
            }
            stepped = step(&mut connection, until) => {
                if stepped.is_err() {
                    return;
                }
            }
        }
    }
}

fn arrival(stanza: &Stanza) -> Arrival {
    let mut xml = Vec::new();
    stanza.write(&mut xml);
    let error = stanza.element().root().children().find(|child| child.name() == "error");
    let condition = error.and_then(|error| error.children().find(|child| child.name() != "text"));
    Arrival {
        id: stanza.id().unwrap_or_default().to_owned(),
        condition: condition.map(|condition| condition.name().to_owned()),
        xml: String::from_utf8_lossy(&xml).into_owned(),
    }
}
