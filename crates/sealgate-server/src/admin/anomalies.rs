//! `/api/v1/anomalies`: what should worry somebody, who has seen to it, and the rules that say so.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use sealgate_audit::anomaly::{Compare, Counted, How, Rule, Source, span_text};
use sealgate_model::Timestamp;
use sealgate_store::{AnomalyFilter, AnomalyRow, AnomalyState, Audit, AuditActor};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Body};
use super::page::Limit;
use super::schemas::{AnomalySourceWord, AnomalyStateWord, Millis, RuleWord, SeverityWord};
use crate::ControlPlane;
use crate::problem::Problem;

/// The longest reason for leaving an anomaly as it is, in bytes.
const WHY_LIMIT: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(rules))
        .routes(routes!(show))
        .routes(routes!(acknowledge))
}

/// Which anomalies to list: those that fit everything that is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAnomalies {
    /// Only those in this state; without it those that are open or acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = AnomalyStateWord, required = false)]
    pub state: Option<AnomalyStateView>,
    /// Those that are over too.
    #[serde(default)]
    #[param(required = false)]
    pub all: bool,
    /// Only those of this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = RuleWord, required = false)]
    pub rule: Option<String>,
    /// Only those with a number below this: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, value_type = i64, minimum = 1)]
    pub before: Option<i64>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Where an anomaly stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyStateView {
    /// Nobody has seen to it.
    Open,
    /// Somebody has, and said why it is left as it is.
    Acknowledged,
    /// What it told of is not so any more.
    Resolved,
}

impl AnomalyStateView {
    /// The word for it in output.
    pub const fn as_str(self) -> &'static str {
        self.stored().as_str()
    }

    const fn stored(self) -> AnomalyState {
        match self {
            Self::Open => AnomalyState::Open,
            Self::Acknowledged => AnomalyState::Acknowledged,
            Self::Resolved => AnomalyState::Resolved,
        }
    }

    const fn of(state: AnomalyState) -> Self {
        match state {
            AnomalyState::Open => Self::Open,
            AnomalyState::Acknowledged => Self::Acknowledged,
            AnomalyState::Resolved => Self::Resolved,
        }
    }
}

/// An anomaly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnomalyView {
    /// Its number.
    pub id: i64,
    /// The rule that raised it.
    #[schema(value_type = RuleWord)]
    pub rule: String,
    /// What the rule has found; empty if the rule is not there any more.
    pub title: String,
    /// How bad that is.
    #[schema(value_type = SeverityWord)]
    pub severity: String,
    /// Where it stands.
    #[schema(value_type = AnomalyStateWord)]
    pub state: AnomalyStateView,
    /// What it is about, as `session=ID` or `client=ID gate=NAME`; `others` for those that there was no room for.
    pub subject: String,
    /// What was found, in words.
    pub detail: String,
    /// When it was raised.
    #[schema(value_type = Millis)]
    pub since: Timestamp,
    /// When it was found last.
    #[schema(value_type = Millis)]
    pub last_at: Timestamp,
    /// How many records it tells of.
    pub count: u64,
    /// What it was found in.
    #[schema(value_type = AnomalySourceWord)]
    pub source: String,
    /// The numbers of the last records that show it: of `/audit` for `acts`, of blocks for `decisions`.
    pub evidence: Vec<i64>,
    /// What to do about it.
    pub advice: String,
    /// Where others ask for it.
    pub references: Vec<String>,
    /// When somebody saw to it.
    #[schema(value_type = Option<Millis>)]
    pub acknowledged_at: Option<Timestamp>,
    /// Who, as records name an actor.
    pub acknowledged_by: Option<String>,
    /// Why it is left as it is.
    pub acknowledged_for: Option<String>,
    /// When it was over.
    #[schema(value_type = Option<Millis>)]
    pub resolved_at: Option<Timestamp>,
}

impl AnomalyView {
    fn of(plane: &ControlPlane, row: AnomalyRow) -> Self {
        let rule = plane.anomalies.rule(&row.rule);
        let advice = rule.map(|rule| rule.advice_for(&row.subject));
        let source = rule.map_or(Source::Acts, |rule| rule.source);
        Self {
            title: rule.map(|rule| rule.title.clone()).unwrap_or_default(),
            advice: advice.unwrap_or_default(),
            references: rule.map(|rule| rule.references.clone()).unwrap_or_default(),
            source: source.as_str().to_owned(),
            id: row.id,
            rule: row.rule,
            severity: row.severity.as_str().to_owned(),
            state: AnomalyStateView::of(row.state),
            subject: row.subject,
            detail: row.detail,
            since: row.since,
            last_at: row.last_at,
            count: row.count,
            evidence: row.evidence,
            acknowledged_at: row.acknowledged_at,
            acknowledged_by: row.acknowledged_by,
            acknowledged_for: row.acknowledged_for,
            resolved_at: row.resolved_at,
        }
    }
}

/// Anomalies, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Anomalies {
    /// At most `limit` anomalies.
    pub anomalies: Vec<AnomalyView>,
    /// What to give as `before` for more; none at the end.
    pub next: Option<i64>,
}

/// A rule, as it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnomalyRuleView {
    /// Its id.
    #[schema(value_type = RuleWord)]
    pub id: String,
    /// What it finds.
    pub title: String,
    /// How bad that is.
    #[schema(value_type = SeverityWord)]
    pub severity: String,
    /// What it looks at.
    #[schema(value_type = AnomalySourceWord)]
    pub source: String,
    /// What it counts or measures, in words.
    pub counts: String,
    /// From how many on it raises; of some measures down from how many.
    pub threshold: i64,
    /// Over what time it counts; none for measures.
    pub window: Option<String>,
    /// How long it rests after it has raised; none for measures.
    pub suppress: Option<String>,
    /// What it tells apart.
    pub group_by: Vec<String>,
    /// What to do about it.
    pub advice: String,
    /// Where others ask for it.
    pub references: Vec<String>,
    /// Why it is off, if it is.
    pub off: Option<String>,
}

impl From<&Rule> for AnomalyRuleView {
    fn from(rule: &Rule) -> Self {
        let (counts, window, suppress) = match &rule.how {
            How::Counts(counts) => {
                let what = match counts.counted {
                    Counted::Records => "records".to_owned(),
                    Counted::Distinct(fact) => format!("different values of {}", fact.as_str()),
                    Counted::New(fact, learn) => {
                        format!(
                            "values of {} never seen, after {}",
                            fact.as_str(),
                            span_text(learn)
                        )
                    }
                };
                let spans = [counts.window, counts.suppress].map(span_text);
                let [window, suppress] = spans;
                (what, Some(window), Some(suppress))
            }
            How::Holds(held) => {
                let side = match held.compare {
                    Compare::AtLeast => "at least",
                    Compare::AtMost => "at most",
                };
                (format!("{}, {side}", held.measure), None, None)
            }
        };
        Self {
            id: rule.id.clone(),
            title: rule.title.clone(),
            severity: rule.severity.as_str().to_owned(),
            source: rule.source.as_str().to_owned(),
            counts,
            threshold: rule.threshold,
            window,
            suppress,
            group_by: rule
                .group_by
                .iter()
                .map(|fact| fact.as_str().to_owned())
                .collect(),
            advice: rule.advice.clone(),
            references: rule.references.clone(),
            off: rule.off.clone(),
        }
    }
}

/// The rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnomalyRules {
    /// All of them.
    pub rules: Vec<AnomalyRuleView>,
}

/// Why an anomaly is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeAnomaly {
    /// Why, for whoever reads it later: 1 to 1,000 bytes.
    #[schema(min_length = 1, max_length = 1000)]
    pub why: String,
}

/// List anomalies, newest first: those that are not over, unless `all` or a state is asked for.
#[utoipa::path(
    get, path = "/anomalies", tag = "audit", operation_id = "listAnomalies", params(ListAnomalies),
    responses((status = OK, description = "Anomalies.", body = Anomalies)),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListAnomalies>,
) -> Result<Json<Anomalies>, Problem> {
    if let Some(rule) = &query.rule
        && plane.anomalies.rule(rule).is_none()
    {
        return Err(Problem::bad_request(
            "query_malformed",
            "there is no such rule",
        ));
    }
    if query.before.is_some_and(|number| number < 1) {
        return Err(Problem::bad_request(
            "query_malformed",
            "before is the number of an anomaly",
        ));
    }
    let filter = AnomalyFilter {
        states: match query.state {
            Some(state) => vec![state.stored()],
            None if query.all => Vec::new(),
            None => vec![AnomalyState::Open, AnomalyState::Acknowledged],
        },
        rule: query.rule,
        before: query.before,
    };
    let rows = plane.store.anomalies(filter, query.limit.rows()).await?;
    let full = query.limit.is_reached(rows.len());
    let next = rows.last().filter(|_| full).map(|row| row.id);
    let view = |row| AnomalyView::of(&plane, row);
    let anomalies = rows.into_iter().map(view).collect();
    Ok(Json(Anomalies { anomalies, next }))
}

/// The rules as they are in force.
#[utoipa::path(
    get, path = "/anomalies/rules", tag = "audit", operation_id = "listAnomalyRules",
    responses((status = OK, description = "The rules.", body = AnomalyRules)),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn rules(State(plane): State<Arc<ControlPlane>>) -> Json<AnomalyRules> {
    let rules = plane
        .anomalies
        .rules()
        .iter()
        .map(AnomalyRuleView::from)
        .collect();
    Json(AnomalyRules { rules })
}

/// Show one anomaly.
#[utoipa::path(
    get, path = "/anomalies/{id}", tag = "audit", operation_id = "showAnomaly",
    params(("id" = i64, Path, description = "Its number.", minimum = 1)),
    responses(
        (status = OK, description = "The anomaly.", body = AnomalyView),
        (status = NOT_FOUND, description = "There is no such anomaly."),
    ),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Path(id): Path<String>,
) -> Result<Json<AnomalyView>, Problem> {
    let row = plane
        .store
        .anomaly(number(&id)?)
        .await?
        .ok_or_else(unknown)?;
    Ok(Json(AnomalyView::of(&plane, row)))
}

/// Say that an anomaly was seen to, and why it is left as it is. What comes after that is another one; a state is
/// the same one until it is mended.
#[utoipa::path(
    post, path = "/anomalies/{id}/acknowledge", tag = "audit", operation_id = "acknowledgeAnomaly",
    params(("id" = i64, Path, description = "Its number.", minimum = 1)),
    request_body(content = AcknowledgeAnomaly, example = json!({ "why": "a drill of the platform team" })),
    responses(
        (status = OK, description = "The anomaly as it is now.", body = AnomalyView),
        (status = NOT_FOUND, description = "There is no such anomaly, or it is over."),
        (status = UNPROCESSABLE_ENTITY, description = "It does not say why."),
    ),
    security(("oauth2" = ["sealgate:audit:write"])),
)]
async fn acknowledge(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Path(id): Path<String>,
    Body(AcknowledgeAnomaly { why }): Body<AcknowledgeAnomaly>,
) -> Result<Json<AnomalyView>, Problem> {
    let id = number(&id)?;
    let why = why.trim();
    if why.is_empty() || why.len() > WHY_LIMIT || why.chars().any(char::is_control) {
        return Err(Problem::unprocessable(
            "anomaly_reason_malformed",
            "why is one line of 1 to 1000 bytes",
        ));
    }
    let row = plane.store.anomaly(id).await?.ok_or_else(unknown)?;
    let act = Audit {
        reason: row.rule.clone(),
        object: Some(format!("{} {id} {}", row.rule, row.subject)),
        ..admin.act(&plane, "anomaly.acknowledge")
    };
    let by = actor_text(&act.actor);
    if !plane.store.anomaly_acknowledge(id, &by, why, act).await? {
        return Err(unknown());
    }
    show(State(plane), Path(id.to_string())).await
}

fn number(text: &str) -> Result<i64, Problem> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Problem::bad_request("id_malformed", "an anomaly's id is its number"))
}

/// As records name an actor.
fn actor_text(actor: &AuditActor) -> String {
    match actor {
        AuditActor::User(id) => format!("user:{id}"),
        AuditActor::Client(id) => format!("client:{id}"),
        AuditActor::Operator => "operator".to_owned(),
        AuditActor::Anonymous => "anonymous".to_owned(),
        AuditActor::System => "system".to_owned(),
    }
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "anomaly_unknown",
        "there is no such anomaly that is not over",
    )
}
