//! `/api/v1/transmitters`: the identity systems whose security events end trust here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use sealgate_host::sha256;
use sealgate_model::{Secret, Timestamp, TransmitterId};
use sealgate_store::{Audit, Poll, StoreError, Transmitter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Body, Id};
use super::page::Limit;
use super::schemas::{Millis, TransmitterIdText, UriText};
use crate::ControlPlane;
use crate::problem::Problem;
use crate::receiver::{SEALED, push_path, seal_context};

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, remove))
}

/// The most domains of one transmitter, and the most transmitters.
const MOST_DOMAINS: usize = 64;
const MOST: usize = 64;

/// An identity system to listen to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTransmitter {
    /// The name people know it by, 1 to 100 bytes.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The issuer of its events, compared byte for byte.
    #[schema(value_type = UriText)]
    pub issuer: String,
    /// Where it publishes its keys.
    #[schema(value_type = UriText)]
    pub jwks_uri: String,
    /// What its events name as audience; the address that it pushes to if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 512)]
    pub audience: Option<String>,
    /// The domains of the e-mail addresses that it may speak of. It is believed about nobody else.
    #[schema(min_items = 1, max_items = 64)]
    pub domains: Vec<String>,
    /// Whether it may disable accounts. If not, it still ends their sessions.
    #[serde(default)]
    pub may_disable: bool,
    /// Whether it gets a secret to present when it pushes. What it pushes has to be signed in any case.
    #[serde(default)]
    pub push_secret: bool,
    /// Where it is asked for events, if it does not push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<UriText>)]
    pub poll_url: Option<String>,
    /// The bearer token that is presented there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_token: Option<PollToken>,
}

/// A bearer token; its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(min_length = 1, max_length = 4096)]
pub struct PollToken(pub String);

impl std::fmt::Debug for PollToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PollToken")
    }
}

/// An identity system that is listened to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransmitterView {
    /// Its id here.
    #[schema(value_type = TransmitterIdText)]
    pub id: TransmitterId,
    /// The name people know it by.
    pub name: String,
    /// The issuer of its events.
    pub issuer: String,
    /// Where it publishes its keys.
    pub jwks_uri: String,
    /// What its events name as audience.
    pub audience: String,
    /// The domains of the e-mail addresses that it may speak of.
    pub domains: Vec<String>,
    /// Whether it may disable accounts.
    pub may_disable: bool,
    /// The address that it pushes to.
    pub push_url: String,
    /// Whether it has to present a secret there.
    pub push_secret: bool,
    /// Where it is asked for events.
    pub poll_url: Option<String>,
    /// When it was added.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
}

/// A transmitter that was added, with the secret that it presents, which is shown only now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedTransmitter {
    /// The transmitter.
    #[serde(flatten)]
    pub transmitter: TransmitterView,
    /// What it presents as `Authorization: Bearer` when it pushes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl std::fmt::Debug for CreatedTransmitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CreatedTransmitter({})", self.transmitter.id)
    }
}

/// Which transmitters to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTransmitters {
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = TransmitterIdText, required = false)]
    pub after: Option<TransmitterId>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Transmitters, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transmitters {
    /// At most `limit` transmitters.
    pub transmitters: Vec<TransmitterView>,
    /// What to give as `after` for more; none at the end.
    #[schema(value_type = Option<TransmitterIdText>)]
    pub next: Option<TransmitterId>,
}

fn view(plane: &ControlPlane, row: Transmitter) -> TransmitterView {
    TransmitterView {
        push_url: plane.issuer.url(&push_path(row.id)),
        id: row.id,
        name: row.name,
        issuer: row.issuer,
        jwks_uri: row.jwks_uri,
        audience: row.audience,
        domains: row.domains,
        may_disable: row.may_disable,
        push_secret: row.push_secret.is_some(),
        poll_url: row.poll.map(|poll| poll.url),
        created_at: row.created_at,
    }
}

/// List the identity systems that are listened to, oldest first.
#[utoipa::path(
    get, path = "/transmitters", tag = "signals", operation_id = "listTransmitters",
    params(ListTransmitters),
    responses((status = OK, description = "Transmitters.", body = Transmitters)),
    security(("oauth2" = ["sealgate:clients:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListTransmitters>,
) -> Result<Json<Transmitters>, Problem> {
    let all = plane.store.transmitters().await?;
    let key = |transmitter: &Transmitter| transmitter.id;
    let (page, next) = query.limit.slice(all, query.after.as_ref(), key);
    let transmitters = page.into_iter().map(|row| view(&plane, row)).collect();
    Ok(Json(Transmitters { transmitters, next }))
}

/// Listen to an identity system: what ends there ends here.
#[utoipa::path(
    post, path = "/transmitters", tag = "signals", operation_id = "createTransmitter",
    request_body(content = NewTransmitter, example = json!({
        "name": "Corporate directory", "issuer": "https://idp.corp.example",
        "jwks_uri": "https://idp.corp.example/jwks", "domains": ["corp.example"],
    })),
    responses(
        (status = CREATED, description = "The transmitter that was added.", body = CreatedTransmitter),
        (status = CONFLICT, description = "Its issuer is listened to already, or there are too many."),
        (status = UNPROCESSABLE_ENTITY, description = "The registration is not sound."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn create(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(new): Body<NewTransmitter>,
) -> Result<(StatusCode, Json<CreatedTransmitter>), Problem> {
    let act = admin.act(&plane, "transmitter.create");
    admin.may_shape_transmitter(&plane, &act).await?;
    let id = TransmitterId::generate(act.at, &*plane.random);
    if plane.store.transmitters().await?.len() >= MOST {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "transmitters_too_many",
            "no more identity systems can be listened to",
        ));
    }
    let secret = new
        .push_secret
        .then(|| URL_SAFE_NO_PAD.encode(plane.random.bytes::<32>()));
    let row = Transmitter {
        id,
        name: text(new.name, 100)?,
        issuer: text(new.issuer, 512)?,
        jwks_uri: address(&plane, new.jwks_uri)?,
        audience: match new.audience {
            Some(audience) => text(audience, 512)?,
            None => plane.issuer.url(&push_path(id)),
        },
        domains: domains(new.domains)?,
        may_disable: new.may_disable,
        push_secret: secret.as_ref().map(|secret| sha256(secret.as_bytes())),
        poll: poll(&plane, id, new.poll_url, new.poll_token)?,
        created_at: act.at,
    };
    let act = about(id, act);
    match plane.store.transmitter_create(row.clone(), act).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "transmitter_known",
                "this issuer is listened to already",
            ));
        }
        Err(error) => return Err(error.into()),
    }
    let created = CreatedTransmitter {
        transmitter: view(&plane, row),
        secret,
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Show one identity system that is listened to.
#[utoipa::path(
    get, path = "/transmitters/{id}", tag = "signals", operation_id = "showTransmitter",
    params(("id" = TransmitterIdText, Path)),
    responses(
        (status = OK, description = "The transmitter.", body = TransmitterView),
        (status = NOT_FOUND, description = "There is no such transmitter."),
    ),
    security(("oauth2" = ["sealgate:clients:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Id(id): Id<TransmitterId>,
) -> Result<Json<TransmitterView>, Problem> {
    let row = plane.store.transmitter(id).await?.ok_or_else(unknown)?;
    Ok(Json(view(&plane, row)))
}

/// Stop listening to an identity system. What its events have ended stays ended.
#[utoipa::path(
    delete, path = "/transmitters/{id}", tag = "signals", operation_id = "removeTransmitter",
    params(("id" = TransmitterIdText, Path)),
    responses(
        (status = NO_CONTENT, description = "It is gone."),
        (status = NOT_FOUND, description = "There is no such transmitter."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn remove(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<TransmitterId>,
) -> Result<StatusCode, Problem> {
    let act = about(id, admin.act(&plane, "transmitter.remove"));
    if plane.store.transmitter(id).await?.is_none() {
        return Err(unknown());
    }
    admin.may_shape_transmitter(&plane, &act).await?;
    if plane.store.transmitter_remove(id, act).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown())
    }
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "transmitter_unknown",
        "there is no such transmitter",
    )
}

fn about(id: TransmitterId, act: Audit) -> Audit {
    Audit {
        object: Some(id.to_string()),
        ..act
    }
}

fn unsound(what: &str) -> Problem {
    Problem::unprocessable("transmitter_malformed", what)
}

fn text(text: String, limit: usize) -> Result<String, Problem> {
    if (1..=limit).contains(&text.len()) && !text.contains(char::is_control) {
        Ok(text)
    } else {
        Err(unsound(
            "a text is empty, too long, or holds control characters",
        ))
    }
}

/// A URL that this server will ask.
fn address(plane: &ControlPlane, given: String) -> Result<String, Problem> {
    let given = text(given, 512)?;
    match plane.outbound.check(&given) {
        Ok(()) => Ok(given),
        Err(error) => Err(unsound(&error.to_string())),
    }
}

fn domains(given: Vec<String>) -> Result<Vec<String>, Problem> {
    if given.is_empty() || given.len() > MOST_DOMAINS {
        return Err(unsound("name 1 to 64 domains that it may speak of"));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    let mut domains = Vec::with_capacity(given.len());
    for domain in given {
        let sound = (1..=253).contains(&domain.len()) && domain.bytes().all(allowed);
        if !sound {
            return Err(unsound("a domain has 1 to 253 of A-Z a-z 0-9 - and ."));
        }
        domains.push(domain.to_ascii_lowercase());
    }
    domains.sort();
    domains.dedup();
    Ok(domains)
}

fn poll(
    plane: &ControlPlane,
    id: TransmitterId,
    url: Option<String>,
    token: Option<PollToken>,
) -> Result<Option<Poll>, Problem> {
    let (url, token) = match (url, token) {
        (None, None) => return Ok(None),
        (Some(url), Some(PollToken(token))) => (address(plane, url)?, Secret::new(token)),
        _ => return Err(unsound("polling takes an address and a token")),
    };
    let sound = (1..=4096).contains(&token.expose().len())
        && token.expose().bytes().all(|b| b.is_ascii_graphic());
    if !sound {
        return Err(unsound(
            "the token for polling has 1 to 4096 visible ASCII characters",
        ));
    }
    let id = id.to_string();
    let context = seal_context(plane, &id);
    let sealed = plane
        .master
        .seal_up_to(SEALED, &context, &*plane.random, token.expose().as_bytes())
        .map_err(|error| {
            tracing::error!(%error, "a token for polling cannot be sealed");
            Problem::internal()
        })?;
    Ok(Some(Poll {
        url,
        sealed_token: sealed,
    }))
}
