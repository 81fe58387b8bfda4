//! `/api/v1/records`: records as sinks are sent them, oldest first, for whoever takes them away at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use sealgate_audit::forms::Event;
use sealgate_model::Timestamp;
use sealgate_store::SinkSource;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::LAST_TIME;
use super::extract::Ask;
use super::page::Limit;
use super::schemas::Millis;
use crate::ControlPlane;
use crate::exports::{self, SinkStream};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default().routes(routes!(list))
}

/// Where records come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordSource {
    /// The audit log.
    #[default]
    Audit,
    /// What gates let in.
    Allowed,
    /// What gates refused.
    Denied,
}

impl RecordSource {
    const fn source(self) -> SinkSource {
        match self {
            Self::Audit => SinkSource::Audit,
            Self::Allowed => SinkSource::Allowed,
            Self::Denied => SinkSource::Denied,
        }
    }
}

/// Which records to take.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListRecords {
    /// Where they come from.
    #[serde(default)]
    #[param(required = false, inline)]
    pub source: RecordSource,
    /// Only this stream of the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false)]
    pub stream: Option<SinkStream>,
    /// Only what was at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Millis, required = false)]
    pub since: Option<Timestamp>,
    /// Only what was before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Millis, required = false)]
    pub until: Option<Timestamp>,
    /// Only those after this place: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, value_type = i64, minimum = 0)]
    pub after: Option<i64>,
    /// How many to look at, at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Records, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordPage {
    /// Those that fit, at most `limit`.
    #[schema(value_type = Vec<Object>)]
    pub records: Vec<Event>,
    /// What to give as `after` for more, even where nothing fitted; none at the end.
    pub next: Option<i64>,
}

/// Take records away, oldest first, in the form of JSON Lines.
#[utoipa::path(
    get, path = "/records", tag = "audit", operation_id = "listRecords", params(ListRecords),
    responses((status = OK, description = "Records.", body = RecordPage)),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListRecords>,
) -> Result<Json<RecordPage>, Problem> {
    let in_range = |at: Timestamp| (0..=LAST_TIME).contains(&at.as_millis());
    let times = [query.since, query.until];
    if !times.into_iter().flatten().all(in_range) || query.after.is_some_and(|after| after < 0) {
        return Err(Problem::bad_request(
            "query_malformed",
            "since and until are times in milliseconds, and after is a place",
        ));
    }
    let source = query.source.source();
    let streams = match query.stream {
        Some(stream) => vec![stream],
        None => SinkStream::ALL.to_vec(),
    };
    let after = query.after.unwrap_or(0);
    let page = exports::read(&plane, source, after, &streams, query.limit.rows()).await?;
    let fits = |event: &Event| {
        query.since.is_none_or(|since| event.time >= since)
            && query.until.is_none_or(|until| event.time < until)
    };
    Ok(Json(RecordPage {
        records: page.events.into_iter().filter(fits).collect(),
        next: Some(page.to).filter(|to| *to != after),
    }))
}
