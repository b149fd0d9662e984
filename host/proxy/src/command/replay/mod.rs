//! `refrain replay`: a corpus through the chains of one configuration, or of two to see what would change.
//!
//! corpus → [`contest`] → [`report`]

mod bundle;
mod contest;
mod report;

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::BAD_USAGE;
use crate::control::corpus::{self, CorpusError};
use crate::observe::faults::FaultBundle;
use contest::{Contest, Contestant};

pub(super) const AFTER_HELP: &str = "\
Only the chains of a configuration are built: no certificate is read, nothing is listened to or resolved. Every stanza is judged at
the time at which it was recorded. Latencies are those of this machine.

A fault bundle (a stanza on which a filter failed, with the settings it had) is played the same way: to that one filter.

Examples:
  refrain replay corpus.jsonl
  refrain replay corpus.jsonl --config candidate.toml --against refrain.toml
  refrain replay faults/fault-1f6e2a90c3d4-trap-5b0c77e1.json

Exit codes:
  0  played; with --against: every verdict and every resulting stanza is the same; a bundle: the filter does not fail any more
  1  with --against: there are differences; a bundle: the filter fails still
  2  wrong usage, configuration or corpus";

/// Between two signs of life on a terminal.
const PROGRESS_PERIOD: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// What `refrain record` wrote, or a fault bundle
    corpus: PathBuf,
    /// The configuration whose chains judge
    #[arg(long, short, value_name = "FILE", default_value = "refrain.toml")]
    config: PathBuf,
    /// Another configuration to compare with: what differs is what --config would change
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
enum ReplayError {
    #[error("{0}")]
    Configuration(#[from] contest::LoadError),
    #[error("{}: {error}", file.display())]
    Corpus { file: PathBuf, error: CorpusError },
    #[error("{}: {error}", file.display())]
    Bundle { file: PathBuf, error: bundle::BundleError },
    #[error("--against compares what is said about a corpus; a fault bundle is about one filter that fails")]
    AgainstBundle,
    #[error("{}: {error}", file.display())]
    Unreadable { file: PathBuf, error: io::Error },
}

impl Replay {
    pub(super) fn run(self) -> ExitCode {
        let reported = match bundle::read(&self.corpus) {
            Some(bundle) => self.play_bundle(bundle),
            None => self.play_corpus(),
        };
        reported.unwrap_or_else(|error| {
            eprintln!("{error}");
            ExitCode::from(BAD_USAGE)
        })
    }

    fn play_corpus(&self) -> Result<ExitCode, ReplayError> {
        let contest = self.play()?;
        let report = if self.json { report::json(&contest).to_string() } else { report::Text(&contest).to_string() };
        println!("{}", report.trim_end());
        Ok(if contest.differences.count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn play_bundle(&self, bundle: FaultBundle) -> Result<ExitCode, ReplayError> {
        if self.against.is_some() {
            return Err(ReplayError::AgainstBundle);
        }
        let played = bundle::play(bundle, &self.config)
            .map_err(|error| ReplayError::Bundle { file: self.corpus.clone(), error })?;
        println!("{}", if self.json { played.json().to_string() } else { played.text() });
        Ok(if played.fails() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn play(&self) -> Result<Contest, ReplayError> {
        let file =
            File::open(&self.corpus).map_err(|error| ReplayError::Unreadable { file: self.corpus.clone(), error })?;
        let against = self.against.as_deref().map(Contestant::load).transpose()?;
        let mut contest = Contest::new(Contestant::load(&self.config)?, against);
        let mut progress = Progress::start();
        for entry in corpus::read(BufReader::new(file)) {
            let (entry, stanza) = entry.map_err(|error| ReplayError::Corpus { file: self.corpus.clone(), error })?;
            contest.play(&entry, &stanza);
            progress.tell(contest.stanzas);
        }
        progress.end();
        Ok(contest)
    }
}

/// The name by which a report calls a configuration.
fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// A count on the terminal that stays on its line.
struct Progress {
    told: Option<Instant>,
    shown: bool,
}

impl Progress {
    fn start() -> Self {
        Progress { told: io::stderr().is_terminal().then(Instant::now), shown: false }
    }

    fn tell(&mut self, stanzas: u64) {
        let due = self.told.is_some_and(|told| told.elapsed() >= PROGRESS_PERIOD);
        if due {
            self.told = Some(Instant::now());
            self.shown = true;
            eprint!("\r{stanzas} stanzas");
            // A terminal that has gone away needs no progress.
            let _ = io::stderr().flush();
        }
    }

    fn end(self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}

/// Plays a corpus for a test: how many stanzas there were, and how many were judged otherwise than when they were recorded.
#[cfg(test)]
pub(crate) fn play(corpus: &Path, config: &Path) -> (u64, u64) {
    let replay = Replay { corpus: corpus.to_owned(), config: config.to_owned(), against: None, json: false };
    let contest = replay.play().unwrap_or_else(|error| panic!("{error}"));
    (contest.stanzas, contest.unlike_recorded)
}
