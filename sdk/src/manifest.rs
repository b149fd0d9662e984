//! What a component says about itself, without being run: written by its own code when it is packed.

use serde_json::{Map, Value, json};

use crate::{About, Filter};

/// The version of `wit/filter.wit` that this SDK speaks.
pub const INTERFACE_VERSION: &str = "0.1.2";

/// What cargo knows of the author's crate; empty where its manifest says nothing.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Package {
    pub name: &'static str,
    pub version: &'static str,
    /// Separated by colons.
    pub authors: &'static str,
    pub description: &'static str,
}

/// Returns the manifest of a filter as JSON.
pub(crate) fn json<F: Filter>(package: &Package) -> Value {
    let mut manifest = Map::new();
    let mut say = |key: &str, value: Value| {
        let is_empty = value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty);
        if !is_empty {
            manifest.insert(key.to_owned(), value);
        }
    };
    let about = F::about();
    say("name", package.name.into());
    say("version", package.version.into());
    say("authors", package.authors.split(':').filter(|author| !author.is_empty()).collect());
    say("description", package.description.into());
    say("interface", INTERFACE_VERSION.into());
    say("settings-schema", schemars::SchemaGenerator::default().into_root_schema_for::<F::Settings>().to_value());
    say("requests", about.requests.iter().copied().collect());
    if let Some(limits) = limits(&about) {
        say("limits", limits);
    }
    say("self-test", about.self_test.into());
    Value::Object(manifest)
}

fn limits(about: &About) -> Option<Value> {
    match (about.deadline_ms, about.memory_mib) {
        (None, None) => None,
        (Some(deadline), None) => Some(json!({ "deadline-ms": deadline })),
        (None, Some(memory)) => Some(json!({ "memory-mib": memory })),
        (Some(deadline), Some(memory)) => Some(json!({ "deadline-ms": deadline, "memory-mib": memory })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Head, Problems, Setup, Stanza, Verdict};

    /// How long a text may be.
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[allow(dead_code)]
    struct Settings {
        /// In bytes.
        limit: u32,
    }

    struct Brevity;

    impl Filter for Brevity {
        type Settings = Settings;

        fn about() -> About {
            About::new().requests("list:friends").deadline_ms(2).self_test("[[case]]")
        }

        fn configure(_: Settings, _: &mut Setup) -> Result<Self, Problems> {
            Ok(Brevity)
        }

        fn on_stanza(&self, _: &Head, _: &Stanza<'_>) -> Verdict {
            Verdict::Pass
        }
    }

    const PACKAGE: Package =
        Package { name: "brevity", version: "1.2.3", authors: "A <a@b.example>:C", description: "" };

    #[test]
    fn says_what_cargo_and_the_filter_know() {
        let manifest = json::<Brevity>(&PACKAGE);
        assert_eq!((&manifest["name"], &manifest["version"]), (&json!("brevity"), &json!("1.2.3")));
        assert_eq!(manifest["authors"], json!(["A <a@b.example>", "C"]));
        assert_eq!(manifest.get("description"), None);
        assert_eq!(manifest["requests"], json!(["list:friends"]));
        assert_eq!(manifest["limits"], json!({ "deadline-ms": 2 }));
        assert_eq!(manifest["self-test"], json!(["[[case]]"]));
    }

    #[test]
    fn describes_each_setting() {
        let schema = &json::<Brevity>(&PACKAGE)["settings-schema"];
        assert_eq!(schema["description"], "How long a text may be.");
        assert_eq!(schema["properties"]["limit"]["description"], "In bytes.");
    }

    #[test]
    fn speaks_the_version_of_the_interface_it_was_made_from() {
        let interface = include_str!("../../wit/filter.wit");
        assert!(interface.starts_with(&format!("package refrain:filter@{INTERFACE_VERSION};")));
    }
}
