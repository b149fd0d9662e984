//! Runs a filter natively, over the same tree, selectors, interests and edits as the proxy does, without a sandbox.
//!
//! Not part of the component: this module exists off the guest target only.

mod convert;
mod judge;

use std::path::Path;
use std::time::Duration;

use refrain_filter::Direction;

use crate::{Filter, Verdict, host};

use judge::Configured;

pub use judge::NativeJudge;
/// What the remote address is to the local one, for [`Tester::judge_from`].
pub use refrain_filter::Relation;
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
    match Configured::<F>::new(&settings.to_string()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().cloned().collect(),
    }
}

/// The manifest that is packed into the component, but for what only cargo knows: the schema of the settings, and
/// [`Filter::about`].
pub fn manifest<F: Filter>() -> serde_json::Value {
    crate::manifest::json::<F>(&crate::Package { name: "", version: "", authors: "", description: "" })
}

/// Asks a filter with these settings, as JSON, about one inbound stanza; `None` if it is not interested.
///
/// # Panics
/// As [`Tester::new`] and [`Tester::judge`].
pub fn verdict<F: Filter>(settings: &str, stanza: &str) -> Option<Verdict> {
    Tester::<F>::new(settings).judge(stanza)
}

/// One configured filter, asked about one stanza after the other: for what a filter counts, limits or keeps.
#[derive(Debug)]
pub struct Tester<F>(Configured<F>);

impl<F: Filter> Tester<F> {
    /// Begins a new world, in which nothing was counted, taken or kept, and configures the filter with these settings, as JSON.
    ///
    /// # Panics
    /// If the settings have problems.
    pub fn new(settings: &str) -> Self {
        host::begin_world();
        Tester(Configured::new(settings).unwrap_or_else(|problems| panic!("{}", judge::tell(&problems))))
    }

    /// Judges one inbound stanza; `None` if the filter is not interested.
    ///
    /// # Panics
    /// If the stanza is none, or the answer would be a fault.
    pub fn judge(&mut self, stanza: &str) -> Option<Verdict> {
        self.judge_as(Direction::Inbound, None, stanza)
    }

    /// Judges one inbound stanza from somebody who is this to the addressee.
    ///
    /// # Panics
    /// As [`judge`](Self::judge).
    pub fn judge_from(&mut self, relation: Relation, stanza: &str) -> Option<Verdict> {
        self.judge_as(Direction::Inbound, Some(relation), stanza)
    }

    /// Judges one outbound stanza.
    ///
    /// # Panics
    /// As [`judge`](Self::judge).
    pub fn judge_outbound(&mut self, stanza: &str) -> Option<Verdict> {
        self.judge_as(Direction::Outbound, None, stanza)
    }

    fn judge_as(&mut self, direction: Direction, relation: Option<Relation>, stanza: &str) -> Option<Verdict> {
        let stanza = refrain_proto::Stanza::parse(stanza).unwrap_or_else(|defect| panic!("the stanza: {defect}"));
        let answer = self.0.ask(direction, relation, &stanza);
        answer.unwrap_or_else(|fault| panic!("the filter {fault}")).map(|answer| answer.verdict)
    }
}

/// Gives this thread's tests a list of the operator's, each entry with an optional note behind white space.
pub fn with_list(name: &str, entries: impl IntoIterator<Item = impl Into<String>>) {
    host::set_list(name, entries.into_iter().map(Into::into).collect());
}

/// Lets time pass for this thread's tests: limiters fill up, values end.
pub fn advance(time: Duration) {
    host::advance(time);
}

/// How much a counter has in this thread's tests.
pub fn counter(name: &str) -> u64 {
    host::counter_value(name)
}
