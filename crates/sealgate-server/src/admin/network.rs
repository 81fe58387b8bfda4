//! The API on the network, behind the product's own gate: tokens for `<issuer>/api/v1`, each operation
//! with its scope. Keys and revocations are read from the server's own state, so that what is revoked
//! here counts here at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use sealgate_gate::resource::{
    ResourceGate, ResourceSettings, Standing, TokenDenial, TokenKeys, TokenRevocations, VerifyError,
};
use sealgate_gate::{Caller as Admitted, Kinds, Need};
use sealgate_jose::Verified;
use sealgate_model::{Actor, ActorKind, ClientId, UserId};
use sealgate_oauth::OAuthError;
use sealgate_revocation::Credential;
use sealgate_store::{Audit, AuditActor, Client, StoreError};
use sealgate_tower::{ResourceLayer, RouteNeed};

use super::actor::{Administrator, is_administrator};
use super::needs::Operations;
use super::{BASE, endpoints};
use crate::caller::{Caller, kind_of};
use crate::oauth::access_token::{Ground, stands};
use crate::problem::{Problem, TraceId, sign_page};
use crate::{ControlPlane, admin_scopes};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The API for the network, under [`BASE`].
pub(crate) fn routes(plane: &Arc<ControlPlane>) -> Router<Arc<ControlPlane>> {
    let operations = Arc::new(Operations::described());
    let settings = ResourceSettings {
        issuer: plane.issuer.as_str().to_owned(),
        audience: admin_scopes::resource(&plane.issuer),
        metadata: None,
        realm: "sealgate administration".to_owned(),
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
    let known = Arc::clone(&operations);
    let gated = ResourceLayer::deciding(
        gate,
        admin_scopes::resource(&plane.issuer),
        move |method, path| match known.at(method, path) {
            Some(operation) => match &operation.scope {
                Some(scope) => RouteNeed::Token(Need {
                    scopes: vec![scope.clone()],
                    ..need()
                }),
                None => RouteNeed::Public {
                    reason: "the description of the API is the same everywhere and holds no secret",
                },
            },
            None => RouteNeed::Token(need()),
        },
    );
    let admission = Admission {
        plane: Arc::clone(plane),
        operations: Arc::clone(&operations),
    };
    let routes = endpoints(plane, operations)
        .layer(from_fn_with_state(admission, admit))
        .layer(gated)
        .layer(from_fn_with_state(Arc::clone(plane), tell));
    Router::new().nest(BASE, routes)
}

/// Who may administer at all: no agent does.
const fn need() -> Need {
    Need::of(Kinds::USER.and(ActorKind::Machine))
}

/// What [`admit`] knows.
#[derive(Clone)]
struct Admission {
    plane: Arc<ControlPlane>,
    operations: Arc<Operations>,
}

impl FromRef<Admission> for Arc<ControlPlane> {
    fn from_ref(admission: &Admission) -> Self {
        Self::clone(&admission.plane)
    }
}

/// Behind the gate: says who administers. A user who is no administrator any more does not, nor does
/// anybody through a client that is no longer registered for it, whatever their token says.
async fn admit(
    State(Admission { plane, operations }): State<Admission>,
    caller: Caller,
    mut request: Request,
    next: Next,
) -> Response {
    let operation = operations.at(request.method(), request.uri().path());
    let Some(actor) = request.extensions_mut().remove::<Admitted>() else {
        let is_public = operation.is_some_and(|operation| operation.scope.is_none());
        return if is_public {
            next.run(request).await
        } else {
            Problem::internal().into_response()
        };
    };
    let needed = operation.and_then(|operation| operation.scope.as_deref());
    match administrator(&plane, actor, needed).await {
        Ok(administrator) => {
            request.extensions_mut().insert(administrator);
            next.run(request).await
        }
        Err(denied) => {
            let (audit, problem) = *denied;
            plane.refusals.record(&plane, caller.record(audit)).await;
            problem.into_response()
        }
    }
}

/// Who administers with a token that is good as such, for an operation that needs a scope. Otherwise the
/// record of the refusal and what is answered.
async fn administrator(
    plane: &ControlPlane,
    admitted: Admitted,
    needed: Option<&str>,
) -> Result<Administrator, Box<(Audit, Problem)>> {
    let denied = |who: AuditActor, problem: Problem| {
        let now = plane.clock.now();
        let audit = Audit::denied(now, who, "admin.request", problem.reason());
        (audit, problem)
    };
    let malformed = || Box::new(denied(AuditActor::Anonymous, Problem::internal()));
    let credential = &admitted.credential;
    let client: ClientId = credential.client.parse().map_err(|_| malformed())?;
    let user = match admitted.actor.human() {
        Some(user) => Some((
            user.id.parse::<UserId>().map_err(|_| malformed())?,
            credential.session,
        )),
        None => None,
    };
    let (who, through, session) = match user {
        Some((id, session)) => (AuditActor::User(id), Some(client.clone()), session),
        None => (AuditActor::Client(client.clone()), None, None),
    };
    let denied = |problem: Problem| {
        let (audit, problem) = denied(who.clone(), problem);
        let audit = Audit {
            through: through.clone(),
            through_session: session,
            ..audit
        };
        Box::new((audit, problem))
    };
    // A user administers by hand, and not through services that pass their calls on.
    if is_passed_on(&admitted.actor) {
        return Err(denied(Problem::new(
            StatusCode::FORBIDDEN,
            "actor_wrong",
            "this is not for this kind of caller",
        )));
    }
    let failed = |error: StoreError| denied(error.into());
    if let Some((id, _)) = user {
        let row = plane.store.user(id).await.map_err(failed)?;
        if !row.is_some_and(|row| is_administrator(&row)) {
            return Err(denied(Problem::new(
                StatusCode::FORBIDDEN,
                "role_missing",
                "this needs the role admin, which you do not have",
            )));
        }
    }
    let registered = plane.store.client(&client).await.map_err(failed)?;
    let actor_type = registered.as_ref().map(kind_of);
    let scopes = registered.map_or_else(Vec::new, |client| {
        left(plane, &client, admitted.actor.scopes().to_vec())
    });
    if needed.is_some_and(|needed| !scopes.iter().any(|scope| scope == needed)) {
        return Err(denied(Problem::new(
            StatusCode::FORBIDDEN,
            "registration_withdrawn",
            "the client that the access token was given to is no longer registered for this",
        )));
    }
    Ok(Administrator::Token {
        who,
        actor_type,
        scopes,
        through,
        session,
    })
}

/// Whether somebody acts for the user (RFC 8693, 4.1).
fn is_passed_on(actor: &Actor) -> bool {
    matches!(actor, Actor::User(user) if !user.via.is_empty())
}

/// Those scopes of a token that its client is still registered for, and none if it is not for this API.
fn left(plane: &ControlPlane, client: &Client, mut scopes: Vec<String>) -> Vec<String> {
    let here = admin_scopes::resource(&plane.issuer);
    if client.details.resources.contains(&here) {
        scopes.retain(|scope| client.scopes.contains(scope));
        scopes
    } else {
        Vec::new()
    }
}

/// In front of the gate: puts its denials on record, and the trace id into every refusal. What is
/// answered here is for programs, so that it never becomes a page.
async fn tell(
    State(plane): State<Arc<ControlPlane>>,
    trace: TraceId,
    caller: Caller,
    mut request: Request,
    next: Next,
) -> Response {
    // Nobody in front says who administers.
    request.extensions_mut().remove::<Administrator>();
    let mut response = next.run(request).await;
    record_denial(&plane, &caller, &trace, "admin.request", &mut response).await;
    response
}

/// Puts a denial of the gate in front on record, as a refusal of `action`, and the trace id into the answer.
pub(crate) async fn record_denial(
    plane: &ControlPlane,
    caller: &Caller,
    trace: &TraceId,
    action: &'static str,
    response: &mut Response,
) {
    if let Some(denial) = response.extensions_mut().remove::<TokenDenial>() {
        let who = AuditActor::Anonymous;
        let audit = Audit::denied(plane.clock.now(), who, action, denial.reason());
        plane.refusals.record(plane, caller.record(audit)).await;
        let said = denial.detail();
        let problem = Problem::new(response.status(), denial.reason(), said);
        response.extensions_mut().insert(problem);
    }
    sign_page(response, trace);
}

/// The control plane itself, as the gate asks it.
pub(crate) struct Here(pub(crate) Arc<ControlPlane>);

impl TokenKeys for Here {
    fn verify<'a>(
        &'a self,
        token: &'a str,
        types: &'a [&'a str],
    ) -> Boxed<'a, Result<Verified, VerifyError>> {
        let verified = self.0.keys.verifying().verify(token, types);
        Box::pin(std::future::ready(verified.map_err(VerifyError::Refused)))
    }
}

impl TokenRevocations for Here {
    fn check<'a>(&'a self, credential: &'a Credential<'a>) -> Boxed<'a, Standing> {
        Box::pin(self.standing(credential))
    }
}

impl Here {
    async fn standing(&self, credential: &Credential<'_>) -> Standing {
        let (Ok(client), Some(jti)) = (credential.client.parse(), credential.token) else {
            return Standing::Revoked;
        };
        let Ok(tenant) = credential.tenant.map(str::parse).transpose() else {
            return Standing::Revoked;
        };
        let ground = Ground {
            client: &client,
            jti,
            // A token about its client and nobody else belongs to no session, and no other does not.
            user: match (credential.subject, credential.session) {
                (None, None) => None,
                (Some(subject), Some(session)) => Some((subject, session)),
                _ => return Standing::Revoked,
            },
            // No token for this API comes of an exchange, so that nobody but its client acts by it.
            act: None,
            grants: credential.grants,
            tenant: tenant.as_ref(),
            issued_at: credential.started_at,
        };
        match stands(&self.0, &ground, self.0.clock.now()).await {
            Ok(_) => Standing::Good,
            Err(OAuthError::TokenRevoked) => Standing::Revoked,
            Err(OAuthError::TokenOutdated) => Standing::Outdated,
            Err(_) => Standing::Unknown,
        }
    }
}
