//! A server of lists on loopback, with TLS and an authority of its own, and every vice that one may have.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Dropped, it is gone.
pub struct ListServer {
    pub address: SocketAddr,
    /// The file of its authority.
    pub ca: PathBuf,
    said: Arc<Mutex<Said>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Said {
    list: String,
    /// The heads of all requests.
    requests: Vec<String>,
}

impl ListServer {
    /// Serves a list at `/list.txt`.
    pub async fn start(folder: &Path, list: &str) -> Self {
        Self::named(folder, "127.0.0.1", list).await
    }

    /// Likewise, with a certificate for `name`.
    pub async fn named(folder: &Path, name: &str, list: &str) -> Self {
        let ca = folder.join(format!("lists-ca-{name}.pem"));
        let acceptor = TlsAcceptor::from(Arc::new(identity(&ca, name)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let said = Arc::new(Mutex::new(Said { list: list.to_owned(), requests: Vec::new() }));
        let shared = said.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, said) = (acceptor.clone(), shared.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        // Whoever is asked may hang up: that is what is tested.
                        let _ = answer(stream, &said).await;
                    }
                });
            }
        });
        ListServer { address, ca, said, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    pub fn says(&self, list: &str) {
        self.said.lock().unwrap().list = list.to_owned();
    }

    pub fn requests(&self) -> Vec<String> {
        self.said.lock().unwrap().requests.clone()
    }
}

impl Drop for ListServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn identity(ca: &Path, name: &str) -> ServerConfig {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(ca, params.self_signed(&authority_key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    builder.with_single_cert(vec![certificate.der().clone()], key).unwrap()
}

async fn answer(mut stream: TlsStream<TcpStream>, said: &Mutex<Said>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let list = {
        let mut said = said.lock().unwrap();
        said.requests.push(head.clone());
        said.list.clone()
    };
    let path = head.split(' ').nth(1).unwrap_or_default();
    let whole = |head: &str, body: &[u8]| {
        let mut answer = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
        answer
    };
    let etag = format!("\"{}-{}\"", list.len(), list.lines().count());
    let answer = match path {
        "/list.txt" if head.contains(&format!("if-none-match: {etag}")) => {
            b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()
        }
        "/list.txt" => whole(&format!("200 OK\r\ncontent-type: text/plain\r\netag: {etag}"), list.as_bytes()),
        "/same" => b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec(),
        "/moved" => whole("302 Found\r\nlocation: /list.txt", b""),
        "/loop" => whole("302 Found\r\nlocation: /loop", b""),
        "/plain" => whole("302 Found\r\nlocation: http://127.0.0.1/list.txt", b""),
        "/away" => whole("302 Found\r\nlocation: https://127.0.0.2:443/list.txt", b""),
        "/nowhere" => whole("302 Found", b""),
        "/secret" => whole("302 Found\r\nlocation: http://me@127.0.0.1/list.txt?token=secret", b""),
        "/page" => whole("200 OK\r\ncontent-type: Text/HTML; charset=utf-8", b"<p>no list here</p>"),
        "/json" => whole("200 OK\r\ncontent-type: application/json", b"{\"error\":\"x.example\"}"),
        "/latin1" => whole("200 OK", b"caf\xe9.example"),
        "/busy" => whole("503 Service Unavailable\r\nretry-after: 7200", b""),
        "/long" => b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nx.example\n".to_vec(),
        "/broken" => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx.example\n".to_vec(),
        "/slow" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await?;
            loop {
                stream.write_all(b"x").await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        "/flood" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                stream.write_all("x.example\n".repeat(1_000).as_bytes()).await?;
            }
        }
        "/silent" => std::future::pending().await,
        _ => whole("404 Not Found", b""),
    };
    stream.write_all(&answer).await?;
    stream.shutdown().await
}
