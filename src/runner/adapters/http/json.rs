//! A value in a JSON answer: `.rate`, `.items[0].name`.

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(String),
    Place(usize),
}

/// A path to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path(Vec<Part>);

impl Path {
    /// Parses a path; `None` if the text is not one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('.')?;
        let mut parts = Vec::new();
        if rest.is_empty() {
            return Some(Self(parts));
        }
        for word in rest.split('.') {
            let (key, places) = match word.split_once('[') {
                Some((key, places)) => (key, Some(places)),
                None => (word, None),
            };
            let first = parts.is_empty();
            if !key.is_empty() {
                parts.push(Part::Key(key.to_owned()));
            } else if !(first && places.is_some()) {
                return None;
            }
            for place in places.into_iter().flat_map(|places| places.split('[')) {
                parts.push(Part::Place(place.strip_suffix(']')?.parse().ok()?));
            }
        }
        Some(Self(parts))
    }

    /// The value at the path, as text.
    ///
    /// # Errors
    /// That there is none, that it is null, or that it is no single value.
    pub(super) fn of(&self, value: &serde_json::Value) -> Result<String, String> {
        let mut here = value;
        for part in &self.0 {
            let next = match part {
                Part::Key(key) => here.get(key),
                Part::Place(place) => here.get(place),
            };
            here = next.ok_or("the answer does not hold it")?;
        }
        match here {
            serde_json::Value::Null => Err("it is null".to_owned()),
            serde_json::Value::Bool(flag) => Ok(flag.to_string()),
            serde_json::Value::Number(number) => Ok(number.to_string()),
            serde_json::Value::String(text) => Ok(text.clone()),
            serde_json::Value::Array(_) => Err("it is a list".to_owned()),
            serde_json::Value::Object(_) => Err("it is an object".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found() {
        let value = serde_json::json!({"rate": 0.5, "items": [{"name": "a"}, null], "up": true, "none": null});
        let of = |path: &str| Path::parse(path).unwrap().of(&value);
        assert_eq!(of(".rate").as_deref(), Ok("0.5"));
        assert_eq!(of(".items[0].name").as_deref(), Ok("a"));
        assert_eq!(of(".up").as_deref(), Ok("true"));
        for missing in [".none", ".items", ".items[1]", ".items[7]", ".rate.x", ".nothing", "."] {
            assert!(of(missing).is_err(), "{missing}");
        }
        assert_eq!(Path::parse(".[1]").unwrap().of(&serde_json::json!([1, 2])).as_deref(), Ok("2"));
        for wrong in ["", "rate", "..a", ".a[", ".a[x]", ".a[0", ".a.", ".a[0]b"] {
            assert_eq!(Path::parse(wrong), None, "{wrong}");
        }
    }
}
