//! How a running Refrain is asked and steered: HTTP/1.1 over a Unix socket and, by choice, over loopback.
//!
//! [`server`] takes a request and bounds it → [`routes`] says who answers → an [`Answer`]; [`client`] is the other end, for the
//! commands of the same binary.

pub mod answer;
pub mod client;
mod relation;
pub mod routes;
pub mod server;
mod socket;
mod staging;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use answer::Answer;
pub use relation::Asked;

use super::reload::Reloader;
use super::staging::Staging;
use crate::pipeline::Gateway;
use server::Door;
use socket::SocketFile;

/// What the routes act on.
pub struct Control {
    /// The running gateway.
    pub gateway: Arc<Gateway>,
    /// Changes its generation.
    pub reloader: Arc<Reloader>,
    /// By which changes are tried.
    pub staging: Arc<Staging>,
    /// Where the gateway listens, in the words of the status.
    pub listeners: Listeners,
    /// When the process was ready.
    pub started: Instant,
}

/// Where the gateway listens.
#[derive(Debug, Clone, Default)]
pub struct Listeners {
    /// For the federated world.
    pub outside: Vec<SocketAddr>,
    /// For the federated world, with TLS from the first byte.
    pub outside_tls: Vec<SocketAddr>,
    /// For the protected servers.
    pub inside: Vec<SocketAddr>,
    /// For the protected servers' questions about names.
    pub names: Option<SocketAddr>,
}

/// The open doors; dropped, they close and the socket file is removed.
pub struct Admin {
    socket: Option<(PathBuf, SocketFile)>,
    http: Option<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
}

impl Admin {
    /// Opens the doors that the live configuration names.
    pub async fn open(control: Arc<Control>) -> io::Result<Admin> {
        let config = control.gateway.snapshot().config.admin.clone();
        let mut admin = Admin { socket: None, http: None, tasks: Vec::new() };
        if let Some(path) = config.socket {
            let (listener, file) = socket::bind(&path).await?;
            admin.socket = Some((path, file));
            admin.tasks.push(tokio::spawn(server::serve(control.clone(), Door::Socket(listener))));
        }
        if let Some(http) = config.http {
            let failed = |error: io::Error| {
                io::Error::new(error.kind(), format!("cannot listen on {} (admin.http): {error}", http.listen))
            };
            let listener = TcpListener::bind(http.listen).await.map_err(failed)?;
            admin.http = Some(listener.local_addr()?);
            admin.tasks.push(tokio::spawn(server::serve(control, Door::Http(listener))));
        }
        Ok(admin)
    }

    /// The address of the HTTP listener.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// The path of the Unix socket.
    pub fn socket(&self) -> Option<&PathBuf> {
        self.socket.as_ref().map(|(path, _)| path)
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
