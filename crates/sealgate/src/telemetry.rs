//! Traces by OpenTelemetry: each request as a trace, whose id is the trace id of logs, problems and
//! audit records, sent in batches to a receiver of OTLP over HTTP.
//!
//! The rest of the program only opens `tracing` spans with the target `telemetry`. Where nothing is
//! sent, they are never made.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use http::{Request, Response};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use tokio::runtime::Handle;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Subscriber, debug};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context as Place;
use tracing_subscriber::registry::LookupSpan;

use crate::doctor::authorities;
use crate::failure::Failure;
use crate::settings;

/// What traces are made of.
const TARGET: &str = "telemetry";

/// How long a batch may take to be sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the last batch may take when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// Sends traces until it is stopped.
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// What `settings` ask for; none if that is nothing. Batches are sent from `runtime`.
    pub(crate) fn start(
        settings: &settings::Telemetry,
        runtime: &Handle,
    ) -> Result<Option<Self>, Failure> {
        let Some(endpoint) = &settings.otlp_endpoint else {
            return Ok(None);
        };
        let unusable = |error: &dyn fmt::Display| {
            Failure::usage(
                "telemetry_unusable",
                format!("traces cannot be sent: {error}"),
            )
        };
        let sender = Sender::new(settings, runtime.clone())?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(sender)
            .with_endpoint(endpoint.traces())
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| unusable(&error))?;
        let resource = Resource::builder()
            .with_service_name("sealgate")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let provider = SdkTracerProvider::builder()
            .with_id_generator(Ids(RandomIdGenerator::default()))
            // By the trace's id, so that all of a request is sampled or none of it.
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                settings.sample,
            ))))
            .with_resource(resource.build())
            .with_span_processor(Links)
            .with_batch_exporter(exporter)
            .build();
        Ok(Some(Self { provider }))
    }

    /// The layer that makes traces of spans.
    pub(crate) fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let made = tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("sealgate"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        let filter = Targets::new().with_target(TARGET, LevelFilter::TRACE);
        // The ids are known before a span of the trace is begun.
        Box::new(Requests.and_then(made).with_filter(filter))
    }

    /// Sends what is left. Takes some seconds at most, and the runtime must still run.
    pub(crate) fn stop(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(FAREWELL) {
            debug!(%error, "the last traces were not sent");
        }
    }
}

/// What is known of a request before its trace begins.
#[derive(Clone)]
struct Known {
    trace: TraceId,
    caller: Option<SpanContext>,
}

thread_local! {
    /// The request whose span this thread has in hand.
    static REQUEST: RefCell<Option<Known>> = const { RefCell::new(None) };
    /// The caller's trace, for the span that is being begun.
    static CALLER: RefCell<Option<SpanContext>> = const { RefCell::new(None) };
}

/// Keeps in mind, on each thread, which request's span it has in hand: OpenTelemetry's tracer asks for
/// an id without saying for what.
struct Requests;

impl Requests {
    fn have_in_hand<S>(id: &Id, place: &Place<'_, S>)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        if let Some(span) = place.span(id)
            && let Some(known) = span.extensions().get::<Known>()
        {
            REQUEST.with_borrow_mut(|request| *request = Some(known.clone()));
        }
    }
}

impl<S> Layer<S> for Requests
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, place: Place<'_, S>) {
        let mut read = Read::default();
        attributes.record(&mut read);
        if let (Some(trace), Some(span)) = (read.trace, place.span(id)) {
            let caller = read.caller;
            span.extensions_mut().insert(Known { trace, caller });
        }
    }

    fn on_enter(&self, id: &Id, place: Place<'_, S>) {
        Self::have_in_hand(id, &place);
    }

    fn on_close(&self, id: Id, place: Place<'_, S>) {
        // A span that was never entered begins when it ends.
        Self::have_in_hand(&id, &place);
    }
}

/// Reads the ids out of a span's fields.
#[derive(Default)]
struct Read {
    trace: Option<TraceId>,
    caller: Option<SpanContext>,
}

impl Visit for Read {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "trace" => self.trace = TraceId::from_hex(value).ok(),
            "caller" => self.caller = caller(value),
            _ => {}
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

/// A `traceparent` (W3C Trace Context, 3.2) whose form was checked where it came in.
fn caller(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    Some(SpanContext::new(
        trace,
        span,
        flags,
        true,
        TraceState::default(),
    ))
}

/// Gives a trace the id its request has.
#[derive(Debug)]
struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        let Some(known) = REQUEST.take() else {
            return self.0.new_trace_id();
        };
        CALLER.set(known.caller);
        known.trace
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

/// Links the trace of the caller, which is not ours to continue.
#[derive(Debug)]
struct Links;

impl SpanProcessor for Links {
    fn on_start(&self, span: &mut Span, _: &Context) {
        if let Some(caller) = CALLER.take() {
            span.add_link(caller, Vec::new());
        }
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Sends batches from the server's runtime: the batches' own thread has none.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
    /// Whether the last batch was lost, so that an outage is logged once.
    failing: AtomicBool,
}

impl Sender {
    fn new(settings: &settings::Telemetry, runtime: Handle) -> Result<Self, Failure> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .user_agent(concat!("sealgate/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &settings.authority_file {
            builder = authorities(path)?
                .into_iter()
                .fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        let client = builder.build().map_err(|error| {
            Failure::unavailable(
                "telemetry_unusable",
                format!("traces cannot be sent: {error}"),
            )
        })?;
        Ok(Self {
            client,
            runtime,
            failing: AtomicBool::new(false),
        })
    }

    fn tell(&self, failure: Option<&dyn fmt::Display>) {
        let before = self.failing.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(error) if !before => tracing::warn!(%error, "traces are not received"),
            None if before => tracing::info!("traces are received again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let (parts, body) = request.into_parts();
        let sending = self.runtime.spawn(async move {
            let answer = client
                .request(parts.method, parts.uri.to_string())
                .headers(parts.headers)
                .body(body)
                .send()
                .await?;
            let status = answer.status();
            answer.bytes().await.map(|body| (status, body))
        });
        let outcome = match sending.await {
            Ok(Ok((status, body))) => {
                let refused = (!status.is_success()).then(|| format!("status {status}"));
                self.tell(refused.as_ref().map(|text| text as &dyn fmt::Display));
                Response::builder().status(status).body(body)?
            }
            Ok(Err(error)) => {
                // Without the URL: it is in the settings already.
                let error = error.without_url();
                self.tell(Some(&error));
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        Ok(outcome)
    }
}
