//! Takes requests at one door: bounds how many, how large and how slow they are, and whether they may.
//!
//! **server** → [`routes`]

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::routes;
use super::{Answer, Control};

/// Requests under way at one door: a person, a scraper, and some room. The doors do not share them, so that whoever fills the one
/// that every program of the machine can knock at does not close the other.
const REQUESTS_MAX: usize = 16;
/// Whoever asks has its question ready.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Likewise its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// Paths and names; a component is named by its path, not sent.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Headers of a request; hyper wants at least 8 KiB.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// A reload compiles; everything else takes milliseconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
/// After a failed accept (most often: no file descriptors left) the cause needs time to go away.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where requests come in.
pub(super) enum Door {
    /// Guarded by the permissions of the file.
    Socket(UnixListener),
    /// Guarded by the token.
    Http(TcpListener),
}

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

impl Door {
    async fn accept(&self) -> io::Result<Box<dyn Socket>> {
        Ok(match self {
            Door::Socket(listener) => Box::new(listener.accept().await?.0),
            Door::Http(listener) => Box::new(listener.accept().await?.0),
        })
    }

    fn wants_token(&self) -> bool {
        matches!(self, Door::Http(_))
    }
}

/// Serves a door until the task is aborted.
pub(super) async fn serve(control: Arc<Control>, door: Door) {
    let permits = Arc::new(Semaphore::new(REQUESTS_MAX));
    loop {
        // Waiting here leaves further callers in the backlog of the kernel.
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        match door.accept().await {
            Ok(socket) => {
                let (control, wants_token) = (control.clone(), door.wants_token());
                tokio::spawn(async move {
                    attend(control, wants_token, socket).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection at the admin listener");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection, one request.
async fn attend(control: Arc<Control>, wants_token: bool, socket: Box<dyn Socket>) {
    let service = service_fn(move |request| {
        let control = control.clone();
        async move {
            let answer = answer(control, wants_token, request).await;
            Ok::<Response<Full<Bytes>>, Infallible>(answer.into())
        }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service);
    match timeout(REQUEST_TIMEOUT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an admin request broke off"),
        Err(_) => tracing::debug!("an admin request took too long"),
    }
}

async fn answer(control: Arc<Control>, wants_token: bool, request: Request<Incoming>) -> Answer {
    if wants_token && !shows_token(&control, &request) {
        return Answer::refuse(
            StatusCode::UNAUTHORIZED,
            "show the token: Authorization: Bearer TOKEN (admin.token-file)",
        );
    }
    let (head, body) = request.into_parts();
    let body = match timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let problem = format!("the body has more than {BODY_BYTES_MAX} bytes");
            return Answer::refuse(StatusCode::PAYLOAD_TOO_LARGE, problem);
        }
        Ok(Err(error)) => return Answer::refuse(StatusCode::BAD_REQUEST, error.to_string()),
        Err(_) => return Answer::refuse(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    };
    routes::answer(control, &head.method, head.uri.path(), body).await
}

/// Looked up in the live generation, so that a new token takes a reload and no restart.
fn shows_token(control: &Control, request: &Request<Incoming>) -> bool {
    let snapshot = control.gateway.snapshot();
    let Some(http) = &snapshot.config.admin.http else { return false };
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown =
        shown.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    shown.is_some_and(|(_, token)| http.token.is(token.trim()))
}
