//! How to compile for the guest target on this machine.
//!
//! The guest target is wasm32-unknown-unknown: no WASI, so what a filter imports is what `wit/filter.wit` names and nothing else.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target that filters are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Forces one of the ways to compile for the guest target: `rustup` or `debian`.
pub const TOOLCHAIN_VARIABLE: &str = "REFRAIN_GUEST_TOOLCHAIN";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

/// A way to compile for the guest target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// The toolchain in use, which has the target's standard library.
    Rustup,
    /// Debian's packages carry the standard library as source only: it is compiled along.
    Debian {
        /// A linker for WebAssembly.
        linker: PathBuf,
    },
}

/// Why nothing can be compiled for the guest target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoToolchain {
    /// No toolchain has the target.
    #[error(
        "filters are compiled for wasm32-unknown-unknown, which this toolchain lacks; type\
        \n    rustup target add wasm32-unknown-unknown\
        \nor, on Debian without rustup,\
        \n    apt install rustc-web cargo-web rust-web-src lld"
    )]
    Missing,
    /// The operator asks for a way that is none.
    #[error("{TOOLCHAIN_VARIABLE}={0:?}: write \"rustup\" or \"debian\"")]
    Unknown(String),
}

impl Toolchain {
    /// Chooses the way: what [`TOOLCHAIN_VARIABLE`] says, else the toolchain in use, else Debian's packages.
    ///
    /// The toolchain in use is that of the variables `CARGO` and `RUSTC`, as cargo sets them for a build script, else of the path.
    pub fn choose() -> Result<Self, NoToolchain> {
        match env::var(TOOLCHAIN_VARIABLE).as_deref() {
            Ok("rustup") => Ok(Toolchain::Rustup),
            Ok("debian") => Toolchain::debian().ok_or(NoToolchain::Missing),
            Ok(other) => Err(NoToolchain::Unknown(other.to_owned())),
            Err(_) if has_target() => Ok(Toolchain::Rustup),
            Err(_) => Toolchain::debian().ok_or(NoToolchain::Missing),
        }
    }

    fn debian() -> Option<Self> {
        let source = sysroot(DEBIAN_RUSTC)?.join("lib/rustlib/src/rust/library/Cargo.toml");
        if !source.exists() || !Path::new(DEBIAN_CARGO).exists() {
            return None;
        }
        Some(Toolchain::Debian { linker: linker()? })
    }

    /// Returns a cargo that compiles for the guest target, in a clean environment. What is left to say is `build`, what, and for
    /// [`TARGET`].
    pub fn cargo(&self) -> Command {
        let mut cargo = match self {
            Toolchain::Rustup => Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
            Toolchain::Debian { .. } => Command::new(DEBIAN_CARGO),
        };
        clean_environment(&mut cargo);
        match self {
            Toolchain::Rustup => {
                cargo.env("RUSTC", rustc());
            }
            Toolchain::Debian { linker } => {
                // -Z is for nightly; the variable tells a stable toolchain that we mean it.
                cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            }
        }
        // wasmtime runs SIMD on every host it supports; memchr searches with it. Given here, the operator's own flags, which are
        // meant for the host, do not reach the guest.
        cargo.env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+simd128");
        cargo
    }
}

fn rustc() -> String {
    env::var("RUSTC").unwrap_or_else(|_| "rustc".into())
}

/// Whether the toolchain in use has the guest target's standard library.
fn has_target() -> bool {
    let library = sysroot(&rustc()).map(|sysroot| sysroot.join("lib/rustlib").join(TARGET).join("lib"));
    library.is_some_and(|library| library.is_dir())
}

fn sysroot(rustc: &str) -> Option<PathBuf> {
    ask(rustc, &["--print", "sysroot"]).map(|path| PathBuf::from(path.trim()))
}

/// The triple of the machine that compiles: of the variables that name it, cargo sets none outside a build script.
fn host(rustc: &str) -> Option<String> {
    host_line(&ask(rustc, &["-vV"])?).map(str::to_owned)
}

fn host_line(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: "))
}

fn ask(rustc: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(rustc).args(arguments).env_remove("LD_LIBRARY_PATH").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A linker for WebAssembly: LLVM's, as rustup or Debian installs it.
fn linker() -> Option<PathBuf> {
    let search = env::var_os("PATH").unwrap_or_default();
    let named = |name: &str| env::split_paths(&search).map(|folder| folder.join(name)).find(|path| path.exists());
    let mut versions = (18..=30).rev().map(|version| format!("wasm-ld-{version}"));
    linker_of_rustup().or_else(|| named("wasm-ld")).or_else(|| versions.find_map(|name| named(&name)))
}

fn linker_of_rustup() -> Option<PathBuf> {
    let rustc = rustc();
    let linker = sysroot(&rustc)?.join("lib/rustlib").join(host(&rustc)?).join("bin/rust-lld");
    linker.exists().then_some(linker)
}

/// Takes away what cargo, clippy and the operator set for the build of the host; leaves where to find and download packages.
fn clean_environment(cargo: &mut Command) {
    for (name, _) in env::vars_os() {
        if is_for_the_host(&name.to_string_lossy()) {
            cargo.env_remove(&name);
        }
    }
    // The build script's path to the compiler's libraries, and the outer cargo's job server.
    cargo.env_remove("LD_LIBRARY_PATH").env_remove("MAKEFLAGS").env_remove("MFLAGS").env_remove("NUM_JOBS");
}

fn is_for_the_host(variable: &str) -> bool {
    const OURS: [&str; 9] = ["CARGO", "RUST", "CLIPPY", "TARGET", "HOST", "PROFILE", "OPT_LEVEL", "DEBUG", "OUT_DIR"];
    const KEPT: [&str; 6] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_", "RUSTUP_"];
    let has_any = |prefixes: &[&str]| prefixes.iter().any(|prefix| variable.starts_with(prefix));
    has_any(&OURS) && !has_any(&KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_from_what_the_compiler_says() {
        assert_eq!(
            host_line("rustc 1.95.0\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n"),
            Some("x86_64-unknown-linux-gnu")
        );
        assert_eq!(host_line("rustc 1.95.0"), None);
    }

    #[test]
    fn the_guest_is_compiled_without_the_flags_of_the_host() {
        assert!(
            ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_MANIFEST_DIR", "TARGET"].iter().all(|name| is_for_the_host(name))
        );
        assert!(
            ["CARGO_HOME", "CARGO_NET_OFFLINE", "RUSTUP_TOOLCHAIN", "PATH"].iter().all(|name| !is_for_the_host(name))
        );
    }

    #[test]
    fn a_cargo_of_rustup_says_what_every_guest_has() {
        let cargo = Toolchain::Rustup.cargo();
        let flags = cargo.get_envs().find(|(name, _)| *name == "CARGO_ENCODED_RUSTFLAGS").and_then(|(_, value)| value);
        assert_eq!(flags.and_then(|flags| flags.to_str()), Some("-Ctarget-feature=+simd128"));
    }
}
