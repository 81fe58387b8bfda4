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
use sealgate_jose::Algorithm;
use sealgate_oauth::identity::ID_JAG_PROFILE;
use sealgate_oauth::{Prompt, ResponseMode, Scopes, TokenRequest};
use serde::Serialize;

use super::tokens::ACR_PASSWORD;
use super::{assertion, client_auth, dpop, register};
use crate::agent_policy::{Documents, Registration};
use crate::prepared::Prepared;
use crate::{ControlPlane, decisions, gate_reports, policies, receiver, status_list};

const MAX_AGE: Duration = Duration::from_secs(300);

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the document has them")]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    pushed_authorization_request_endpoint: String,
    device_authorization_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    end_session_endpoint: String,
    revocation_feed_endpoint: String,
    revocation_applied_endpoint: String,
    revocation_snapshot_endpoint: String,
    policy_bundle_endpoint: String,
    gate_decisions_endpoint: String,
    gate_report_endpoint: String,
    global_token_revocation_endpoint: String,
    global_token_revocation_endpoint_auth_methods_supported: &'static [&'static str],
    status_list_aggregation_endpoint: String,
    scopes_supported: &'static [&'static str],
    response_types_supported: &'static [&'static str],
    response_modes_supported: &'static [&'static str],
    grant_types_supported: &'static [&'static str],
    authorization_grant_profiles_supported: &'static [&'static str],
    prompt_values_supported: &'static [&'static str],
    acr_values_supported: &'static [&'static str],
    ui_locales_supported: &'static [&'static str],
    subject_types_supported: &'static [&'static str],
    id_token_signing_alg_values_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: &'static [&'static str],
    token_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    introspection_endpoint_auth_methods_supported: &'static [&'static str],
    introspection_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    introspection_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: &'static [&'static str],
    revocation_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    dpop_signing_alg_values_supported: &'static [&'static str],
    code_challenge_methods_supported: &'static [&'static str],
    claims_supported: &'static [&'static str],
    claims_parameter_supported: bool,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    authorization_response_iss_parameter_supported: bool,
    client_id_metadata_document_supported: bool,
    require_pushed_authorization_requests: bool,
    request_parameter_supported: bool,
    /// Stated because its default is true.
    request_uri_parameter_supported: bool,
}

/// The claims that can be given (OpenID Connect Discovery, 3).
const CLAIMS: [&str; 16] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "at_hash",
    "sid",
    "acr",
    "amr",
    "email",
    "email_verified",
    "name",
    "roles",
    "tenant",
];

impl Metadata {
    fn of(plane: &ControlPlane) -> Self {
        let url = |path| plane.issuer.url(path);
        let agents = &plane.policy.agents;
        let signing: Vec<_> = Algorithm::ALL
            .into_iter()
            .filter(|algorithm| *algorithm != Algorithm::MlDsa65 || plane.policy.ml_dsa)
            .map(Algorithm::name)
            .collect();
        Self {
            issuer: plane.issuer.as_str().to_owned(),
            authorization_endpoint: url("/oauth/authorize"),
            token_endpoint: url("/oauth/token"),
            jwks_uri: url("/oauth/jwks"),
            userinfo_endpoint: url("/oauth/userinfo"),
            introspection_endpoint: url("/oauth/introspect"),
            revocation_endpoint: url("/oauth/revoke"),
            pushed_authorization_request_endpoint: url("/oauth/par"),
            device_authorization_endpoint: url("/oauth/device_authorization"),
            // Clients that see one try it: it stands here only where it takes somebody.
            registration_endpoint: (agents.registration != Registration::Off)
                .then(|| url(register::PATH)),
            end_session_endpoint: url("/oauth/logout"),
            revocation_feed_endpoint: url("/feed/events"),
            revocation_applied_endpoint: url("/feed/applied"),
            revocation_snapshot_endpoint: url("/feed/snapshot"),
            policy_bundle_endpoint: url(policies::PATH),
            gate_decisions_endpoint: url(decisions::PATH),
            gate_report_endpoint: url(gate_reports::PATH),
            global_token_revocation_endpoint: url(receiver::GLOBAL_REVOCATION),
            // Whoever calls it signs with the keys that it is known by (section 3 of the draft).
            global_token_revocation_endpoint_auth_methods_supported: &["private_key_jwt"],
            status_list_aggregation_endpoint: url(status_list::PATH),
            scopes_supported: &Scopes::ABOUT_USER,
            response_types_supported: &["code"],
            response_modes_supported: &ResponseMode::VALUES,
            grant_types_supported: &TokenRequest::GRANT_TYPES,
            authorization_grant_profiles_supported: &[ID_JAG_PROFILE],
            prompt_values_supported: &Prompt::VALUES,
            acr_values_supported: &[ACR_PASSWORD],
            ui_locales_supported: &["en"],
            subject_types_supported: &["public"],
            id_token_signing_alg_values_supported: signing.clone(),
            token_endpoint_auth_methods_supported: &client_auth::METHODS,
            token_endpoint_auth_signing_alg_values_supported: &assertion::ALGORITHMS,
            introspection_endpoint_auth_methods_supported: &client_auth::PROVING,
            introspection_endpoint_auth_signing_alg_values_supported: &assertion::ALGORITHMS,
            introspection_signing_alg_values_supported: signing,
            revocation_endpoint_auth_methods_supported: &client_auth::METHODS,
            revocation_endpoint_auth_signing_alg_values_supported: &assertion::ALGORITHMS,
            dpop_signing_alg_values_supported: &dpop::ALGORITHMS,
            code_challenge_methods_supported: &["S256"],
            claims_supported: &CLAIMS,
            claims_parameter_supported: true,
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
            authorization_response_iss_parameter_supported: true,
            client_id_metadata_document_supported: agents.documents != Documents::Off,
            require_pushed_authorization_requests: false,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
        }
    }

    fn prepare(plane: &ControlPlane) -> Prepared {
        // A flat struct of strings: it always serialises.
        let body = serde_json::to_vec(&Self::of(plane)).unwrap_or_default();
        Prepared::new("application/json", MAX_AGE, body)
    }
}

/// The document.
pub(crate) fn metadata(plane: &ControlPlane) -> serde_json::Value {
    // A flat struct of strings: it always serialises.
    serde_json::to_value(Metadata::of(plane)).unwrap_or_default()
}

/// The handler. Its document is made on the first request of the router's life.
pub(super) fn endpoint()
-> impl Fn(State<Arc<ControlPlane>>, HeaderMap) -> Ready<Response> + Clone + Send + Sync {
    let made = Arc::new(OnceLock::new());
    move |State(plane): State<Arc<ControlPlane>>, headers: HeaderMap| {
        let document: &Prepared = made.get_or_init(|| Metadata::prepare(&plane));
        ready(document.clone().answer(&headers))
    }
}
