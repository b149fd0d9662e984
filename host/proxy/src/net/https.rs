//! Fetches one text over HTTPS (RFC 9110, 9112): bounded in bytes, in time and in redirects, and always behind a certificate.
//!
//! `lists::https` → **get** → TCP, TLS, HTTP/1.1

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::task::AbortOnDropHandle;

use super::credentials;
use super::dns::ResolveError;
use super::race::Race;
use super::reach::{self, Forbidden, NamedBy};
use super::url::HttpsUrl;
use crate::pipeline::Gateway;

/// A list that moved is one step away, and behind a mirror two or three.
const REDIRECTS_MAX: usize = 5;
/// Of the head of an answer; hyper wants at least 8 KiB.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Of one validator, which is kept and sent back.
const VALIDATOR_BYTES_MAX: usize = 1_024;
/// Of where a redirect leads, in a log.
const SHOWN_CHARS_MAX: usize = 200;
/// An address that takes the connection and then says nothing leaves time for two others.
const TLS_SHARE: u32 = 3;
/// Media types (RFC 9110 §8.3.1) of what is surely no list: a page that says that there is none, that of a captive portal, the
/// answer of a program.
const NO_LISTS: [(&str, &str); 3] =
    [("text/html", "a web page"), ("application/xhtml+xml", "a web page"), ("application/json", "JSON")];

/// What is asked for.
pub struct Get<'g> {
    /// Where.
    pub url: &'g HttpsUrl,
    /// Which state of it is known already.
    pub known: Option<&'g Validators>,
    /// More than this is not read.
    pub bytes_max: u64,
    /// Who may vouch for the server; without it, whoever may vouch for remote servers.
    pub ca_file: Option<&'g Path>,
    /// How long it may take.
    pub patience: Patience,
}

/// How long an answer may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until TLS is up, until the head is there, and between any two pieces.
    pub step: Duration,
    /// All of it, redirects included: a server that sends a byte now and then is slow, too.
    pub whole: Duration,
}

/// What tells one state of a text from another (RFC 9110 §8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Validators {
    /// `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub enum Got {
    /// The state that is known already.
    Same,
    /// A text.
    Text(String, Validators),
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// Its name.
    #[error("{0}")]
    Resolve(#[from] ResolveError),
    /// Its address.
    #[error("{0} is not asked: {1}")]
    Forbidden(SocketAddr, Forbidden),
    /// Nobody there, or cut off.
    #[error("the connection failed: {0}")]
    Connection(#[from] std::io::Error),
    /// Not who it should be, above all.
    #[error("TLS failed: {0}")]
    Tls(std::io::Error),
    /// The file of authorities.
    #[error("ca-file: {0}")]
    Authority(String),
    /// Not HTTP.
    #[error("no proper answer: {}", with_causes(.0))]
    Http(#[from] hyper::Error),
    /// An answer that is not the text.
    #[error("it answered {}", .0)]
    Status(StatusCode, Option<Duration>),
    /// A redirect that leads nowhere.
    #[error("it leads elsewhere: {0}")]
    Redirect(String),
    /// More bytes than wanted.
    #[error("it is larger than {0} bytes (bytes-max)")]
    TooLarge(u64),
    /// Bytes of another kind.
    #[error("it is {0}, not a text with one entry a line")]
    NotText(&'static str),
    /// It took too long.
    #[error("no answer in time")]
    TooSlow,
}

impl GetError {
    /// When the server wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            GetError::Status(_, after) => *after,
            _ => None,
        }
    }
}

/// Fetches it.
pub async fn get(gateway: &Gateway, get: &Get<'_>) -> Result<Got, GetError> {
    timeout(get.patience.whole, follow(gateway, get)).await.unwrap_or(Err(GetError::TooSlow))
}

async fn follow(gateway: &Gateway, get: &Get<'_>) -> Result<Got, GetError> {
    let mut url = get.url.clone();
    for _ in 0..=REDIRECTS_MAX {
        let response = exchange(gateway, get, &url).await?;
        match response.status() {
            StatusCode::OK => return read(get, response).await,
            // Without a question that allows it (RFC 9110 §15.4.5), 304 says nothing.
            StatusCode::NOT_MODIFIED if get.known.is_some() => return Ok(Got::Same),
            StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT => {
                let location = text_of(response.headers(), header::LOCATION);
                url = redirected(&url, location.as_deref())?;
            }
            status => return Err(GetError::Status(status, retry_after(response.headers()))),
        }
    }
    Err(GetError::Redirect(format!("more than {REDIRECTS_MAX} times")))
}

fn redirected(from: &HttpsUrl, location: Option<&str>) -> Result<HttpsUrl, GetError> {
    let location = location.ok_or_else(|| GetError::Redirect("and does not say where".to_owned()))?;
    from.follow(location).map_err(|problem| GetError::Redirect(format!("\"{}\" {problem}", shown(location))))
}

/// Host and path, cut: neither a query nor a user belongs into a log.
fn shown(location: &str) -> String {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let path = path.rsplit_once('@').map_or(path, |(_, after)| after);
    path.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARS_MAX).collect()
}

/// An error of hyper's says only what it was doing.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// One question and the head of its answer.
async fn exchange(gateway: &Gateway, get: &Get<'_>, url: &HttpsUrl) -> Result<Answered, GetError> {
    let slow = |_| GetError::TooSlow;
    let stream = timeout(get.patience.step, connect(gateway, get, url)).await.map_err(slow)??;
    let (mut requests, connection) =
        http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await?;
    let driving = AbortOnDropHandle::new(tokio::spawn(async move {
        // What breaks here breaks the body too, where it is told.
        let _ = connection.await;
    }));
    let request = request(url, get.known);
    let response = timeout(get.patience.step, requests.send_request(request)).await.map_err(slow)??;
    Ok(Answered { response, _driving: driving })
}

/// An answer, with the task that moves its bytes.
struct Answered {
    response: Response<Incoming>,
    _driving: AbortOnDropHandle<()>,
}

impl Answered {
    fn status(&self) -> StatusCode {
        self.response.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }
}

fn request(url: &HttpsUrl, known: Option<&Validators>) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    // What was read from a URL is fit for a request.
    *request.uri_mut() = url.target().parse().unwrap_or_default();
    let Validators { etag, last_modified } = known.cloned().unwrap_or_default();
    let headers = [
        (header::HOST, Some(url.authority())),
        (header::USER_AGENT, Some(concat!("refrain/", env!("CARGO_PKG_VERSION")).to_owned())),
        (header::ACCEPT, Some("text/plain, */*;q=0.1".to_owned())),
        // A few bytes could become gigabytes.
        (header::ACCEPT_ENCODING, Some("identity".to_owned())),
        (header::IF_NONE_MATCH, etag),
        (header::IF_MODIFIED_SINCE, last_modified),
    ];
    for (name, value) in headers {
        if let Some(Ok(value)) = value.map(|value| value.parse()) {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

async fn connect(gateway: &Gateway, get: &Get<'_>, url: &HttpsUrl) -> Result<TlsStream<TcpStream>, GetError> {
    let addresses = addresses(gateway, get, url).await?;
    let connector = TlsConnector::from(Arc::new(client(gateway, get.ca_file)?));
    let name = ServerName::try_from(url.host().to_owned()).map_err(|_| ResolveError::NotFound)?;
    let (mut race, mut failure) = (Race::new(addresses), GetError::Resolve(ResolveError::NotFound));
    while let Some((_, reached)) = race.next().await {
        failure = match reached {
            Ok(socket) => match timeout(get.patience.step / TLS_SHARE, connector.connect(name.clone(), socket)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => GetError::Tls(error),
                Err(_) => GetError::TooSlow,
            },
            Err(error) => GetError::Connection(error),
        };
    }
    Err(failure)
}

/// The operator's own URL may lead anywhere, but not to ourselves; where a server sends us must be of the public Internet (threat
/// T40).
async fn addresses(gateway: &Gateway, get: &Get<'_>, url: &HttpsUrl) -> Result<Vec<SocketAddr>, GetError> {
    let snapshot = gateway.snapshot();
    let found = match url.host().parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, url.port())],
        Err(_) => snapshot.resolver.addresses(url.host(), url.port()).await?,
    };
    let named_by = match url.authority() == get.url.authority() {
        true => NamedBy::Operator,
        false => NamedBy::Zone { private_addresses: false },
    };
    let servers = || snapshot.config.domains.iter().map(|hosted| hosted.server);
    let judged = found.into_iter().map(|address| {
        let forbidden = reach::forbidden(address, named_by, &gateway.own_doors, servers());
        forbidden.map_or(Ok(address), |reason| Err(refusal(address, named_by, reason)))
    });
    let (allowed, mut refused): (Vec<_>, Vec<_>) = judged.partition(Result::is_ok);
    match (allowed.is_empty(), refused.pop()) {
        (true, Some(Err(error))) => Err(error),
        (true, _) => Err(ResolveError::NotFound.into()),
        (false, _) => Ok(allowed.into_iter().flatten().collect()),
    }
}

/// No setting would let a redirect lead there.
fn refusal(address: SocketAddr, named_by: NamedBy, reason: Forbidden) -> GetError {
    match (named_by, reason) {
        (NamedBy::Zone { .. }, Forbidden::Special(kind)) => {
            GetError::Redirect(format!("to {address}, a {kind} address, to which only your own url may lead"))
        }
        (NamedBy::Zone { .. }, Forbidden::Port(_)) => {
            GetError::Redirect(format!("to {address}: to a port below 1024 other than 443 only your own url may lead"))
        }
        (NamedBy::Operator, _) | (_, Forbidden::Own) => GetError::Forbidden(address, reason),
    }
}

fn client(gateway: &Gateway, ca_file: Option<&Path>) -> Result<ClientConfig, GetError> {
    let roots = match ca_file {
        None => gateway.snapshot().tls.roots().clone(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            let authorities = credentials::certificates(path).map_err(|unfit| GetError::Authority(unfit.problem))?;
            roots.add_parsable_certificates(authorities);
            roots
        }
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| GetError::Tls(std::io::Error::other(error)))?;
    let mut client = builder.with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(client)
}

async fn read(get: &Get<'_>, answered: Answered) -> Result<Got, GetError> {
    let Answered { response, _driving } = answered;
    let (head, mut body) = response.into_parts();
    if let Some(what) = no_list(&head.headers) {
        return Err(GetError::NotText(what));
    }
    let too_large = || GetError::TooLarge(get.bytes_max);
    if body.size_hint().lower() > get.bytes_max {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = timeout(get.patience.step, body.frame()).await.map_err(|_| GetError::TooSlow)? {
        let Ok(data) = frame?.into_data() else { continue };
        if (bytes.len() + data.len()) as u64 > get.bytes_max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    let text = String::from_utf8(bytes.into()).map_err(|_| GetError::NotText("not UTF-8"))?;
    let validator = |name| text_of(&head.headers, name).filter(|value| value.len() <= VALIDATOR_BYTES_MAX);
    let validators = Validators { etag: validator(header::ETAG), last_modified: validator(header::LAST_MODIFIED) };
    Ok(Got::Text(text, validators))
}

/// What the head says that the body is, if that is surely no list.
fn no_list(headers: &HeaderMap) -> Option<&'static str> {
    let encoding = text_of(headers, header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
        return Some("compressed");
    }
    let kind = text_of(headers, header::CONTENT_TYPE)?;
    let kind = kind.split(';').next().unwrap_or_default().trim();
    NO_LISTS.iter().find(|(no_list, _)| kind.eq_ignore_ascii_case(no_list)).map(|(_, what)| *what)
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// RFC 9110 §10.2.3, in seconds; a date is as good as nothing said.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    text_of(headers, header::RETRY_AFTER)?.trim().parse().ok().map(Duration::from_secs)
}
