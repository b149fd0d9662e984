//! `refrain ca show`: how one kind of server is told to trust our authority and to send everything to us, made from the
//! configuration. One file for each kind.

mod ejabberd;
mod erlang;
mod guide;
mod jabberd2;
mod mongooseim;
mod openfire;
mod prosody;
mod site;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use refrain_proto::Domain;

use crate::command::BAD_USAGE;
use crate::config::Config;
use guide::Guide;
use site::{Site, sites};

/// Arguments of `refrain ca show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  refrain ca show --for prosody
  refrain ca show --for ejabberd --config /etc/refrain/refrain.toml --domain example.org

Where several servers are protected, each has a page of its own; --domain shows the one for the server of that domain.

Exit codes: 0 shown, 2 the configuration is wrong, or lacks what the server needs.")]
pub struct Show {
    /// The kind of the protected server
    #[arg(long = "for", value_enum, value_name = "SERVER")]
    kind: Kind,
    /// The configuration file; paths in it are relative to its folder
    #[arg(long, short, value_name = "FILE", default_value = "refrain.toml")]
    config: PathBuf,
    /// Only the server of this domain
    #[arg(long, value_name = "DOMAIN", value_parser = Domain::parse)]
    domain: Option<Domain>,
}

/// Servers that can stand behind Refrain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Prosody,
    Ejabberd,
    Openfire,
    Mongooseim,
    Jabberd2,
}

impl Show {
    /// Exit codes: 0 shown, 2 the configuration is wrong, or lacks what the server needs.
    pub fn run(&self) -> ExitCode {
        match self.pages() {
            Ok(pages) => {
                super::super::print(&pages);
                ExitCode::SUCCESS
            }
            Err(problem) => {
                eprintln!("{problem}");
                ExitCode::from(BAD_USAGE)
            }
        }
    }

    fn pages(&self) -> Result<String, String> {
        let config = Config::load(&self.config).map_err(|mistakes| mistakes.to_string())?;
        let sites = sites(&config, self.domain.as_ref())?;
        let pages: Result<Vec<String>, String> =
            sites.iter().map(|site| Ok(self.kind.guide(site)?.to_string())).collect();
        Ok(pages?.join("\n"))
    }
}

impl Kind {
    fn guide(self, site: &Site<'_>) -> Result<Guide, String> {
        match self {
            Kind::Prosody => prosody::guide(site),
            Kind::Ejabberd => ejabberd::guide(site),
            Kind::Openfire => openfire::guide(site),
            Kind::Mongooseim => mongooseim::guide(site),
            Kind::Jabberd2 => jabberd2::guide(site),
        }
    }
}

#[cfg(test)]
mod tests;
