//! `refrain filter build`: a filter's crate → a component with its manifest.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use refrain_pack::{TARGET, Toolchain};

use super::package::Package;
use super::subject::{Built, Subject};
use super::{Ended, ToolError, inspect};

/// Arguments of `refrain filter build`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  refrain filter build                      the crate in this folder
  refrain filter build ~/filters/link-limit --out /etc/refrain/link-limit.wasm

The component is written to target/refrain/NAME.wasm, in cargo's target folder, in one step: a proxy that watches the file never
sees half of it. It needs the target wasm32-unknown-unknown, and says how to install it.

Exit codes: 0 built, 1 it does not compile or makes no component, 2 wrong usage.")]
pub struct Build {
    /// The folder of the crate
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Where to write the component
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A component that was just made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) built: Built,
    path: PathBuf,
    took: Duration,
}

impl Build {
    /// Builds and says what came of it.
    pub(super) fn run(&self) -> Ended {
        let package = match Subject::find(Some(&self.folder))? {
            Subject::Crate(package) => package,
            Subject::Component(built) => {
                return Err(ToolError::usage(format!(
                    "{}: that is built already; give the folder of a crate",
                    built.place
                )));
            }
        };
        let made = build(&package, self.out.as_deref())?;
        say!("{}, in {:.1} s", made.path.display(), made.took.as_secs_f64());
        inspect::print_summary(&made.built)
    }
}

/// Compiles the crate, makes a component of it and writes that to `out`, by default `refrain/NAME.wasm` in cargo's target folder.
pub(super) fn build(package: &Package, out: Option<&Path>) -> Ended<Made> {
    let begin = Instant::now();
    let module = compile(package)?;
    let module = fs::read(&module).map_err(|error| ToolError::failed(format!("{}: {error}", module.display())))?;
    let packed =
        refrain_pack::pack(&module).map_err(|error| ToolError::failed(format!("{}: {error}", package.name)))?;
    let default = package.target.join("refrain").join(format!("{}.wasm", package.name));
    let path = out.map_or(default, Path::to_owned);
    write(&path, &packed.component)?;
    let place = path.display().to_string();
    let built = Built { name: package.name.clone(), bytes: packed.component, place };
    Ok(Made { built, path, took: begin.elapsed() })
}

/// Runs cargo, whose progress is seen, and returns where the core module is.
fn compile(package: &Package) -> Ended<PathBuf> {
    let mut cargo = Toolchain::choose().map_err(ToolError::failed)?.cargo();
    cargo.args(["build", "--lib", "--profile", package.profile, "--target", TARGET]);
    cargo.arg("--manifest-path").arg(package.folder.join("Cargo.toml")).arg("--target-dir").arg(&package.target);
    let status = cargo.status().map_err(|error| ToolError::failed(format!("cargo cannot be started: {error}")))?;
    if !status.success() {
        return Err(ToolError::failed(format!("{} does not compile for {TARGET}; cargo said why", package.name)));
    }
    Ok(package.target.join(TARGET).join(package.profile).join(format!("{}.wasm", package.library)))
}

/// Writes beside the file and renames.
fn write(path: &Path, bytes: &[u8]) -> Ended {
    let failed = |error: std::io::Error| ToolError::failed(format!("{}: {error}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path)).map_err(failed)
}
