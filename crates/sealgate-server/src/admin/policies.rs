//! `/api/v1/policies`: the versions of what gates decide by, and which gates have which.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, State};
use http::StatusCode;
use http::request::Parts;
use sealgate_model::Timestamp;
use sealgate_policy::{BUNDLE_LIMIT, Document};
use sealgate_store::{PolicyVersion, StoredPolicy};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Body};
use super::page::Limit;
use super::schemas::Millis;
use crate::ControlPlane;
use crate::feed::gates::GateState;
use crate::policies;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    let longer = OpenApiRouter::default()
        .routes(routes!(list, apply))
        .layer(DefaultBodyLimit::max(BUNDLE_LIMIT));
    OpenApiRouter::default()
        .merge(longer)
        .routes(routes!(show))
        .routes(routes!(roll_back))
}

/// Where versions are listed and applied, below the API's base: what is applied is longer than other bodies.
pub(crate) const PATH: &str = "/policies";

/// The longest note, in bytes.
const NOTE_MOST: usize = 500;

/// A version of the policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyVersionView {
    /// Its number.
    #[schema(minimum = 1)]
    pub version: u64,
    /// When it was applied.
    #[schema(value_type = Millis)]
    pub made_at: Timestamp,
    /// The SHA-256 of its document, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub digest: String,
    /// How long its document is, in bytes.
    #[schema(minimum = 0)]
    pub bytes: u64,
    /// Who applied it.
    pub by: String,
    /// Why, in their words.
    pub note: Option<String>,
    /// The version that it says again, if it was rolled back to.
    #[schema(minimum = 1)]
    pub repeats: Option<u64>,
    /// Whether gates decide by it.
    pub current: bool,
    /// How many gates that follow the feed now have said that they have loaded it.
    #[schema(minimum = 0)]
    pub gates: u64,
}

/// A version with what it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyView {
    /// The version.
    #[serde(flatten)]
    pub version: PolicyVersionView,
    /// What claims give, and what actors may do.
    #[schema(value_type = utoipa::openapi::Object)]
    pub document: Value,
}

/// Which versions to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListPolicies {
    /// Only those before this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = u64, required = false, minimum = 1)]
    pub before: Option<u64>,
    /// How many at most.
    #[serde(default)]
    #[param(value_type = Limit, required = false)]
    pub limit: Limit,
}

/// Versions of the policies, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Policies {
    /// At most `limit` versions.
    pub policies: Vec<PolicyVersionView>,
    /// What to give as `before` for more; none at the end.
    #[schema(minimum = 1)]
    pub next: Option<u64>,
}

/// What gates are to decide by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyPolicy {
    /// What claims give, and what actors may do.
    #[schema(value_type = utoipa::openapi::Object)]
    pub document: Value,
    /// The version that is the last one, as far as the caller knows; 0: none. If it is not, nothing is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub before: Option<u64>,
    /// Why: at most 500 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

/// Which version is to count again, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollBackPolicy {
    /// The version that is the last one, as far as the caller knows. If it is not, nothing is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub before: Option<u64>,
    /// Why: at most 500 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppliedPolicy {
    /// The version that counts now.
    #[serde(flatten)]
    pub version: PolicyVersionView,
    /// Whether it is a new one; no: the last version says the same already.
    pub changed: bool,
}

/// The number of a version, in the path.
struct Numbered(u64);

impl<S: Send + Sync> FromRequestParts<S> for Numbered {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let number = text.ok().and_then(|text| text.parse().ok());
        number
            .filter(|number| *number > 0)
            .map(Self)
            .ok_or_else(|| Problem::bad_request("id_malformed", "a version is a number from 1 on"))
    }
}

/// Who has loaded which version, of the gates that are there.
struct Reported(BTreeMap<u64, u64>);

impl Reported {
    fn of(plane: &ControlPlane) -> Self {
        let mut by_version = BTreeMap::new();
        for gate in plane.feed.gates.list(&*plane.clock) {
            if let (false, Some(version)) = (gate.state == GateState::Gone, gate.policy) {
                *by_version.entry(version).or_default() += 1;
            }
        }
        Self(by_version)
    }

    fn view(&self, version: PolicyVersion, current: bool) -> PolicyVersionView {
        PolicyVersionView {
            gates: self.0.get(&version.version).copied().unwrap_or_default(),
            version: version.version,
            made_at: version.made_at,
            digest: version.digest,
            bytes: version.bytes,
            by: version.by,
            note: version.note,
            repeats: version.repeats,
            current,
        }
    }
}

async fn last(plane: &ControlPlane) -> Result<Option<u64>, Problem> {
    let newest = plane.store.policies(None, 1).await?;
    Ok(newest.first().map(|version| version.version))
}

/// List the versions of the policies, newest first, with how many gates decide by each.
#[utoipa::path(
    get, path = "/policies", tag = "policies", operation_id = "listPolicies", params(ListPolicies),
    responses((status = OK, description = "Versions.", body = Policies)),
    security(("oauth2" = ["sealgate:policy:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListPolicies>,
) -> Result<Json<Policies>, Problem> {
    let last = last(&plane).await?;
    let rows = plane
        .store
        .policies(query.before, query.limit.rows())
        .await?;
    let next = rows.last().map(|version| version.version);
    let next = next.filter(|_| query.limit.is_reached(rows.len()));
    let reported = Reported::of(&plane);
    let policies = rows.into_iter().map(|version| {
        let is_last = Some(version.version) == last;
        reported.view(version, is_last)
    });
    Ok(Json(Policies {
        policies: policies.collect(),
        next,
    }))
}

/// Show a version of the policies with what it says.
#[utoipa::path(
    get, path = "/policies/{version}", tag = "policies", operation_id = "getPolicy",
    params(("version" = u64, Path, description = "Its number.", minimum = 1)),
    responses(
        (status = OK, description = "The version.", body = PolicyView),
        (status = NOT_FOUND, description = "There is no such version, or it is not kept any more."),
    ),
    security(("oauth2" = ["sealgate:policy:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Numbered(version): Numbered,
) -> Result<Json<PolicyView>, Problem> {
    let StoredPolicy { version, document } = policies::find(&plane, version).await?;
    let document = serde_json::from_str(&document).map_err(|error| {
        tracing::error!(version = version.version, %error, "a version of the policies cannot be read");
        Problem::internal()
    })?;
    let is_last = last(&plane).await? == Some(version.version);
    Ok(Json(PolicyView {
        version: Reported::of(&plane).view(version, is_last),
        document,
    }))
}

/// Make a document what gates decide by. Where a receipt for the log's number in `Sealgate-Revocation` is complete,
/// every gate does or refuses.
#[utoipa::path(
    post, path = "/policies", tag = "policies", operation_id = "applyPolicy",
    request_body(content = ApplyPolicy, example = json!({ "document": { "mapping": {}, "policies": {} } })),
    responses(
        (status = OK, description = "What counts now.", body = AppliedPolicy),
        (status = CONFLICT, description = "Another version has come in between."),
        (status = UNPROCESSABLE_ENTITY, description = "Gates could not decide by it."),
    ),
    security(("oauth2" = ["sealgate:policy:write"])),
)]
async fn apply(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(new): Body<ApplyPolicy>,
) -> Result<Json<AppliedPolicy>, Problem> {
    let act = admin.act(&plane, "policy.apply");
    check_note(new.note.as_deref())?;
    let document = new.document.to_string();
    let document = Document::from_json(document.as_bytes())
        .map_err(|error| Problem::unprocessable("policy_malformed", error.to_string()))?;
    let new = policies::prepare(&document, new.before, new.note)?;
    let applied = policies::apply(&plane, new, act).await?;
    Ok(Json(view(&plane, applied)))
}

/// Make what an earlier version says count again, as a new version.
#[utoipa::path(
    post, path = "/policies/{version}/roll-back", tag = "policies", operation_id = "rollBackPolicy",
    params(("version" = u64, Path, description = "The version whose document is to count again.", minimum = 1)),
    request_body(content = RollBackPolicy, example = json!({ "note": "version 8 locked the accountants out" })),
    responses(
        (status = OK, description = "What counts now.", body = AppliedPolicy),
        (status = NOT_FOUND, description = "There is no such version, or it is not kept any more."),
        (status = CONFLICT, description = "Another version has come in between."),
        (status = UNPROCESSABLE_ENTITY, description = "Gates of today could not decide by it."),
    ),
    security(("oauth2" = ["sealgate:policy:write"])),
)]
async fn roll_back(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Numbered(version): Numbered,
    Body(asked): Body<RollBackPolicy>,
) -> Result<Json<AppliedPolicy>, Problem> {
    let act = admin.act(&plane, "policy.roll_back");
    check_note(asked.note.as_deref())?;
    let (before, note) = (asked.before, asked.note);
    let applied = policies::roll_back(&plane, version, before, note, act).await?;
    Ok(Json(view(&plane, applied)))
}

fn view(plane: &ControlPlane, (version, changed): (PolicyVersion, bool)) -> AppliedPolicy {
    AppliedPolicy {
        version: Reported::of(plane).view(version, true),
        changed,
    }
}

fn check_note(note: Option<&str>) -> Result<(), Problem> {
    let is_sound =
        |note: &str| (1..=NOTE_MOST).contains(&note.len()) && !note.contains(char::is_control);
    if note.is_none_or(is_sound) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "policy_note_malformed",
        "a note is 1 to 500 bytes without control characters",
    ))
}
