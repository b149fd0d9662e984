//! A filter's crate, as cargo sees it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Ended, ToolError};

/// One package with a library that can become a filter.
#[derive(Debug)]
pub(super) struct Package {
    /// As in `Cargo.toml`.
    pub(super) name: String,
    /// Where its `Cargo.toml` is.
    pub(super) folder: PathBuf,
    /// The stem of the file that compiling its library leaves.
    pub(super) library: String,
    /// Where cargo puts what it makes.
    pub(super) target: PathBuf,
    /// The profile to compile it with: `guest` where the workspace has one, as ours does.
    pub(super) profile: &'static str,
}

impl Package {
    /// Asks cargo about the crate in this folder.
    pub(super) fn find(folder: &Path) -> Ended<Package> {
        let manifest = folder.join("Cargo.toml");
        if !manifest.exists() {
            return Err(ToolError::usage(format!(
                "{}: there is no Cargo.toml; `refrain filter new NAME` writes a crate",
                folder.display()
            )));
        }
        let manifest = manifest.canonicalize().unwrap_or(manifest);
        let mut cargo = Command::new(cargo());
        cargo.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(&manifest);
        let output = cargo.output().map_err(|error| ToolError::failed(format!("cargo cannot be started: {error}")))?;
        if !output.status.success() {
            return Err(ToolError::failed(String::from_utf8_lossy(&output.stderr).trim_end()));
        }
        let metadata = serde_json::from_slice(&output.stdout).map_err(ToolError::failed)?;
        read(&metadata, &manifest).ok_or_else(|| not_a_filter(&manifest))
    }
}

/// The cargo of whoever started this, else the one on the path.
pub(super) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn read(metadata: &Value, manifest: &Path) -> Option<Package> {
    let packages = metadata["packages"].as_array()?;
    let package = packages.iter().find(|package| package["manifest_path"].as_str().map(Path::new) == Some(manifest))?;
    let is_library = |target: &&Value| {
        let types = target["crate_types"].as_array();
        types.is_some_and(|types| types.iter().any(|kind| kind == "cdylib"))
    };
    let library = package["targets"].as_array()?.iter().find(is_library)?;
    Some(Package {
        name: package["name"].as_str()?.to_owned(),
        folder: manifest.parent()?.to_owned(),
        library: library["name"].as_str()?.replace('-', "_"),
        target: metadata["target_directory"].as_str()?.into(),
        profile: if has_guest_profile(Path::new(metadata["workspace_root"].as_str()?)) { "guest" } else { "release" },
    })
}

fn has_guest_profile(workspace: &Path) -> bool {
    let manifest = fs::read_to_string(workspace.join("Cargo.toml"));
    manifest.is_ok_and(|text| text.lines().any(|line| line.trim() == "[profile.guest]"))
}

fn not_a_filter(manifest: &Path) -> ToolError {
    ToolError::usage(format!(
        "{}: this package is no filter, its library is not compiled on its own; write\
        \n    [lib]\
        \n    crate-type = [\"cdylib\", \"rlib\"]",
        manifest.display()
    ))
}
