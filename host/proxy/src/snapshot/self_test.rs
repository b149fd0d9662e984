//! The golden cases that a filter brings in its manifest, played before it may judge: a component that was built wrongly, or for
//! another host, says so itself.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use refrain_filter::case::{CaseFile, Judge, Judged};
use refrain_filter::{Component, Digest, Direction, Engine, Relation, Sandbox};
use refrain_proto::Stanza;

/// Cases take microseconds; whoever reloads waits for them.
const SELF_TEST_TIMEOUT: Duration = Duration::from_secs(10);
/// More components than a process ever meets; past it all are tested anew.
const PASSED_MAX: usize = 1_024;

/// The components that passed: what they are does not change, so a reload does not test them again.
static PASSED: LazyLock<Mutex<HashSet<Digest>>> = LazyLock::new(Mutex::default);

/// Plays all cases of a component; an error says which ended otherwise, and how.
pub(super) fn run(engine: &Arc<Engine>, component: &Component) -> Result<(), String> {
    let Some(manifest) = component.manifest().filter(|manifest| !manifest.self_test.is_empty()) else { return Ok(()) };
    if passed().contains(&component.digest()) {
        return Ok(());
    }
    let sandbox = Sandbox::of(engine.clone(), component.clone());
    let mut judge = Hurried { sandbox, until: Instant::now() + SELF_TEST_TIMEOUT };
    for text in &manifest.self_test {
        play(text, &mut judge).map_err(|problem| format!("fails its own self-test: {problem}"))?;
    }
    let mut passed = passed();
    if passed.len() == PASSED_MAX {
        passed.clear();
    }
    passed.insert(component.digest());
    Ok(())
}

fn play(text: &str, judge: &mut Hurried) -> Result<(), String> {
    let file = CaseFile::parse(text)?;
    let played = file.play(judge)?;
    let failed = file.cases.iter().zip(played).find_map(|(case, played)| Some((&case.name, played.difference?)));
    match failed {
        Some((case, difference)) => Err(format!("{case:?}: {difference}")),
        None => Ok(()),
    }
}

fn passed() -> std::sync::MutexGuard<'static, HashSet<Digest>> {
    PASSED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A sandbox that stops to judge when the time is up.
struct Hurried {
    sandbox: Sandbox,
    until: Instant,
}

impl Judge for Hurried {
    fn begin(&mut self, file: &CaseFile) -> Result<(), String> {
        self.sandbox.begin(file)
    }

    fn judge(
        &mut self,
        settings: &serde_json::Value,
        direction: Direction,
        relation: Option<Relation>,
        stanza: &Stanza,
    ) -> Result<Judged, String> {
        if Instant::now() > self.until {
            return Err(format!("it takes longer than {} s", SELF_TEST_TIMEOUT.as_secs()));
        }
        self.sandbox.judge(settings, direction, relation, stanza)
    }
}
