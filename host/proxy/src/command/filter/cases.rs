//! Plays golden cases in the sandbox, twice, and says what became of them: a line a file, and all that differs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use refrain_filter::case::{CaseFile, Played, case_files};
use refrain_filter::{Engine, EngineOptions, Keep, LoadError, Sandbox};

use super::subject::Built;
use super::{Ended, GREEN, RED, ToolError, count, paint};

/// The two ways in which the sandbox plays every case.
#[derive(Debug)]
pub(super) struct Sandboxes {
    warm: Sandbox,
    recycled: Sandbox,
}

impl Sandboxes {
    /// Loads a component into an engine of its own.
    pub(super) fn load(built: &Built) -> Ended<Sandboxes> {
        let refused = |error: LoadError| ToolError::failed(format!("{}: {error}", built.place));
        let engine = engine(EngineOptions::default())?;
        let component = engine.load(&built.name, &built.bytes).map_err(&refused)?;
        component.try_out(&engine).map_err(refused)?;
        let warm = Sandbox::of(Arc::clone(&engine), component.clone());
        Ok(Sandboxes { warm, recycled: Sandbox::of(engine, component).keeping(Keep::Nothing) })
    }
}

/// Makes an engine for one filter.
pub(super) fn engine(options: EngineOptions) -> Ended<Arc<Engine>> {
    let options = EngineOptions { instances_max: 8, ..options };
    Engine::new(options).map_err(|error| ToolError::failed(format!("the sandbox cannot be made: {error:#}")))
}

/// Reads which files of cases there are; none is an error.
pub(super) fn files(folder: &Path) -> Ended<Vec<PathBuf>> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let files = case_files(folder).map_err(|error| ToolError::usage(format!("{}: {error}", folder.display())))?;
    if files.is_empty() {
        return Err(ToolError::usage(format!("{}: no file there ends in .toml or .xml", folder.display())));
    }
    Ok(files)
}

/// Records in the files what the filter does in the cases that do not hold.
pub(super) fn bless(files: &[PathBuf], sandboxes: &mut Sandboxes) -> Ended {
    for path in files {
        let failed = |error: String| ToolError::failed(format!("{}: {error}", path.display()));
        let file = CaseFile::read(path).map_err(failed)?;
        let played = file.play(&mut sandboxes.warm).map_err(failed)?;
        match file.bless(path, &played).map_err(failed)? {
            0 => {}
            number => say!("recorded {} in {}; read what it says", count(number, "case"), path.display()),
        }
    }
    Ok(())
}

/// What became of all cases.
#[derive(Debug, Default)]
pub(super) struct Total {
    pub(super) files: usize,
    pub(super) cases: usize,
    pub(super) failed: usize,
}

/// Plays all files, prints a line for each, and what differs.
pub(super) fn play(files: &[PathBuf], sandboxes: &mut Sandboxes) -> Total {
    let mut total = Total { files: files.len(), ..Total::default() };
    for path in files {
        match played(path, sandboxes) {
            Ok((cases, failures)) => {
                print_line(path, cases, failures.len());
                total.cases += cases;
                total.failed += failures.len();
                failures.iter().for_each(print_failure);
            }
            Err(message) => {
                print_line(path, 0, 0);
                print_failure(&(String::new(), message));
                total.failed += 1;
            }
        }
    }
    total
}

/// The name of a case and what differs.
type Failure = (String, String);

fn played(path: &Path, sandboxes: &mut Sandboxes) -> Result<(usize, Vec<Failure>), String> {
    let file = CaseFile::read(path)?;
    let warm = file.play(&mut sandboxes.warm)?;
    let recycled = file.play(&mut sandboxes.recycled)?;
    let pairs = file.cases.iter().zip(warm.into_iter().zip(recycled));
    let failures = pairs.filter_map(|(case, (warm, recycled))| Some((case.name.clone(), difference(warm, recycled)?)));
    Ok((file.cases.len(), failures.collect()))
}

/// Tells what differs; and if it does so in one way of playing only, in which.
fn difference(warm: Played, recycled: Played) -> Option<String> {
    match (warm.difference, recycled.difference) {
        (None, None) => None,
        (Some(warm), Some(recycled)) if warm == recycled => Some(warm),
        (Some(warm), None) => Some(format!(
            "in an instance that judged the cases before it (a new one does as expected: what does the filter remember?)\n{warm}"
        )),
        (None, Some(recycled)) => Some(format!(
            "in an instance that was just made (one that judged the cases before it does as expected: what does the filter \
             remember?)\n{recycled}"
        )),
        (Some(warm), Some(recycled)) => Some(format!(
            "in an instance that judged the cases before it\n{warm}\nin one that was just made\n{recycled}"
        )),
    }
}

fn print_line(path: &Path, cases: usize, failed: usize) {
    let word = if cases > 0 && failed == 0 { paint(GREEN, "ok    ") } else { paint(RED, "FAILED") };
    let cases = match (cases, failed) {
        (0, _) => "cannot be played".to_owned(),
        (cases, 0) => count(cases, "case"),
        (cases, failed) => format!("{failed} of {}", count(cases, "case")),
    };
    say!("{word}  {:<40}  {cases}", path.display());
}

fn print_failure((case, message): &Failure) {
    if !case.is_empty() {
        say!("    {case}");
    }
    for line in message.lines() {
        match line.strip_prefix("  ") {
            Some(changed) if changed.starts_with('-') => say!("        {}", paint(RED, line)),
            Some(changed) if changed.starts_with('+') => say!("        {}", paint(GREEN, line)),
            _ => say!("        {line}"),
        }
    }
}
