//! `refrain filter new`: a crate that builds and passes its own tests at once.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Ended, ToolError};

/// Arguments of `refrain filter new`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  refrain filter new link-limit
  refrain filter new link-limit --path ~/filters --sdk ~/refrain/sdk

The crate depends on refrain-sdk, which no registry has yet: it is taken from --sdk, else from the checkout of Refrain around the
current folder, else from the one that this program was built from.

Exit codes: 0 written, 1 a file could not be written, 2 wrong usage: no such SDK, not a name, or the folder is there already.")]
pub struct New {
    /// The filter's name: lower-case letters, digits and single hyphens, a letter first
    #[arg(value_name = "NAME", value_parser = parse_name)]
    name: String,
    /// The folder to make the crate's folder in
    #[arg(long, value_name = "DIR", default_value = ".")]
    path: PathBuf,
    /// The folder of refrain-sdk, or of the checkout it is in
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

/// What is written, and where.
const TEMPLATE: [(&str, &str); 8] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    (".gitignore", include_str!("template/gitignore.txt")),
    ("README.md", include_str!("template/README.md.txt")),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("tests/cases.rs", include_str!("template/cases.rs.txt")),
    ("cases/links.toml", include_str!("template/links.toml")),
    ("cases/trusted.toml", include_str!("template/trusted.toml")),
    ("cases/defaults.xml", include_str!("template/defaults.xml")),
];

impl New {
    /// Writes the crate and says how to go on.
    pub(super) fn run(&self) -> Ended {
        let sdk = find_sdk(self.sdk.as_deref(), &env::current_dir().unwrap_or_default())?;
        let folder = self.path.join(&self.name);
        if folder.exists() {
            return Err(ToolError::usage(format!(
                "{} is there already, and nothing is overwritten; choose another name, or another --path",
                folder.display()
            )));
        }
        self.write(&folder, &sdk).map_err(|error| ToolError::failed(format!("{}: {error}", folder.display())))?;
        self.print_next_steps(&folder, &sdk);
        Ok(())
    }

    fn write(&self, folder: &Path, sdk: &Path) -> io::Result<()> {
        for (file, text) in TEMPLATE {
            write_new(&folder.join(file), &self.fill_in(text, sdk))?;
        }
        // The versions that the SDK was tested with, and nothing to resolve: cargo drops what the crate does not need.
        let lock = sdk.join("../Cargo.lock");
        if lock.exists() {
            fs::copy(lock, folder.join("Cargo.lock"))?;
        }
        Ok(())
    }

    fn fill_in(&self, text: &str, sdk: &Path) -> String {
        text.replace("{{name}}", &self.name)
            .replace("{{crate}}", &self.name.replace('-', "_"))
            .replace("{{type}}", &type_name(&self.name))
            // A TOML basic string.
            .replace("{{sdk}}", &sdk.display().to_string().escape_default().to_string())
    }

    fn print_next_steps(&self, folder: &Path, sdk: &Path) {
        say!("Wrote {}, over the SDK in {}. Next:", folder.display(), sdk.display());
        say!("    cd {}", folder.display());
        say!("    refrain filter test        compile it, and judge the stanzas in cases/ with it");
        say!("    refrain filter inspect     what an operator will see of it");
        say!("The filter is src/lib.rs; README.md says how to let it judge live stanzas.");
    }
}

/// Cargo's rules for packages, narrowed to what filters are called.
fn parse_name(text: &str) -> Result<String, String> {
    /// Of the SDK, the standard library or the crate itself.
    const TAKEN: [&str; 10] =
        ["refrain", "refrain-sdk", "serde", "std", "core", "alloc", "test", "proc-macro", "self", "crate"];
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.split('-').all(is_word) || text.len() > 64 {
        return Err(
            "write lower-case letters, digits and single hyphens, a letter first, as in \"link-limit\"".to_owned()
        );
    }
    if TAKEN.contains(&text) || is_keyword(text) {
        return Err(format!("a crate cannot be called {text:?}; choose another name, as in \"{text}-filter\""));
    }
    Ok(text.to_owned())
}

/// The Rust Reference, "Keywords": strict and reserved ones that are plain words.
fn is_keyword(text: &str) -> bool {
    const KEYWORDS: [&str; 51] = [
        "as", "abstract", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
        "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
        "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "super", "trait", "true", "try",
        "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "union", "raw",
    ];
    KEYWORDS.contains(&text)
}

/// `link-limit` → `LinkLimit`.
fn type_name(name: &str) -> String {
    let capitalised = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    let name: String = name.split('-').map(capitalised).collect();
    // Names that the template imports itself.
    let is_taken = [
        "About",
        "Action",
        "Condition",
        "Filter",
        "Head",
        "Interest",
        "Kind",
        "Problem",
        "Problems",
        "Settings",
        "Setup",
        "Stanza",
        "Texts",
        "Verdict",
    ];
    if is_taken.contains(&name.as_str()) { format!("{name}Filter") } else { name }
}

/// Finds the folder of refrain-sdk: given, above the current folder, or where this program was built.
fn find_sdk(given: Option<&Path>, current: &Path) -> Ended<PathBuf> {
    if let Some(given) = given {
        let found = [given.to_owned(), given.join("sdk")].into_iter().find(|folder| is_sdk(folder));
        let found = found.ok_or_else(|| {
            ToolError::usage(format!(
                "--sdk {}: refrain-sdk is not there; give the folder of its Cargo.toml",
                given.display()
            ))
        })?;
        return found.canonicalize().map_err(|error| ToolError::usage(format!("--sdk {}: {error}", given.display())));
    }
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let checkouts = current.ancestors().map(Path::to_owned).chain([built_from]);
    let found = checkouts.map(|checkout| checkout.join("sdk")).find(|folder| is_sdk(folder));
    found.and_then(|folder| folder.canonicalize().ok()).ok_or_else(|| {
        ToolError::usage(
            "refrain-sdk is not found: there is no checkout of Refrain around this folder, and the one this program was built \
             from is gone; say where the SDK is, as in --sdk ~/refrain/sdk",
        )
    })
}

fn is_sdk(folder: &Path) -> bool {
    let manifest = fs::read_to_string(folder.join("Cargo.toml"));
    manifest.is_ok_and(|text| text.lines().any(|line| line.trim() == "name = \"refrain-sdk\""))
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_cargo_and_the_configuration_take() {
        for name in ["link-limit", "a", "spim2", "no-2nd-thoughts"] {
            assert_eq!(parse_name(name).as_deref(), Ok(name));
        }
        for name in ["", "Link", "2nd", "-a", "a-", "a--b", "a_b", "a.b", "../a", "ä", "fn", "test", "refrain-sdk"] {
            assert!(parse_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_type_never_has_the_name_of_another() {
        assert_eq!(type_name("link-limit"), "LinkLimit");
        assert_eq!(type_name("stanza"), "StanzaFilter");
    }

    #[test]
    fn the_sdk_is_found_in_the_checkout_around_the_folder_or_where_it_is_said_to_be() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        assert_eq!(find_sdk(None, &checkout.join("plugins/spim")).unwrap(), checkout.join("sdk"));
        assert_eq!(find_sdk(Some(&checkout), Path::new("/")).unwrap(), checkout.join("sdk"));
        assert!(matches!(find_sdk(Some(Path::new("/nowhere")), &checkout), Err(ToolError::Usage(_))));
    }

    #[test]
    fn no_placeholder_is_left() {
        let new = New { name: "link-limit".to_owned(), path: PathBuf::new(), sdk: None };
        for (file, text) in TEMPLATE {
            let filled = new.fill_in(text, Path::new("/x/sdk"));
            assert!(!filled.contains("{{"), "{file}: {filled}");
        }
    }
}
