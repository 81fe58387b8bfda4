//! `private_key_jwt` (RFC 7523, 2.2): a client signs who it is, for this server, once.

use std::sync::Arc;

use sealgate_host::sha256;
use sealgate_jose::{Expect, JoseError, VerifyingKeys};
use sealgate_model::{Secret, Timestamp};
use sealgate_oauth::{AssertionClaims, OAuthError};
use sealgate_store::Client;

use super::client_keys;
use super::refusal::unanswered;
use crate::ControlPlane;

/// The types an assertion may state. Older clients state none, or the general one.
const TYPES: [&str; 2] = ["client-authentication+jwt", "JWT"];

/// The algorithms that assertions may be signed with, as metadata lists them.
pub(super) const ALGORITHMS: [&str; 6] =
    ["EdDSA", "Ed25519", "ES256", "RS256", "PS256", "ML-DSA-65"];

/// Bytes of an assertion; longer ones have been refused when it was read.
const LONGEST: usize = 8 * 1024;

/// A sound assertion, which has to be spent before it is believed.
pub(super) struct Signed {
    /// The SHA-256 of its `jti`.
    id: [u8; 32],
    until: Timestamp,
}

/// The keys that assertions of `client` are verified with.
pub(super) async fn keys(
    plane: &ControlPlane,
    client: &Client,
) -> Result<Arc<VerifyingKeys>, OAuthError> {
    client_keys::of(plane, client, false).await
}

/// Verifies that `client` signed `assertion` for this server, with one of `keys` or one that it has
/// published since.
pub(super) async fn verify(
    plane: &ControlPlane,
    client: &Client,
    keys: &VerifyingKeys,
    assertion: &Secret,
    now: Timestamp,
) -> Result<Signed, OAuthError> {
    let token = assertion.expose();
    let expect = Expect {
        types: &TYPES,
        type_optional: true,
        kid_optional: true,
        limit: LONGEST,
    };
    let verified = match keys.verify_as(token, &expect) {
        Err(JoseError::UnknownKey) => {
            let newer = client_keys::of(plane, client, true).await?;
            newer.verify_as(token, &expect)
        }
        verified => verified,
    };
    let verified = verified.map_err(|_| OAuthError::ClientUnauthenticated)?;
    let claims: AssertionClaims = verified
        .claims()
        .map_err(|_: JoseError| OAuthError::AssertionMalformed)?;
    let endpoints = client.details.endpoint_audience.then(|| {
        super::AUTHENTICATED
            .map(|path| plane.issuer.url(path))
            .to_vec()
    });
    let until = claims.check(&plane.issuer, endpoints.as_deref(), &client.id, now)?;
    let id = *sha256(claims.jti.as_bytes()).as_bytes();
    Ok(Signed { id, until })
}

impl Signed {
    /// Spends it: the first time it is believed, and no other.
    pub(super) async fn spend(
        self,
        plane: &ControlPlane,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let Self { id, until } = self;
        let first = plane.store.assertion_use(&client.id, id, until, now);
        if first.await.map_err(unanswered)? {
            Ok(())
        } else {
            Err(OAuthError::AssertionReused)
        }
    }
}
