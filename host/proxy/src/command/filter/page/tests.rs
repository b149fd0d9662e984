//! The tables, and whether the pages of the bundled filters have them as they are.

use std::fs;
use std::path::PathBuf;

use refrain_filter::{Engine, EngineOptions};
use serde_json::json;

use super::super::schema;
use super::tables;

const BEGIN: &str = "<!-- settings: written by `make docs` -->\n";
const END: &str = "<!-- end of settings -->";
/// Set, the pages are written instead of compared.
const WRITE: &str = "REFRAIN_WRITE_DOCS";

#[test]
fn nested_settings_have_a_table_of_their_own() {
    let schema = json!({
        "required": ["rules"],
        "properties": {
            "on": { "type": "boolean", "default": true, "description": "Whether it is on." },
            "rules": { "type": "array", "description": "In order.", "items": {
                "type": "object", "properties": { "way": { "description": "Either | or.", "oneOf": [
                    { "const": "in", "description": "From there." }, { "const": "out" },
                ] } },
            } },
        },
    });
    let expected = "\
| setting | what may be written | default | meaning |
|---|---|---|---|
| `on` | `true`, `false` | `true` | Whether it is on. |
| `rules` | list of tables | required | In order. |

| key of `rules[]` | what may be written | default | meaning |
|---|---|---|---|
| `way` | `\"in\"`, `\"out\"` |  | Either \\| or.<br>`\"in\"`: From there. |
";
    assert_eq!(tables(&schema::rows(&schema)), expected);
}

#[test]
fn the_pages_have_the_settings_as_the_filters_have_them() {
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let outdated: Vec<&str> =
        refrain_plugins::NAMES.iter().copied().filter(|name| !is_current(&engine, name)).collect();
    assert!(outdated.is_empty(), "the settings on the pages of {outdated:?} are others; `make docs` writes them anew");
}

/// Compares a page, or writes it.
fn is_current(engine: &Engine, name: &str) -> bool {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/filters/{name}.md"));
    let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.unwrap_or_else(|| panic!("{}: no {BEGIN} and {END}", path.display()));
    let component = engine.load(name, refrain_plugins::builtin(name).unwrap()).unwrap();
    let schema = component.manifest().unwrap().settings_schema.as_ref().unwrap();
    let current = format!("{before}{BEGIN}\n{}\n{END}{after}", tables(&schema::rows(schema)));
    if std::env::var_os(WRITE).is_some() && current != page {
        fs::write(&path, &current).unwrap();
        return true;
    }
    current == page
}
