//! A table of keys as a JSON Schema of the dialect 2020-12.

use crate::config::keys::{Form, Key, Kind, Needs, Section};
use serde_json::{Map, Value, json};

/// The schema of a file made of these sections; the first is its top.
#[must_use]
pub fn schema(title: &str, sections: &[Section]) -> Value {
    let mut whole = Map::new();
    for section in sections {
        match section.form {
            Form::Top => whole.extend(object(section)),
            Form::Once => insert(&mut whole, section, Value::Object(object(section))),
            Form::Names => insert(&mut whole, section, names(section)),
            Form::Defined => {
                let of =
                    json!({ "type": "object", "description": section.doc, "additionalProperties": object(section) });
                insert(&mut whole, section, of);
            }
            Form::Rest => {
                let of =
                    json!({ "type": "array", "description": section.doc, "items": object(section), "minItems": 1 });
                whole.insert("additionalProperties".to_owned(), of);
            }
            Form::Inline => {}
            Form::Many => {
                let of = json!({ "type": "array", "description": section.doc, "items": object(section) });
                insert(&mut whole, section, of);
            }
        }
    }
    whole.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    whole.insert("title".to_owned(), json!(title));
    let share = json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*%$", "examples": ["80%"] });
    let limits = json!({
        "type": "object",
        "properties": { "warn": share, "critical": share },
        "required": ["warn", "critical"],
        "additionalProperties": false,
    });
    whole.insert("$defs".to_owned(), json!({ "limits": limits }));
    Value::Object(whole)
}

/// Puts a section among the properties of the whole.
fn insert(whole: &mut Map<String, Value>, section: &Section, of: Value) {
    if let Some(Value::Object(properties)) = whole.get_mut("properties") {
        properties.insert(section.name.to_owned(), of);
    }
}

/// The schema of a section's own keys.
#[must_use]
pub fn object(section: &Section) -> Map<String, Value> {
    let properties: Map<String, Value> = section.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = section.keys.iter().filter(|key| key.default.is_none()).map(|key| key.name).collect();
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    if !section.doc.is_empty() {
        object.insert("description".to_owned(), json!(section.doc));
    }
    object.insert("properties".to_owned(), Value::Object(properties));
    object.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        object.insert("required".to_owned(), json!(required));
    }
    let each = |keys: &[&str]| keys.iter().map(|key| json!({ "required": [key] })).collect::<Vec<_>>();
    match section.needs {
        Needs::Nothing => {}
        Needs::Any(keys) => drop(object.insert("anyOf".to_owned(), json!(each(keys)))),
        Needs::One(keys) => drop(object.insert("oneOf".to_owned(), json!(each(keys)))),
    }
    object
}

/// The schema of a section whose keys are names of the author's own.
fn names(section: &Section) -> Value {
    let of = section.keys.first().map(property);
    json!({
        "type": "object",
        "description": section.doc,
        "propertyNames": { "pattern": "^[A-Za-z0-9_-]+$" },
        "additionalProperties": of,
    })
}

/// The schema of one key's value.
#[must_use]
pub fn property(key: &Key) -> Value {
    let mut of = of_kind(key.kind);
    if let Value::Object(of) = &mut of {
        let default = key.default.filter(|default| !default.is_empty() && !default.starts_with('*'));
        let default = default.map(|default| format!(" Default: {default}.")).unwrap_or_default();
        of.insert("description".to_owned(), json!(format!("{}{default}", key.doc)));
    }
    of
}

fn of_kind(kind: Kind) -> Value {
    const ABSOLUTE: &str = "^/";
    let table =
        |keys: &'static [Key], needs: Needs| object(&Section { name: "", form: Form::Inline, doc: "", keys, needs });
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match kind {
        Kind::Version => json!({ "const": 1 }),
        Kind::Name => json!({ "type": "string", "minLength": 1, "maxLength": 64 }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Text(_, pattern) => text(pattern),
        Kind::Texts(_, pattern) => json!({ "type": "array", "items": text(pattern), "minItems": 1 }),
        Kind::Path => text(ABSOLUTE),
        Kind::Paths => json!({ "type": "array", "items": text(ABSOLUTE), "uniqueItems": true }),
        Kind::Span => text("^[0-9]+(ms|s|m|h|d|w)$"),
        Kind::Days => text("^[0-9]+(s|m|h|d|w)$"),
        Kind::Size => text("^[0-9]+ ?(B|KiB|MiB|GiB|TiB)$"),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Status => {
            let code = json!({ "type": "integer", "minimum": 100, "maximum": 599 });
            json!({ "anyOf": [code, { "type": "array", "items": code, "minItems": 1 }] })
        }
        Kind::Limits => json!({ "$ref": "#/$defs/limits" }),
        Kind::Secret => text("^secret:[A-Za-z0-9_-]+$"),
        Kind::Words(words) => {
            json!({ "type": "array", "items": { "enum": words }, "minItems": 1, "uniqueItems": true })
        }
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Int(i64::MIN, i64::MAX) => json!({ "type": "integer" }),
        Kind::Int(least, i64::MAX) => json!({ "type": "integer", "minimum": least }),
        Kind::Int(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Arguments => json!({ "type": "array", "items": { "type": ["string", "integer"] }, "minItems": 1 }),
        Kind::Variables => json!({ "type": "object", "additionalProperties": { "type": ["string", "integer"] } }),
        Kind::Any(_) => json!({}),
        Kind::Table(keys) => Value::Object(table(keys, Needs::Nothing)),
        Kind::OneOf(keys) => {
            let mut of = table(keys, Needs::Nothing);
            of.insert("minProperties".to_owned(), json!(1));
            of.insert("maxProperties".to_owned(), json!(1));
            of.remove("required");
            Value::Object(of)
        }
        Kind::Either(kinds) => json!({ "anyOf": kinds.iter().map(|kind| of_kind(*kind)).collect::<Vec<_>>() }),
        Kind::Defined(name, _) => json!({ "$ref": format!("#/$defs/{name}") }),
    }
}
