//! What an author points at: a crate, a component in a file, or a bundled filter.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use super::build;
use super::package::Package;
use super::{Ended, ToolError};

const BUILTIN: &str = "builtin:";

/// The thing a command is about.
#[derive(Debug)]
pub(super) enum Subject {
    /// A folder with a filter's crate.
    Crate(Package),
    /// A filter that is built.
    Component(Built),
}

/// A filter's bytes, and what to call it.
#[derive(Clone, Debug)]
pub(super) struct Built {
    /// Its name: of the package, of the file without its extension, or behind `builtin:`.
    pub(super) name: String,
    /// The component, or a core module that can be made one.
    pub(super) bytes: Vec<u8>,
    /// Where it was read from, as it was given.
    pub(super) place: String,
}

impl Subject {
    /// Finds what the argument names; without one, the crate in the current folder.
    pub(super) fn find(argument: Option<&Path>) -> Ended<Subject> {
        let path = argument.unwrap_or(Path::new("."));
        if let Some(name) = path.to_str().and_then(|text| text.strip_prefix(BUILTIN)) {
            return builtin(name).map(Subject::Component);
        }
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Package::find(path).map(Subject::Crate),
            Ok(_) if path.extension().is_some_and(|extension| extension == "toml") => {
                Package::find(path.parent().unwrap_or(path)).map(Subject::Crate)
            }
            Ok(_) => read(path).map(Subject::Component),
            Err(error) => Err(ToolError::usage(format!(
                "{}: {error}; give a crate's folder, a component's file, or {BUILTIN}NAME",
                path.display()
            ))),
        }
    }

    /// Returns the component, which for a crate is compiled first.
    pub(super) fn built(&self) -> Ended<Cow<'_, Built>> {
        match self {
            Subject::Component(built) => Ok(Cow::Borrowed(built)),
            Subject::Crate(package) => build::build(package, None).map(|made| Cow::Owned(made.built)),
        }
    }

    /// Returns the folder of golden cases: the one given, else `cases` in the crate or beside the file.
    pub(super) fn cases(&self, given: Option<&Path>) -> Ended<PathBuf> {
        if let Some(folder) = given {
            return match folder.exists() {
                true => Ok(folder.to_owned()),
                false => Err(ToolError::usage(format!("--cases {}: there is no such folder", folder.display()))),
            };
        }
        let folder = match self {
            Subject::Crate(package) => package.folder.join("cases"),
            Subject::Component(built) => Path::new(&built.place).with_file_name("cases"),
        };
        if folder.is_dir() {
            return Ok(folder);
        }
        Err(ToolError::usage(format!(
            "{}: there are no golden cases; say where they are: --cases DIR",
            folder.display()
        )))
    }
}

fn builtin(name: &str) -> Ended<Built> {
    let Some(bytes) = refrain_plugins::builtin(name) else {
        let known = refrain_plugins::NAMES.join(", ");
        return Err(ToolError::usage(format!("there is no bundled filter {name:?}; there are {known}")));
    };
    Ok(Built { name: name.to_owned(), bytes: bytes.to_vec(), place: format!("{BUILTIN}{name}") })
}

fn read(path: &Path) -> Ended<Built> {
    let bytes = fs::read(path).map_err(|error| ToolError::usage(format!("{}: {error}", path.display())))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Built { name, bytes, place: path.display().to_string() })
}
