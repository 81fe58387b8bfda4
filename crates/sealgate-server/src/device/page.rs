//! `/device`: the code, then the question, then the answer.
//!
//! Whoever starts a sign-in on a device of their own and talks somebody else into typing its code gets
//! into that person's account. So a link may fill in the code but never does more; the user has signed
//! in a moment ago; and the question says what asks, from where and since when, with a way to say no
//! that is as near as the way to say yes.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use sealgate_model::{DeviceId, UserId};
use sealgate_oauth::{Limits, OAuthError, Params, UserCode};
use sealgate_store::{
    Audit, AuditActor, ClientKind, CredentialType, DeviceApproval, DeviceDecision, GrantDetails,
    Outcome, SignIn, UserRow,
};

use super::entrance;
use super::lookup::{self, Missed, Waiting};
use crate::ControlPlane;
use crate::caller::Caller;
use crate::consent::session_lasts;
use crate::consent::words::Words;
use crate::network::Network;
use crate::oauth::ACR_PASSWORD;
use crate::pages::{
    self, AskerView, DeviceDonePage, DevicePage, DeviceQuestionPage, ErrorPage, FormTargets,
    Moment, Problems, Shell,
};
use crate::problem::Problem;
use crate::session_life;
use crate::sign_in::cookie;
use crate::sign_in::errand::{self, Errand};
use crate::sign_in::form::Posted;

/// How long ago the user may have signed in: whoever is talked into this has to stop and type their
/// password.
const RECENT: Duration = Duration::from_secs(10 * 60);

/// How far the clock may have been set back since.
const STEP: Duration = Duration::from_secs(60);

/// What a link to the page carries.
const QUERY: Limits = Limits {
    bytes: 512,
    count: 8,
    value: 64,
};

/// `GET /device`: where the code is typed. `user_code` fills it in and does nothing else.
pub(super) async fn page(
    State(plane): State<Arc<ControlPlane>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ErrorPage> {
    let query = Params::parse(query.unwrap_or_default().as_bytes(), QUERY)
        .map_err(|_| ErrorPage::malformed())?;
    let code: Option<UserCode> = query.get("user_code").and_then(|code| code.parse().ok());
    let code = code.map(|code| code.to_string());
    let Some(sign_in) = recent(&plane, &headers).await? else {
        return to_sign_in(&plane, code);
    };
    form(
        &plane,
        &sign_in,
        &code.unwrap_or_default(),
        Problems::none(),
    )
    .await
}

/// `POST /device`: the code, answered with the question.
pub(super) async fn code(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    Posted(posted): Posted,
) -> Result<Response, ErrorPage> {
    let typed = posted.get("user_code").unwrap_or_default();
    let Some(sign_in) = recent(&plane, &headers).await? else {
        let code: Option<UserCode> = typed.parse().ok();
        return to_sign_in(&plane, code.map(|code| code.to_string()));
    };
    match waiting(&plane, &caller, &sign_in, typed).await? {
        Ok((waiting, user)) => question(&plane, &caller, &waiting, &user).await,
        Err(problems) => form(&plane, &sign_in, typed, problems).await,
    }
}

/// `POST /device/answer`: the answer, to what was shown and by whom it was shown to.
pub(super) async fn answer(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    Posted(posted): Posted,
) -> Result<Response, ErrorPage> {
    let typed = posted.get("user_code").unwrap_or_default();
    let shown: Option<DeviceId> = posted.get("device").and_then(|id| id.parse().ok());
    let asked: Option<UserId> = posted.get("user").and_then(|id| id.parse().ok());
    let Some(sign_in) = recent(&plane, &headers).await? else {
        let code: Option<UserCode> = typed.parse().ok();
        return to_sign_in(&plane, code.map(|code| code.to_string()));
    };
    if asked != Some(sign_in.user) {
        return Ok(entrance(&plane, Some(typed)).into_response());
    }
    let (waiting, user) = match waiting(&plane, &caller, &sign_in, typed).await? {
        Ok((waiting, user)) if shown == Some(waiting.device.id) => (waiting, user),
        Ok(_) => return Ok(entrance(&plane, Some(typed)).into_response()),
        Err(problems) => return form(&plane, &sign_in, typed, problems).await,
    };
    let connected = match posted.get("decision") {
        Some("connect") => true,
        Some("deny") => false,
        _ => return Err(ErrorPage::malformed()),
    };
    if !decide(&plane, &caller, &waiting, &sign_in, &user, connected).await? {
        // Decided or over since it was looked up.
        return form(&plane, &sign_in, typed, unknown()).await;
    }
    let view = DeviceDonePage {
        shell: Shell::of(&plane.issuer),
        client_name: AskerView::of(&waiting.client).called(),
        connected,
    };
    Ok(pages::page(
        &plane,
        StatusCode::OK,
        &view,
        &FormTargets::own(),
    ))
}

/// The device that waits with the code that was typed, for the user who typed it; otherwise what to say
/// beside the field.
async fn waiting(
    plane: &ControlPlane,
    caller: &Caller,
    sign_in: &SignIn,
    typed: &str,
) -> Result<Result<(Waiting, UserRow), Problems>, ErrorPage> {
    let Ok(code) = typed.parse::<UserCode>() else {
        return Ok(Err(unknown()));
    };
    let waiting = match lookup::find(plane, caller, sign_in, &code).await {
        Ok(waiting) => waiting,
        Err(Missed::Unknown) => return Ok(Err(unknown())),
        Err(Missed::TooOften(wait)) => {
            return Err(ErrorPage::too_often(
                wait,
                "There were too many codes that no device shows.",
                "device_throttled",
            ));
        }
        Err(Missed::Failed(failure)) => return Err(failure.into()),
    };
    let user = plane.store.user(sign_in.user).await?;
    let user = user.ok_or_else(|| ErrorPage::from(&Problem::internal()))?;
    let tenant = &waiting.client.details.tenant;
    if tenant.is_some() && *tenant != user.tenant {
        return Err(ErrorPage::new(
            StatusCode::FORBIDDEN,
            "This device is not for your account",
            "The application on the device serves the users of another organisation.",
            OAuthError::TenantForeign.code(),
        ));
    }
    Ok(Ok((waiting, user)))
}

/// Notes the decision, once. False if it is too late for it.
async fn decide(
    plane: &ControlPlane,
    caller: &Caller,
    waiting: &Waiting,
    sign_in: &SignIn,
    user: &UserRow,
    connected: bool,
) -> Result<bool, ErrorPage> {
    let device = &waiting.device;
    let (decision, action, outcome, reason) = if connected {
        let approval = DeviceApproval {
            user: user.id,
            sign_in: sign_in.id,
            auth_time: sign_in.auth_time,
            methods: sign_in.methods.clone(),
        };
        let details = GrantDetails {
            acr: Some(ACR_PASSWORD.to_owned()),
            tenant: user.tenant.clone(),
            lasting: session_life::is_lasting(&waiting.client, &device.scopes),
            ..device.details.clone()
        };
        let approved = DeviceDecision::Approved { approval, details };
        (approved, "device.approve", Outcome::Allowed, "")
    } else {
        let reason = OAuthError::DeviceDenied.code();
        let denied = DeviceDecision::Denied;
        (denied, "device.deny", Outcome::Denied, reason)
    };
    let actor = AuditActor::User(user.id);
    let audit = Audit {
        outcome,
        reason: reason.to_owned(),
        credential: Some(CredentialType::Session),
        user: Some(user.id),
        client: Some(waiting.client.id.clone()),
        object: Some(device.id.to_string()),
        ..Audit::allowed(plane.clock.now(), actor, action)
    };
    let decided = plane
        .store
        .device_decide(device.id, decision, caller.record(audit));
    Ok(decided.await?)
}

/// The browser's sign-in, if its user has proved who they are a moment ago.
async fn recent(plane: &ControlPlane, headers: &HeaderMap) -> Result<Option<SignIn>, ErrorPage> {
    let now = plane.clock.now();
    let is_recent = |sign_in: &SignIn| {
        now.since(sign_in.auth_time) <= RECENT && sign_in.auth_time <= now + STEP
    };
    Ok(cookie::current(plane, headers).await?.filter(is_recent))
}

fn to_sign_in(plane: &ControlPlane, user_code: Option<String>) -> Result<Response, ErrorPage> {
    let errand = Errand::Device { user_code };
    let sealed = errand::seal(plane, errand, plane.clock.now())
        .map_err(|_| ErrorPage::from(&Problem::internal()))?;
    let page = errand::page(plane, "/sign-in", &sealed);
    Ok(axum::response::Redirect::to(page.expose()).into_response())
}

async fn form(
    plane: &ControlPlane,
    sign_in: &SignIn,
    user_code: &str,
    problems: Problems,
) -> Result<Response, ErrorPage> {
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let user = plane.store.user(sign_in.user).await?;
    let view = DevicePage {
        shell: Shell::of(&plane.issuer),
        email: user.map(|user| user.email).unwrap_or_default(),
        user_code: user_code.to_owned(),
        problems,
    };
    Ok(pages::page(plane, status, &view, &FormTargets::own()))
}

async fn question(
    plane: &ControlPlane,
    caller: &Caller,
    waiting: &Waiting,
    user: &UserRow,
) -> Result<Response, ErrorPage> {
    let Waiting { device, client } = waiting;
    let resources = &device.details.resources;
    let words = Words::load(plane, [resources, &client.details.resources]).await?;
    let code: Option<UserCode> = device.user_code.parse().ok();
    let there = device.network.as_deref().and_then(Network::parse);
    let here = caller.network();
    let lasting = session_life::is_lasting(client, &device.scopes);
    let view = DeviceQuestionPage {
        shell: Shell::of(&plane.issuer),
        asker: AskerView::of(client),
        certain: client.kind == ClientKind::Confidential,
        user_code: code.map(|code| code.to_string()).unwrap_or_default(),
        device: device.id.to_string(),
        user: user.id.to_string(),
        name: user.name.clone(),
        email: user.email.clone(),
        grants: words.grants(device.scopes.iter().map(String::as_str), resources),
        same_network: there.zip(here).map(|(there, here)| there == here),
        network: device.network.clone(),
        asked: Moment::new(device.created_at, plane.clock.now()),
        lasts: session_lasts(plane, client, lasting),
    };
    Ok(pages::page(
        plane,
        StatusCode::OK,
        &view,
        &FormTargets::own(),
    ))
}

/// The same words for a code that never was and one that is over.
fn unknown() -> Problems {
    let mut problems = Problems::none();
    problems.add(
        "user_code",
        "No device waits with this code. Check what the device shows; after 10 minutes it needs a new one.",
    );
    problems
}
