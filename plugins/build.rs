//! Compiles the bundled filters for the guest target, makes components of them and writes the table that `src/lib.rs` embeds.
//!
//! A nested cargo compiles them, with a target directory of its own inside `OUT_DIR` and a clean environment.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use refrain_pack::{TARGET, TOOLCHAIN_VARIABLE, Toolchain};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

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
        pack(&out, filter).map_err(|error| format!("{filter}: {error}"))?;
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
    let watched =
        ["build.rs", "../wit", "../sdk/src", "../sdk/Cargo.toml", "../sdk/macros", "../Cargo.toml", "../Cargo.lock"];
    let sources = filters.iter().flat_map(|filter| {
        [format!("{filter}/src"), format!("{filter}/Cargo.toml"), format!("{filter}/cases/self-test.toml")]
    });
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

fn pack(out: &Path, filter: &str) -> Result<()> {
    let module = format!("guests/{TARGET}/guest/refrain_{}.wasm", filter.replace('-', "_"));
    let module = fs::read(out.join(module))?;
    fs::write(out.join(format!("{filter}.wasm")), refrain_pack::pack(&module)?.component)?;
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
