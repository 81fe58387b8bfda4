//! `/api/v1/audit`: the record of everything that was done or refused.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use sealgate_audit::chain::Hash;
use sealgate_model::{ClientId, SessionId, Timestamp, UserId};
use sealgate_store::{ActorType, AuditFilter, AuditRow, CredentialType, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::LAST_TIME;
use super::actor::Admin;
use super::extract::Ask;
use super::page::Limit;
use super::schemas::{
    ActionWord, ActorTypeWord, ActorWord, ClientIdText, CredentialWord, HashText, Millis,
    OutcomeWord, SessionIdText, UserIdText,
};
use crate::ControlPlane;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default().routes(routes!(list))
}

/// Which records to list: those that fit everything that is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAudit {
    /// Only what this actor did: `operator`, `system`, `anonymous`, `user:ID` or `client:ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ActorWord, required = false)]
    pub actor: Option<String>,
    /// Only this action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ActionWord, required = false)]
    pub action: Option<String>,
    /// Only what went this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = OutcomeWord, required = false)]
    pub outcome: Option<AuditOutcome>,
    /// Only what was about this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = UserIdText, required = false)]
    pub user: Option<UserId>,
    /// Only what was about this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ClientIdText, required = false)]
    pub client: Option<ClientId>,
    /// Only what was about this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = SessionIdText, required = false)]
    pub session: Option<SessionId>,
    /// Only what has this reason code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = String, required = false, pattern = "^[a-z0-9_]{1,64}$")]
    pub reason: Option<String>,
    /// Only what came in by this route, by its template below the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = String, required = false, pattern = "^/[!-~]{0,255}$")]
    pub route: Option<String>,
    /// Only what this kind of actor did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ActorTypeWord, required = false)]
    pub actor_type: Option<String>,
    /// Only what came with this kind of credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = CredentialWord, required = false)]
    pub credential: Option<String>,
    /// Only what came of this request, by the trace id that its answer or error page told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = String, required = false, pattern = "^[0-9a-f]{32}$")]
    pub trace: Option<String>,
    /// Only what was at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Millis, required = false)]
    pub since: Option<Timestamp>,
    /// Only what was before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Millis, required = false)]
    pub until: Option<Timestamp>,
    /// Only records with a number above this, oldest first: for whoever follows. Not with `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, value_type = i64, minimum = 0)]
    pub after: Option<i64>,
    /// Only records with a number below this: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, value_type = i64, minimum = 1)]
    pub before: Option<i64>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// How an act went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// It was allowed and done.
    Allowed,
    /// It was refused.
    Denied,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRecord {
    /// Its number: gapless, from 1.
    pub number: i64,
    /// When.
    #[schema(value_type = Millis)]
    pub at: Timestamp,
    /// Who: a kind, and for a user or a client the id.
    #[schema(value_type = ActorWord)]
    pub actor: String,
    /// What kind of actor; none where that is not known.
    #[schema(value_type = Option<ActorTypeWord>)]
    pub actor_type: Option<String>,
    /// What kind of credential was presented, good or not; none where there was none.
    #[schema(value_type = Option<CredentialWord>)]
    pub credential: Option<String>,
    /// The client through which a user did it, by an access token.
    #[schema(value_type = Option<ClientIdText>)]
    pub through: Option<ClientId>,
    /// The session that the user's access token belongs to.
    #[schema(value_type = Option<SessionIdText>)]
    pub through_session: Option<SessionId>,
    /// What: noun and verb.
    #[schema(value_type = ActionWord)]
    pub action: String,
    /// How it went.
    #[schema(value_type = OutcomeWord)]
    pub outcome: AuditOutcome,
    /// Why, as a reason code; empty when there is nothing to add.
    pub reason: String,
    /// The user it was about.
    #[schema(value_type = Option<UserIdText>)]
    pub user: Option<UserId>,
    /// The client it was about.
    #[schema(value_type = Option<ClientIdText>)]
    pub client: Option<ClientId>,
    /// The session it was about.
    #[schema(value_type = Option<SessionIdText>)]
    pub session: Option<SessionId>,
    /// What else it was about, by its id: signing keys with a space between, a resource's URI, a token's
    /// `jti`, a device code, a tenant.
    pub object: Option<String>,
    /// The caller's network address, or as much of it as is kept.
    pub network: Option<String>,
    /// The template of the route that was asked, below the issuer.
    pub route: Option<String>,
    /// The trace id of the request.
    pub trace: Option<String>,
    /// How many acts it tells of.
    pub count: u32,
    /// The version of the policies in force; none before there were any.
    pub policy_version: Option<i64>,
    /// Its hash in the chain, in hexadecimal (docs/spec/audit-chain.md).
    #[schema(value_type = Option<HashText>)]
    pub hash: Option<Hash>,
}

impl From<AuditRow> for AuditRecord {
    fn from(row: AuditRow) -> Self {
        Self {
            number: row.number,
            at: row.at,
            actor: row.actor,
            actor_type: row.actor_type,
            credential: row.credential,
            through: row.through,
            through_session: row.through_session,
            action: row.action,
            outcome: if row.outcome == Outcome::Allowed.as_str() {
                AuditOutcome::Allowed
            } else {
                AuditOutcome::Denied
            },
            reason: row.reason,
            user: row.user,
            client: row.client,
            session: row.session,
            object: row.object,
            network: row.network,
            route: row.route,
            trace: row.trace,
            count: row.count,
            policy_version: row.policy_version,
            hash: row.hash,
        }
    }
}

/// Records, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRecords {
    /// At most `limit` records.
    pub records: Vec<AuditRecord>,
    /// What to give as `before` for more; none at the end.
    pub next: Option<i64>,
}

/// Read the audit log, newest first, or oldest first after a number.
#[utoipa::path(
    get, path = "/audit", tag = "audit", operation_id = "listAudit", params(ListAudit),
    responses(
        (status = OK, description = "Records.", body = AuditRecords),
        (status = UNPROCESSABLE_ENTITY, description = "Both `before` and `after` are given."),
    ),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(query): Ask<ListAudit>,
) -> Result<Json<AuditRecords>, Problem> {
    check(&query)?;
    let filter = AuditFilter {
        actor: query.actor,
        action: query.action,
        outcome: query.outcome.map(|outcome| match outcome {
            AuditOutcome::Allowed => Outcome::Allowed,
            AuditOutcome::Denied => Outcome::Denied,
        }),
        user: query.user,
        client: query.client,
        session: query.session,
        reason: query.reason,
        route: query.route,
        actor_type: known(query.actor_type, &ActorType::ALL, ActorType::as_str),
        credential: known(
            query.credential,
            &CredentialType::ALL,
            CredentialType::as_str,
        ),
        trace: query.trace,
        since: query.since,
        until: query.until,
        before: query.before,
        after: query.after,
    };
    if let Some(reader) = admin.reader()
        && plane.chain.reads.is_news(reader, plane.clock.uptime())
    {
        plane.store.record(admin.act(&plane, "audit.read")).await?;
    }
    let rows = plane.store.audit_list(filter, query.limit.rows()).await?;
    let full = query.limit.is_reached(rows.len());
    let next = rows.last().filter(|_| full).map(|row| row.number);
    let records = rows.into_iter().map(AuditRecord::from).collect();
    Ok(Json(AuditRecords { records, next }))
}

/// The value that a word stands for.
fn known<T: Copy>(word: Option<String>, all: &[T], as_str: fn(T) -> &'static str) -> Option<T> {
    let word = word?;
    all.iter().copied().find(|one| as_str(*one) == word)
}

/// Refuses names that no record can have: a filter that fits nothing must not look like an empty log.
fn check(query: &ListAudit) -> Result<(), Problem> {
    let malformed = |said| Err(Problem::bad_request("query_malformed", said));
    if query.actor.as_deref().is_some_and(|actor| !is_actor(actor)) {
        return malformed("actor is operator, system, anonymous, user:ID or client:ID");
    }
    if query
        .action
        .as_deref()
        .is_some_and(|action| !is_action(action))
    {
        return malformed(
            "action is a noun and a verb with a point between, such as session.revoke",
        );
    }
    let is_trace = |text: &str| {
        let fits = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        text.len() == 32 && text.bytes().all(fits)
    };
    if query.trace.as_deref().is_some_and(|trace| !is_trace(trace)) {
        return malformed("trace is the 32 hexadecimal digits of a request's trace id");
    }
    let of = |word: &Option<String>, mut words: std::slice::Iter<'_, &str>| {
        word.as_deref()
            .is_none_or(|word| words.any(|one| *one == word))
    };
    if !of(
        &query.actor_type,
        ActorType::ALL.map(ActorType::as_str).iter(),
    ) {
        return malformed("actor_type is user, machine, agent, operator, system or anonymous");
    }
    if !of(
        &query.credential,
        CredentialType::ALL.map(CredentialType::as_str).iter(),
    ) {
        return malformed("credential is a kind of credential, such as client_secret or dpop");
    }
    let is_reason = |text: &str| {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        (1..=64).contains(&text.len()) && text.bytes().all(fits)
    };
    if query.reason.as_deref().is_some_and(|text| !is_reason(text)) {
        return malformed("reason is a reason code, such as scope_missing");
    }
    let is_route = |text: &str| {
        text.starts_with('/') && text.len() <= 256 && text.bytes().all(|b| b.is_ascii_graphic())
    };
    if query.route.as_deref().is_some_and(|text| !is_route(text)) {
        return malformed("route is a template such as /oauth/token");
    }
    if query.after.is_some() && query.before.is_some() {
        return Err(Problem::unprocessable(
            "query_contradictory",
            "after and before do not go together",
        ));
    }
    let in_range = |at: Timestamp| (0..=LAST_TIME).contains(&at.as_millis());
    let times = [query.since, query.until];
    if times.into_iter().flatten().any(|at| !in_range(at))
        || query.before.is_some_and(|number| number < 1)
        || query.after.is_some_and(|number| number < 0)
    {
        return malformed(
            "since and until are times in milliseconds, before and after the numbers of records",
        );
    }
    Ok(())
}

pub(super) fn is_actor(text: &str) -> bool {
    match text.split_once(':') {
        None => matches!(text, "operator" | "system" | "anonymous"),
        Some(("user", id)) => {
            let fits = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-');
            id.len() == 36 && id.bytes().all(fits)
        }
        Some(("client", id)) => id.parse::<ClientId>().is_ok(),
        Some(_) => false,
    }
}

fn is_action(text: &str) -> bool {
    let is_word = |word: &str| {
        let fits = |b: u8| b.is_ascii_lowercase() || b == b'_';
        (1..=32).contains(&word.len()) && word.bytes().all(fits)
    };
    text.split_once('.')
        .is_some_and(|(noun, verb)| is_word(noun) && is_word(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_an_actor_and_an_action_in_their_form() {
        for actor in [
            "operator",
            "user:01890a5d-ac96-774b-bcce-b302099a8057",
            "client:app",
        ] {
            assert!(is_actor(actor), "{actor}");
        }
        for wrong in [
            "",
            "Operator",
            "user",
            "user:ada",
            "client:",
            "robot:1",
            "operator:",
        ] {
            assert!(!is_actor(wrong), "{wrong}");
        }
        assert!(is_action("session.revoke") && is_action("user.sign_out"));
        for wrong in [
            "",
            "session",
            "session.",
            ".revoke",
            "a.b.c",
            "Session.revoke",
        ] {
            assert!(!is_action(wrong), "{wrong}");
        }
    }
}
