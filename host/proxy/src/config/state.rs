//! `[state]`: what outlives the process, and where.

use std::path::PathBuf;

use super::file::Section;

/// What is kept across restarts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Where it is kept; without it, nothing is.
    pub directory: Option<PathBuf>,
}

impl State {
    /// Reads `[state]`.
    pub(super) fn read(section: &Section<'_>) -> Self {
        section.knows(&["directory"]);
        section.requires("directory", "write a directory for Refrain's user alone, or leave [state] out");
        let directory = section.path("directory");
        if directory.as_ref().is_some_and(|path| path.exists() && !path.is_dir()) {
            section.mistake("directory", "is not a directory", "name one; it is made when it is not there");
        }
        State { directory }
    }
}
