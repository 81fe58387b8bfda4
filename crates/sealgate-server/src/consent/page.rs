//! `/consent`: a client's request as its user decides about it.
//!
//! The answer counts only for the user to whom the question was shown, and only from our own page.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode};
use sealgate_model::{Grant, UserId};
use sealgate_oauth::{OAuthError, Params};
use sealgate_store::{
    Audit, AuditActor, Client, ClientKind, ConsentRow, CredentialType, SignIn, StoreError, UserRow,
};

use super::words::Words;
use crate::ControlPlane;
use crate::caller::Caller;
use crate::oauth::authorize;
use crate::oauth::journey::{Journey, Step};
use crate::pages::{self, AskerView, ConsentPage, ErrorPage, FormTargets, Shell, span};
use crate::session_life;
use crate::sign_in::form::{PostedWithRequest, REQUEST_LIMITS};
use crate::sign_in::{cookie, errand};

/// `GET /consent?request=…`: the question, or what else the request needs by now.
pub(super) async fn page(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ErrorPage> {
    let query = Params::parse(query.unwrap_or_default().as_bytes(), REQUEST_LIMITS)
        .map_err(|_| ErrorPage::malformed())?;
    let sealed = query.get("request").unwrap_or_default();
    let audit = caller.act(plane.clock.now(), "code.issue");
    let (journey, audit) = resume(&plane, sealed, audit).await?;
    let sign_in = cookie::current(&plane, &headers).await?;
    match journey.next(&plane, sign_in.as_ref(), audit.at).await {
        Ok(Step::Consent(user)) => Ok(question(&plane, &journey, sealed, &user).await?),
        Ok(step) => Ok(authorize::carry_out(&plane, audit, &journey, sign_in.as_ref(), step).await),
        Err(error) => Ok(authorize::refuse(&plane, audit, &journey, error).await),
    }
}

/// `POST /consent`: the answer.
pub(super) async fn answer(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    PostedWithRequest(posted): PostedWithRequest,
) -> Result<Response, ErrorPage> {
    let sealed = posted.get("request").unwrap_or_default();
    let audit = caller.act(plane.clock.now(), "code.issue");
    let (journey, audit) = resume(&plane, sealed, audit).await?;
    let asked: Option<UserId> = posted.get("user").and_then(|user| user.parse().ok());
    let sign_in = cookie::current(&plane, &headers).await?;
    let Some(sign_in) = sign_in.filter(|sign_in| Some(sign_in.user) == asked) else {
        // Somebody else signed in meanwhile, or nobody is: whoever it is by now is asked.
        let again = errand::page(&plane, "/consent", sealed);
        return Ok(Redirect::to(again.expose()).into_response());
    };
    match posted.get("decision") {
        Some("allow") => allow(&plane, audit, journey, &sign_in).await,
        Some("deny") => {
            let audit = by(audit, "consent.deny", &sign_in);
            let denied = OAuthError::ConsentDenied;
            Ok(authorize::refuse(&plane, audit, &journey, denied).await)
        }
        _ => Err(ErrorPage::malformed()),
    }
}

async fn resume(
    plane: &ControlPlane,
    sealed: &str,
    mut audit: Audit,
) -> Result<(Journey, Audit), ErrorPage> {
    let journey = Journey::resume(plane, sealed, audit.at)
        .await
        .map_err(|problem| ErrorPage::from(&problem))?;
    audit.client = Some(journey.client.id.clone());
    Ok((journey, audit))
}

fn by(audit: Audit, action: &'static str, sign_in: &SignIn) -> Audit {
    Audit {
        action,
        actor: AuditActor::User(sign_in.user),
        credential: Some(CredentialType::Session),
        user: Some(sign_in.user),
        ..audit
    }
}

/// Remembers the consent and goes on.
async fn allow(
    plane: &ControlPlane,
    audit: Audit,
    mut journey: Journey,
    sign_in: &SignIn,
) -> Result<Response, ErrorPage> {
    match journey.next(plane, Some(sign_in), audit.at).await {
        // Only what the user may grant, and was asked for, is granted.
        Ok(Step::Consent(user)) => {
            let scopes = journey.request.scopes_to_consent();
            let consent = ConsentRow {
                user: user.id,
                client: journey.client.id.clone(),
                scopes: scopes.into_iter().map(str::to_owned).collect(),
                resources: journey.request.resources.as_slice().to_vec(),
                grants: Vec::new(),
                granted_at: audit.at,
            };
            let granted = by(audit.clone(), "consent.grant", sign_in);
            plane.store.consent_grant(consent, granted).await?;
            journey = journey.consented();
            Ok(authorize::go_on(plane, audit, &journey, Some(sign_in)).await)
        }
        Ok(step) => Ok(authorize::carry_out(plane, audit, &journey, Some(sign_in), step).await),
        Err(error) => Ok(authorize::refuse(plane, audit, &journey, error).await),
    }
}

async fn question(
    plane: &ControlPlane,
    journey: &Journey,
    sealed: &str,
    user: &UserRow,
) -> Result<Response, StoreError> {
    let Journey {
        client, request, ..
    } = journey;
    let resources = request.resources.as_slice();
    let words = Words::load(plane, [resources, &client.details.resources]).await?;
    let asker = AskerView::of(client);
    let view = ConsentPage {
        shell: Shell::of(&plane.issuer),
        this_computer: pages::is_this_computer(&request.redirect_uri),
        elsewhere: asker.is_elsewhere(&request.redirect_uri),
        asker,
        host: pages::host_of(&request.redirect_uri),
        remembered: !journey.may_be_another(),
        user: user.id.to_string(),
        name: user.name.clone(),
        email: user.email.clone(),
        grants: words.grants(request.scopes_to_consent(), resources),
        lasts: lasts(plane, journey),
        request: sealed.to_owned(),
    };
    let targets = FormTargets::and([request.redirect_uri.as_str()]).opened_by(client.kind);
    Ok(pages::page(plane, StatusCode::OK, &view, &targets))
}

/// How long what is granted lasts, as a sentence.
fn lasts(plane: &ControlPlane, journey: &Journey) -> String {
    let (client, times) = (&journey.client, &plane.lifetimes);
    let may_renew = client.details.grants.contains(&Grant::RefreshToken);
    let asked = journey.request.scopes.contains("offline_access");
    if may_renew && (client.kind == ClientKind::Confidential || asked) {
        session_lasts(plane, client, journey.is_lasting())
    } else {
        let own = client.details.access_lifetime;
        let access = own.map_or(times.access, |own| Duration::from_secs(u64::from(own)));
        format!("For {} at a time, then it comes back here.", span(access))
    }
}

/// The same of a session that can be renewed.
pub(crate) fn session_lasts(plane: &ControlPlane, client: &Client, lasting: bool) -> String {
    let most = span(session_life::longest(plane, client, lasting));
    let idle = span(session_life::idle(plane, lasting));
    if lasting {
        format!(
            "Until you take it back, also when you have signed out here: {most} after you signed in at the latest, and no longer than {idle} without use."
        )
    } else {
        format!(
            "Until {most} after you signed in at the latest, and no longer than {idle} without use."
        )
    }
}
