//! `/api/v1/audit/checkpoints`, `/verification` and `/holds`: the chain behind the records.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use sealgate_audit::chain::{Finding, FindingKind, Hash, Report, Retired};
use sealgate_jose::Jwk;
use sealgate_model::{ClientId, Timestamp, UserId};
use sealgate_store::{Audit, AuditActor, Checkpoint, Hold, HoldScope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::LAST_TIME;
use super::actor::Admin;
use super::audit::is_actor;
use super::extract::{Ask, Body};
use super::page::Limit;
use super::schemas::{ActorWord, ClientIdText, FindingWord, HashText, KidText, Millis, UserIdText};
use crate::ControlPlane;
use crate::problem::Problem;

/// The longest reason of a hold, in characters.
const REASON_LIMIT: usize = 500;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(checkpoints))
        .routes(routes!(checkpoint))
        .routes(routes!(verification))
        .routes(routes!(retired))
        .routes(routes!(holds))
        .routes(routes!(add_hold))
        .routes(routes!(release_hold))
}

/// A signed checkpoint of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckpointView {
    /// The newest record when it was signed.
    pub number: i64,
    /// When that was.
    #[schema(value_type = Millis)]
    pub at: Timestamp,
    /// The key that signed it.
    #[schema(value_type = KidText)]
    pub kid: String,
    /// The checkpoint itself: a compact JWS of type `sealgate-audit+jwt`.
    pub checkpoint: String,
}

impl From<Checkpoint> for CheckpointView {
    fn from(row: Checkpoint) -> Self {
        Self {
            number: row.number,
            at: row.at,
            kid: row.kid,
            checkpoint: row.token,
        }
    }
}

/// Checkpoints, oldest first, and the public keys of all there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checkpoints {
    /// At most `limit` checkpoints.
    pub checkpoints: Vec<CheckpointView>,
    /// What to give as `after` for more; none at the end.
    pub next: Option<i64>,
    /// The public keys (RFC 7517), those that are gone from the control plane's key set with them.
    #[schema(value_type = Vec<utoipa::openapi::Object>)]
    pub keys: Vec<Value>,
}

/// Which checkpoints to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListCheckpoints {
    /// Only those of records with a number above this.
    #[serde(default)]
    #[param(required = false, minimum = 0)]
    pub after: i64,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// List the checkpoints of the audit log, oldest first.
#[utoipa::path(
    get, path = "/audit/checkpoints", tag = "audit", operation_id = "listCheckpoints",
    params(ListCheckpoints),
    responses((status = OK, description = "Checkpoints and their keys.", body = Checkpoints)),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn checkpoints(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListCheckpoints>,
) -> Result<Json<Checkpoints>, Problem> {
    not_negative(query.after)?;
    let rows = plane
        .store
        .checkpoints_after(query.after, query.limit.rows())
        .await?;
    let full = query.limit.is_reached(rows.len());
    Ok(Json(Checkpoints {
        next: rows.last().filter(|_| full).map(|row| row.number),
        checkpoints: rows.into_iter().map(CheckpointView::from).collect(),
        keys: keys(&plane).await?,
    }))
}

/// Refuses a number that no record has: the description says so.
fn not_negative(after: i64) -> Result<(), Problem> {
    if after < 0 {
        return Err(Problem::bad_request(
            "query_malformed",
            "after is the number of a record, or 0",
        ));
    }
    Ok(())
}

async fn keys(plane: &ControlPlane) -> Result<Vec<Value>, Problem> {
    let keys = plane.audit_jwks().await?;
    let value = |jwk: &Jwk| serde_json::to_value(jwk).map_err(|_| Problem::internal());
    keys.iter().map(value).collect()
}

/// Sign the end of the audit log, unless nothing was recorded since that was done.
#[utoipa::path(
    post, path = "/audit/checkpoints", tag = "audit", operation_id = "signCheckpoint",
    responses((status = OK, description = "The newest checkpoint, and the keys.", body = Checkpoints)),
    security(("oauth2" = ["sealgate:audit:write"])),
)]
async fn checkpoint(State(plane): State<Arc<ControlPlane>>) -> Result<Json<Checkpoints>, Problem> {
    let newest = plane.checkpoint().await.map_err(|error| {
        tracing::warn!(%error, "the audit log was not signed");
        Problem::unavailable(
            "checkpoint_unsigned",
            "the end of the audit log was not signed",
            5,
        )
    })?;
    Ok(Json(Checkpoints {
        checkpoints: newest.into_iter().map(CheckpointView::from).collect(),
        next: None,
        keys: keys(&plane).await?,
    }))
}

/// What to verify against.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerifyAudit {
    /// A checkpoint that was kept elsewhere: a compact JWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = String, required = false)]
    pub checkpoint: Option<String>,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingView {
    /// What.
    #[schema(value_type = FindingWord)]
    pub kind: FindingKind,
    /// The first record that it is about.
    pub first: i64,
    /// The last one.
    pub last: i64,
    /// The same in words.
    pub detail: String,
}

/// What a verification of the audit log found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerificationView {
    /// Whether everything is as it was written.
    pub sound: bool,
    /// How many records were verified.
    pub records: u64,
    /// The first one's number; 0 if there is none.
    pub first: i64,
    /// The last one's number.
    pub last: i64,
    /// The last one's hash.
    #[schema(value_type = Option<HashText>)]
    pub head: Option<Hash>,
    /// How many checkpoints hold.
    pub checkpoints: u64,
    /// The last record that a good checkpoint was signed over.
    pub signed: i64,
    /// How many records were retired under the declared retention.
    pub retired: u64,
    /// How many findings there are.
    pub found: u64,
    /// The first thousand of them, in the order of their records.
    pub findings: Vec<FindingView>,
}

impl From<Report> for VerificationView {
    fn from(report: Report) -> Self {
        let view = |finding: Finding| FindingView {
            kind: finding.kind,
            first: finding.first,
            last: finding.last,
            detail: finding.detail,
        };
        Self {
            sound: report.is_sound(),
            records: report.records,
            first: report.first,
            last: report.last,
            head: report.head,
            checkpoints: report.checkpoints,
            signed: report.signed,
            retired: report.retired,
            found: report.counts.values().sum(),
            findings: report.findings.into_iter().map(view).collect(),
        }
    }
}

/// Verify every record of the audit log and its checkpoints. It reads all of them.
#[utoipa::path(
    get, path = "/audit/verification", tag = "audit", operation_id = "verifyAudit",
    params(VerifyAudit),
    responses((status = OK, description = "What was found.", body = VerificationView)),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn verification(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(query): Ask<VerifyAudit>,
) -> Result<Json<VerificationView>, Problem> {
    let external: Vec<String> = query.checkpoint.into_iter().collect();
    let act = admin.act(&plane, "audit.verify");
    let report = plane.verify_audit(&external, act).await?;
    Ok(Json(report.into()))
}

/// A range of records that was retired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetiredView {
    /// The first record's number.
    pub first: i64,
    /// The last one's.
    pub last: i64,
    /// The last one's hash.
    #[schema(value_type = HashText)]
    pub after: Hash,
    /// The `audit.retire` record that tells of it.
    pub by: i64,
}

impl From<Retired> for RetiredView {
    fn from(range: Retired) -> Self {
        let Retired {
            first,
            last,
            after,
            by,
        } = range;
        Self {
            first,
            last,
            after,
            by,
        }
    }
}

/// Ranges that were retired, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetiredRanges {
    /// At most `limit` ranges.
    pub retired: Vec<RetiredView>,
    /// What to give as `after` for more; none at the end.
    pub next: Option<i64>,
}

/// List which records were retired under the declared retention.
#[utoipa::path(
    get, path = "/audit/retired", tag = "audit", operation_id = "listRetired",
    params(ListCheckpoints),
    responses((status = OK, description = "Ranges.", body = RetiredRanges)),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn retired(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListCheckpoints>,
) -> Result<Json<RetiredRanges>, Problem> {
    not_negative(query.after)?;
    let rows = plane
        .store
        .retired_after(query.after, query.limit.rows())
        .await?;
    let full = query.limit.is_reached(rows.len());
    Ok(Json(RetiredRanges {
        next: rows.last().filter(|_| full).map(|range| range.first),
        retired: rows.into_iter().map(RetiredView::from).collect(),
    }))
}

/// What to hold: records that fit everything that is named, of which there must be something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// Why, for whoever reads it later.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// Records about this user, or of acts of theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<UserIdText>)]
    pub user: Option<UserId>,
    /// Records about this client, or of acts by it or through it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ClientIdText>)]
    pub client: Option<ClientId>,
    /// Records of acts of this actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ActorWord>)]
    pub actor: Option<String>,
    /// Records of this request, by its trace id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Records of this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Millis>)]
    pub since: Option<Timestamp>,
    /// Records of before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Millis>)]
    pub until: Option<Timestamp>,
}

/// A legal hold: records that no retention takes away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    /// Its number.
    pub id: i64,
    /// When it was made.
    #[schema(value_type = Millis)]
    pub made_at: Timestamp,
    /// By whom.
    #[schema(value_type = ActorWord)]
    pub made_by: String,
    /// What is held, and why.
    #[serde(flatten)]
    pub held: NewHold,
    /// When it was released; none while it holds.
    #[schema(value_type = Option<Millis>)]
    pub released_at: Option<Timestamp>,
    /// By whom.
    #[schema(value_type = Option<ActorWord>)]
    pub released_by: Option<String>,
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        let HoldScope {
            user,
            client,
            actor,
            trace,
            since,
            until,
        } = hold.scope;
        Self {
            id: hold.id,
            made_at: hold.made_at,
            made_by: hold.made_by,
            held: NewHold {
                reason: hold.reason,
                user,
                client,
                actor,
                trace,
                since,
                until,
            },
            released_at: hold.released_at,
            released_by: hold.released_by,
        }
    }
}

/// Holds, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holds {
    /// The holds.
    pub holds: Vec<HoldView>,
}

/// Which holds to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListHolds {
    /// Those that were released too.
    #[serde(default)]
    #[param(required = false)]
    pub all: bool,
}

/// List the legal holds on audit records, oldest first.
#[utoipa::path(
    get, path = "/audit/holds", tag = "audit", operation_id = "listHolds", params(ListHolds),
    responses((status = OK, description = "Holds.", body = Holds)),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn holds(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListHolds>,
) -> Result<Json<Holds>, Problem> {
    let holds = plane.store.holds(query.all).await?;
    let holds = holds.into_iter().map(HoldView::from).collect();
    Ok(Json(Holds { holds }))
}

/// Hold audit records: no retention takes them away until the hold is released.
#[utoipa::path(
    post, path = "/audit/holds", tag = "audit", operation_id = "addHold",
    request_body(content = NewHold, example = json!({ "reason": "case 2026-17", "client": "expense-tracker-k3m9xq" })),
    responses(
        (status = CREATED, description = "The hold.", body = HoldView),
        (status = UNPROCESSABLE_ENTITY, description = "It names nothing, or no reason."),
    ),
    security(("oauth2" = ["sealgate:audit:write"])),
)]
async fn add_hold(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(new): Body<NewHold>,
) -> Result<(StatusCode, Json<HoldView>), Problem> {
    check(&new)?;
    let audit = admin.act(&plane, "audit.hold_add");
    let mut hold = Hold {
        id: 0,
        made_at: audit.at,
        made_by: name_of(&audit),
        reason: new.reason.trim().to_owned(),
        scope: HoldScope {
            user: new.user,
            client: new.client,
            actor: new.actor,
            trace: new.trace,
            since: new.since,
            until: new.until,
        },
        released_at: None,
        released_by: None,
    };
    hold.id = plane.store.hold_add(hold.clone(), audit).await?;
    Ok((StatusCode::CREATED, Json(hold.into())))
}

fn check(new: &NewHold) -> Result<(), Problem> {
    let refused = |said: &str| Err(Problem::unprocessable("hold_invalid", said.to_owned()));
    let reason = new.reason.trim();
    if reason.is_empty()
        || reason.chars().count() > REASON_LIMIT
        || reason.chars().any(char::is_control)
    {
        return refused("a hold needs a reason of at most 500 characters");
    }
    let is_trace = |text: &String| {
        text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    if new.actor.as_deref().is_some_and(|actor| !is_actor(actor))
        || new.trace.as_ref().is_some_and(|trace| !is_trace(trace))
    {
        return refused("the actor or the trace is not of a form that records have");
    }
    let times = [new.since, new.until];
    let sound = |at: Timestamp| (0..=LAST_TIME).contains(&at.as_millis());
    if !times.into_iter().flatten().all(sound)
        || matches!((new.since, new.until), (Some(since), Some(until)) if since >= until)
    {
        return refused("since is before until, both in milliseconds");
    }
    let named = new.user.is_some()
        || new.client.is_some()
        || new.actor.is_some()
        || new.trace.is_some()
        || times.into_iter().any(|at| at.is_some());
    if named {
        Ok(())
    } else {
        refused("a hold names a user, a client, an actor, a trace or a time")
    }
}

/// The hold that was released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleasedHold {
    /// Its number.
    pub released: i64,
}

/// Release a hold.
#[utoipa::path(
    post, path = "/audit/holds/{id}/release", tag = "audit", operation_id = "releaseHold",
    params(("id" = i64, Path, description = "The hold's number.", minimum = 1)),
    responses(
        (status = OK, description = "It is released.", body = ReleasedHold),
        (status = NOT_FOUND, description = "No hold with that number holds."),
    ),
    security(("oauth2" = ["sealgate:audit:write"])),
)]
async fn release_hold(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Path(id): Path<i64>,
) -> Result<Json<ReleasedHold>, Problem> {
    let audit = admin.act(&plane, "audit.hold_release");
    let (at, by) = (audit.at, name_of(&audit));
    if plane.store.hold_release(id, at, by, audit).await? {
        Ok(Json(ReleasedHold { released: id }))
    } else {
        Err(Problem::new(
            StatusCode::NOT_FOUND,
            "hold_unknown",
            "there is no hold with that number, or it was released",
        ))
    }
}

/// Who acts, as records name them.
fn name_of(audit: &Audit) -> String {
    match &audit.actor {
        AuditActor::User(id) => format!("user:{id}"),
        AuditActor::Client(id) => format!("client:{id}"),
        AuditActor::Operator => "operator".to_owned(),
        AuditActor::Anonymous => "anonymous".to_owned(),
        AuditActor::System => "system".to_owned(),
    }
}
