//! `[[store]]`: buckets of object stores.

use crate::config::estate::Store;
use crate::config::estate::read::parts::{path, unique};
use crate::config::estate::read::secrets::reference;
use crate::config::reader::{Problems, Table};
use crate::config::secrets::Secrets;

/// Reads every `[[store]]`.
pub(super) fn stores(root: &mut Table, known: &[String], problems: &mut Problems) -> Vec<Store> {
    let (mut names, mut buckets, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for mut table in root.tables("store", problems) {
        let at = table.place_of("name");
        let name = table.named("name", problems);
        unique(&mut names, name.clone(), at, "a store of this name", problems);
        let at = table.place_of("bucket");
        if !table.has("bucket") {
            table.required_text("bucket", problems);
        }
        let bucket = table.parsed("bucket", "a bucket's name, such as \"novacron-backups\"", problems, |text| {
            is_bucket(text).then(|| text.to_owned())
        });
        unique(&mut buckets, bucket.clone(), at, "a store of this bucket", problems);
        let at = table.place_of("endpoint");
        let endpoint = table.text("endpoint", problems).and_then(|text| {
            let read = endpoint(&text);
            if read.is_none() {
                // It is not repeated: it may hold a password.
                let hint = "such as \"https://minio.novacron.io:9000\"";
                problems.add_with_hint(at, "`endpoint` must be http or https, a host, and nothing else", hint);
            }
            read
        });
        let region = table.parsed("region", "a region's name, such as \"eu-central-1\"", problems, |text| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_owned())
        });
        let access_key = secret(&mut table, "access_key", known, problems);
        let secret_key = secret(&mut table, "secret_key", known, problems);
        let token = secret(&mut table, "token", known, problems);
        let ca = path(&mut table, "ca", problems);
        table.finish(problems);
        if let (Some(name), Some(bucket)) = (name, bucket) {
            all.push(Store { name, bucket, endpoint, region, access_key, secret_key, token, ca });
        }
    }
    all
}

fn secret(table: &mut Table, key: &'static str, known: &[String], problems: &mut Problems) -> Option<String> {
    let at = table.place_of(key);
    let written = table.text(key, problems)?;
    match reference(&written, known) {
        Ok(name) => Some(name),
        Err((why, hint)) => {
            problems.add_with_hint(at, format!("`{key}`: {why}"), hint.unwrap_or_default());
            None
        }
    }
}

/// A URL of a scheme and a host, where needed with a port, and nothing else.
fn endpoint(text: &str) -> Option<String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let bare = host.strip_suffix('/').unwrap_or(host);
    let sound = !bare.is_empty() && !bare.contains(['/', '@', '?', '#', ' ']) && !bare.chars().any(char::is_control);
    sound.then(|| text.strip_suffix('/').unwrap_or(text).to_owned())
}

/// The bucket of `s3://bucket/prefix/`.
pub(super) fn bucket_of(prefix: &str) -> Option<&str> {
    prefix.strip_prefix("s3://").map(|rest| rest.split_once('/').map_or(rest, |(bucket, _)| bucket))
}

/// Whether this can be a bucket's name. Source: Amazon S3 user guide, "General purpose bucket naming rules".
pub(super) fn is_bucket(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let end = |c: char| c.is_ascii_alphanumeric();
    (3..=63).contains(&name.len()) && name.bytes().all(plain) && name.starts_with(end) && name.ends_with(end)
}

/// The places of the secrets that a store names.
pub(super) fn secrets_of(store: &Store, secrets: &Secrets) -> Secrets {
    let named = [&store.access_key, &store.secret_key, &store.token];
    let places = named.into_iter().flatten();
    Secrets { places: places.filter_map(|name| Some((name.clone(), secrets.places.get(name)?.clone()))).collect() }
}
