//! `refrain faults`: the stanzas on which filters of a running Refrain failed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use hyper::Method;

use super::ask::{Failed, Target};
use crate::control::fault_files;
use crate::observe::faults::FaultBundle;

pub(super) const AFTER_HELP: &str = "\
The last 16 are kept, each kind of failure once. A bundle has the stanza with its words, and the settings of the filter; `refrain
replay` plays it.

Exit codes:
  0  shown, or written
  1  Refrain could not be asked, or a file could not be written";

#[derive(Debug, Args)]
pub(super) struct Faults {
    #[command(flatten)]
    target: Target,
    /// Write each as a file into this directory, readable by you alone
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Faults {
    pub(super) fn run(self) -> ExitCode {
        match self.target.ask(Method::GET, "/faults", String::new()) {
            Ok(body) if self.target.json && self.out.is_none() => {
                super::print(String::from_utf8_lossy(&body).trim_end());
                ExitCode::SUCCESS
            }
            Ok(body) => match serde_json::from_slice::<Vec<FaultBundle>>(&body) {
                Ok(bundles) => self.show(&bundles),
                Err(error) => self.target.complain(&Failed::Unasked(format!("the answer is not understood: {error}"))),
            },
            Err(failed) => self.target.complain(&failed),
        }
    }

    fn show(&self, bundles: &[FaultBundle]) -> ExitCode {
        if bundles.is_empty() {
            super::print("no filter failed since the start");
        }
        for bundle in bundles {
            let FaultBundle { id, filter, digest, fault, direction, .. } = bundle;
            let digest = digest.get(..12).unwrap_or(digest);
            super::print(&format!("{id}  {}  {filter} ({digest}) {fault}", direction.as_str()));
            if let Some(directory) = &self.out {
                match fault_files::write(directory, bundle) {
                    Ok(Some(name)) => super::print(&format!("    {}", directory.join(name).display())),
                    Ok(None) => super::print("    is there already, or the directory is full"),
                    Err(error) => {
                        eprintln!("refrain: {}: {error}", directory.display());
                        return ExitCode::FAILURE;
                    }
                }
            }
        }
        ExitCode::SUCCESS
    }
}
