//! The `refrain` binary: arguments → command.

fn main() {}
