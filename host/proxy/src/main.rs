//! The `refrain` binary: arguments → command.

use std::process::ExitCode;

fn main() -> ExitCode {
    refrain::command::main()
}
