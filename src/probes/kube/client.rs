//! The client of an API server: kube's, with TLS that is verified as for every other probe.
//!
//! kube itself believes an issuer that may not sign, and a root whatever it says of itself (`verifier`); kubectl does not. A
//! certificate that the kubeconfig names as its authority is believed as it stands, as kubectl does.

use crate::domain::Loss;
use crate::probes::kube::settings::Settings;
use crate::probes::verifier::{self, Handshake, Judge, Shown, Verifier};
use crate::probes::{cause, handshake};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Sender;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::{Body, Client, ConfigExt};
use rustls::Error;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use std::error::Error as Cause;
use std::sync::Arc;
use tower::{BoxError, ServiceBuilder};

/// Reads certificates and blocks; the client connects at the first request. The error says which part of the settings no client can be
/// made of.
impl TryFrom<&Settings> for Client {
    type Error = String;

    fn try_from(settings: &Settings) -> Result<Self, String> {
        let config = Config::from(settings);
        let unusable = |cause: &kube::Error| format!("cannot prepare a client: {}", unusable(cause));
        let service = ServiceBuilder::new()
            .layer(config.base_uri_layer())
            .option_layer(config.auth_layer().map_err(|cause| unusable(&cause))?)
            .layer(config.extra_headers_layer().map_err(|cause| unusable(&cause))?)
            .map_err(BoxError::from)
            .service(sender(&config)?);
        Ok(Self::new(service, config.default_namespace))
    }
}

/// How much of an answer is read at a time, in bytes, and how long its head may be. A server that sends an endless row of interim answers
/// (`100 Continue`) is read for as many reads as one turn of a task has, and nothing else is done on that thread meanwhile.
const BUFFER: usize = 64 << 10;

/// Sends requests over connections of one configuration.
fn sender(config: &Config) -> Result<Sender<HttpsConnector<HttpConnector>, Body>, String> {
    let connector = connector(config)?;
    Ok(Sender::builder(TokioExecutor::new()).http1_max_buf_size(BUFFER).build(connector))
}

/// Connects to the server of a configuration, over TLS where its URL says so.
fn connector(config: &Config) -> Result<HttpsConnector<HttpConnector>, String> {
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    plain.set_connect_timeout(config.connect_timeout);
    // Whom it believes is settled below: no roots of kube's own are read.
    let mut bare = config.clone();
    (bare.root_cert, bare.root_cert_file) = (Some(Vec::new()), None);
    let tls = bare.rustls_client_config();
    let mut tls = tls.map_err(|cause| format!("cannot prepare a client: {}", unusable(&cause)))?;
    let is_verified = config.cluster_url.scheme_str() == Some("https") && !config.accept_invalid_certs;
    if is_verified {
        let provider = Arc::new(ring::default_provider());
        let named = config.root_cert.iter().flatten().map(|der| CertificateDer::from(der.clone())).collect();
        let (roots, known): (Vec<_>, _) = match &config.root_cert {
            Some(_) => (Vec::clone(&named), named),
            None => (rustls_native_certs::load_native_certs().certs, Vec::new()),
        };
        let chain = Verifier::new(&roots, &provider).ok_or("TLS: this host trusts no certificate")?;
        tls.dangerous().set_certificate_verifier(Handshake::new(Authority { chain, known }, provider));
    }
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = &config.tls_server_name {
        let server = ServerName::try_from(name.clone());
        let server = server.map_err(|_| "tls-server-name of the kubeconfig is not a host name")?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(server));
    }
    Ok(builder.enable_http1().wrap_connector(plain))
}

/// Believes what leads to an authority, and the certificates of it themselves.
#[derive(Debug)]
struct Authority {
    chain: Verifier,
    known: Vec<CertificateDer<'static>>,
}

impl Judge for Authority {
    fn judge(&self, shown: &Shown<'_>) -> Result<(), Error> {
        if self.known.iter().any(|known| known == shown.own) {
            return verifier::known(shown.own, Some(shown.name), shown.now);
        }
        self.chain.judge(shown)
    }
}

/// Whom a server's certificate should be for, and what is to be done where its root is not trusted.
pub(super) struct Expected {
    host: Option<String>,
    remedy: &'static str,
}

impl From<&Settings> for Expected {
    fn from(settings: &Settings) -> Self {
        let config = Config::from(settings);
        let host = config.tls_server_name.clone().or_else(|| config.cluster_url.host().map(str::to_owned));
        let remedy = match &config.root_cert {
            Some(_) => "certificate-authority of the kubeconfig has no root for it",
            None => "let certificate-authority of the kubeconfig name its root, if this machine does not trust it",
        };
        Self { host, remedy }
    }
}

impl Expected {
    /// Why a request got no answer.
    pub(super) fn why(&self, cause: &(dyn Cause + 'static)) -> Loss {
        match cause::tls(cause) {
            Some(tls) => handshake::loss(tls, self.host.as_deref(), self.remedy),
            None => cause::request(cause, false),
        }
    }
}

/// Which part of the settings no client can be made of.
fn unusable(cause: &kube::Error) -> String {
    use kube::client::RustlsTlsError as Bad;
    match cause {
        kube::Error::RustlsTls(Bad::MissingCertificate) => "no certificate in PEM is in client-certificate".to_owned(),
        kube::Error::RustlsTls(Bad::MissingPrivateKey | Bad::UnknownPrivateKeyFormat) => {
            "no private key in PEM is in client-key".to_owned()
        }
        kube::Error::RustlsTls(Bad::InvalidIdentityPem(_)) => {
            "client-certificate or client-key is damaged PEM".to_owned()
        }
        kube::Error::RustlsTls(Bad::InvalidPrivateKey(_)) => "the key in client-key cannot be used".to_owned(),
        other => cause::deepest(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::endless::Flood;
    use hyper::Uri;

    #[tokio::test]
    async fn a_server_that_sends_faster_than_it_is_read_holds_up_no_other_reading() {
        let _ = ring::default_provider().install_default();
        let flood = Flood::new();
        let url: Uri = format!("http://{}/version", flood.address).parse().unwrap();
        let sender = sender(&Config::new(url.clone())).unwrap();
        let answer = sender.request(hyper::Request::get(url).body(Body::empty()).unwrap()).await;
        assert!(flood.left_room(), "nothing else was done while it was read");
        assert_eq!(answer.unwrap().status(), 200);
    }
}
