//! `GET /oauth/jwks` (RFC 7517): the active, next and retiring keys, made ready once for each change.

use std::future::{Ready, ready};
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use sealgate_keys::JWKS_MAX_AGE;

use crate::ControlPlane;
use crate::prepared::Prepared;

/// A key set and the answer made of it.
type Made = Option<(Arc<Vec<u8>>, Prepared)>;

/// The handler. It makes its answer anew when the keys have changed.
pub(super) fn endpoint()
-> impl Fn(State<Arc<ControlPlane>>, HeaderMap) -> Ready<Response> + Clone + Send + Sync {
    let made = Arc::new(RwLock::new(Made::None));
    move |State(plane): State<Arc<ControlPlane>>, headers: HeaderMap| {
        ready(current(&plane, &made).answer(&headers))
    }
}

fn current(plane: &ControlPlane, made: &RwLock<Made>) -> Prepared {
    let set = plane.keys.jwks();
    let known = made.read().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, answer)) = known.as_ref()
        && Arc::ptr_eq(of, &set)
    {
        return answer.clone();
    }
    drop(known);
    let answer = Prepared::new("application/jwk-set+json", JWKS_MAX_AGE, set.to_vec());
    *made.write().unwrap_or_else(PoisonError::into_inner) = Some((set, answer.clone()));
    answer
}
