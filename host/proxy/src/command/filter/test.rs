//! `refrain filter test`: golden cases, natively and in the sandbox.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use super::package::{Package, cargo};
use super::subject::Subject;
use super::{Ended, GREEN, RED, ToolError, cases, count, paint};

/// Arguments of `refrain filter test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  refrain filter test                                      the crate in this folder
  refrain filter test --bless                              record what the filter does in new cases, and in those that fail
  refrain filter test link-limit.wasm --cases cases/       any component, whatever it was written in
  refrain filter test builtin:spim --cases plugins/spim/cases

A crate is tested natively first, by its own `cargo test`, then as the component that it compiles to, in the sandbox of the proxy.
There every case is judged twice: by an instance that judged the cases before it, and by one that was just made.

A case is a stanza and what must become of it, in TOML or XML:

  [settings]                       # the filter's, as under [filter.NAME.settings]
  max-links = 1
  [[case]]
  name = \"two links are returned\"
  stanza = \"<message from='eve@evil.example/x' to='alice@home.example'>…</message>\"
  verdict = \"bounce\"               # pass, accept, drop, bounce, redirect, close-stream, reply, delay; skip: not asked
  error = \"not-acceptable\"

docs/writing-filters.md has all keys, and the same as XML.

Exit codes: 0 every case ended as it says, 1 one did not, or the filter does not compile or load, 2 wrong usage.")]
pub struct Test {
    /// The folder of a crate, the file of a component, or builtin:NAME
    #[arg(value_name = "DIR|FILE|builtin:NAME")]
    subject: Option<PathBuf>,
    /// The golden cases, a folder or one file; without it `cases` in the crate or beside the file
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Record what the filter does as what it must do, in all cases that do not hold
    #[arg(long)]
    bless: bool,
}

impl Test {
    /// Tests, and says what failed.
    pub(super) fn run(&self) -> Ended {
        let subject = Subject::find(self.subject.as_deref())?;
        let files = cases::files(&subject.cases(self.cases.as_deref())?)?;
        let files: Vec<PathBuf> = files.iter().map(|path| shortened(path)).collect();
        let mut is_native_as_expected = true;
        // Recorded first, so that the native tests have something to hold against.
        if !self.bless {
            is_native_as_expected = native(&subject)?;
        }
        let built = subject.built()?;
        let mut sandboxes = cases::Sandboxes::load(&built)?;
        if self.bless {
            cases::bless(&files, &mut sandboxes)?;
            is_native_as_expected = native(&subject)?;
        }
        let total = cases::play(&files, &mut sandboxes);
        let held = total.failed == 0;
        let summary = format!("{} in {}", count(total.cases, "case"), count(total.files, "file"));
        match (held, is_native_as_expected) {
            (true, true) => say!("{summary}: all as expected, by a warm instance and by a new one for each"),
            (true, false) => say!("{summary}: all as expected in the sandbox; the native tests failed"),
            (false, _) => {
                say!("{summary}: {} FAILED; `--bless` records what the filter does, if it is right", total.failed)
            }
        }
        if held && is_native_as_expected { Ok(()) } else { Err(ToolError::Told) }
    }
}

/// Runs the crate's own tests; their output is shown only if they fail. A component has none.
fn native(subject: &Subject) -> Ended<bool> {
    let Subject::Crate(package) = subject else { return Ok(true) };
    let passed = run_tests(package)?;
    let word = if passed { paint(GREEN, "ok    ") } else { paint(RED, "FAILED") };
    say!("{word}  {:<40}  natively", "cargo test");
    Ok(passed)
}

fn run_tests(package: &Package) -> Ended<bool> {
    let mut cargo = Command::new(cargo());
    cargo.arg("test").arg("--manifest-path").arg(package.folder.join("Cargo.toml"));
    cargo.arg("--target-dir").arg(&package.target).stderr(std::process::Stdio::inherit());
    let output = cargo.output().map_err(|error| ToolError::failed(format!("cargo cannot be started: {error}")))?;
    if !output.status.success() {
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(output.status.success())
}

/// The path as seen from here, where that is shorter.
fn shortened(path: &Path) -> PathBuf {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    here.ok().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).to_owned()
}
