//! `refrain status` and `refrain chain`: what a running Refrain is doing.

use std::process::ExitCode;

use clap::Args;
use hyper::Method;

use super::ask::Target;
use crate::control::status::Status;

/// What both take.
#[derive(Debug, Args)]
pub struct Look {
    #[command(flatten)]
    target: Target,
}

impl Look {
    /// Exit codes: 0 shown, 1 Refrain could not be asked.
    pub fn status(&self) -> ExitCode {
        self.target.show(Method::GET, "/status", |status: Status| format!("{status:#?}"))
    }
}
