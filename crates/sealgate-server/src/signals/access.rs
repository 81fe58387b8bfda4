//! Who may use the transmitter's endpoints: a client with an access token for them that is about itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use sealgate_gate::resource::{ResourceGate, ResourceSettings};
use sealgate_gate::{Caller as Admitted, Kinds, Need};
use sealgate_model::{ActorKind, ClientId};
use sealgate_oauth::signals::RequestError;
use sealgate_store::{Audit, AuditActor, Client, StoreError, Stream};
use sealgate_tower::{ResourceLayer, RouteNeed};

use super::{MANAGE, READ, discovery, poll, resource};
use crate::ControlPlane;
use crate::admin::network::{Here, record_denial};
use crate::caller::Caller;
use crate::problem::{Problem, TraceId};

/// What a refusal is called on record.
const ACTION: &str = "signal.request";

/// The endpoints behind the gate that the administration API stands behind.
pub(super) fn guarded(
    plane: &Arc<ControlPlane>,
    endpoints: Router<Arc<ControlPlane>>,
) -> Router<Arc<ControlPlane>> {
    let audience = resource(&plane.issuer);
    let settings = ResourceSettings {
        issuer: plane.issuer.as_str().to_owned(),
        audience: audience.clone(),
        metadata: Some(discovery::metadata_url(plane)),
        realm: "sealgate signals".to_owned(),
        // The clock that judges is the one that signed.
        leeway: Duration::ZERO,
    };
    let here = Arc::new(Here(Arc::clone(plane)));
    let gate = Arc::new(ResourceGate::new(
        settings,
        here.clone(),
        here,
        Arc::clone(&plane.clock),
        Arc::clone(&plane.dpop),
    ));
    let gated = ResourceLayer::deciding(gate, audience, |method, path| {
        // No user, and no agent on anybody's behalf.
        let need = Need::of(Kinds::only(ActorKind::Machine).and(ActorKind::Agent));
        let scopes: &[&str] = if reads(method, path) {
            &[READ, MANAGE]
        } else {
            &[MANAGE]
        };
        RouteNeed::Token(Need {
            any_scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..need
        })
    });
    endpoints
        .layer(from_fn_with_state(Arc::clone(plane), admit))
        .layer(gated)
        .layer(from_fn_with_state(Arc::clone(plane), tell))
}

/// Whether a request is one that either scope is enough for. Whoever may manage a stream may see it.
fn reads(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
        || (*method == Method::POST && path.starts_with(poll::BELOW))
}

/// Behind the gate: the client must still be registered for this, whatever its token says.
async fn admit(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(admitted) = request.extensions_mut().remove::<Admitted>() else {
        return Problem::internal().into_response();
    };
    match receiver(&plane, &admitted).await {
        Ok(receiver) => {
            request.extensions_mut().insert(receiver);
            let mut response = next.run(request).await;
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err((who, problem)) => {
            refused(&plane, &caller, who, problem.reason()).await;
            problem.into_response()
        }
    }
}

async fn receiver(
    plane: &ControlPlane,
    admitted: &Admitted,
) -> Result<Receiver, (AuditActor, Problem)> {
    let client: Result<ClientId, _> = admitted.credential.client.parse();
    let client = client.map_err(|_| (AuditActor::Anonymous, Problem::internal()))?;
    let who = AuditActor::Client(client.clone());
    // A token about a user is no receiver's, whoever acts by it.
    if admitted.actor.human().is_some() || admitted.credential.session.is_some() {
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            "actor_wrong",
            "this is not for this kind of caller",
        );
        return Err((who, problem));
    }
    let scopes = admitted.actor.scopes();
    match registered(plane, &client, scopes).await {
        Ok(true) => Ok(Receiver(client)),
        Ok(false) => Err((who, withdrawn())),
        Err(problem) => Err((who, problem)),
    }
}

/// The client is not what it was when the token was given out.
pub(super) fn withdrawn() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "registration_withdrawn",
        "the client that the access token was given to is no longer registered for this",
    )
}

/// Whether the client is still registered for these endpoints, and for what of `scopes` is theirs.
async fn registered(
    plane: &ControlPlane,
    client: &ClientId,
    scopes: &[String],
) -> Result<bool, Problem> {
    let client = plane.store.client(client).await?;
    let ours = |scope: &&String| *scope == READ || *scope == MANAGE;
    Ok(client.is_some_and(|client| {
        may_receive(plane, &client)
            && scopes
                .iter()
                .filter(ours)
                .all(|scope| client.scopes.contains(scope))
    }))
}

/// Whether a client may receive anything at all.
fn may_receive(plane: &ControlPlane, client: &Client) -> bool {
    client.is_usable(plane.clock.now())
        && client.details.resources.contains(&resource(&plane.issuer))
}

/// Whether the stream's client may still receive anything.
pub(super) async fn is_receiver(plane: &ControlPlane, stream: &Stream) -> Result<bool, StoreError> {
    let client = plane.store.client(&stream.client).await?;
    Ok(client.is_some_and(|client| may_receive(plane, &client)))
}

/// In front of the gate: puts its denials on record, and the trace id into every refusal.
async fn tell(
    State(plane): State<Arc<ControlPlane>>,
    trace: TraceId,
    caller: Caller,
    mut request: Request,
    next: Next,
) -> Response {
    // Nobody in front says who receives.
    request.extensions_mut().remove::<Receiver>();
    let mut response = next.run(request).await;
    record_denial(&plane, &caller, &trace, ACTION, &mut response).await;
    response
}

async fn refused(plane: &ControlPlane, caller: &Caller, who: AuditActor, reason: &str) {
    let audit = Audit::denied(plane.clock.now(), who, ACTION, reason);
    plane.refusals.record(plane, caller.record(audit)).await;
}

/// The client that receives.
#[derive(Debug, Clone)]
pub(super) struct Receiver(pub(super) ClientId);

impl Receiver {
    /// The record of an act of its.
    pub(super) fn act(&self, plane: &ControlPlane, caller: &Caller, action: &'static str) -> Audit {
        let who = AuditActor::Client(self.0.clone());
        let audit = Audit::allowed(plane.clock.now(), who, action);
        caller.record(Audit {
            client: Some(self.0.clone()),
            ..audit
        })
    }

    /// Its stream of this id. Of another's it hears no more than of one that is not there. What a receiver asks
    /// about its stream is a sign of life.
    pub(super) async fn stream(&self, plane: &ControlPlane, id: &str) -> Result<Stream, Problem> {
        let Ok(id) = id.parse() else {
            return Err(unknown());
        };
        let stream = plane.store.stream(id).await?;
        let stream = stream.filter(|stream| stream.client == self.0);
        let stream = stream.ok_or_else(unknown)?;
        let now = plane.clock.now();
        let quiet = now.since(stream.active_at);
        let rough = stream
            .inactivity
            .map(|span| Duration::from_secs(u64::from(span) / 4));
        if rough.is_some_and(|rough| quiet >= rough.min(Duration::from_secs(60))) {
            plane.store.stream_heard(stream.id, now).await?;
        }
        Ok(stream)
    }
}

/// There is no such stream of this client's.
pub(super) fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "signal_stream_unknown",
        "there is no such stream",
    )
}

impl<S: Send + Sync> FromRequestParts<S> for Receiver {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(Problem::internal)
    }
}

/// A JSON body, unread. Many receivers do not say that it is JSON.
pub(super) struct Json(pub(super) Bytes);

impl<S: Send + Sync> axum::extract::FromRequest<S> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !request.headers().get(CONTENT_TYPE).is_none_or(is_json) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content_type_unsupported",
                "the body must be sent as application/json",
            ));
        }
        let body = Bytes::from_request(request, state).await.map_err(|_| {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "the request body is too large",
            )
        })?;
        Ok(Self(body))
    }
}

fn is_json(value: &HeaderValue) -> bool {
    let text = value.to_str().unwrap_or_default();
    let kind = text.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// A request that is not taken.
pub(super) fn malformed(error: RequestError) -> Problem {
    Problem::bad_request(error.code(), error.to_string())
}
