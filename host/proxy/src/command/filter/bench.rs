//! `refrain filter bench`: what a filter costs, for each golden case.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use refrain_filter::case::{Case, CaseFile, Judge};
use refrain_filter::{Cost, EngineOptions, Keep, LoadError, Sandbox};
use serde_json::json;

use super::subject::{Built, Subject};
use super::{Ended, ToolError, bytes, cases};

/// Arguments of `refrain filter bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  refrain filter bench                                        the crate in this folder
  refrain filter bench builtin:spim --cases plugins/spim/cases --json

Each golden case is judged over and over by one instance, as a worker of the proxy would; what the filter says is not compared.
ns        nanoseconds a call, the host's own part included: the median, and the fastest batch of 64 calls
new       microseconds a call if every stanza has a new instance, which is isolation = \"stanza\"
fuel      instructions of the guest, about: the same on every machine, so a difference is a change of the filter

Measure with a release build of Refrain; one for development shows another picture.

Exit codes: 0 measured, 1 the filter failed in a case, or does not compile or load, 2 wrong usage.")]
pub struct Bench {
    /// The folder of a crate, the file of a component, or builtin:NAME
    #[arg(value_name = "DIR|FILE|builtin:NAME")]
    subject: Option<PathBuf>,
    /// The golden cases, a folder or one file; without it `cases` in the crate or beside the file
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// How long to measure each case
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 200)]
    time: u64,
    /// Print a JSON object for each case, then one for the whole
    #[arg(long)]
    json: bool,
}

/// One case, measured.
struct Row {
    file: PathBuf,
    case: String,
    warm: Cost,
    recycled: Cost,
    fuel: Option<u64>,
}

/// The ways in which a filter is measured.
struct Scales {
    warm: Sandbox,
    recycled: Sandbox,
    /// Its engine counts instructions.
    counting: Sandbox,
    compiled: Duration,
}

impl Bench {
    /// Measures, and prints the figures.
    pub(super) fn run(&self) -> Ended {
        let subject = Subject::find(self.subject.as_deref())?;
        let files = cases::files(&subject.cases(self.cases.as_deref())?)?;
        let built = subject.built()?;
        let mut scales = Scales::load(&built)?;
        let mut rows = Vec::new();
        for file in files {
            let failed = |message: String| ToolError::failed(format!("{}: {message}", file.display()));
            rows.extend(scales.weigh(&file, Duration::from_millis(self.time)).map_err(failed)?);
        }
        match self.json {
            true => print_json(&built, &rows, scales.compiled),
            false => print_table(&built, &rows, scales.compiled),
        }
        Ok(())
    }
}

impl Scales {
    fn load(built: &Built) -> Ended<Scales> {
        let refused = |error: LoadError| ToolError::failed(format!("{}: {error}", built.place));
        let engine = cases::engine(EngineOptions::default())?;
        let begin = Instant::now();
        let component = engine.load(&built.name, &built.bytes).map_err(refused)?;
        let compiled = begin.elapsed();
        component.try_out(&engine).map_err(refused)?;
        let counting = cases::engine(EngineOptions { fuel: true, ..EngineOptions::default() })?;
        let counted = counting.load(&built.name, &built.bytes).map_err(refused)?;
        Ok(Scales {
            warm: Sandbox::of(Arc::clone(&engine), component.clone()),
            recycled: Sandbox::of(engine, component).keeping(Keep::Nothing),
            counting: Sandbox::of(counting, counted),
            compiled,
        })
    }

    fn weigh(&mut self, path: &std::path::Path, time: Duration) -> Result<Vec<Row>, String> {
        let file = CaseFile::read(path)?;
        for sandbox in [&mut self.warm, &mut self.recycled, &mut self.counting] {
            sandbox.begin(&file)?;
        }
        let row = |case: &Case| {
            Ok(Row {
                file: path.to_owned(),
                case: case.name.clone(),
                warm: self.warm.measure(case, &file, time)?,
                recycled: self.recycled.measure(case, &file, time / 8)?,
                fuel: self.counting.measure(case, &file, Duration::ZERO)?.fuel,
            })
        };
        file.cases.iter().map(row).collect()
    }
}

fn memory(rows: &[Row]) -> usize {
    rows.iter().map(|row| row.warm.memory_bytes).max().unwrap_or(0)
}

fn print_table(built: &Built, rows: &[Row], compiled: Duration) {
    say!("{:>8} {:>8} {:>9} {:>9}", "ns", "least", "new, µs", "fuel");
    let mut file = None;
    for row in rows {
        if file != Some(&row.file) {
            say!("{}", row.file.display());
            file = Some(&row.file);
        }
        let fuel = row.fuel.map_or("-".to_owned(), |fuel| fuel.to_string());
        let (median, least) = (row.warm.nanos_median, row.warm.nanos_least);
        say!("{median:>8.0} {least:>8.0} {:>9.1} {fuel:>9}  {}", row.recycled.nanos_median / 1e3, row.case);
    }
    let size = bytes(built.bytes.len());
    say!("component {size}, compiled in {:.2} s; memory at most {}", compiled.as_secs_f64(), bytes(memory(rows)));
    if cfg!(debug_assertions) {
        say!("This is a development build of Refrain: compare these figures with each other, not with others.");
    }
}

fn print_json(built: &Built, rows: &[Row], compiled: Duration) {
    for row in rows {
        let line = json!({
            "file": row.file,
            "case": row.case,
            "nanos_median": row.warm.nanos_median.round(),
            "nanos_least": row.warm.nanos_least.round(),
            "nanos_new_instance": row.recycled.nanos_median.round(),
            "fuel": row.fuel,
            "calls": row.warm.calls,
        });
        say!("{line}");
    }
    let whole = json!({
        "component": built.name,
        "bytes": built.bytes.len(),
        "compiled_ms": compiled.as_millis() as u64,
        "memory_bytes": memory(rows),
        "development_build": cfg!(debug_assertions),
    });
    say!("{whole}");
}
