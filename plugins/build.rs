//! Compiles the bundled filters for the guest target, makes components of them and writes the table that `src/lib.rs` embeds.
//!
//! The guest target is wasm32-unknown-unknown: no WASI, so what a filter imports is what `wit/filter.wit` names and nothing else.
//! A nested cargo compiles it, with a target directory of its own inside `OUT_DIR` and a clean environment.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use wit_component::ComponentEncoder;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const TARGET: &str = "wasm32-unknown-unknown";

/// Forces one of the ways to compile for the guest target: `rustup` or `debian`.
const TOOLCHAIN_VARIABLE: &str = "REFRAIN_GUEST_TOOLCHAIN";

const NO_TOOLCHAIN: &str = "the bundled filters are compiled for wasm32-unknown-unknown, which this toolchain lacks; type\
    \n    rustup target add wasm32-unknown-unknown\
    \nor, on Debian without rustup,\
    \n    apt install rustc-web cargo-web rust-web-src lld";

fn main() {
    if let Err(error) = run() {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let plugins = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let filters = filters(&plugins)?;
    watch(&plugins, &filters);
    compile(&plugins, &out.join("guests"), &filters)?;
    for filter in &filters {
        componentise(&out, filter).map_err(|error| format!("{filter}: {error}"))?;
    }
    write_table(&out, &filters)
}

/// Every folder beside this file with a manifest is a bundled filter; its package is `refrain-<folder>`.
fn filters(plugins: &Path) -> Result<Vec<String>> {
    let mut filters = Vec::new();
    for entry in fs::read_dir(plugins)? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            filters.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    filters.sort();
    Ok(filters)
}

fn watch(plugins: &Path, filters: &[String]) {
    let watched = ["build.rs", "../wit", "../sdk/src", "../sdk/Cargo.toml", "../Cargo.toml", "../Cargo.lock"];
    let sources = filters.iter().flat_map(|filter| [format!("{filter}/src"), format!("{filter}/Cargo.toml")]);
    for path in watched.into_iter().map(String::from).chain(sources) {
        println!("cargo::rerun-if-changed={}", plugins.join(path).display());
    }
    println!("cargo::rerun-if-env-changed={TOOLCHAIN_VARIABLE}");
}

/// Compiles all filters to core modules in one run of cargo.
fn compile(plugins: &Path, target_dir: &Path, filters: &[String]) -> Result<()> {
    let mut cargo = Toolchain::choose()?.cargo();
    cargo.args(["build", "--locked", "--lib", "--profile", "guest", "--target", TARGET]);
    cargo.arg("--manifest-path").arg(plugins.join("../Cargo.toml"));
    cargo.arg("--target-dir").arg(target_dir);
    for filter in filters {
        cargo.arg("--package").arg(format!("refrain-{filter}"));
    }
    let output = cargo.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("the bundled filters do not compile\n{}", String::from_utf8_lossy(&output.stderr)).into())
}

fn componentise(out: &Path, filter: &str) -> Result<()> {
    let module = format!("guests/{TARGET}/guest/refrain_{}.wasm", filter.replace('-', "_"));
    let module = fs::read(out.join(module))?;
    let component = ComponentEncoder::default().validate(true).module(&module)?.encode()?;
    fs::write(out.join(format!("{filter}.wasm")), component)?;
    Ok(())
}

fn write_table(out: &Path, filters: &[String]) -> Result<()> {
    let row = |filter: &String| {
        let component = out.join(format!("{filter}.wasm"));
        format!("    ({filter:?}, include_bytes!({component:?})),\n")
    };
    let rows: String = filters.iter().map(row).collect();
    fs::write(out.join("builtin.rs"), format!("&[\n{rows}]\n"))?;
    Ok(())
}

/// How to compile for the guest target on this machine.
enum Toolchain {
    /// The toolchain of this build, which has the target's standard library.
    Rustup,
    /// Debian's packages carry the standard library as source only: it is compiled along.
    Debian { linker: PathBuf },
}

impl Toolchain {
    fn choose() -> Result<Self> {
        match env::var(TOOLCHAIN_VARIABLE).as_deref() {
            Ok("rustup") => Ok(Toolchain::Rustup),
            Ok("debian") => Toolchain::debian().ok_or(NO_TOOLCHAIN.into()),
            Ok(other) => Err(format!("{TOOLCHAIN_VARIABLE}={other:?}: write \"rustup\" or \"debian\"").into()),
            Err(_) if has_target() => Ok(Toolchain::Rustup),
            Err(_) => Toolchain::debian().ok_or(NO_TOOLCHAIN.into()),
        }
    }

    fn debian() -> Option<Self> {
        let source = sysroot(DEBIAN_RUSTC)?.join("lib/rustlib/src/rust/library/Cargo.toml");
        if !source.exists() || !Path::new(DEBIAN_CARGO).exists() {
            return None;
        }
        Some(Toolchain::Debian { linker: linker()? })
    }

    fn cargo(&self) -> Command {
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

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

fn rustc() -> String {
    env::var("RUSTC").unwrap_or_else(|_| "rustc".into())
}

/// Whether the toolchain of this build has the guest target's standard library.
fn has_target() -> bool {
    let library = sysroot(&rustc()).map(|sysroot| sysroot.join("lib/rustlib").join(TARGET).join("lib"));
    library.is_some_and(|library| library.is_dir())
}

fn sysroot(rustc: &str) -> Option<PathBuf> {
    let output = Command::new(rustc).args(["--print", "sysroot"]).env_remove("LD_LIBRARY_PATH").output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// A linker for WebAssembly: LLVM's, as rustup or Debian installs it.
fn linker() -> Option<PathBuf> {
    let host = env::var("HOST").ok()?;
    let of_rustup = sysroot(&rustc())?.join("lib/rustlib").join(host).join("bin/rust-lld");
    let search = env::var_os("PATH").unwrap_or_default();
    let named = |name: &str| env::split_paths(&search).map(|folder| folder.join(name)).find(|path| path.exists());
    let versions = (18..=30).rev().map(|version| format!("wasm-ld-{version}"));
    of_rustup
        .exists()
        .then_some(of_rustup)
        .or_else(|| named("wasm-ld"))
        .or_else(|| versions.map(|name| named(&name)).find_map(|found| found))
}

/// Takes away what cargo, clippy and the operator set for the build of the host; leaves where to find and download packages.
fn clean_environment(cargo: &mut Command) {
    const OURS: [&str; 9] = ["CARGO", "RUST", "CLIPPY", "TARGET", "HOST", "PROFILE", "OPT_LEVEL", "DEBUG", "OUT_DIR"];
    const KEPT: [&str; 6] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_", "RUSTUP_"];
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let kept = KEPT.iter().any(|prefix| text.starts_with(prefix));
        if !kept && OURS.iter().any(|prefix| text.starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    // The build script's path to the compiler's libraries, and the outer cargo's job server.
    cargo.env_remove("LD_LIBRARY_PATH").env_remove("MAKEFLAGS").env_remove("MFLAGS").env_remove("NUM_JOBS");
}
