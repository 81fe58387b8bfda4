//! What a transmitter shows and signs, read and verified in one way, by whichever door it comes.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sealgate_jose::{Expect, JoseError, TOKEN_LIMIT, Verified, VerifyingKeys};
use sealgate_store::Transmitter;

use crate::ControlPlane;
use crate::oauth::client_keys;

/// What stands behind `Bearer` in the one `Authorization` header that there is.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else {
        return None;
    };
    let (scheme, shown) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(shown)
}

/// A token of type `kind` that the transmitter signed, with one of its keys or one that it has published
/// since; nothing if its keys cannot be had now.
pub(super) async fn verify(
    plane: &ControlPlane,
    transmitter: &Transmitter,
    kind: &str,
    token: &str,
) -> Option<Result<Verified, JoseError>> {
    let keys = async |missing| -> Option<Arc<VerifyingKeys>> {
        let (id, uri) = (transmitter.id, &transmitter.jwks_uri);
        client_keys::of_transmitter(plane, id, uri, missing).await
    };
    let expect = Expect {
        types: &[kind],
        type_optional: false,
        kid_optional: true,
        limit: TOKEN_LIMIT,
    };
    Some(match keys(false).await?.verify_as(token, &expect) {
        Err(JoseError::UnknownKey) => keys(true).await?.verify_as(token, &expect),
        verified => verified,
    })
}
