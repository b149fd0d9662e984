//! `refrain reload` and `refrain rollback`: change the generation of a running Refrain.

use std::process::ExitCode;

use clap::Args;
use hyper::Method;

use super::ask::Target;
use crate::control::reload::Swapped;

/// What both take.
#[derive(Debug, Args)]
pub struct Change {
    #[command(flatten)]
    target: Target,
}

impl Change {
    /// Exit codes: 0 a new generation is live, 1 Refrain could not be asked or said no, 2 the configuration has mistakes.
    pub fn reload(&self) -> ExitCode {
        self.target.show(Method::POST, "/reload", |Swapped { generation, before }| {
            format!("generation {generation} is live; `refrain rollback` brings generation {before} back")
        })
    }

    /// Exit codes: as of [`reload`](Self::reload).
    pub fn rollback(&self) -> ExitCode {
        self.target.show(Method::POST, "/rollback", |Swapped { generation, before }| {
            format!(
                "generation {generation} is live: what ran before generation {before}. The file is as it was; a reload makes it live again"
            )
        })
    }
}
