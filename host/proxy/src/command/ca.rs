//! `refrain ca`: the authority that protected servers trust, and how each of them is told to.

mod init;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

pub(super) const AFTER_HELP: &str = "\
Examples:
  refrain ca init --dir . --excluded example.org   make inside-ca.pem and inside-ca.key
  refrain ca show --for prosody                    print what Prosody has to be told; ejabberd and others likewise

Exit codes: 0 done, 1 failed at run time, 2 wrong usage or configuration.";

/// What can be done about the inside authority.
#[derive(Debug, Subcommand)]
pub enum Ca {
    /// Make a new one: inside-ca.pem and inside-ca.key
    Init(init::Init),
    /// Print how a protected server is told to trust it and to send everything to Refrain
    Show(show::Show),
}

impl Ca {
    /// Carries the subcommand out.
    pub fn run(&self) -> ExitCode {
        match self {
            Ca::Init(init) => init.run(),
            Ca::Show(show) => show.run(),
        }
    }
}
