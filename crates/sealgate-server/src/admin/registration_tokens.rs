//! `/api/v1/registration-tokens`: the tokens by which clients may register themselves (RFC 7591, 3).

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_model::{RegistrationTokenId, Timestamp};
use sealgate_oauth::{RegistrationHandle, is_readable};
use sealgate_store::{Audit, RegistrationToken};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Body, Id};
use super::page::Limit;
use super::schemas::{Millis, RegistrationTokenIdText};
use crate::ControlPlane;
use crate::agent_policy::Registration;
use crate::oauth::register::TOKEN_PREFIX;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(remove))
}

/// The most clients that one token is good for, the longest that it lives, and the most tokens.
const MOST_USES: u32 = 1000;
const LONGEST: u32 = 90 * 24 * 3600;
const MOST: usize = 256;

/// How long one lives unless more is said.
const WEEK: u32 = 7 * 24 * 3600;

/// A registration token to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRegistrationToken {
    /// Whom it is given to, or what for: 1 to 100 bytes.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// How many clients may be registered with it.
    #[serde(default = "once")]
    #[schema(minimum = 1, maximum = 1000, default = 1)]
    pub uses: u32,
    /// How long it is good, in seconds.
    #[serde(default = "a_week")]
    #[schema(minimum = 60, maximum = 7_776_000, default = 604_800)]
    pub lifetime: u32,
}

const fn once() -> u32 {
    1
}

const fn a_week() -> u32 {
    WEEK
}

/// A registration token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistrationTokenView {
    /// Its id.
    #[schema(value_type = RegistrationTokenIdText)]
    pub id: RegistrationTokenId,
    /// Whom it was given to, or what for.
    pub name: String,
    /// How many clients may still be registered with it.
    pub uses_left: u32,
    /// When it was made.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
    /// From when on it is good for nothing.
    #[schema(value_type = Millis)]
    pub expires_at: Timestamp,
}

/// A registration token that was made, with its text, which is shown only now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedRegistrationToken {
    /// What is known of it later.
    #[serde(flatten)]
    pub token: RegistrationTokenView,
    /// What a client presents as `Authorization: Bearer` when it registers.
    pub secret: String,
    /// Whether clients may register themselves with a token as the server is set now.
    pub in_force: bool,
}

impl std::fmt::Debug for CreatedRegistrationToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CreatedRegistrationToken({})", self.token.id)
    }
}

/// Which registration tokens to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListRegistrationTokens {
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = RegistrationTokenIdText, required = false)]
    pub after: Option<RegistrationTokenId>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Registration tokens, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistrationTokens {
    /// At most `limit` tokens.
    pub registration_tokens: Vec<RegistrationTokenView>,
    /// What to give as `after` for more; none at the end.
    #[schema(value_type = Option<RegistrationTokenIdText>)]
    pub next: Option<RegistrationTokenId>,
}

fn view(row: RegistrationToken) -> RegistrationTokenView {
    RegistrationTokenView {
        id: row.id,
        name: row.name,
        uses_left: row.uses_left,
        created_at: row.created_at,
        expires_at: row.expires_at,
    }
}

/// List the tokens by which clients may register themselves, oldest first.
#[utoipa::path(
    get, path = "/registration-tokens", tag = "clients", operation_id = "listRegistrationTokens",
    params(ListRegistrationTokens),
    responses((status = OK, description = "Registration tokens.", body = RegistrationTokens)),
    security(("oauth2" = ["sealgate:clients:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListRegistrationTokens>,
) -> Result<Json<RegistrationTokens>, Problem> {
    let all = plane.store.registration_tokens().await?;
    let key = |token: &RegistrationToken| token.id;
    let (page, next) = query.limit.slice(all, query.after.as_ref(), key);
    let registration_tokens = page.into_iter().map(view).collect();
    Ok(Json(RegistrationTokens {
        registration_tokens,
        next,
    }))
}

/// Make a token by which clients may register themselves.
#[utoipa::path(
    post, path = "/registration-tokens", tag = "clients", operation_id = "createRegistrationToken",
    request_body(content = NewRegistrationToken, example = json!({ "name": "Agents team", "uses": 5 })),
    responses(
        (status = CREATED, description = "The token, shown only now.", body = CreatedRegistrationToken),
        (status = CONFLICT, description = "There are too many."),
        (status = UNPROCESSABLE_ENTITY, description = "What is asked for is out of bounds."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn create(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(new): Body<NewRegistrationToken>,
) -> Result<(StatusCode, Json<CreatedRegistrationToken>), Problem> {
    let act = admin.act(&plane, "registration_token.create");
    let named = (1..=100).contains(&new.name.len()) && is_readable(&new.name);
    let bounded = (1..=MOST_USES).contains(&new.uses) && (60..=LONGEST).contains(&new.lifetime);
    if !(named && bounded) {
        return Err(Problem::unprocessable(
            "registration_token_malformed",
            "a registration token has a name of 1 to 100 bytes, 1 to 1000 uses and lives 60 s to 90 days",
        ));
    }
    if plane.store.registration_tokens().await?.len() >= MOST {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "registration_tokens_too_many",
            "no more registration tokens can be made",
        ));
    }
    let id = RegistrationTokenId::generate(act.at, &*plane.random);
    let handle = RegistrationHandle::generate(id, &*plane.random);
    let row = RegistrationToken {
        id,
        secret_hash: handle.secret_hash(),
        name: new.name,
        created_at: act.at,
        expires_at: act.at + Duration::from_secs(new.lifetime.into()),
        uses_left: new.uses,
    };
    let act = about(id, act);
    plane
        .store
        .registration_token_create(row.clone(), act)
        .await?;
    let created = CreatedRegistrationToken {
        token: view(row),
        secret: format!("{TOKEN_PREFIX}{}", handle.to_secret().expose()),
        in_force: plane.policy.agents.registration == Registration::Token,
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Take a registration token back. Clients that were registered with it stay.
#[utoipa::path(
    delete, path = "/registration-tokens/{id}", tag = "clients", operation_id = "removeRegistrationToken",
    params(("id" = RegistrationTokenIdText, Path)),
    responses(
        (status = NO_CONTENT, description = "It is gone."),
        (status = NOT_FOUND, description = "There is no such token."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn remove(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<RegistrationTokenId>,
) -> Result<StatusCode, Problem> {
    let act = about(id, admin.act(&plane, "registration_token.remove"));
    if plane.store.registration_token_remove(id, act).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::new(
            StatusCode::NOT_FOUND,
            "registration_token_unknown",
            "there is no such registration token",
        ))
    }
}

fn about(id: RegistrationTokenId, act: Audit) -> Audit {
    Audit {
        object: Some(id.to_string()),
        ..act
    }
}
