//! `refrain filter`: what the author of a filter types, from an empty folder to a component with measured costs.

/// Prints a line; when nobody reads any more (as in `| head`), that is not a failure.
macro_rules! say {
    ($($words:tt)*) => { $crate::command::print(&format!($($words)*)) };
}

mod bench;
mod build;
mod cases;
mod check;
mod inspect;
mod new;
mod package;
mod page;
mod schema;
mod subject;
mod test;

use std::fmt::Display;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Subcommand;

use super::BAD_USAGE;

/// What the help of `refrain filter` ends with.
pub const AFTER_HELP: &str = "\
From nothing to a filter that judges:
  refrain filter new link-limit        a crate, with golden cases
  cd link-limit
  refrain filter test                  compile it, and judge the cases in the sandbox
  refrain filter test --bless          record what it does in new cases
  refrain filter build                 target/refrain/link-limit.wasm, for component = \"…\" in refrain.toml

docs/writing-filters.md tells the rest. Exit codes: 0 all went well, 1 the filter is at fault, 2 wrong usage.";

/// What can be done with a filter.
#[derive(Debug, Subcommand)]
pub enum Filter {
    /// Write a crate for a new filter, which builds and passes its own tests at once
    New(new::New),
    /// Compile a filter's crate to a component
    Build(build::Build),
    /// Say whether a component would load, without running it
    Check(check::Check),
    /// Judge golden cases, natively and in the sandbox
    Test(test::Test),
    /// Measure what a filter costs: time and instructions for each golden case, memory, size
    Bench(bench::Bench),
    /// Show what a component says of itself: manifest, settings, permissions
    Inspect(inspect::Inspect),
}

impl Filter {
    /// Carries the subcommand out.
    pub fn run(&self) -> ExitCode {
        let (name, ended) = match self {
            Filter::New(new) => ("new", new.run()),
            Filter::Build(build) => ("build", build.run()),
            Filter::Check(check) => ("check", check.run()),
            Filter::Test(test) => ("test", test.run()),
            Filter::Bench(bench) => ("bench", bench.run()),
            Filter::Inspect(inspect) => ("inspect", inspect.run()),
        };
        match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(ToolError::Told) => ExitCode::FAILURE,
            Err(ToolError::Failed(message)) => {
                eprintln!("refrain filter {name}: {message}");
                ExitCode::FAILURE
            }
            Err(ToolError::Usage(message)) => {
                eprintln!("refrain filter {name}: {message}");
                ExitCode::from(BAD_USAGE)
            }
        }
    }
}

/// Why a command did not end well.
#[derive(Debug)]
enum ToolError {
    /// The arguments do not fit what is there.
    Usage(String),
    /// The filter, its crate or this machine is at fault.
    Failed(String),
    /// The same, and the output has said so.
    Told,
}

impl ToolError {
    fn usage(message: impl Display) -> Self {
        ToolError::Usage(message.to_string())
    }

    fn failed(message: impl Display) -> Self {
        ToolError::Failed(message.to_string())
    }
}

type Ended<T = ()> = Result<T, ToolError>;

/// Gives a text a colour, by its ANSI number, where a person reads it.
fn paint(colour: u8, text: impl Display) -> String {
    let is_read = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if is_read { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_string() }
}

const RED: u8 = 31;
const GREEN: u8 = 32;

/// A number of things: `1 case`, `3 cases`.
fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Bytes as people compare them.
fn bytes(number: usize) -> String {
    match number {
        0..10_000 => format!("{number} bytes"),
        10_000..10_000_000 => format!("{:.1} KB", number as f64 / 1e3),
        _ => format!("{:.1} MB", number as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_say_them() {
        assert_eq!((count(1, "case"), count(2, "case")), ("1 case".to_owned(), "2 cases".to_owned()));
        assert_eq!([bytes(99), bytes(123_456), bytes(12_345_678)], ["99 bytes", "123.5 KB", "12.3 MB"]);
    }
}
