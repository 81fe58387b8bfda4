//! What the transmitter says of itself (SSF 1.0, 7.1), and what its endpoints say as a protected resource
//! (RFC 9728): where tokens for them come from.

use std::future::{Ready, ready};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;
use sealgate_jose::Algorithm;
use sealgate_oauth::signals::Delivery;
use serde_json::{Value, json};

use super::{BASE, MANAGE, READ, resource, status, streams, subjects, verify};
use crate::ControlPlane;
use crate::prepared::Prepared;

const MAX_AGE: Duration = Duration::from_secs(300);

/// Where a protected resource's metadata is found (RFC 9728, 3).
const PROTECTED: &str = "/.well-known/oauth-protected-resource";

/// The URL of the metadata of the transmitter's endpoints as a resource.
pub(super) fn metadata_url(plane: &ControlPlane) -> String {
    let path = plane.issuer.path();
    let issuer = plane.issuer.as_str();
    let origin = issuer.strip_suffix(path).unwrap_or(issuer);
    format!("{origin}{PROTECTED}{path}{BASE}")
}

/// Both documents, with `path` behind the first's name and `below` behind the second's.
pub(super) fn routes(path: &str, below: &str) -> Router<Arc<ControlPlane>> {
    Router::new()
        .route(
            &format!("/.well-known/ssf-configuration{path}"),
            get(document(transmitter)),
        )
        .route(&format!("{PROTECTED}{below}"), get(document(protected)))
}

/// A document that is made on the first request of the router's life.
fn document(
    told: fn(&ControlPlane) -> Value,
) -> impl Fn(State<Arc<ControlPlane>>, HeaderMap) -> Ready<Response> + Clone + Send + Sync {
    let made = Arc::new(OnceLock::new());
    move |State(plane): State<Arc<ControlPlane>>, headers: HeaderMap| {
        let page: &Prepared = made.get_or_init(|| {
            let body = told(&plane).to_string().into_bytes();
            Prepared::new("application/json", MAX_AGE, body)
        });
        ready(page.clone().answer(&headers))
    }
}

/// `critical_subject_members` is not there: a list without members is left out (SSF 1.0, 7.2.3), and an event
/// of which a receiver understands the user alone is still worth heeding.
fn transmitter(plane: &ControlPlane) -> Value {
    let url = |path: &str| plane.issuer.url(&format!("{BASE}{path}"));
    json!({
        "spec_version": "1_0",
        "issuer": plane.issuer.as_str(),
        "jwks_uri": plane.issuer.url("/oauth/jwks"),
        "delivery_methods_supported": [Delivery::PUSH, Delivery::POLL],
        "configuration_endpoint": url(streams::PATH),
        "status_endpoint": url(status::PATH),
        "add_subject_endpoint": url(subjects::ADD),
        "remove_subject_endpoint": url(subjects::REMOVE),
        "verification_endpoint": url(verify::PATH),
        "authorization_schemes": [{ "spec_urn": "urn:ietf:rfc:6749" }],
        "default_subjects": "ALL",
    })
}

fn protected(plane: &ControlPlane) -> Value {
    json!({
        "resource": resource(&plane.issuer),
        "resource_name": "Security events of Sealgate",
        "authorization_servers": [plane.issuer.as_str()],
        "scopes_supported": [READ, MANAGE],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": Algorithm::NAMES,
    })
}
