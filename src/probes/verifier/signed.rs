//! The half of a verifier that is the same for each: whether a handshake is signed by the key of the certificate that was shown.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use std::fmt::Debug;
use std::sync::Arc;

/// What a server shows in a handshake, and what it is held against.
pub(crate) struct Shown<'a> {
    /// Its own certificate.
    pub own: &'a CertificateDer<'a>,
    /// The others of its chain.
    pub others: &'a [CertificateDer<'a>],
    /// The name that was asked for.
    pub name: &'a ServerName<'a>,
    /// A stapled answer of OCSP; empty without one.
    pub ocsp: &'a [u8],
    /// Now.
    pub now: UnixTime,
}

/// What a verifier makes of the certificates, and of a signature that does not hold.
pub(crate) trait Judge: Debug + Send + Sync {
    /// Whether the server is believed by what it shows.
    ///
    /// # Errors
    /// Why it is not.
    fn judge(&self, shown: &Shown<'_>) -> Result<(), Error>;

    /// What follows from whether the handshake is signed by the key of the certificate.
    ///
    /// # Errors
    /// Why the server is not believed.
    fn proved(
        &self,
        proof: Result<HandshakeSignatureValid, Error>,
        _: &Signed<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        proof
    }
}

/// A message of the handshake with its signature.
pub(crate) struct Signed<'a> {
    pub message: &'a [u8],
    pub own: &'a CertificateDer<'a>,
    pub signed: &'a DigitallySignedStruct,
}

/// Verifies a handshake: the certificates as its judge does, the signature as rustls does.
#[derive(Debug)]
pub(crate) struct Handshake<J> {
    judge: J,
    provider: Arc<CryptoProvider>,
}

impl<J: Judge> Handshake<J> {
    pub(crate) fn new(judge: J, provider: Arc<CryptoProvider>) -> Arc<Self> {
        Arc::new(Self { judge, provider })
    }
}

impl<J: Judge> Judge for Arc<J> {
    fn judge(&self, shown: &Shown<'_>) -> Result<(), Error> {
        J::judge(self, shown)
    }

    fn proved(
        &self,
        proof: Result<HandshakeSignatureValid, Error>,
        of: &Signed<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        J::proved(self, proof, of)
    }
}

impl<J: Judge> ServerCertVerifier for Handshake<J> {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Shown { own, others, name, ocsp, now };
        self.judge.judge(&shown).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let proof = verify_tls12_signature(message, own, signed, &self.provider.signature_verification_algorithms);
        self.judge.proved(proof, &Signed { message, own, signed })
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let proof = verify_tls13_signature(message, own, signed, &self.provider.signature_verification_algorithms);
        self.judge.proved(proof, &Signed { message, own, signed })
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
