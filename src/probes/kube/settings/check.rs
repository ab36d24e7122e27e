//! Holds a cluster and a user of a kubeconfig to what kubectl takes, and brings them into one form.
//!
//! Source: client-go, `tools/clientcmd/validation.go`, `tools/clientcmd/client_config.go` and `rest/url_utils.go`; each rule was
//! tried with kubectl 1.32 (`tests/fixtures/kubeconfigs`).

use crate::probes::kube::settings::Chosen;
use crate::probes::kube::settings::file::contents;
use crate::probes::{handshake, roots as pem};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use kube::config::{AuthInfo, Cluster};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;

/// Brings what was chosen into the form that kubectl makes of it; gives the certificates that the server's must lead to, where
/// some are named.
///
/// # Errors
/// What kubectl refuses as well; no part of a secret.
pub(super) fn checked(chosen: &mut Chosen) -> Result<Option<Vec<Vec<u8>>>, String> {
    let (server, is_secure) = server(chosen.cluster.server.as_deref().unwrap_or_default())?;
    chosen.cluster.server = Some(server);
    let roots = authority(&mut chosen.cluster, is_secure)?;
    chosen.user = credentials(&chosen.user)?;
    if !is_secure {
        // Without TLS kubectl shows no credentials.
        chosen.user = AuthInfo::default();
    }
    Ok(roots)
}

/// The server's URL, and whether it is asked over TLS. An address without a scheme is asked over HTTP; a query is left out.
fn server(written: &str) -> Result<(String, bool), String> {
    if written.is_empty() {
        return Err("the cluster of the kubeconfig has no server".to_owned());
    }
    let shown = written.escape_debug();
    let has_scheme = written.contains("://");
    let whole = if has_scheme { written.to_owned() } else { format!("http://{written}") };
    let url: Uri = whole.parse().map_err(|_| format!("the server {shown} of the kubeconfig is no URL"))?;
    let scheme = url.scheme_str().unwrap_or_default().to_ascii_lowercase();
    let (Some(authority), "http" | "https") = (url.authority(), scheme.as_str()) else {
        return Err(format!("the server {shown} of the kubeconfig is neither http nor https"));
    };
    // The library goes to the usual port where the one that is written is no number of a port.
    let has_port = authority.as_str().rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && !port.contains(']'));
    if has_port && authority.port_u16().is_none() {
        return Err(format!("the server {shown} of the kubeconfig has no valid port"));
    }
    if !has_scheme && !matches!(url.path(), "" | "/") {
        return Err(format!("the server {shown} of the kubeconfig must be a URL or host:port"));
    }
    let path = url.path().trim_end_matches('/');
    Ok((format!("{scheme}://{authority}{path}"), scheme == "https"))
}

/// The certificates of the authority, in DER; what is no certificate is skipped as long as one is.
fn authority(cluster: &mut Cluster, is_secure: bool) -> Result<Option<Vec<Vec<u8>>>, String> {
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let file = some(cluster.certificate_authority.take());
    let data = some(cluster.certificate_authority_data.take());
    let bytes = match (&file, &data) {
        (Some(_), Some(_)) => {
            return Err("the kubeconfig has both certificate-authority and certificate-authority-data".to_owned());
        }
        (Some(path), None) => contents(Path::new(path))?,
        (None, Some(data)) => decoded("certificate-authority-data", data)?,
        (None, None) => return Ok(None),
    };
    if !is_secure {
        return Ok(None);
    }
    if cluster.insecure_skip_tls_verify == Some(true) {
        let both =
            "the kubeconfig has both a certificate authority and insecure-skip-tls-verify, which kubectl refuses too";
        return Err(both.to_owned());
    }
    let place = file.unwrap_or_else(|| "certificate-authority-data".to_owned());
    let mut found = Vec::new();
    let mut wrong = None;
    for certificate in CertificateDer::pem_slice_iter(&bytes).flatten() {
        match RootCertStore::empty().add(certificate.clone()) {
            Ok(()) => found.push(certificate.to_vec()),
            Err(cause) => wrong = Some(handshake::why(&cause, None)),
        }
    }
    match (found.is_empty(), wrong) {
        (false, _) => Ok(Some(found)),
        (true, Some(why)) => Err(format!("{place} holds no certificate that can be read: {why}")),
        (true, None) => Err(format!("{place} holds no certificate in PEM")),
    }
}

/// The user with data that can be decoded, or what of it contradicts itself.
fn credentials(user: &AuthInfo) -> Result<AuthInfo, String> {
    let described = serde_json::to_value(user).map_err(|_| "the kubeconfig's user cannot be taken in".to_owned())?;
    let mut fields = match described {
        serde_json::Value::Object(fields) => fields,
        _ => return Ok(user.clone()),
    };
    for key in ["client-certificate-data", "client-key-data"] {
        if let Some(serde_json::Value::String(data)) = fields.get_mut(key) {
            data.retain(|sign| !matches!(sign, '\r' | '\n'));
            decoded(key, data)?;
        }
    }
    let has = |key: &str| fields.get(key).and_then(serde_json::Value::as_str).is_some_and(|text| !text.is_empty());
    for one in ["client-certificate", "client-key"] {
        if has(one) && has(&format!("{one}-data")) {
            return Err(format!("the user of the kubeconfig has both {one} and {one}-data"));
        }
    }
    let token = fields.get("token").and_then(serde_json::Value::as_str).unwrap_or_default();
    if token.contains(|sign: char| sign.is_ascii_control()) {
        return Err("the token of the kubeconfig has a line break or another control character in it".to_owned());
    }
    let is_empty = |key: &str| fields.get(key).and_then(serde_json::Value::as_str) == Some("");
    if is_empty("token") && !["client-certificate", "client-certificate-data", "username"].iter().any(|key| has(key)) {
        return Err("the token of the kubeconfig is empty, and no other proof of the user is in it".to_owned());
    }
    let has_certificate = has("client-certificate") || has("client-certificate-data");
    let has_key = has("client-key") || has("client-key-data");
    if has_certificate && !has_key {
        return Err("the user of the kubeconfig has a client certificate and no client-key".to_owned());
    }
    if has("token") && (has("username") || has("password")) {
        return Err("the user of the kubeconfig has both a token and a username; only one may be there".to_owned());
    }
    if has_certificate {
        pair(&fields)?;
    }
    if !has_certificate {
        // A key without a certificate proves nothing, and is left alone.
        fields.remove("client-key");
        fields.remove("client-key-data");
    }
    let own = serde_json::from_value(serde_json::Value::Object(fields));
    own.map_err(|_| "the kubeconfig's user cannot be taken in".to_owned())
}

/// Whether the client key can be used, and is that of the certificate; what cannot be read of them is said where they are used.
fn pair(fields: &serde_json::Map<String, serde_json::Value>) -> Result<(), String> {
    let bytes = |key: &str| {
        let text = |key: &str| fields.get(key).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty());
        let data = format!("{key}-data");
        match (text(&data), text(key)) {
            (Some(encoded), _) => decoded(&data, encoded),
            (None, Some(path)) => contents(Path::new(path)),
            (None, None) => Ok(Vec::new()),
        }
    };
    let (certificate, key) = (bytes("client-certificate")?, bytes("client-key")?);
    if pem::is_encrypted(&key) {
        let why = "the client-key of the kubeconfig is encrypted, and a probe has no passphrase";
        return Err(format!("{why}: openssl pkey writes it without one"));
    }
    let Some(Ok(certificate)) = CertificateDer::pem_slice_iter(&certificate).next() else { return Ok(()) };
    let Ok(key) = PrivateKeyDer::from_pem_slice(&key) else { return Ok(()) };
    let Ok(key) = ring::default_provider().key_provider.load_private_key(key) else { return Ok(()) };
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(&certificate) else { return Ok(()) };
    match key.public_key() {
        Some(public) if public.as_ref() != parsed.tbs_certificate.subject_pki.raw => {
            Err("the client-key of the kubeconfig is not that of its client-certificate".to_owned())
        }
        _ => Ok(()),
    }
}

/// Base64 with line ends wherever they are, as Go reads it; its text is never shown.
fn decoded(key: &str, data: &str) -> Result<Vec<u8>, String> {
    let plain: String = data.chars().filter(|sign| !matches!(sign, '\r' | '\n')).collect();
    STANDARD.decode(plain).map_err(|_| format!("{key} of the kubeconfig is not base64"))
}
