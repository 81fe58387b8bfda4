//! `/sign-in`: e-mail address and password, and on to the client that asked.
//!
//! Whether an account exists does not show: an unknown, disabled or invited one is refused in the
//! same words after the same work as a wrong password.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use sealgate_model::{Secret, SignInId, Timestamp, UserId};
use sealgate_oauth::{Handle, Params};
use sealgate_store::{
    Audit, AuditActor, Client, CredentialType, RevokeReason, SignIn, StoreError, UserRow,
    UserStatus,
};

use super::cookie::{self, SignInHandle};
use super::errand::{self, Errand, Pending};
use super::form::{PostedWithRequest, REQUEST_LIMITS};
use super::passwords::LONGEST_PASSWORD;
use super::throttle::Account;
use crate::ControlPlane;
use crate::caller::Caller;
use crate::device;
use crate::oauth::authorize;
use crate::oauth::journey::Journey;
use crate::pages::{self, AskerView, ErrorPage, FormTargets, Problems, Shell, SignInPage};

/// The longest address that is looked up (RFC 5321, 4.5.3.1.3).
const LONGEST_EMAIL: usize = 254;

/// What one signs in for.
enum Aim {
    /// One's own account page.
    Account,
    /// A client that asked.
    Client(Box<Journey>),
    /// A device, by its code if that is known.
    Device(Option<String>),
}

impl Aim {
    /// What the sealed errand in a URL or form is.
    async fn read(plane: &ControlPlane, sealed: Option<&str>) -> Result<Self, ErrorPage> {
        let Some(sealed) = sealed else {
            return Ok(Self::Account);
        };
        let pending = errand::open(plane, sealed, plane.clock.now());
        let Pending { errand, created_at } =
            pending.map_err(|problem| ErrorPage::from(&problem))?;
        match errand {
            Errand::Device { user_code } => Ok(Self::Device(user_code)),
            Errand::Authorization(request) => {
                let journey = Journey::pick_up(plane, *request, created_at, sealed).await;
                let journey = journey.map_err(|problem| ErrorPage::from(&problem))?;
                Ok(Self::Client(Box::new(journey)))
            }
        }
    }

    fn client(&self) -> Option<&Client> {
        match self {
            Self::Client(journey) => Some(&journey.client),
            Self::Account | Self::Device(_) => None,
        }
    }

    /// Who is expected to sign in, as the client says it: filled in, never trusted. Of a user whom it
    /// names by an ID token it may not know the address, and so neither does whoever opens the page.
    fn expected(&self) -> &str {
        match self {
            Self::Client(journey) => journey.request.login_hint.as_deref().unwrap_or_default(),
            Self::Account | Self::Device(_) => "",
        }
    }

    /// Goes on to what was signed in for.
    async fn go_on(&self, plane: &ControlPlane, caller: &Caller, sign_in: &SignIn) -> Response {
        match self {
            Self::Account => Redirect::to(&plane.issuer.url("/account")).into_response(),
            Self::Device(code) => device::entrance(plane, code.as_deref()).into_response(),
            Self::Client(journey) => {
                let mut audit = caller.act(plane.clock.now(), "code.issue");
                audit.client = Some(journey.client.id.clone());
                authorize::go_on(plane, audit, journey, Some(sign_in)).await
            }
        }
    }
}

/// `GET /sign-in`: the form. With `?request=` it says what one signs in for.
pub(crate) async fn page(
    State(plane): State<Arc<ControlPlane>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ErrorPage> {
    let query = Params::parse(query.unwrap_or_default().as_bytes(), REQUEST_LIMITS)
        .map_err(|_| ErrorPage::malformed())?;
    let request = query.get("request");
    // Without a request there is nothing to sign in for again.
    if request.is_none() && cookie::current(&plane, &headers).await?.is_some() {
        return Ok(Redirect::to(&plane.issuer.url("/account")).into_response());
    }
    let aim = Aim::read(&plane, request).await?;
    let email = aim.expected();
    Ok(form(&plane, &aim, request, email, Problems::none()))
}

/// `POST /sign-in`.
pub(crate) async fn submit(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    PostedWithRequest(posted): PostedWithRequest,
) -> Result<Response, ErrorPage> {
    let request = posted.get("request");
    // A request that cannot be gone on with is told of before anybody has typed a password in vain.
    let aim = Aim::read(&plane, request).await?;
    let client = aim.client().map(|client| client.id.clone());
    let email = posted.get("email").unwrap_or_default().trim();
    let password = posted.get("password").unwrap_or_default();
    let again = |problems| form(&plane, &aim, request, email, problems);

    let mut missing = Problems::none();
    if email.is_empty() {
        missing.add("email", "Enter your e-mail address.");
    }
    if password.is_empty() {
        missing.add("password", "Enter your password.");
    }
    if !missing.is_empty() {
        return Ok(again(missing));
    }
    match check(&plane, &caller, email, Secret::new(password)).await? {
        Ok(user) => {
            let (sign_in, handle) = begin(&plane, user.id);
            let audit = Audit::allowed(
                sign_in.auth_time,
                AuditActor::User(user.id),
                "sign_in.start",
            );
            let audit = caller.record(Audit {
                user: Some(user.id),
                credential: Some(CredentialType::Password),
                client,
                ..audit
            });
            take_over(&plane, &caller, &headers, sign_in.clone(), audit).await?;
            let mut response = aim.go_on(&plane, &caller, &sign_in).await;
            response
                .headers_mut()
                .append(SET_COOKIE, cookie::set(&plane.issuer, &handle));
            Ok(response)
        }
        Err(refusal) => {
            let audit = Audit::denied(
                plane.clock.now(),
                AuditActor::Anonymous,
                "sign_in.start",
                refusal.reason,
            );
            let audit = caller.record(Audit {
                user: refusal.user,
                credential: Some(CredentialType::Password),
                client,
                ..audit
            });
            plane.refusals.record(&plane, audit).await;
            if let Some(wait) = refusal.wait {
                return Err(ErrorPage::throttled(wait));
            }
            let mut problems = Problems::none();
            problems.add(
                "password",
                "The e-mail address or the password is not right.",
            );
            Ok(again(problems))
        }
    }
}

/// Why somebody did not get in. For the record, never for the page.
struct Refusal {
    reason: &'static str,
    user: Option<UserId>,
    /// After how long to try again, where the password was not looked at.
    wait: Option<Duration>,
}

impl Refusal {
    fn of(reason: &'static str, user: Option<UserId>) -> Self {
        Self {
            reason,
            user,
            wait: None,
        }
    }
}

/// The account that `email` and `password` belong to, if it may sign in. One path, one piece of work.
async fn check(
    plane: &ControlPlane,
    caller: &Caller,
    email: &str,
    password: Secret,
) -> Result<Result<UserRow, Refusal>, ErrorPage> {
    let user = if email.len() <= LONGEST_EMAIL {
        plane.store.user_by_email(email).await?
    } else {
        None
    };
    let account = user
        .as_ref()
        .map_or_else(|| Account::unknown(email), |user| Account::Known(user.id));
    let now = plane.clock.uptime();
    let attempt = match plane.throttle.reserve(account, caller.network(), now) {
        Ok(attempt) => attempt,
        Err(wait) => {
            return Ok(Err(Refusal {
                reason: "sign_in_throttled",
                user: user.map(|user| user.id),
                wait: Some(wait),
            }));
        }
    };
    let fits = password.expose().len() <= LONGEST_PASSWORD;
    let password = if fits { password } else { Secret::new("") };
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let checked = plane.passwords.verify(password, hash).await;
    let right = matches!(checked, Ok(true)) && fits;
    let active = user
        .as_ref()
        .is_some_and(|user| user.status() == UserStatus::Active);
    if checked.is_err() || (right && active) {
        plane.throttle.give_back(&attempt, plane.clock.uptime());
    }
    checked?;
    Ok(match user {
        None => Err(Refusal::of("account_unknown", None)),
        Some(user) => match (user.status(), right) {
            (UserStatus::Active, true) => Ok(user),
            (UserStatus::Active, false) => Err(Refusal::of("password_wrong", Some(user.id))),
            (UserStatus::Disabled, _) => Err(Refusal::of("account_disabled", Some(user.id))),
            (UserStatus::Invited, _) => Err(Refusal::of("account_invited", Some(user.id))),
        },
    })
}

/// A new sign-in of `user`, from now, and the handle for its cookie. Always under a fresh id: a cookie
/// that was planted in the browser before is worth nothing after.
pub(super) fn begin(plane: &ControlPlane, user: UserId) -> (SignIn, SignInHandle) {
    let now: Timestamp = plane.clock.now();
    let handle = Handle::generate(SignInId::generate(now, &*plane.random), &*plane.random);
    let sign_in = SignIn {
        id: handle.id,
        secret_hash: handle.secret_hash(),
        user,
        auth_time: now,
        methods: vec!["pwd".to_owned()],
        expires_at: now + plane.lifetimes.sign_in,
        ended_at: None,
    };
    (sign_in, handle)
}

/// Stores the browser's new sign-in in place of the one it had. If that was somebody else's, it ends
/// with all its sessions: whoever sits there now must not be taken for two people.
async fn take_over(
    plane: &ControlPlane,
    caller: &Caller,
    headers: &HeaderMap,
    sign_in: SignIn,
    audit: Audit,
) -> Result<(), StoreError> {
    match cookie::current(plane, headers).await? {
        Some(before) if before.user == sign_in.user => {
            plane.store.sign_in_replace(before.id, sign_in, audit).await
        }
        _ => {
            end_anothers(plane, caller, headers, sign_in.user).await?;
            plane.store.sign_in_create(sign_in, audit).await
        }
    }
}

/// Ends the browser's sign-in before this one if it was somebody else's, and the sessions from it:
/// whoever sits there now must not be taken for two people.
pub(super) async fn end_anothers(
    plane: &ControlPlane,
    caller: &Caller,
    headers: &HeaderMap,
    user: UserId,
) -> Result<(), StoreError> {
    let before = cookie::current(plane, headers)
        .await?
        .filter(|before| before.user != user);
    let Some(before) = before else { return Ok(()) };
    let audit = Audit::allowed(
        plane.clock.now(),
        AuditActor::User(before.user),
        "sign_in.end",
    );
    let audit = caller.record(Audit {
        user: Some(before.user),
        credential: Some(CredentialType::Session),
        reason: "another_user".to_owned(),
        ..audit
    });
    plane
        .store
        .sign_in_end(before.id, RevokeReason::Logout, audit)
        .await
}

fn form(
    plane: &ControlPlane,
    aim: &Aim,
    request: Option<&str>,
    email: &str,
    problems: Problems,
) -> Response {
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let client = aim.client();
    let targets = FormTargets::and(
        client
            .into_iter()
            .flat_map(|client| &client.redirect_uris)
            .map(String::as_str),
    );
    let targets = match client {
        Some(client) => targets.opened_by(client.kind),
        None => targets,
    };
    let view = SignInPage {
        shell: Shell::of(&plane.issuer),
        client_name: client.map(|client| AskerView::of(client).called()),
        device: matches!(aim, Aim::Device(_)),
        request: request.map(str::to_owned),
        email: email.to_owned(),
        problems,
    };
    pages::page(plane, status, &view, &targets)
}
