//! Settings held against the JSON Schema of their filter: every unknown key, wrong type and wrong word at once.
//!
//! A filter reads its settings by serde, which stops at the first of them. It decides what it takes all the same; the schema
//! only explains what it refused.

use refrain_filter::Manifest;
use serde_json::{Map, Value};

use super::ComponentSource;
use super::file::advise_key;

/// References that lead on to references; a schema may refer to itself.
const HOPS_MAX: usize = 6;

/// One place at which settings are not what the schema says.
#[derive(Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The key within the settings, as in `signatures[2].score`.
    pub path: String,
    /// What is wrong.
    pub problem: String,
    /// What to write instead; empty when the problem says it all.
    pub advice: String,
}

/// Returns every misfit, in the order of the schema's nesting. Of what the schema leaves open it says nothing.
pub fn misfits(schema: &Value, settings: &Value) -> Vec<Misfit> {
    let mut reader = Reader { root: schema, misfits: Vec::new() };
    reader.value(schema, settings, String::new());
    reader.misfits
}

/// Whether the component has a setting of this name. None of its code runs.
pub(super) fn is_setting(component: &ComponentSource, key: &str) -> bool {
    let manifest = match component {
        ComponentSource::Builtin(name) => refrain_plugins::builtin(name).map(Manifest::read),
        ComponentSource::Path(path) => std::fs::read(path).ok().map(|bytes| Manifest::read(&bytes)),
    };
    let schema = manifest.and_then(Result::ok).flatten().and_then(|manifest| manifest.settings_schema);
    schema.is_some_and(|schema| resolved(&schema, &schema)["properties"].get(key).is_some())
}

/// Follows references within the schema `root`, and the lists of one that stand around them.
pub fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let mut schema = schema;
    for _ in 0..HOPS_MAX {
        let found = match schema["$ref"].as_str() {
            Some(reference) => find(root, reference),
            None => schema["allOf"].as_array().filter(|all| all.len() == 1).map(|all| &all[0]),
        };
        let Some(found) = found else { return schema };
        schema = found;
    }
    schema
}

/// Returns what a reference such as `#/$defs/Rule` means.
pub fn find<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    root.pointer(reference.strip_prefix('#')?)
}

struct Reader<'s> {
    root: &'s Value,
    misfits: Vec<Misfit>,
}

impl<'s> Reader<'s> {
    fn value(&mut self, schema: &'s Value, value: &Value, path: String) {
        let schema = resolved(self.root, schema);
        if let Some(words) = words(schema) {
            return self.word(&words, value, path);
        }
        let Some(alternatives) = alternatives(schema) else { return self.typed(schema, value, path) };
        let alternatives = alternatives.iter().map(|alternative| resolved(self.root, alternative));
        let fitting: Vec<&Value> = alternatives.filter(|alternative| allows(alternative, value)).collect();
        match fitting.as_slice() {
            [] => self.wrong_type(&expected(self.root, schema), value, path),
            // Alternatives within one are not followed: so a schema that refers to itself ends.
            [one] => self.typed(one, value, path),
            _ => {}
        }
    }

    fn typed(&mut self, schema: &'s Value, value: &Value, path: String) {
        if let Some(words) = words(schema) {
            return self.word(&words, value, path);
        }
        if !allows(schema, value) {
            return self.wrong_type(&expected(self.root, schema), value, path);
        }
        match value {
            Value::Object(members) => self.table(schema, members, &path),
            Value::Array(items) => self.list(&schema["items"], items, &path),
            Value::Number(number) if number.as_f64() < schema["minimum"].as_f64() => {
                self.add(path, format!("{number} is too small"), format!("write {} or more", schema["minimum"]));
            }
            Value::Number(_) | Value::String(_) | Value::Bool(_) | Value::Null => {}
        }
    }

    fn table(&mut self, schema: &'s Value, members: &Map<String, Value>, path: &str) {
        let properties = schema["properties"].as_object();
        let known: Vec<&str> = properties.into_iter().flat_map(|all| all.keys().map(String::as_str)).collect();
        for (key, value) in members {
            let path = join(path, key);
            match (schema["properties"].get(key), &schema["additionalProperties"]) {
                (Some(schema), _) => self.value(schema, value, path),
                (None, Value::Bool(false)) => self.add(path, "there is no such key", advise_key(key, &known)),
                (None, schema) => self.value(schema, value, path),
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for key in required.filter(|key| !members.contains_key(*key)) {
            self.add(join(path, key), "is missing", "");
        }
    }

    fn list(&mut self, schema: &'s Value, items: &[Value], path: &str) {
        for (index, item) in items.iter().enumerate() {
            self.value(schema, item, format!("{path}[{index}]"));
        }
    }

    fn word(&mut self, words: &[&Value], value: &Value, path: String) {
        if words.contains(&value) || value.is_null() {
            return;
        }
        let known: Vec<&str> = words.iter().filter_map(|word| word.as_str()).collect();
        match value.as_str() {
            Some(word) => self.add(path, format!("there is no {value} here"), advise_key(word, &known)),
            None => self.wrong_type(&format!("one of the words {}", known.join(", ")), value, path),
        }
    }

    fn wrong_type(&mut self, expected: &str, value: &Value, path: String) {
        self.add(path, format!("is {}", kind(value)), format!("it must be {expected}"));
    }

    fn add(&mut self, path: String, problem: impl Into<String>, advice: impl Into<String>) {
        self.misfits.push(Misfit { path, problem: problem.into(), advice: advice.into() });
    }
}

fn join(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

/// The words of an enumeration, however it is written.
fn words(schema: &Value) -> Option<Vec<&Value>> {
    own_words(schema).or_else(|| {
        let words: Option<Vec<_>> = alternatives(schema)?.iter().map(own_words).collect();
        words.map(|words| words.concat())
    })
}

fn own_words(schema: &Value) -> Option<Vec<&Value>> {
    match schema.get("const") {
        Some(word) => Some(vec![word]),
        None => schema["enum"].as_array().map(|words| words.iter().collect()),
    }
}

fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    ["oneOf", "anyOf"].into_iter().find_map(|key| schema[key].as_array())
}

/// Whether a value is of the type that the schema names. TOML has no null: there it is a number that is too large.
fn allows(schema: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => false,
    };
    let names = types(schema);
    value.is_null() || names.is_empty() || names.into_iter().any(is)
}

fn types(schema: &Value) -> Vec<&str> {
    let of_words = || words(schema).is_some_and(|words| words.iter().all(|word| word.is_string()));
    match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ if of_words() => vec!["string"],
        _ => Vec::new(),
    }
}

fn expected(root: &Value, schema: &Value) -> String {
    let alternatives = alternatives(schema).into_iter().flatten().flat_map(|one| types(resolved(root, one)));
    let named = alternatives.chain(types(schema)).filter_map(|name| match name {
        "object" => Some("a table"),
        "array" => Some("a list"),
        "string" => Some("a text in quotes"),
        "boolean" => Some("true or false"),
        "integer" => Some("a whole number"),
        "number" => Some("a number"),
        _ => None,
    });
    named.collect::<Vec<_>>().join(" or ")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "a table",
        Value::Array(_) => "a list",
        Value::String(_) => "a text",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) | Value::Null => "a number",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(settings: &Value) -> Vec<String> {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "action": { "anyOf": [{ "$ref": "#/$defs/Action" }, { "type": "null" }] },
                "other": { "$ref": "#/$defs/Action" },
                "groups": { "type": "object", "additionalProperties": { "type": "number" } },
                "limit": { "type": ["integer", "null"], "minimum": 0 },
                "rules": { "type": "array", "items": { "$ref": "#/$defs/Rule" } },
                "open": {},
            },
            "$defs": {
                "Action": { "oneOf": [{ "enum": ["bounce"] }, { "const": "drop", "type": "string" }] },
                "Rule": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["name"],
                    "properties": {
                        "name": { "type": "string" },
                        "who": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
                    },
                },
            },
        });
        let told = |misfit: Misfit| format!("{}: {}; {}", misfit.path, misfit.problem, misfit.advice);
        misfits(&schema, settings).into_iter().map(told).collect()
    }

    #[test]
    fn every_misfit_is_found_with_its_path() {
        let settings = json!({
            "actoin": "drop",
            "action": "dorp",
            "groups": { "a": 1, "b": "2" },
            "limit": -1,
            "other": 7,
            "rules": [{ "name": "a", "who": 3 }, { "nane": "b", "who": ["x", true] }, "c"],
        });
        let mut found = found(&settings);
        found.sort();
        let expected = [
            "action: there is no \"dorp\" here; did you mean \"drop\"?",
            "actoin: there is no such key; did you mean \"action\"?",
            "groups.b: is a text; it must be a number",
            "limit: -1 is too small; write 0 or more",
            "other: is a number; it must be one of the words bounce, drop",
            "rules[0].who: is a number; it must be a text in quotes or a list",
            "rules[1].name: is missing; ",
            "rules[1].nane: there is no such key; did you mean \"name\"?",
            "rules[1].who[1]: is true or false; it must be a text in quotes",
            "rules[2]: is a text; it must be a table",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_the_schema_allows_or_leaves_open_is_no_misfit() {
        let settings = json!({
            "action": "drop", "groups": { "a": 1, "b": 2.5 }, "limit": 1, "open": [{}],
            "rules": [{ "name": "a", "who": "x" }, { "name": "b", "who": ["x"] }],
        });
        assert_eq!(found(&settings), [""; 0]);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        for schema in [json!({ "$ref": "#" }), json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }, {}] }), json!(7)] {
            assert_eq!(misfits(&schema, &json!({ "a": [1] })), []);
        }
    }
}
