//! `/api/v1/feed`: who follows the revocation feed, what it told, and who has applied it.

mod types;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method};
use sealgate_store::Revoked;
use tokio::time::sleep;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Ask;
use crate::ControlPlane;
use crate::feed::receipt;
use crate::problem::Problem;

pub use crate::feed::gates::GateState;
pub use types::{
    AskReceipt, FeedGates, GateReceipt, GateView, ListRevocations, Receipt, ReceiptState,
    RevocationView, Revocations, RevokedKind, Wait,
};

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(gates))
        .routes(routes!(hold))
        .routes(routes!(revocations))
}

/// List the gates that follow the revocation feed, and those that did in the last 10 minutes.
#[utoipa::path(
    get, path = "/feed/gates", tag = "feed", operation_id = "listGates",
    responses((status = OK, description = "Gates, by client.", body = FeedGates)),
    security(("oauth2" = ["sealgate:feed:read"])),
)]
async fn gates(State(plane): State<Arc<ControlPlane>>) -> Result<Json<FeedGates>, Problem> {
    let head = plane.store.revocation_head().await?;
    let epoch = plane.feed.epoch(&plane).await?.to_string();
    let gates = plane.feed.gates.list(&*plane.clock).into_iter();
    let gates = gates.map(|gate| GateView::of(gate, head)).collect();
    let at = plane.clock.now();
    Ok(Json(FeedGates {
        epoch,
        head,
        at,
        gates,
    }))
}

/// Tell which gates have applied a revocation, and wait until all have: those that were not heard of deny
/// everything they cannot prove to be fresh once their staleness bound has passed.
#[utoipa::path(
    get, path = "/feed/receipt", tag = "feed", operation_id = "getReceipt", params(AskReceipt),
    responses(
        (status = OK, description = "What is known when it is complete, or when the time is up.", body = Receipt),
        (status = NOT_FOUND, description = "The log has not reached this number."),
    ),
    security(("oauth2" = ["sealgate:feed:read"])),
)]
async fn hold(
    State(plane): State<Arc<ControlPlane>>,
    Ask(ask): Ask<AskReceipt>,
) -> Result<Json<Receipt>, Problem> {
    let epoch = plane.feed.epoch(&plane).await?.to_string();
    let held = receipt::hold(&plane, ask.seq, ask.wait.span()).await?;
    if ask.wait != Wait::default() {
        crate::metrics::receipt_given(held.complete);
    }
    Ok(Json(Receipt::of(held, epoch)))
}

/// List what was revoked, in the order of the log, and wait for what comes. What has expired is gone from
/// it.
#[utoipa::path(
    get, path = "/feed/events", tag = "feed", operation_id = "listRevocations", params(ListRevocations),
    responses((status = OK, description = "Revocations.", body = Revocations)),
    security(("oauth2" = ["sealgate:feed:read"])),
)]
async fn revocations(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListRevocations>,
) -> Result<Json<Revocations>, Problem> {
    let epoch = plane.feed.epoch(&plane).await?.to_string();
    let mut closing = plane.feed.closing();
    let mut wakeup = plane.store.revocation_wakeup();
    let end = sleep(query.wait.span());
    tokio::pin!(end);
    loop {
        wakeup.borrow_and_update();
        let (after, rows) = (query.after, query.limit.rows());
        let log = plane.store.revocations_after(after, rows).await?;
        let is_over = query.wait.span().is_zero() || end.is_elapsed();
        if !log.is_empty() || is_over || *closing.borrow_and_update() {
            let head = plane.store.revocation_head().await?;
            let revocations = log.into_iter().map(RevocationView::from).collect();
            return Ok(Json(Revocations {
                epoch,
                head,
                revocations,
            }));
        }
        tokio::select! {
            () = &mut end => {}
            _ = closing.changed() => {}
            woken = wakeup.changed() => if woken.is_err() {
                // Nobody is left who could wake.
                sleep(Duration::from_secs(1)).await;
            },
        }
    }
}

/// Where the log stands after an act: with its receipt everything that the act revoked is proven.
const REVOCATION: HeaderName = HeaderName::from_static("sealgate-revocation");

/// Tells of every change that was made where the log stands after it. Read after the commit, the log's
/// last number is at least that of what the change revoked.
pub(super) async fn stand(
    State(plane): State<Arc<ControlPlane>>,
    request: Request,
    next: Next,
) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = next.run(request).await;
    if changes && response.status().is_success() {
        // It is done, whether this can be told or not.
        let head = plane.store.revocation_head().await;
        let epoch = plane.feed.epoch(&plane).await;
        if let (Ok(head), Ok(epoch)) = (head, epoch)
            && let Ok(value) = HeaderValue::try_from(format!("{epoch}.{head}"))
        {
            response.headers_mut().insert(REVOCATION, value);
        }
    }
    response
}

/// What kind of thing is revoked, and which one.
fn named(what: &Revoked) -> (RevokedKind, Option<String>) {
    match what {
        Revoked::Session(id) => (RevokedKind::Session, Some(id.to_string())),
        Revoked::User(id) => (RevokedKind::User, Some(id.to_string())),
        Revoked::Client(id) => (RevokedKind::Client, Some(id.to_string())),
        Revoked::All => (RevokedKind::All, None),
        Revoked::Key(kid) => (RevokedKind::Key, Some(kid.clone())),
        Revoked::Token(jti) => (RevokedKind::Token, Some(jti.clone())),
        Revoked::Tenant(tenant) => (RevokedKind::Tenant, Some(tenant.to_string())),
        Revoked::Grant(id) => (RevokedKind::Grant, Some(id.to_string())),
        Revoked::UserClaims(id) => (RevokedKind::UserClaims, Some(id.to_string())),
        Revoked::ClientClaims(id) => (RevokedKind::ClientClaims, Some(id.to_string())),
        Revoked::Policy => (RevokedKind::Policy, None),
    }
}
