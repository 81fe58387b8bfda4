//! Authorization server metadata (RFC 8414) and OpenID Connect Discovery: one document at two
//! addresses, made once.
//!
//! What stands here works, and what works stands here.

use std::future::{Ready, ready};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use sealgate_model::Issuer;
use sealgate_oauth::{Prompt, TokenRequest};
use serde::Serialize;

use super::client_auth;
use crate::ControlPlane;
use crate::keys::Prepared;

const MAX_AGE: Duration = Duration::from_secs(300);

#[derive(Serialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: String,
    revocation_endpoint: String,
    end_session_endpoint: String,
    revocation_feed_endpoint: String,
    revocation_snapshot_endpoint: String,
    scopes_supported: [&'static str; 4],
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: &'static [&'static str],
    prompt_values_supported: &'static [&'static str],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: &'static [&'static str],
    revocation_endpoint_auth_methods_supported: &'static [&'static str],
    code_challenge_methods_supported: [&'static str; 1],
    claims_supported: [&'static str; 14],
    authorization_response_iss_parameter_supported: bool,
    /// Stated because its default is true.
    request_uri_parameter_supported: bool,
}

impl Metadata {
    fn of(issuer: &Issuer) -> Self {
        let url = |path| issuer.url(path);
        Self {
            issuer: issuer.as_str().to_owned(),
            authorization_endpoint: url("/oauth/authorize"),
            token_endpoint: url("/oauth/token"),
            jwks_uri: url("/oauth/jwks"),
            userinfo_endpoint: url("/oauth/userinfo"),
            revocation_endpoint: url("/oauth/revoke"),
            end_session_endpoint: url("/oauth/logout"),
            revocation_feed_endpoint: url("/feed/events"),
            revocation_snapshot_endpoint: url("/feed/snapshot"),
            scopes_supported: ["openid", "profile", "email", "offline_access"],
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: &TokenRequest::GRANT_TYPES,
            prompt_values_supported: &Prompt::VALUES,
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["EdDSA"],
            token_endpoint_auth_methods_supported: &client_auth::METHODS,
            revocation_endpoint_auth_methods_supported: &client_auth::METHODS,
            code_challenge_methods_supported: ["S256"],
            claims_supported: [
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "nonce",
                "at_hash",
                "sid",
                "amr",
                "email",
                "email_verified",
                "name",
                "roles",
            ],
            authorization_response_iss_parameter_supported: true,
            request_uri_parameter_supported: false,
        }
    }

    fn prepare(issuer: &Issuer) -> Prepared {
        // A flat struct of strings: it always serialises.
        let body = serde_json::to_vec(&Self::of(issuer)).unwrap_or_default();
        Prepared::new("application/json", MAX_AGE, body)
    }
}

/// The handler. Its document is made on the first request of the router's life.
pub(super) fn endpoint()
-> impl Fn(State<Arc<ControlPlane>>, HeaderMap) -> Ready<Response> + Clone + Send + Sync {
    let made = Arc::new(OnceLock::new());
    move |State(plane): State<Arc<ControlPlane>>, headers: HeaderMap| {
        let document: &Prepared = made.get_or_init(|| Metadata::prepare(&plane.issuer));
        ready(document.clone().answer(&headers))
    }
}
