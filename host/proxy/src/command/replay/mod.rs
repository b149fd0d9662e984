//! `refrain replay`: a corpus through the chains of one configuration, or of two to see what would change.
//!
//! corpus → [`contest`] → [`report`]

mod contest;
mod report;

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::BAD_USAGE;
use crate::control::corpus::{self, CorpusError};
use contest::{Contest, Contestant};

pub(super) const AFTER_HELP: &str = "\
Only the chains of a configuration are built: no certificate is read, nothing is listened to or resolved. Every stanza is judged at
the time at which it was recorded. Latencies are those of this machine.

Examples:
  refrain replay corpus.jsonl --config refrain.toml
  refrain replay corpus.jsonl --config candidate.toml --against refrain.toml

Exit codes:
  0  played; with --against: every verdict and every resulting stanza is the same
  1  with --against: there are differences
  2  wrong usage, configuration or corpus";

/// Between two signs of life on a terminal.
const PROGRESS_PERIOD: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// What `refrain record` wrote
    corpus: PathBuf,
    /// The configuration whose chains judge
    #[arg(long, short, value_name = "FILE")]
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
    Unreadable { file: PathBuf, error: io::Error },
}

impl Replay {
    pub(super) fn run(self) -> ExitCode {
        match self.play() {
            Ok(contest) => {
                if self.json {
                    println!("{}", report::json(&contest));
                } else {
                    print!("{}", report::Text(&contest));
                }
                if contest.differences.count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(BAD_USAGE)
            }
        }
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
