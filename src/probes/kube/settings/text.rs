//! The text of a kubeconfig as kubectl decodes it: the first document alone, the last of keys that come twice, and each value of the
//! type that it must have. The library makes `true` of "true" and a token of a number, which kubectl refuses.
//!
//! Source: sigs.k8s.io/yaml `YAMLToJSON` and client-go `tools/clientcmd/api/v1/types.go`, tried with kubectl 1.32.

use kube::config::Kubeconfig;
use serde_json::Value;
use serde_saphyr::options::DuplicateKeyPolicy;

/// What is true or false.
const FLAGS: [&str; 2] = ["insecure-skip-tls-verify", "disable-compression"];
/// What is text.
const TEXTS: [&str; 18] = [
    "server",
    "tls-server-name",
    "certificate-authority",
    "certificate-authority-data",
    "proxy-url",
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "token",
    "tokenFile",
    "username",
    "password",
    "as",
    "as-uid",
    "cluster",
    "user",
    "namespace",
];

/// A kubeconfig that was decoded.
#[derive(Default)]
pub(super) struct Decoded(Kubeconfig);

impl From<Decoded> for Kubeconfig {
    fn from(decoded: Decoded) -> Self {
        decoded.0
    }
}

/// Decodes the bytes of a kubeconfig.
///
/// # Errors
/// What is wrong, with its place; no part of the contents but the names of its entries.
pub(super) fn decoded(bytes: &[u8]) -> Result<Decoded, String> {
    let text = text(bytes).ok_or("it is not text")?;
    let text = text.trim_start_matches('\u{feff}');
    if begins_with_nothing(text) {
        return Err("its first document is empty, and kubectl reads no other: remove one of the lines ---".to_owned());
    }
    let mut options = serde_saphyr::Options::default();
    options.duplicate_keys = DuplicateKeyPolicy::LastWins;
    let documents = serde_saphyr::from_multiple_with_options::<Value>(text, options);
    let first = documents.map_err(|cause| syntax(text, &cause))?.into_iter().next().unwrap_or(Value::Null);
    let Value::Object(_) = &first else {
        return match first {
            Value::Null => Ok(Decoded::default()),
            _ => Err("it is no mapping of keys to values".to_owned()),
        };
    };
    checked(&first)?;
    let whole = serde_json::from_value(first);
    whole.map(Decoded).map_err(|_| "a key has a value of another kind than kubectl wants".to_owned())
}

/// The text, which may be UTF-16 where it says so.
fn text(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks().0.iter().map(|two| unit(*two)).collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).ok().map(str::to_owned),
    }
}

/// Whether two documents begin before anything is said.
fn begins_with_nothing(text: &str) -> bool {
    let describe = |line: &&str| {
        let line = line.trim_end();
        !(line.is_empty() || line.trim_start().starts_with('#') || line.starts_with('%'))
    };
    let is_begin = |line: &str| {
        line.strip_prefix("---").is_some_and(|rest| {
            let rest = rest.trim();
            rest.is_empty() || rest.starts_with('#')
        })
    };
    let mut lines = text.lines().filter(describe);
    lines.next().is_some_and(is_begin) && lines.next().is_some_and(|line| is_begin(line) || line.starts_with("--- "))
}

/// What is wrong with the YAML; the parser's own words may hold a part of it, so only its place is taken over.
fn syntax(text: &str, cause: &serde_saphyr::Error) -> String {
    let Some(at) = cause.location() else { return "it is not valid YAML".to_owned() };
    let line = usize::try_from(at.line()).ok().and_then(|line| text.lines().nth(line.checked_sub(1)?));
    let indent = line.map(|line| line.len() - line.trim_start().len()).and_then(|long| line?.get(..long));
    let why = match (cause, indent) {
        (serde_saphyr::Error::UnknownAnchor { .. }, _) => "an alias (*) without its anchor (&)",
        (_, Some(indent)) if indent.contains('\t') => "a tab indents the line, and YAML takes blanks alone",
        _ => "not valid YAML: look at the indentation, the quotes and the colons",
    };
    format!("line {}, column {}: {why}", at.line(), at.column())
}

/// Holds every value to its type.
fn checked(config: &Value) -> Result<(), String> {
    for key in ["kind", "apiVersion", "current-context"] {
        text_of(config, key, "")?;
    }
    for (list, inner) in [("clusters", "cluster"), ("contexts", "context"), ("users", "user")] {
        let items = match config.get(list) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(items)) => items,
            Some(_) => return Err(format!("{list} must be a list, each item with a name")),
        };
        for (number, item) in (1..).zip(items) {
            text_of(item, "name", &format!("{list}, item {number}: "))?;
            let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
            let place = format!("{inner} {}: ", name.escape_debug());
            let fields = match item.get(inner) {
                None | Some(Value::Null) => continue,
                Some(fields @ Value::Object(_)) => fields,
                Some(_) => return Err(format!("{place}it must be a mapping of keys to values")),
            };
            for key in TEXTS {
                text_of(fields, key, &place)?;
            }
            for key in FLAGS {
                if !matches!(fields.get(key), None | Some(Value::Null | Value::Bool(_))) {
                    return Err(format!("{place}{key} must be true or false, without quotes"));
                }
            }
        }
    }
    Ok(())
}

fn text_of(fields: &Value, key: &str, place: &str) -> Result<(), String> {
    match fields.get(key) {
        None | Some(Value::Null | Value::String(_)) => Ok(()),
        Some(_) => Err(format!("{place}{key} must be text: put it in quotes")),
    }
}
