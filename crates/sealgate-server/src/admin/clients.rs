//! `/api/v1/clients`: registering and listing OAuth clients.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use sealgate_host::sha256;
use sealgate_model::{ClientId, Issuer, Random, Secret, Timestamp};
use sealgate_oauth::{RedirectUri, Scopes};
use sealgate_store::{Audit, Client, ClientKind};
use serde::{Deserialize, Serialize};

use super::act;
use super::extract::Body;
use crate::ControlPlane;
use crate::problem::{Problem, TraceId};
use crate::sign_in::address;

/// The scopes every client may ask for.
const STANDARD_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The most redirect URIs, and the most logout URIs, of one client.
const URI_LIMIT: usize = 32;

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new().route("/clients", get(list).post(create))
}

/// A client to register.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Its `client_id`; without it one is made from the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ClientId>,
    /// The name people read on the sign-in page, 1 to 100 bytes.
    pub name: String,
    /// Whether it has a secret.
    pub kind: ClientKind,
    /// Where codes may be sent, compared exactly; at least one.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout, compared exactly.
    #[serde(default)]
    pub logout_uris: Vec<String>,
    /// The scopes it may ask for beside `openid`, `profile`, `email` and `offline_access`.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientView {
    /// `client_id`.
    pub id: ClientId,
    /// The name people read on the sign-in page.
    pub name: String,
    /// Whether it has a secret.
    pub kind: ClientKind,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout.
    pub logout_uris: Vec<String>,
    /// The scopes it may ask for.
    pub scopes: Vec<String>,
    /// When it was registered, in milliseconds since 1970.
    pub created_at: Timestamp,
}

impl From<Client> for ClientView {
    fn from(row: Client) -> Self {
        Self {
            id: row.id,
            name: row.name,
            kind: row.kind,
            redirect_uris: row.redirect_uris,
            logout_uris: row.logout_uris,
            scopes: row.scopes,
            created_at: row.created_at,
        }
    }
}

/// The client that was registered. Its secret is told here and never again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedClient {
    /// The client.
    pub client: ClientView,
    /// Its secret; none for a public client.
    pub secret: Option<String>,
    /// The issuer, which the client has to be told.
    pub issuer: Issuer,
}

impl std::fmt::Debug for CreatedClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CreatedClient({})", self.client.id)
    }
}

/// Clients by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clients {
    /// Every client.
    pub clients: Vec<ClientView>,
}

async fn create(
    State(plane): State<Arc<ControlPlane>>,
    trace: TraceId,
    Body(new): Body<NewClient>,
) -> Result<Response, Problem> {
    let name = name(&new.name)?;
    if new.redirect_uris.is_empty() {
        return Err(Problem::bad_request(
            "redirect_uri_missing",
            "a client needs at least one redirect URI",
        ));
    }
    let redirect_uris = uris(new.redirect_uris)?;
    let logout_uris = uris(new.logout_uris)?;
    let scopes = scopes(&new.scopes)?;
    let id = match new.id {
        Some(id) => id,
        None => id_from(&name, &*plane.random)?,
    };
    let secret = (new.kind == ClientKind::Confidential).then(|| Secret::generate(&*plane.random));
    let client = Client {
        id,
        name,
        kind: new.kind,
        secret_hash: secret
            .as_ref()
            .map(|secret| sha256(secret.expose().as_bytes())),
        redirect_uris,
        logout_uris,
        scopes,
        created_at: plane.clock.now(),
    };
    let audit = Audit {
        client: Some(client.id.clone()),
        ..act(&plane, "client.create", trace)
    };
    plane.store.client_create(client.clone(), audit).await?;
    let created = CreatedClient {
        client: client.into(),
        secret: secret.map(|secret| secret.expose().to_owned()),
        issuer: plane.issuer.clone(),
    };
    Ok((
        StatusCode::CREATED,
        [(CACHE_CONTROL, "no-store")],
        Json(created),
    )
        .into_response())
}

async fn list(State(plane): State<Arc<ControlPlane>>) -> Result<Json<Clients>, Problem> {
    let clients = plane
        .store
        .clients()
        .await?
        .into_iter()
        .map(ClientView::from)
        .collect();
    Ok(Json(Clients { clients }))
}

fn name(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if (1..=100).contains(&text.len()) && !text.chars().any(address::is_hidden) {
        Ok(text.to_owned())
    } else {
        Err(Problem::bad_request(
            "name_malformed",
            "a client's name has 1 to 100 bytes and no control or hidden characters",
        ))
    }
}

/// The URIs as they will be compared, each once.
fn uris(given: Vec<String>) -> Result<Vec<String>, Problem> {
    if given.len() > URI_LIMIT {
        return Err(Problem::bad_request(
            "too_many_uris",
            format!("a client has at most {URI_LIMIT} URIs of a kind"),
        ));
    }
    let mut kept: Vec<String> = Vec::with_capacity(given.len());
    for text in given {
        let uri: RedirectUri =
            text.parse()
                .map_err(|error: sealgate_oauth::RedirectUriError| {
                    Problem::bad_request(error.code(), format!("{text}: {error}"))
                })?;
        if !kept.iter().any(|known| known == uri.as_str()) {
            kept.push(uri.as_str().to_owned());
        }
    }
    Ok(kept)
}

/// The standard scopes and the given ones.
fn scopes(given: &[String]) -> Result<Vec<String>, Problem> {
    let all = STANDARD_SCOPES
        .into_iter()
        .chain(given.iter().map(String::as_str));
    Scopes::from_tokens(all).map(Scopes::into_vec).map_err(|_| {
        Problem::bad_request("scope_malformed", "a scope is 1 to 256 printable characters without space, quote or backslash, and there are at most 28")
    })
}

/// An id people recognise in a list: the name in lower case with hyphens, and six random letters, so
/// that a second client of the same name gets another.
fn id_from(name: &str, random: &dyn Random) -> Result<ClientId, Problem> {
    let mut slug = String::new();
    for c in name.chars().take(60) {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    let slug = if slug.is_empty() { "client" } else { slug };
    // 32 letters, none of which is easily taken for another.
    let letters = random
        .bytes::<6>()
        .map(|byte| char::from(b"abcdefghijkmnpqrstuvwxyz23456789"[usize::from(byte % 32)]));
    let text = format!("{slug}-{}", String::from_iter(letters));
    text.parse().map_err(|_| Problem::internal())
}

#[cfg(test)]
mod tests {
    use sealgate_host::FakeRandom;

    use super::*;

    #[test]
    fn an_id_is_made_from_the_name() {
        let random = FakeRandom::seeded(7);
        let id = |name: &str| id_from(name, &random).unwrap().as_str().to_owned();
        assert!(id("Expense Tracker (staging)").starts_with("expense-tracker-staging-"));
        assert!(id("报销").starts_with("client-"));
        assert_ne!(id("a"), id("a"));
        assert!(id(&"x".repeat(100)).len() <= 128);
    }

    #[test]
    fn a_name_that_looks_like_another_is_refused() {
        assert_eq!(name(" Expense tracker ").unwrap(), "Expense tracker");
        for wrong in ["", "a\u{1b}[2J", "Bank\u{202e}knab", "Ba\u{200b}nk"] {
            assert_eq!(name(wrong).unwrap_err().reason(), "name_malformed");
        }
    }

    #[test]
    fn every_client_may_ask_for_the_standard_scopes() {
        let given = ["expenses:read", "openid"].map(str::to_owned);
        assert_eq!(
            scopes(&given).unwrap(),
            [
                "openid",
                "profile",
                "email",
                "offline_access",
                "expenses:read"
            ]
        );
        assert_eq!(
            scopes(&["a b".to_owned()]).unwrap_err().reason(),
            "scope_malformed"
        );
    }

    #[test]
    fn redirect_uris_are_kept_once_and_refused_with_the_one_that_is_wrong() {
        let twice = vec!["https://a.example/cb".to_owned(); 2];
        assert_eq!(uris(twice).unwrap(), ["https://a.example/cb"]);
        let problem = uris(vec!["http://a.example/cb".to_owned()]).unwrap_err();
        assert_eq!(problem.reason(), "redirect_uri_scheme");
        assert!(problem.detail().starts_with("http://a.example/cb: "));
        assert_eq!(
            uris(vec!["https://a.example/cb".to_owned(); 33])
                .unwrap_err()
                .reason(),
            "too_many_uris"
        );
    }

    #[test]
    fn debug_output_never_shows_the_secret() {
        let view = ClientView {
            id: "a".parse().unwrap(),
            name: "A".to_owned(),
            kind: ClientKind::Confidential,
            redirect_uris: Vec::new(),
            logout_uris: Vec::new(),
            scopes: Vec::new(),
            created_at: Timestamp::from_millis(0),
        };
        let created = CreatedClient {
            client: view,
            secret: Some("hunter2".to_owned()),
            issuer: "https://id.example".parse().unwrap(),
        };
        assert_eq!(format!("{created:?}"), "CreatedClient(a)");
    }
}
