//! `refrain record`: a corpus of what passes by a running Refrain.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Args;
use hyper::Method;

use super::ask::{Failed, Target};
use crate::control::record::{Batch, Wanted};

pub(super) const AFTER_HELP: &str = "\
The file has one JSON object a line: the stanza as it was before any filter saw it, and what the live chain decided. Without
--with-bodies every letter of what people wrote is an x and every digit a 0; addresses stay. The file is readable by you alone.
`refrain replay` plays it.

Exit codes:
  0  recorded; fewer than --count if time was up
  1  Refrain could not be asked or said no, or the file could not be written";

/// Between two questions: the queue in Refrain holds thousands.
const PERIOD: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(super) struct Record {
    #[command(flatten)]
    target: Target,
    /// The file to write; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How many stanzas
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    count: u64,
    /// Of a hundred stanzas that pass by, how many
    #[arg(long, value_name = "P", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100))]
    percent: u64,
    /// At most how long
    #[arg(long, value_name = "S", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Keep what people wrote to each other; mind who may read the file, and the law
    #[arg(long)]
    with_bodies: bool,
}

/// Why the recording is not whole.
enum RecordFailed {
    Refrain(Failed),
    File(io::Error),
}

impl Record {
    pub(super) fn run(self) -> ExitCode {
        match self.record() {
            Ok((written, last)) => {
                self.report(written, &last);
                ExitCode::SUCCESS
            }
            Err(RecordFailed::Refrain(failed)) => self.target.complain(&failed),
            Err(RecordFailed::File(error)) => {
                eprintln!("refrain: {}: {error}", self.out.display());
                ExitCode::FAILURE
            }
        }
    }

    fn record(&self) -> Result<(u64, Batch), RecordFailed> {
        let mut file = BufWriter::new(create(&self.out).map_err(RecordFailed::File)?);
        let Record { count, percent, seconds, with_bodies, .. } = *self;
        let wanted = serde_json::to_string(&Wanted { count, percent, seconds, with_bodies }).unwrap_or_default();
        let begun = self.target.ask(Method::POST, "/record", wanted);
        // An empty file would only be in the way of the next attempt.
        begun.inspect_err(|_| _ = std::fs::remove_file(&self.out)).map_err(RecordFailed::Refrain)?;
        let mut written = 0;
        loop {
            let batch = self.fetch()?;
            for entry in &batch.entries {
                entry.write(&mut file).map_err(RecordFailed::File)?;
            }
            file.flush().map_err(RecordFailed::File)?;
            written += batch.entries.len() as u64;
            progress(written, self.count);
            if batch.done {
                return Ok((written, batch));
            }
            if batch.entries.is_empty() {
                thread::sleep(PERIOD);
            }
        }
    }

    fn fetch(&self) -> Result<Batch, RecordFailed> {
        let body = self.target.ask(Method::GET, "/record", String::new()).map_err(RecordFailed::Refrain)?;
        serde_json::from_slice(&body)
            .map_err(|error| RecordFailed::Refrain(Failed::Unasked(format!("the answer is not understood: {error}"))))
    }

    fn report(&self, written: u64, last: &Batch) {
        let Batch { seen, skipped, .. } = last;
        if self.target.json {
            super::print(&serde_json::json!({ "written": written, "seen": seen, "skipped": skipped }).to_string());
            return;
        }
        let words = if self.with_bodies { "with what people wrote" } else { "without their words" };
        super::print(&format!(
            "{}: {written} of {seen} stanzas that passed by, {words}; {skipped} found no room",
            self.out.display()
        ));
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn progress(written: u64, count: u64) {
    if io::stderr().is_terminal() {
        eprint!("\r{written} of {count}\x1b[K");
        if written == count {
            eprint!("\r\x1b[K");
        }
    }
}
