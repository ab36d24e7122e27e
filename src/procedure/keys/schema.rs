//! The JSON Schema of a procedure's file, of the dialect 2020-12.

use crate::config::keys::{object, property, schema as of_sections};
use crate::procedure::adapters::Purpose;
use crate::procedure::keys::{SECTIONS, STEP, TITLE, Way};
use serde_json::{Map, Value, json};

/// A value that is one whole reference, or text with any number of them.
const TEMPLATE: &str = r"\{\{.*\}\}";

/// The schema; `ways` are the adapters' actions.
#[must_use]
pub fn schema(ways: &[Way]) -> Value {
    let mut whole = of_sections(TITLE, SECTIONS);
    if let Some(whole) = whole.as_object_mut() {
        // Every other name at the top is a phase's.
        let phase =
            json!({ "type": "array", "description": "The steps of a phase.", "items": { "$ref": "#/$defs/step" } });
        whole.insert("additionalProperties".to_owned(), phase);
    }
    if let Some(defs) = whole.get_mut("$defs").and_then(Value::as_object_mut) {
        defs.insert("step".to_owned(), step());
        for purpose in [Purpose::Read, Purpose::Check, Purpose::Do, Purpose::Prove, Purpose::Undo] {
            let fits = ways.iter().filter(|way| way.purposes.contains(&purpose));
            let any: Vec<Value> = fits.map(action).collect();
            let doc = format!("An action as the value of `{}`.", purpose.word());
            defs.insert(purpose.word().to_owned(), json!({ "type": "object", "description": doc, "anyOf": any }));
        }
    }
    whole
}

fn step() -> Value {
    let mut step = Map::new();
    let mut properties = Map::new();
    let mut beside = Map::new();
    for one in STEP {
        let key = one.key;
        properties.insert(key.name.to_owned(), open(property(&key)));
        let is_verb = one.verbs.iter().any(|verb| verb.word() == key.name);
        if !is_verb && !one.verbs.is_empty() {
            let any: Vec<Value> = one.verbs.iter().map(|verb| json!({ "required": [verb.word()] })).collect();
            beside.insert(key.name.to_owned(), json!({ "anyOf": any }));
        }
    }
    beside.insert("wait".to_owned(), json!({ "required": ["timeout", "title"] }));
    beside.insert("do".to_owned(), json!({ "required": ["effect", "title"] }));
    let verbs = STEP.iter().filter(|one| one.verbs.iter().any(|verb| verb.word() == one.key.name));
    let one_of: Vec<Value> = verbs.map(|one| json!({ "required": [one.key.name] })).collect();
    step.insert("type".to_owned(), json!("object"));
    step.insert("description".to_owned(), json!("A step: exactly one verb, and its other keys."));
    step.insert("properties".to_owned(), Value::Object(properties));
    step.insert("additionalProperties".to_owned(), json!(false));
    step.insert("oneOf".to_owned(), json!(one_of));
    step.insert("dependentSchemas".to_owned(), Value::Object(beside));
    Value::Object(step)
}

/// One form of an action; a value that is no text may be a reference instead.
fn action(way: &Way) -> Value {
    let mut of = object(&way.section);
    if let Some(Value::Object(properties)) = of.get_mut("properties") {
        for (name, value) in properties.iter_mut() {
            if name != way.section.name {
                *value = open(value.take());
            }
        }
    }
    Value::Object(of)
}

/// The same, or text with references in it.
fn open(mut value: Value) -> Value {
    let Some(of) = value.as_object_mut() else { return value };
    let is_free =
        of.get("type") == Some(&json!("string")) && of.get("pattern").is_none_or(|it| it == "" || it == r"\S");
    if is_free || of.contains_key("$ref") {
        return value;
    }
    let doc = of.remove("description");
    let mut open = json!({ "anyOf": [value, { "type": "string", "pattern": TEMPLATE }] });
    if let (Some(doc), Some(open)) = (doc, open.as_object_mut()) {
        open.insert("description".to_owned(), doc);
    }
    open
}
