//! Runs a filter natively, over the same tree, selectors, interests and edits as the proxy does, without a sandbox.
//!
//! Not part of the component: this module exists off the guest target only.

mod convert;
mod judge;

use std::path::Path;

use crate::Filter;

pub use judge::NativeJudge;
/// Golden cases, which the proxy's own tests run in the sandbox too.
pub use refrain_filter::case::{self, Judge};

/// Runs all files of golden cases, `*.toml` and `*.xml`, in `folder`, a path from the root of the filter's package.
///
/// # Panics
/// If a case fails, a file cannot be read or there is none, with all failures.
pub fn run_cases<F: Filter>(folder: impl AsRef<Path>) {
    let folder = folder.as_ref();
    let mut judge = NativeJudge::<F>::default();
    let files = case::case_files(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    assert!(!files.is_empty(), "{}: no golden cases", folder.display());
    let failures: Vec<_> = files.iter().flat_map(|file| case::run_cases(file, &mut judge)).collect();
    let lines: Vec<_> = failures.iter().map(|failure| failure.to_string()).collect();
    assert!(failures.is_empty(), "{} cases failed\n{}", failures.len(), lines.join("\n"));
}

/// Configures a filter with these settings, as JSON or from `toml::Value`s and the like, and returns its problems.
pub fn problems<F: Filter>(settings: &serde_json::Value) -> Vec<crate::Problem> {
    match judge::configure::<F>(settings) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().cloned().collect(),
    }
}
