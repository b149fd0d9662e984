//! A JSON Schema of settings as a table that an operator reads.

use serde_json::Value;

use crate::config::schema::{find, resolved};

/// Settings nest as deep as operators think; a schema may refer to itself.
const DEPTH_MAX: usize = 6;

/// One key of the settings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its path, as in `signatures[].name`.
    pub(super) key: String,
    /// What may be written, in words.
    pub(super) kind: String,
    /// What holds without it; `required` if it must be there, empty if the schema does not say.
    pub(super) default: String,
    /// What it does.
    pub(super) description: String,
    /// The words of which one may be written, or several if it is a list.
    pub(super) choices: Vec<Choice>,
    /// Whether it is a list.
    pub(super) is_list: bool,
}

/// A word that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// As it is written, with its quotes.
    pub(super) word: String,
    /// What it means.
    pub(super) description: String,
}

/// Returns a row for each key, those of nested tables behind the table's own.
pub(super) fn rows(schema: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    Reader { root: schema }.table(schema, "", 0, &mut rows);
    rows
}

/// Says what is wrong with the shape of a schema.
pub(super) fn mistakes(schema: &Value) -> Vec<String> {
    let reader = Reader { root: schema };
    let mut mistakes = Vec::new();
    let resolved = reader.resolved(schema);
    if !resolved.is_object() {
        return vec!["the settings' schema is no JSON object".to_owned()];
    }
    if resolved.get("type").is_some_and(|kind| !allows(kind, "object") && !allows(kind, "null")) {
        mistakes
            .push(format!("the settings' schema is of type {}; settings are a table: \"object\"", resolved["type"]));
    }
    if resolved.get("properties").is_some_and(|properties| !properties.is_object()) {
        mistakes.push("\"properties\" of the settings' schema is no object".to_owned());
    }
    reader.dangling(schema, &mut mistakes);
    mistakes
}

fn allows(kind: &Value, name: &str) -> bool {
    kind == name || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == name))
}

/// Looks references up.
struct Reader<'s> {
    root: &'s Value,
}

impl<'s> Reader<'s> {
    fn table(&self, schema: &'s Value, prefix: &str, depth: usize, rows: &mut Vec<Row>) {
        let schema = self.resolved(schema);
        let Some(properties) = schema["properties"].as_object().filter(|_| depth < DEPTH_MAX) else { return };
        let is_required =
            |name: &str| schema["required"].as_array().is_some_and(|required| required.iter().any(|key| key == name));
        for (name, property) in properties {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let resolved = self.resolved(property);
            let described = [property, resolved].into_iter().find_map(|schema| schema["description"].as_str());
            let default = match property.get("default").or_else(|| resolved.get("default")) {
                Some(Value::Null) | None if is_required(name) => "required".to_owned(),
                Some(Value::Null) | None => String::new(),
                Some(default) => default.to_string(),
            };
            let (kind, description) = (self.kind(resolved), in_one_line(described));
            let is_list = self.type_name(resolved) == Some("array");
            let choices = self.choices(resolved.get("items").unwrap_or(resolved)).unwrap_or_default();
            rows.push(Row { key: key.clone(), kind, default, description, choices, is_list });
            self.nested(resolved, &key, depth, rows);
        }
    }

    /// Tables inside, in a list or in a table of free keys.
    fn nested(&self, schema: &'s Value, key: &str, depth: usize, rows: &mut Vec<Row>) {
        self.table(schema, key, depth + 1, rows);
        if let Some(items) = schema.get("items") {
            self.table(items, &format!("{key}[]"), depth + 1, rows);
        }
        if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
            self.table(values, &format!("{key}.NAME"), depth + 1, rows);
        }
    }

    fn kind(&self, schema: &'s Value) -> String {
        let schema = self.resolved(schema);
        if let Some(choices) = self.choices(schema) {
            return choices.into_iter().map(|choice| choice.word).collect::<Vec<_>>().join(" | ");
        }
        match self.type_name(schema) {
            Some("array") => match schema.get("items") {
                Some(items) => format!("list of {}", self.kind(items)),
                None => "list".to_owned(),
            },
            Some("object") => "table".to_owned(),
            Some("integer") => "whole number".to_owned(),
            Some("string") => "text".to_owned(),
            Some("boolean") => "true | false".to_owned(),
            Some(other) => other.to_owned(),
            None => "any".to_owned(),
        }
    }

    /// The type, `null` apart: that the key may be left out is seen from its default.
    fn type_name(&self, schema: &'s Value) -> Option<&'s str> {
        match &schema["type"] {
            Value::String(kind) => Some(kind),
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
            _ => None,
        }
    }

    /// The words of an enumeration, however it is written; where something else may be written instead, what that is.
    fn choices(&self, schema: &'s Value) -> Option<Vec<Choice>> {
        let schema = self.resolved(schema);
        let choice = |word: &Value, description| Choice { word: word.to_string(), description };
        if let Some(words) = schema["enum"].as_array() {
            let words = words.iter().filter(|word| !word.is_null());
            return Some(words.map(|word| choice(word, String::new())).collect());
        }
        if let Some(word) = schema.get("const") {
            return Some(vec![choice(word, in_one_line(schema["description"].as_str()))]);
        }
        let alternatives = ["oneOf", "anyOf"].into_iter().find_map(|key| schema[key].as_array())?;
        let alternatives = alternatives.iter().filter(|alternative| alternative["type"] != "null");
        let choices = alternatives.map(|alternative| {
            let kind = || vec![Choice { word: self.kind(alternative), description: String::new() }];
            self.choices(alternative).unwrap_or_else(kind)
        });
        Some(choices.collect::<Vec<_>>().concat())
    }

    fn resolved(&self, schema: &'s Value) -> &'s Value {
        resolved(self.root, schema)
    }

    fn dangling(&self, schema: &Value, mistakes: &mut Vec<String>) {
        match schema {
            Value::Object(members) => {
                if let Some(reference) =
                    schema["$ref"].as_str().filter(|reference| find(self.root, reference).is_none())
                {
                    mistakes.push(format!("the settings' schema refers to {reference:?}, which is not in it"));
                }
                members.values().for_each(|member| self.dangling(member, mistakes));
            }
            Value::Array(items) => items.iter().for_each(|item| self.dangling(item, mistakes)),
            _ => {}
        }
    }
}

fn in_one_line(text: Option<&str>) -> String {
    text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_key_is_a_row_with_what_may_be_written() {
        let schema = json!({
            "type": "object",
            "required": ["signatures"],
            "properties": {
                "action": { "$ref": "#/$defs/Action", "default": "bounce" },
                "signatures": { "type": "array", "description": "What to look\nfor.", "items": { "$ref": "#/$defs/Signature" } },
            },
            "$defs": {
                "Action": { "oneOf": [{ "const": "bounce" }, { "enum": ["drop"] }] },
                "Signature": { "type": "object", "properties": { "limit": { "type": ["integer", "null"] } } },
            },
        });
        let rows = rows(&schema);
        let told = |row: &Row| [&row.key, &row.kind, &row.default, &row.description].map(String::clone);
        let expected = [
            ["action", "\"bounce\" | \"drop\"", "\"bounce\"", ""],
            ["signatures", "list of table", "required", "What to look for."],
            ["signatures[].limit", "whole number", "", ""],
        ];
        assert_eq!(rows.iter().map(told).collect::<Vec<_>>(), expected);
        assert_eq!(rows[0].choices.len(), 2);
        assert!(rows[1].is_list && rows[1].choices.is_empty());
        assert_eq!(mistakes(&schema), [""; 0]);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({ "properties": { "again": { "$ref": "#" } } });
        assert_eq!(rows(&schema).len(), DEPTH_MAX);
        rows(&json!({ "$ref": "#" }));
    }

    #[test]
    fn mistakes_of_shape_are_told() {
        assert_eq!(mistakes(&json!(7)).len(), 1);
        assert_eq!(mistakes(&json!({ "type": "array" })).len(), 1);
        assert!(mistakes(&json!({ "properties": { "a": { "$ref": "#/$defs/A" } } }))[0].contains("\"#/$defs/A\""));
    }
}
