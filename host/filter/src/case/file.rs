//! Case files on disk: which there are, and in which of the two forms each is written.

use std::io;
use std::path::{Path, PathBuf};

use super::{CaseFile, xml};

impl CaseFile {
    /// Reads a file in the form that its extension names, `toml` or `xml`. A file without cases is an error.
    pub fn read(path: &Path) -> Result<CaseFile, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("it cannot be read: {error}"))?;
        let file = if is_xml(path) { CaseFile::parse_xml(&text)? } else { CaseFile::parse(&text)? };
        if file.cases.is_empty() {
            return Err("the file has no case".to_owned());
        }
        Ok(file)
    }

    /// Reads cases from TOML; the error names line and column.
    pub fn parse(text: &str) -> Result<CaseFile, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// Reads cases from XML; the error names the case.
    pub fn parse_xml(text: &str) -> Result<CaseFile, String> {
        xml::read(text)
    }
}

/// Returns the case files of a folder, sorted: all that end in `.toml` or `.xml`.
pub fn case_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if is_xml(&path) || path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn is_xml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_an_error_with_its_line() {
        let error = CaseFile::parse("[[case]]\nname = 'a'\nstanza = ''\nraeson = 'x'\n").unwrap_err();
        assert!(error.contains("raeson") && error.contains("line 4"), "{error}");
    }

    #[test]
    fn lists_and_grants_stand_beside_the_settings() {
        let text =
            "grants = ['list:bad']\n[list.bad]\nentries = ['evil.example spam']\n[[case]]\nname = 'a'\nstanza = ''\n";
        let file = CaseFile::parse(text).unwrap();
        assert_eq!(file.grants.as_deref(), Some(&["list:bad".to_owned()][..]));
        assert_eq!(file.lists["bad"].entries, ["evil.example spam"]);
        assert_eq!(file.cases[0].verdict, None);
    }
}
