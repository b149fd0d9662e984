//! Every configuration on the pages of the filters is fit to run, beside what the pages leave to the reader.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail the test")]

use std::fs;
use std::path::{Path, PathBuf};

use refrain::config::{Config, Mistakes};
use refrain::lists::Board;
use refrain::lists::board::Purpose;
use refrain::snapshot::{self, chains};

/// The sections that a page leaves out, each unless a block has it.
const REST: &[(&str, &str)] = &[
    ("[outside]", "listen = '[::]:5269'\nresolver = 'system'\n"),
    ("[inside]", "listen = '127.0.0.1:5299'\nauthority = 'ca.pem'\n"),
    ("[[domain]]", "name = 'home.example'\nserver = '127.0.0.1:15269'\ncertificate = 'home.pem'\n"),
    ("[chain]", "inbound = [NAMES]\noutbound = [NAMES]\n"),
];

/// A block of a page, with the page and the line that it begins on.
struct Block {
    place: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn blocks() -> Vec<Block> {
    let pages = fs::read_dir(root().join("docs/filters")).unwrap().map(|entry| entry.unwrap().path());
    pages.flat_map(|path| blocks_of(&path)).collect()
}

fn blocks_of(path: &Path) -> Vec<Block> {
    let page = fs::read_to_string(path).unwrap();
    let block = |(at, fence): (usize, &str)| {
        let text = page[at + fence.len()..].split("\n```").next().unwrap().to_owned() + "\n";
        Block { place: format!("{}:{}", path.display(), page[..at].lines().count() + 1), text }
    };
    page.match_indices("```toml\n").map(block).collect()
}

impl Block {
    fn has(&self, section: &str) -> bool {
        self.text.lines().any(|line| line.split('#').next().unwrap().trim_end() == section)
    }

    /// Some show the content of a file of signatures, not of the configuration.
    fn is_of_signatures(&self) -> bool {
        self.has("[[signatures]]")
    }

    /// The files that it names.
    fn lists(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter_map(|line| line.strip_prefix("file = \"")?.split('"').next())
    }

    fn configuration(&self) -> String {
        let names: Vec<String> = refrain_plugins::NAMES.iter().map(|name| format!("'{name}'")).collect();
        let rest = REST.iter().filter(|(section, _)| !self.has(section));
        let rest: String = rest.map(|(section, keys)| format!("{section}\n{keys}")).collect();
        let signatures = "[filter.spim]\nsettings-files = { signatures = ['block.toml'] }\n[filter.spim.settings]\ngroups = { shops = 5.0 }\n";
        let text = if self.is_of_signatures() { signatures } else { &self.text };
        format!("{text}\n{}", rest.replace("NAMES", &names.join(", ")))
    }

    /// A folder with the files that it names, and those that the pages tell to copy.
    fn folder(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["spim-signatures.toml", "spim-phrases.toml"] {
            fs::copy(root().join("examples").join(name), folder.path().join(name)).unwrap();
        }
        self.lists().for_each(|name| fs::write(folder.path().join(name), "").unwrap());
        fs::write(folder.path().join("block.toml"), &self.text).unwrap();
        folder
    }

    /// What `refrain check` would say of it, certificates apart.
    fn check(&self) -> Result<(), Mistakes> {
        let folder = self.folder();
        let (config, mut mistakes) = Config::parse(&self.configuration(), &folder.path().join("refrain.toml"))?;
        let lists = Board::new(None).attach(&config.lists, Purpose::Trial);
        let engine = snapshot::engine().unwrap();
        match chains::build(&config, &lists, &engine, engine.shared()) {
            Ok(_) => mistakes.or(()),
            Err(found) => {
                mistakes.extend(found);
                Err(mistakes)
            }
        }
    }
}

#[test]
fn every_configuration_on_the_pages_of_the_filters_is_fit_to_run() {
    let blocks = blocks();
    assert!(blocks.len() >= 15, "{} blocks", blocks.len());
    let told = |block: &Block| block.check().err().map(|mistakes| format!("{}\n{mistakes}", block.place));
    let found: Vec<String> = blocks.iter().filter_map(told).collect();
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}
