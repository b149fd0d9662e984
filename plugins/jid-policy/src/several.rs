//! One text or a list of them: most rules name one address, and one address should not need brackets.

use std::borrow::Cow;
use std::fmt;

use refrain_sdk::JsonSchema;
use refrain_sdk::schemars::{Schema, SchemaGenerator, json_schema};
use refrain_sdk::serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use refrain_sdk::serde::ser::{Serialize, Serializer};

/// Texts, as the operator writes them: `"a"` or `["a", "b"]`. By default nothing is written, which is not the same as an empty list.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Several(Option<Vec<String>>);

impl Several {
    /// A single one.
    pub(crate) fn one(text: &str) -> Self {
        Several(Some(vec![text.to_owned()]))
    }

    /// Whether something is written, be it an empty list.
    pub fn is_written(&self) -> bool {
        self.0.is_some()
    }

    /// Whether it is an empty list.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_ref().is_some_and(Vec::is_empty)
    }

    /// Each text with the path that its mistakes are blamed on: `path` of a single one, `path[2]` in a list.
    pub(crate) fn with_paths(&self, path: &str) -> impl Iterator<Item = (String, &str)> {
        let texts = self.0.as_deref().unwrap_or_default();
        let is_single = texts.len() == 1;
        let at = move |place| if is_single { path.to_owned() } else { format!("{path}[{place}]") };
        texts.iter().enumerate().map(move |(place, text)| (at(place), text.as_str()))
    }
}

impl<'de> Deserialize<'de> for Several {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Texts)
    }
}

struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = Several;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Several, E> {
        Ok(Several::one(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Several, A::Error> {
        let mut several = Vec::new();
        while let Some(text) = texts.next_element()? {
            several.push(text);
        }
        Ok(Several(Some(several)))
    }
}

/// For the schema, which tells defaults.
impl Serialize for Several {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl JsonSchema for Several {
    fn schema_name() -> Cow<'static, str> {
        "Several".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}
