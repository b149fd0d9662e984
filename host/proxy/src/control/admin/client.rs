//! Asks a running Refrain over its Unix socket.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// Whether it was done, and else why not.
    pub status: StatusCode,
    /// JSON, but for the metrics.
    pub body: Bytes,
}

/// Why nothing came back. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no socket, or nobody behind it.
    #[error(
        "nobody listens at {}: {error}; is Refrain running, with this [admin] socket in its configuration?",
        .path.display()
    )]
    NobodyThere {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file's permissions keep us out.
    #[error("{} belongs to another user: run this as the one who runs Refrain", .0.display())]
    NotAllowed(PathBuf),
    /// The answer broke off.
    #[error("Refrain did not answer: {0}")]
    Broken(String),
}

/// Sends one request and reads the answer to its end.
pub fn ask(socket: &Path, method: Method, path: &str, body: String) -> Result<Reply, AskError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| AskError::Broken(error.to_string()))?;
    runtime.block_on(ask_within(socket, method, path, body))
}

pub(super) async fn ask_within(socket: &Path, method: Method, path: &str, body: String) -> Result<Reply, AskError> {
    let stream = UnixStream::connect(socket).await.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => AskError::NotAllowed(socket.to_owned()),
        _ => AskError::NobodyThere { path: socket.to_owned(), error },
    })?;
    exchange(stream, method, path, body).await.map_err(|error| AskError::Broken(error.to_string()))
}

async fn exchange(
    stream: UnixStream,
    method: Method,
    path: &str,
    body: String,
) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let request =
        Request::builder().method(method).uri(path).header(HOST, "refrain").body(Full::new(Bytes::from(body)))?;
    let response = requests.send_request(request).await?;
    let (status, body) = (response.status(), response.into_body().collect().await?.to_bytes());
    driving.abort();
    Ok(Reply { status, body })
}
