//! `/api/v1/sinks`: where records are sent, and how each is doing.

mod types;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use http::StatusCode;
use sealgate_store::{Audit, NewSink as Row, Outcome, Sink, SinkPlaces, SinkStart, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Body, MaybeBody};
use super::schemas::SinkNameText;
use crate::ControlPlane;
use crate::exports::{self, MOST, Secrets, SinkStream, SinkTarget};
use crate::problem::Problem;

pub use types::{
    CreatedSink, ListSinks, NewSink, RotateSinkSecret, SinkFrom, SinkSecret, SinkState, SinkTest,
    SinkView, Sinks,
};

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, remove))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(skip))
        .routes(routes!(rotate))
        .routes(routes!(test))
}

/// How long a replaced secret signs beside the new one, at the most, in seconds.
const KEEP: u32 = 30 * 24 * 3600;

/// List the sinks, by their names.
#[utoipa::path(
    get, path = "/sinks", tag = "audit", operation_id = "listSinks", params(ListSinks),
    responses((status = OK, description = "Sinks.", body = Sinks)),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListSinks>,
) -> Result<Json<Sinks>, Problem> {
    if query
        .after
        .as_deref()
        .is_some_and(|name| !exports::sound_name(name))
    {
        return Err(Problem::bad_request(
            "query_malformed",
            "after is the name of a sink",
        ));
    }
    let all = plane.store.sinks().await?;
    let key = |sink: &Sink| sink.name.clone();
    let (page, next) = query.limit.slice(all, query.after.as_ref(), key);
    let mut sinks = Vec::with_capacity(page.len());
    for sink in page {
        sinks.push(view(&plane, sink).await?);
    }
    Ok(Json(Sinks { sinks, next }))
}

/// Send records somewhere from now on. A file can only be asked for on the control plane's machine.
#[utoipa::path(
    post, path = "/sinks", tag = "audit", operation_id = "createSink",
    request_body(content = NewSink, example = json!({
        "name": "siem", "target": { "kind": "webhook", "url": "https://siem.example.com/sealgate" },
    })),
    responses(
        (status = CREATED, description = "The sink that was added.", body = CreatedSink),
        (status = FORBIDDEN, description = "A file is for whoever is on the machine."),
        (status = CONFLICT, description = "The name is in use, or there are too many."),
        (status = UNPROCESSABLE_ENTITY, description = "The sink is not sound."),
    ),
    security(("oauth2" = ["sealgate:audit:write"])),
)]
async fn create(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(mut new): Body<NewSink>,
) -> Result<(StatusCode, Json<CreatedSink>), Problem> {
    let act = admin.act(&plane, "sink.create");
    if !exports::sound_name(&new.name) {
        return Err(unsound("a name has 1 to 64 of a-z 0-9 and -"));
    }
    let act = exports::about(&new.name, act);
    if matches!(new.target, SinkTarget::File { .. }) && !admin.is_operator() {
        let refused = Audit {
            outcome: Outcome::Denied,
            reason: "sink_file_local".to_owned(),
            ..act
        };
        plane.refusals.record(&plane, refused).await;
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "sink_file_local",
            "a file is for whoever is on the control plane's machine to ask for",
        ));
    }
    let form = new.form.unwrap_or(new.target.usual_form());
    let streams = match &new.streams {
        None => vec![SinkStream::Acts, SinkStream::Anomalies],
        Some(streams) => streams.clone(),
    };
    check(&plane, &new, &streams)?;
    let query = new.target.take_query();
    let mut secrets = Secrets::with(new.headers, query);
    let secret = new
        .target
        .is_signed()
        .then(|| secrets.rotate(&plane, act.at, Duration::ZERO));
    let sealed = sealed(&plane, &new.name, &secrets)?;
    let (start, places) = match new.from {
        SinkFrom::Now => (SinkStart::Now, exports::head(&plane).await?),
        SinkFrom::Beginning => (SinkStart::Beginning, SinkPlaces::default()),
    };
    let target = serde_json::to_string(&new.target).map_err(|_| Problem::internal())?;
    let mut words: Vec<String> = streams
        .iter()
        .map(|stream| stream.as_str().to_owned())
        .collect();
    words.sort();
    words.dedup();
    let row = Row {
        name: new.name.clone(),
        target,
        form: form.as_str().to_owned(),
        streams: words,
        sealed,
        pause_after: new.pause_after,
        start,
        places,
    };
    match plane.store.sink_create(row, MOST, act).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "sink_known",
                "there is a sink of this name already",
            ));
        }
        Err(StoreError::TooMany(_)) => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "sinks_too_many",
                format!("there are at most {MOST} sinks"),
            ));
        }
        Err(error) => return Err(error.into()),
    }
    let sink = view(&plane, find(&plane, &new.name).await?).await?;
    Ok((StatusCode::CREATED, Json(CreatedSink { sink, secret })))
}

/// What is wrong with a new sink beside its name.
fn check(plane: &ControlPlane, new: &NewSink, streams: &[SinkStream]) -> Result<(), Problem> {
    let target = &new.target;
    if let Some(said) = target.unsound(plane) {
        return Err(unsound(&said));
    }
    if new.form.is_some_and(|form| !target.takes(form)) {
        return Err(unsound("this kind of sink does not take that form"));
    }
    if streams.is_empty() || streams.len() > SinkStream::ALL.len() {
        return Err(unsound("name 1 to 6 streams"));
    }
    if !new.headers.is_empty() && !target.takes_headers() {
        return Err(unsound("headers are for webhooks and collectors"));
    }
    if let Some(said) = exports::unsound_headers(&new.headers) {
        return Err(unsound(said));
    }
    if new.pause_after == Some(0) {
        return Err(unsound("a span is a second at the least"));
    }
    Ok(())
}

/// Show one sink.
#[utoipa::path(
    get, path = "/sinks/{name}", tag = "audit", operation_id = "showSink",
    params(("name" = SinkNameText, Path)),
    responses(
        (status = OK, description = "The sink.", body = SinkView),
        (status = NOT_FOUND, description = "There is no such sink."),
    ),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<SinkView>, Problem> {
    let sink = find(&plane, &named(name)?).await?;
    Ok(Json(view(&plane, sink).await?))
}

/// Remove a sink. What it was not sent yet it is not sent any more.
#[utoipa::path(
    delete, path = "/sinks/{name}", tag = "audit", operation_id = "removeSink",
    params(("name" = SinkNameText, Path)),
    responses(
        (status = NO_CONTENT, description = "It is gone."),
        (status = NOT_FOUND, description = "There is no such sink."),
    ),
    security(("oauth2" = ["sealgate:audit:write"])),
)]
async fn remove(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let name = named(name)?;
    let act = exports::about(&name, admin.act(&plane, "sink.remove"));
    if plane.store.sink_remove(&name, act).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown())
    }
}

/// Pause a sink: it keeps its place, and goes on there when it is resumed.
#[utoipa::path(
    post, path = "/sinks/{name}/pause", tag = "audit", operation_id = "pauseSink",
    params(("name" = SinkNameText, Path)),
    responses(
        (status = OK, description = "The sink as it is now.", body = SinkView),
        (status = NOT_FOUND, description = "There is no such sink."),
    ),
    security(("oauth2" = ["sealgate:audit:write"])),
)]
async fn pause(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<SinkView>, Problem> {
    set(&plane, &admin, &named(name)?, true).await
}

/// Let a sink go on, at once and where it stopped.
#[utoipa::path(
    post, path = "/sinks/{name}/resume", tag = "audit", operation_id = "resumeSink",
    params(("name" = SinkNameText, Path)),
    responses(
        (status = OK, description = "The sink as it is now.", body = SinkView),
        (status = NOT_FOUND, description = "There is no such sink."),
    ),
    security(("oauth2" = ["sealgate:audit:write"])),
)]
async fn resume(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<SinkView>, Problem> {
    set(&plane, &admin, &named(name)?, false).await
}

/// Pass over the one record that a sink does not take, which is put on record with the record's id. It is tried with
/// the next one when its wait is over, or when it is paused and resumed.
#[utoipa::path(
    post, path = "/sinks/{name}/skip", tag = "audit", operation_id = "skipSinkRecord",
    params(("name" = SinkNameText, Path)),
    responses(
        (status = OK, description = "The sink as it is now.", body = SinkView),
        (status = NOT_FOUND, description = "There is no such sink."),
        (status = CONFLICT, description = "Nothing holds it up, or it was changed meanwhile."),
    ),
    security(("oauth2" = ["sealgate:audit:write"])),
)]
async fn skip(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<SinkView>, Problem> {
    let name = named(name)?;
    let act = admin.act(&plane, "sink.skip");
    let sink = find(&plane, &name).await?;
    let held_up = sink.failures > 0 || sink.pause_reason.is_some();
    let next = if held_up {
        exports::next(&plane, &sink).await?
    } else {
        None
    };
    let Some((source, from, event)) = next else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "sink_not_failing",
            "no record holds up this sink",
        ));
    };
    let act = exports::about(&format!("{name} {}", event.id), act);
    let at = act.at;
    let moved = plane
        .store
        .sink_advance(sink.id, source, from, event.number, 0, at, Some(act))
        .await?;
    if !moved {
        return Err(changed());
    }
    Ok(Json(view(&plane, find(&plane, &name).await?).await?))
}

async fn set(
    plane: &ControlPlane,
    admin: &Admin,
    name: &str,
    paused: bool,
) -> Result<Json<SinkView>, Problem> {
    let action = if paused { "sink.pause" } else { "sink.resume" };
    let act = exports::about(name, admin.act(plane, action));
    // One that is so already is left as it is.
    plane.store.sink_pause(name, paused, None, act).await?;
    Ok(Json(view(plane, find(plane, name).await?).await?))
}

/// Sign a webhook's deliveries with a new secret. The old one signs beside it for a while.
#[utoipa::path(
    post, path = "/sinks/{name}/secret", tag = "audit", operation_id = "rotateSinkSecret",
    params(("name" = SinkNameText, Path)),
    request_body(content = Option<RotateSinkSecret>, example = json!({ "keep": 3600 })),
    responses(
        (status = OK, description = "The new secret, which is shown only now.", body = SinkSecret),
        (status = NOT_FOUND, description = "There is no such sink."),
        (status = CONFLICT, description = "The sink was changed meanwhile."),
        (status = UNPROCESSABLE_ENTITY, description = "The sink signs nothing."),
    ),
    security(("oauth2" = ["sealgate:audit:write"])),
)]
async fn rotate(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    name: Result<Path<String>, PathRejection>,
    MaybeBody(how): MaybeBody<RotateSinkSecret>,
) -> Result<Json<SinkSecret>, Problem> {
    let name = named(name)?;
    let act = exports::about(&name, admin.act(&plane, "sink.secret"));
    let sink = find(&plane, &name).await?;
    if !target_of(&sink)?.is_signed() {
        return Err(unsound("only the deliveries of webhooks are signed"));
    }
    if how.keep > KEEP {
        return Err(unsound("a secret is kept for 30 days at the most"));
    }
    let mut secrets = opened(&plane, &sink)?;
    let keep = Duration::from_secs(how.keep.into());
    let secret = secrets.rotate(&plane, act.at, keep);
    let sealed = sealed(&plane, &name, &secrets)?.ok_or_else(Problem::internal)?;
    match plane
        .store
        .sink_set_secrets(&name, sink.sealed, sealed, act)
        .await
    {
        Ok(true) => Ok(Json(SinkSecret { secret })),
        Ok(false) => Err(unknown()),
        Err(StoreError::Conflict(_)) => Err(changed()),
        Err(error) => Err(error.into()),
    }
}

/// Send a record that says nothing but that it is a test, at once, and say what came of it.
#[utoipa::path(
    post, path = "/sinks/{name}/test", tag = "audit", operation_id = "testSink",
    params(("name" = SinkNameText, Path)),
    responses(
        (status = OK, description = "What came of it.", body = SinkTest),
        (status = NOT_FOUND, description = "There is no such sink."),
    ),
    security(("oauth2" = ["sealgate:audit:write"])),
)]
async fn test(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<SinkTest>, Problem> {
    let name = named(name)?;
    let act = exports::about(&name, admin.act(&plane, "sink.test"));
    let sink = find(&plane, &name).await?;
    let failure = exports::test(&plane, &sink).await.err();
    let error = failure.map(|failure| failure.reason.to_owned());
    let act = match &error {
        None => act,
        Some(reason) => Audit {
            outcome: Outcome::Denied,
            reason: reason.clone(),
            ..act
        },
    };
    plane.store.record(act).await?;
    Ok(Json(SinkTest {
        delivered: error.is_none(),
        error,
    }))
}

async fn view(plane: &ControlPlane, sink: Sink) -> Result<SinkView, Problem> {
    let waiting_since = exports::waiting_since(plane, &sink).await?;
    let secrets = opened(plane, &sink).unwrap_or_default();
    let mut target = target_of(&sink)?;
    if secrets.query().is_some() {
        target = target.with_query("…");
    }
    let headers = secrets.header_names();
    Ok(SinkView::of(sink, target, headers, waiting_since))
}

fn target_of(sink: &Sink) -> Result<SinkTarget, Problem> {
    serde_json::from_str(&sink.target).map_err(|error| {
        tracing::error!(sink = sink.name, %error, "what is stored of a sink cannot be read");
        Problem::internal()
    })
}

fn opened(plane: &ControlPlane, sink: &Sink) -> Result<Secrets, Problem> {
    Secrets::open(plane, &sink.name, sink.sealed.as_deref()).map_err(|error| {
        tracing::error!(sink = sink.name, error, "a sink's secrets do not open");
        Problem::internal()
    })
}

fn sealed(plane: &ControlPlane, name: &str, secrets: &Secrets) -> Result<Option<String>, Problem> {
    if secrets.is_empty() {
        return Ok(None);
    }
    let sealed = secrets.seal(plane, name);
    sealed.map(Some).map_err(|error| {
        tracing::error!(error, "a sink's secrets cannot be sealed");
        Problem::internal()
    })
}

fn named(name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let Path(name) =
        name.map_err(|error| Problem::bad_request("id_malformed", error.body_text()))?;
    if exports::sound_name(&name) {
        Ok(name)
    } else {
        Err(Problem::bad_request(
            "id_malformed",
            "a sink's name has 1 to 64 of a-z 0-9 and -",
        ))
    }
}

async fn find(plane: &ControlPlane, name: &str) -> Result<Sink, Problem> {
    plane.store.sink(name).await?.ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "sink_unknown",
        "there is no such sink",
    )
}

fn changed() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "sink_changed",
        "the sink was changed by another request meanwhile",
    )
}

fn unsound(said: &str) -> Problem {
    Problem::unprocessable("sink_malformed", said)
}
