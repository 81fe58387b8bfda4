//! `POST /gates/report`: a gate says how it is set up, which policy it has and which routes stand behind it.
//!
//! It is the gate's own word. It decides nothing: people look at it, and the rules of anomalies do.

mod throttle;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http::StatusCode;
use sealgate_audit::gate::{REPORT_LIMIT, Report};
use sealgate_model::{ClientId, Timestamp};
use sealgate_store::{GateReportRow, GateRoutes};
use serde_json::Value;

use crate::ControlPlane;
use crate::admin::Body;
use crate::caller::Caller;
use crate::oauth::client_auth::authenticate_basic;
use crate::problem::Problem;
use crate::request;

pub use throttle::ReportThrottle;

/// Where gates report, as metadata names it.
pub(crate) const PATH: &str = "/gates/report";

/// How many processes of one client are remembered: of more the ones that were heard of longest ago are not.
const ROOM: u32 = 512;

/// How long a gate is remembered that is not heard of any more.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

/// After this long without a report a gate is silent: it reports each minute.
pub(crate) const SILENT: Duration = Duration::from_secs(180);

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new().route(
        PATH,
        post(report).layer(DefaultBodyLimit::max(REPORT_LIMIT)),
    )
}

/// Takes the report of a gate of the client that authenticates.
async fn report(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let headers = request.headers();
    let client = match authenticate_basic(&plane, &caller, headers, "gate.report").await {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    let answer = async {
        plane
            .gate_reports
            .admit(&client.id, plane.clock.uptime())
            .map_err(|wait| {
                Problem::throttled(
                    "gate_reports_too_many",
                    "the gates of this client report far more often than each minute",
                    u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX),
                )
            })?;
        let request = request::late(request).await?;
        let Body(report) = Body::<Report>::from_request(request, &()).await?;
        report
            .check()
            .map_err(|error| Problem::unprocessable("gate_report_malformed", error.to_string()))?;
        keep(&plane, client.id, report).await
    };
    match answer.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn keep(plane: &ControlPlane, client: ClientId, mut report: Report) -> Result<(), Problem> {
    let told = report.table.as_mut().and_then(|table| {
        let routes = table.routes.take()?;
        Some((table.digest.clone(), routes))
    });
    let written = |value: Result<Value, serde_json::Error>| {
        value.map_err(|error| {
            tracing::error!(%error, "a gate's report cannot be written");
            Problem::internal()
        })
    };
    let routes = match told {
        Some((digest, routes)) => Some(GateRoutes {
            digest,
            routes: written(serde_json::to_value(routes))?,
        }),
        None => None,
    };
    let now = plane.clock.now();
    let row = GateReportRow {
        client,
        gate: report.gate.clone(),
        instance: report.instance.clone(),
        first_seen: now,
        last_seen: now,
        digest: report.table.as_ref().map(|table| table.digest.clone()),
        report: written(serde_json::to_value(&report))?,
    };
    let is_news = routes.is_some();
    if plane.store.gate_report(row, routes, ROOM).await? {
        if is_news {
            plane.anomalies.look_soon();
        }
        Ok(())
    } else {
        Err(Problem::new(
            StatusCode::CONFLICT,
            "gate_routes_unknown",
            "the routes of this table are not known here: report them",
        ))
    }
}

/// What a gate reported, read again.
pub(crate) struct Told {
    pub(crate) client: ClientId,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
    pub(crate) report: Report,
}

/// What gates reported that were heard of since, by client, name and process. What an earlier version of this
/// program kept in another form is left out: it is replaced within a minute.
pub(crate) async fn since(
    plane: &ControlPlane,
    since: Timestamp,
) -> Result<Vec<Told>, sealgate_store::StoreError> {
    let rows = plane.store.gate_reports(since).await?.into_iter();
    let read = |row: GateReportRow| {
        Some(Told {
            client: row.client,
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            report: serde_json::from_value(row.report).ok()?,
        })
    };
    Ok(rows.filter_map(read).collect())
}
