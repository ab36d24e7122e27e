//! Roots that an estate names by a file, and what is the matter with keys.

use crate::config::trust;
use crate::domain::error::system_text;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;

/// The certificates of a file in PEM that none but its owner and root can change.
///
/// # Errors
/// Why there are none, with the file; begins with `TLS: `.
pub(crate) fn of_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unusable = |why: &dyn std::fmt::Display| format!("TLS: {}: {why}", path.display());
    trust::check_file(path).map_err(|why| unusable(&system_text(why)))?;
    let pem = std::fs::read(path).map_err(|cause| unusable(&system_text(cause)))?;
    let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let roots = roots.map_err(|_| unusable(&"not a PEM file, or damaged"))?;
    if roots.is_empty() { Err(unusable(&"no certificate in it")) } else { Ok(roots) }
}

/// Whether a private key in PEM is encrypted, by its label or by its header.
pub(crate) fn is_encrypted(pem: &[u8]) -> bool {
    let has = |mark: &[u8]| pem.windows(mark.len()).any(|window| window == mark);
    has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED")
}
