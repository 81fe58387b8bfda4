//! Who a token of an issuer would be, for whoever writes the rules. Nothing is issued, and nothing is spent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use sealgate_model::Timestamp;
use sealgate_oauth::OAuthError;
use sealgate_oauth::identity::{IdJag, VouchedClaims};
use sealgate_store::IdentityIssuer;

use super::super::extract::{Ask, Body};
use super::find;
use super::types::{Candidate, TriedIdentity, TryIdentity, WhichIssuer};
use crate::problem::Problem;
use crate::{ControlPlane, issuers};

/// Say which machine or account a token of an issuer would be, or why nobody.
#[utoipa::path(
    post, path = "/issuer/try", tag = "issuers", operation_id = "tryIdentity", params(WhichIssuer),
    request_body(content = TryIdentity),
    responses(
        (status = OK, description = "Who it would be.", body = TriedIdentity),
        (status = NOT_FOUND, description = "There is no such issuer."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
pub(super) async fn tried(
    State(plane): State<Arc<ControlPlane>>,
    Ask(which): Ask<WhichIssuer>,
    Body(asked): Body<TryIdentity>,
) -> Result<Json<TriedIdentity>, Problem> {
    let issuer = find(&plane, &which.issuer).await?;
    let mut tried = TriedIdentity::default();
    if let Err(error) = look(&plane, &issuer, &asked.token, &mut tried).await {
        tried.reason = Some(error.code().to_owned());
        tried.said = Some(error.to_string());
    }
    Ok(Json(tried))
}

async fn look(
    plane: &ControlPlane,
    issuer: &IdentityIssuer,
    token: &str,
    tried: &mut TriedIdentity,
) -> Result<(), OAuthError> {
    let now = plane.clock.now();
    let claimed = issuers::claimed(plane, token).await?;
    if claimed.issuer != issuer.issuer {
        return Err(OAuthError::IdentityIssuerUnknown);
    }
    let claims = issuers::verify(plane, issuer, token, now).await?;
    tried.claims = Some(claims.all.clone());
    if issuer.kind.is_about_people() {
        let said = IdJag::read(&claims)?;
        let person = issuers::person(plane, issuer, &claims, &said, now).await?;
        tried.user = Some(person.user.id);
        return Ok(());
    }
    machine(plane, issuer, &claims, now, tried).await
}

async fn machine(
    plane: &ControlPlane,
    issuer: &IdentityIssuer,
    claims: &VouchedClaims,
    now: Timestamp,
    tried: &mut TriedIdentity,
) -> Result<(), OAuthError> {
    let judged = issuers::judge(plane, issuer, claims).await?;
    let candidates = judged.iter().map(|one| Candidate {
        machine: one.client.id.clone(),
        differing: one.differing.clone(),
        ended: !one.client.is_usable(now),
    });
    tried.candidates = candidates.collect();
    tried.machine = Some(issuers::the_one(judged, now)?.id);
    Ok(())
}
