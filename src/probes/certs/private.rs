//! Which certificate of a file the key beside it is of.
//!
//! Only the public half is worked out of a key, to be compared; nothing of it is kept or shown. A key that may not be read, as is right
//! for an account that only watches, or that is encrypted, proves nothing.

use crate::probes::certs::files;
use crate::probes::certs::parse::Parsed;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

/// How much of a file is looked through for a key, in bytes.
const MOST: u64 = 2 << 20;
/// What stands behind the name of a certificate's file, without its ending, in that of its key.
const ENDINGS: [&str; 4] = [".key", "-key.pem", "_key.pem", ".key.pem"];
/// Whose key lies beside them as `privkey.pem` (certbot).
const OF_LINEAGES: [&str; 2] = ["fullchain.pem", "cert.pem"];

/// The key that belongs to a file of certificates.
#[derive(Debug)]
pub struct Private {
    /// Where it is; the file itself where it holds both.
    pub path: PathBuf,
    /// Its public half as a certificate has it; or why it is not known.
    public: Result<Vec<u8>, String>,
    is_within: bool,
}

/// Which certificate a key is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// The first one of the file.
    First,
    /// Another one, by its place.
    Other(usize),
    /// None of the file.
    None,
    /// It is not known, and why.
    Unknown(String),
}

impl Private {
    /// The key in a file of certificates, or the one that lies beside it by its name; none where there is no such file.
    #[must_use]
    pub fn beside(file: &Path) -> Option<Self> {
        if let Some(Ok(key)) = key_in(file).transpose() {
            return Some(Self { path: file.to_owned(), public: public(&key), is_within: true });
        }
        let path = places(file).into_iter().find(|place| std::fs::symlink_metadata(place).is_ok())?;
        let public =
            key_in(&path).and_then(|key| key.map_or_else(|| Err("no key in it".to_owned()), |key| public(&key)));
        Some(Self { path, public, is_within: false })
    }

    /// Which of these certificates it is of.
    #[must_use]
    pub fn of(&self, all: &[&Parsed]) -> Match {
        let public = match &self.public {
            Ok(public) => public,
            Err(why) => return Match::Unknown(why.clone()),
        };
        match all.iter().position(|one| bits(&one.spki).as_ref() == Some(public)) {
            Some(0) => Match::First,
            Some(at) => Match::Other(at),
            // A point of a curve may be written in two ways.
            None if all.first().is_some_and(|first| bits(&first.spki).is_none_or(|own| is_compressed(&own))) => {
                Match::Unknown("its certificate has another form of the key".to_owned())
            }
            None => Match::None,
        }
    }

    /// That it is of another certificate than the first: of this one, or of none in the file.
    #[must_use]
    pub fn words_of_other(&self, other: Option<&Parsed>) -> String {
        let own = match self.path.file_name() {
            _ if self.is_within => "the key in it".to_owned(),
            name => format!("the key {}", name.unwrap_or_default().to_string_lossy()),
        };
        match other {
            Some(other) => format!("{own} is of {}, and servers take the first certificate", other.subject_word),
            None => format!("{own} is of another certificate"),
        }
    }
}

/// Where a key of a file lies by its name, the likeliest first.
fn places(file: &Path) -> Vec<PathBuf> {
    let Some(name) = file.file_name() else { return Vec::new() };
    let is_of_lineage = OF_LINEAGES.iter().any(|own| name == *own);
    let beside = |stem: &std::ffi::OsStr, ending: &str| {
        let mut key = OsString::from(stem);
        key.push(ending);
        file.with_file_name(key)
    };
    let stem = file.file_stem().unwrap_or(name);
    let mut all = Vec::new();
    all.extend(is_of_lineage.then(|| file.with_file_name("privkey.pem")));
    all.extend(ENDINGS.iter().map(|ending| beside(stem, ending)));
    // HAProxy: `site.pem.key`.
    all.push(beside(name, ".key"));
    all.retain(|place| place != file);
    all
}

/// The first key in a file; none where it holds none.
fn key_in(path: &Path) -> Result<Option<PrivateKeyDer<'static>>, String> {
    let file = files::open(path).map_err(|cause| match cause.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => files::why(path, &cause),
    })?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(|cause| files::why(path, &cause))?;
    let has = |mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
    if has(b"BEGIN ENCRYPTED PRIVATE KEY-") || has(b"Proc-Type: 4,ENCRYPTED") {
        return Err("it is encrypted".to_owned());
    }
    if !has(b"PRIVATE KEY-") {
        return Ok(None);
    }
    PrivateKeyDer::from_pem_slice(&bytes).map(Some).map_err(|_| "it cannot be read".to_owned())
}

/// The public half of a key.
fn public(key: &PrivateKeyDer<'_>) -> Result<Vec<u8>, String> {
    let unknown = || "its kind is not read here".to_owned();
    let signing = any_supported_type(key).map_err(|_| unknown())?;
    signing.public_key().and_then(|spki| bits(spki.as_ref())).ok_or_else(unknown)
}

/// The bits of a public key, without its algorithm: one key may go by two of them (RSA, RSA-PSS).
fn bits(spki: &[u8]) -> Option<Vec<u8>> {
    let (_, info) = SubjectPublicKeyInfo::from_der(spki).ok()?;
    Some(info.subject_public_key.data.to_vec())
}

/// Whether the bits may be those of a point that is written in its short form.
fn is_compressed(bits: &[u8]) -> bool {
    bits.len() % 2 == 1 && matches!(bits.first(), Some(2 | 3))
}
