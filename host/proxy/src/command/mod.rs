//! What one types: one file per subcommand.

mod ask;
mod ca;
mod check;
pub mod demo;
mod explain;
mod faults;
mod filter;
mod list;
mod peers;
mod ping;
mod record;
mod relation;
mod reload;
pub(crate) mod replay;
mod run;
mod shadow;
mod status;
mod table;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::observe::telemetry;

/// Wrong usage or a wrong configuration; clap uses the same.
pub(crate) const BAD_USAGE: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  refrain demo                            see what it does, on this machine, without any setup
  refrain ca init --dir . --excluded example.org
  refrain check                           report every mistake in refrain.toml at once
  refrain run                             serve until SIGTERM, then drain
  refrain status                          ask the running one, by the socket that refrain.toml names
  refrain explain t6vw1c-2s               say why a stanza was refused, by the id in its log line
  refrain shadow start                    try an edited refrain.toml on live stanzas, without effect
  refrain reload                          let it read its configuration again
  refrain filter new link-limit           write a filter of your own

Logs go to stderr: sentences on a terminal, JSON lines elsewhere. Bodies of messages are never logged.

Exit codes:
  0  all went well
  1  failed at run time
  2  wrong usage or configuration";

const CHECK_HELP: &str = "\
Examples:
  refrain check                           ./refrain.toml
  refrain check --config candidate.toml   another file, such as one that is not live yet

Exit codes: 0 it would run, 2 it would not.";

const STATUS_HELP: &str = "\
Examples:
  refrain status                          chains, reasons, lists, streams, and what the last reload did
  refrain status --json | jq .            the same for programs, with every reason

Exit codes: 0 shown, 1 Refrain could not be asked.";

const EXPLAIN_HELP: &str = "\
Examples:
  refrain explain t6vw1c-2s               what each filter said of it, and why

Exit codes: 0 found, 1 not found, or Refrain could not be asked.";

const RELOAD_HELP: &str = "\
Examples:
  refrain reload                          after an edit of refrain.toml, or of a file that it names
  refrain rollback                        and back

Exit codes: 0 a new generation is live, 1 Refrain could not be asked or said no, 2 the configuration has mistakes.";

/// A filtering proxy between an XMPP server and the federated world.
///
/// Refrain terminates server-to-server streams on both sides and lets every stanza pass a chain of sandboxed WebAssembly filters.
#[derive(Debug, Parser)]
#[command(name = "refrain", version, after_help = EXAMPLES, max_term_width = 100)]
struct Arguments {
    /// What to log, as in `debug` or `refrain=debug,warn`; wins over RUST_LOG
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT, then drain: no accepted stanza is lost. SIGHUP reloads
    #[command(after_help = "Exit codes: 0 drained without loss, 1 failed at run time, 2 the configuration is wrong.")]
    Run(run::Run),
    /// Report every mistake in a configuration, or what it would run
    #[command(after_help = CHECK_HELP)]
    Check(ConfigFile),
    /// Play the whole gateway on this machine: two servers, TLS on both sides, three filters
    #[command(after_help = "Exit codes: 0 every stanza ended as expected, 1 it did not.")]
    Demo {
        /// Print JSON lines instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Judge recorded stanzas again, offline, by the chains of one configuration or of two
    #[command(after_help = replay::AFTER_HELP)]
    Replay(replay::Replay),
    /// Keep a sample of what passes by a running Refrain, without its words unless asked
    #[command(after_help = record::AFTER_HELP)]
    Record(record::Record),
    /// Let a candidate judge live stanzas beside the live chain, without effect
    #[command(subcommand, after_help = shadow::SHADOW_HELP)]
    Shadow(shadow::Shadow),
    /// Make live what a shadow tried
    #[command(after_help = shadow::PROMOTE_HELP)]
    Promote(shadow::Promote),
    /// Show the stanzas on which filters of a running Refrain failed
    #[command(after_help = faults::AFTER_HELP)]
    Faults(faults::Faults),
    /// Show what a running Refrain is doing
    #[command(after_help = STATUS_HELP)]
    Status(status::Look),
    /// Show the chains of a running Refrain: who is in them, what each is asked about and what it may do
    #[command(after_help = "Exit codes: 0 shown, 1 Refrain could not be asked.")]
    Chain(status::Look),
    /// Show the remote domains that were here, and whether the key of one has changed
    #[command(after_help = peers::AFTER_HELP)]
    Peers(peers::Peers),
    /// Ask whether a remote address is known to a local one, as filters are told
    #[command(after_help = relation::AFTER_HELP)]
    Relation(relation::RelationOf),
    /// Show the lists, where their entries are from, and whether one covers an address
    #[command(after_help = list::AFTER_HELP)]
    List(list::List),
    /// Ask a domain for a sign of life, over the streams that stanzas take
    #[command(after_help = ping::AFTER_HELP)]
    Ping(ping::Ping),
    /// Show how a running Refrain judged one stanza, by the id in its log line
    #[command(after_help = EXPLAIN_HELP)]
    Explain(explain::Explain),
    /// Let a running Refrain read its configuration again; a wrong one changes nothing
    #[command(after_help = RELOAD_HELP)]
    Reload(reload::Change),
    /// Let a running Refrain go back to the generation before this one
    #[command(after_help = RELOAD_HELP)]
    Rollback(reload::Change),
    /// Write, build, test and measure a filter
    #[command(subcommand, after_help = filter::AFTER_HELP)]
    Filter(filter::Filter),
    /// Make the authority that the protected server trusts, and print how it is told to
    #[command(subcommand, after_help = ca::AFTER_HELP)]
    Ca(ca::Ca),
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file; paths in it are relative to its folder
    #[arg(long, short, value_name = "FILE", default_value = "refrain.toml")]
    config: PathBuf,
}

/// Prints for whoever reads; when nobody does any more (as in `| head`), that is not a failure.
pub(crate) fn print(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Parses the arguments of this process and carries them out.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let default = if matches!(arguments.command, Command::Demo { .. } | Command::Replay(_) | Command::Filter(_)) {
        telemetry::QUIET
    } else {
        telemetry::OPERATING
    };
    if let Err(error) = telemetry::start(arguments.log.as_deref(), default) {
        eprintln!("refrain: --log or RUST_LOG: {error}; write a level such as debug, or refrain=debug,warn");
        return ExitCode::from(BAD_USAGE);
    }
    match arguments.command {
        Command::Run(run) => run.run(),
        Command::Check(file) => check::run(&file.config),
        Command::Demo { json } => demo::run(json),
        Command::Replay(replay) => replay.run(),
        Command::Record(record) => record.run(),
        Command::Shadow(shadow) => shadow.run(),
        Command::Promote(promote) => promote.run(),
        Command::Faults(faults) => faults.run(),
        Command::Status(look) => look.status(),
        Command::Chain(look) => look.chain(),
        Command::Peers(peers) => peers.run(),
        Command::Relation(relation) => relation.run(),
        Command::List(list) => list.run(),
        Command::Ping(ping) => ping.run(),
        Command::Explain(explain) => explain.run(),
        Command::Reload(change) => change.reload(),
        Command::Rollback(change) => change.rollback(),
        Command::Filter(filter) => filter.run(),
        Command::Ca(ca) => ca.run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_log_filter_may_stand_after_the_subcommand() {
        let arguments =
            Arguments::try_parse_from(["refrain", "check", "--config", "x.toml", "--log", "debug"]).unwrap();
        assert_eq!(arguments.log.as_deref(), Some("debug"));
    }
}
