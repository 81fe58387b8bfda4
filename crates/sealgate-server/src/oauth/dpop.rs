//! DPoP (RFC 9449) at our own endpoints: from the header to the key that a token is bound to.

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use sealgate_jose::{DpopExpectation, DpopProof, DpopUrl, JoseError};
use sealgate_oauth::{CheckedNonce, DpopRefusal, OAuthError, Thumbprint};

use crate::ControlPlane;

/// The header that carries a proof.
pub(super) const PROOF: HeaderName = HeaderName::from_static("dpop");
/// The header that carries the nonce for the next proof (RFC 9449, 8).
pub(super) const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The algorithms that proofs may be signed with, as metadata lists them.
pub(super) const ALGORITHMS: [&str; 6] = super::assertion::ALGORITHMS;

/// How far a proof's time may be from ours, in seconds.
const LEEWAY: i64 = 60;

/// A proof that is sound and for this request, not yet spent.
pub(super) struct Proof {
    key: Thumbprint,
    jti: String,
    nonce: CheckedNonce,
}

/// The proof that came with a request `method` to our own `path`; none if there is no such header.
/// `access_token` is the token that it has to go with, where there is one.
pub(super) fn read(
    plane: &ControlPlane,
    headers: &HeaderMap,
    method: &str,
    path: &str,
    access_token: Option<&str>,
) -> Result<Option<Proof>, OAuthError> {
    let mut lines = headers.get_all(PROOF).iter();
    let line = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(line), None) => line,
        (Some(_), Some(_)) => return Err(OAuthError::DpopProofMalformed),
    };
    let text = line.to_str().map_err(|_| OAuthError::DpopProofMalformed)?;
    let proof = DpopProof::read(text).map_err(|error| told(&error))?;
    let url = plane.issuer.url(path);
    let expected = DpopExpectation {
        method,
        url: DpopUrl::Written(&url),
        now: plane.clock.now().as_seconds(),
        leeway: LEEWAY,
        access_token,
    };
    proof.check(&expected).map_err(|error| told(&error))?;
    let nonce = plane
        .dpop
        .check(proof.nonce.as_deref(), plane.clock.uptime())
        .map_err(refusal)?;
    Ok(Some(Proof {
        key: Thumbprint::parse(&proof.jkt)?,
        jti: proof.jti,
        nonce,
    }))
}

impl Proof {
    /// The key that signed it.
    pub(super) fn key(&self) -> &Thumbprint {
        &self.key
    }

    /// Spends the proof, once everything else about the request holds: what strangers send takes no room
    /// in the memory of proofs.
    pub(super) fn spend(&self, plane: &ControlPlane) -> Result<(), OAuthError> {
        let now = plane.clock.uptime();
        plane
            .dpop
            .spend(&self.nonce, self.key.as_str(), &self.jti, now)
            .map_err(refusal)
    }
}

/// Tells the nonce for the next proof to whoever uses DPoP.
pub(super) fn offer_nonce(plane: &ControlPlane, response: &mut Response) {
    let nonce = plane.dpop.nonce(plane.clock.uptime());
    if let Ok(value) = HeaderValue::try_from(nonce) {
        response.headers_mut().insert(NONCE, value);
    }
}

fn refusal(refusal: DpopRefusal) -> OAuthError {
    match refusal {
        DpopRefusal::NonceRequired => OAuthError::DpopNonceRequired,
        DpopRefusal::Reused => OAuthError::DpopProofReused,
        DpopRefusal::Busy => OAuthError::StoreUnavailable,
    }
}

fn told(error: &JoseError) -> OAuthError {
    match error {
        JoseError::BadSignature => OAuthError::DpopProofSignature,
        JoseError::WrongMethod | JoseError::WrongUrl | JoseError::WrongAccessToken => {
            OAuthError::DpopProofMisdirected
        }
        JoseError::WrongTime => OAuthError::DpopProofExpired,
        _ => OAuthError::DpopProofMalformed,
    }
}
