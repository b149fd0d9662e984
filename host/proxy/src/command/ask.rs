//! What the commands have in common that ask a running Refrain: where it is, and what is said when it does not answer.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use hyper::{Method, StatusCode};
use serde::de::DeserializeOwned;

use super::BAD_USAGE;
use crate::config::admin::socket_named_in;
use crate::control::admin::answer::Refusal;
use crate::control::admin::client;

/// Which running Refrain.
#[derive(Debug, Args)]
pub struct Target {
    /// The configuration it was started with, which names its admin socket
    #[arg(long, short, value_name = "FILE", default_value = "refrain.toml")]
    config: PathBuf,
    /// Its admin socket, instead of the one that the configuration names
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    socket: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// Why there is nothing to show. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// No socket to ask at.
    #[error("{0}")]
    Unasked(String),
    /// It said no.
    #[error("{}", .0.error)]
    Refused(Refusal),
}

impl Target {
    /// Asks and returns the answer as it came.
    pub fn ask(&self, method: Method, path: &str, body: String) -> Result<Vec<u8>, Failed> {
        let socket = self.socket()?;
        let reply = client::ask(&socket, method, path, body).map_err(|error| Failed::Unasked(error.to_string()))?;
        if reply.status == StatusCode::OK {
            return Ok(reply.body.to_vec());
        }
        let unknown = |_| Refusal { error: format!("Refrain answered {}", reply.status), mistakes: Vec::new() };
        Err(Failed::Refused(serde_json::from_slice(&reply.body).unwrap_or_else(unknown)))
    }

    /// Asks and prints: the JSON as it came, or what `show` makes of it.
    pub fn show<T: DeserializeOwned>(&self, method: Method, path: &str, show: impl FnOnce(T) -> String) -> ExitCode {
        self.show_answer(method, path, String::new(), show)
    }

    /// Like [`show`](Self::show), with a body that says what is asked.
    pub fn show_answer<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: String,
        show: impl FnOnce(T) -> String,
    ) -> ExitCode {
        let shown = self.ask(method, path, body).and_then(|body| {
            if self.json {
                return Ok(String::from_utf8_lossy(&body).trim_end().to_owned());
            }
            let read = serde_json::from_slice(&body);
            read.map(show).map_err(|error| {
                Failed::Unasked(format!(
                    "the answer is not understood ({error}): is another version of Refrain running?"
                ))
            })
        });
        match shown {
            Ok(text) => {
                super::print(&text);
                ExitCode::SUCCESS
            }
            Err(failed) => self.complain(&failed),
        }
    }

    /// Says why not. Exit codes: 1 it could not be asked or said no, 2 its configuration has mistakes.
    pub fn complain(&self, failed: &Failed) -> ExitCode {
        if let Failed::Refused(refusal) = failed {
            if self.json {
                super::print(&serde_json::to_string(refusal).unwrap_or_default());
            } else {
                refusal.mistakes.iter().for_each(|mistake| eprintln!("{mistake}"));
            }
            if !refusal.mistakes.is_empty() {
                eprintln!("refrain: {failed}");
                return ExitCode::from(BAD_USAGE);
            }
        }
        eprintln!("refrain: {failed}");
        ExitCode::FAILURE
    }

    fn socket(&self) -> Result<PathBuf, Failed> {
        if let Some(socket) = &self.socket {
            return Ok(socket.clone());
        }
        let config = self.config.display();
        match socket_named_in(&self.config) {
            Ok(Some(socket)) => Ok(socket),
            Ok(None) => Err(Failed::Unasked(format!(
                "{config} names no admin socket; write there, and restart Refrain:\n\n    [admin]\n    socket = \"refrain.sock\"\n"
            ))),
            Err(error) => Err(Failed::Unasked(format!(
                "{config}: {error}; write --config FILE, the configuration Refrain was started with, or --socket PATH"
            ))),
        }
    }
}
