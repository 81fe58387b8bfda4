//! What is asked of sinks, and what is told of them.

use sealgate_model::Timestamp;
use sealgate_store::Sink;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::admin::page::Limit;
use crate::admin::schemas::{Millis, SinkNameText};
use crate::exports::{self, ANNOUNCED, Header, SinkForm, SinkStream, SinkTarget};

/// A sink to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSink {
    /// The name it is called by.
    #[schema(value_type = SinkNameText)]
    pub name: String,
    /// Where records go.
    pub target: SinkTarget,
    /// The form of the records: `jsonl` or `ocsf` for a webhook and a file, `otel` for a collector, `syslog`, `jsonl` or
    /// `ocsf` for syslog. The first of these if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<SinkForm>,
    /// The streams to send; `acts` and `anomalies` if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 6)]
    pub streams: Option<Vec<SinkStream>>,
    /// Headers to send along to a webhook or a collector. They are never shown again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 8)]
    pub headers: Vec<Header>,
    /// Where to begin.
    #[serde(default)]
    pub from: SinkFrom,
    /// After how many seconds of failing to pause it; never if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub pause_after: Option<u32>,
}

/// Where a sink begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkFrom {
    /// With what happens from now on; the first record is that of its making.
    #[default]
    Now,
    /// With the first record that is still there.
    Beginning,
}

/// How a sink is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkState {
    /// It takes what it is sent, or was not sent anything yet.
    Active,
    /// It has not taken anything several times in a row, and is tried again.
    Failing,
    /// Nothing is sent.
    Paused,
}

impl SinkState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Active, Self::Failing, Self::Paused];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Failing => "failing",
            Self::Paused => "paused",
        }
    }

    /// That of a sink.
    pub(crate) const fn of(sink: &Sink) -> Self {
        if sink.paused {
            Self::Paused
        } else if sink.failures >= ANNOUNCED {
            Self::Failing
        } else {
            Self::Active
        }
    }
}

/// A sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SinkView {
    /// The name it is called by.
    #[schema(value_type = SinkNameText)]
    pub name: String,
    /// Where records go.
    pub target: SinkTarget,
    /// Their form.
    pub form: SinkForm,
    /// The streams it carries.
    pub streams: Vec<SinkStream>,
    /// The names of the headers that are sent along.
    pub headers: Vec<String>,
    /// After how many seconds of failing it is paused.
    pub pause_after: Option<u32>,
    /// How it is doing.
    pub state: SinkState,
    /// Why it is paused, as a reason code; none if somebody wanted it.
    pub pause_reason: Option<String>,
    /// How many records were delivered.
    pub delivered: u64,
    /// When that was last.
    #[schema(value_type = Option<Millis>)]
    pub delivered_at: Option<Timestamp>,
    /// Since when the oldest record waits that it has not been sent.
    #[schema(value_type = Option<Millis>)]
    pub waiting_since: Option<Timestamp>,
    /// How many tries have failed in a row.
    pub failures: u32,
    /// What went wrong last, as a reason code.
    pub last_error: Option<String>,
    /// When that was.
    #[schema(value_type = Option<Millis>)]
    pub last_error_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
}

impl SinkView {
    pub(super) fn of(
        sink: Sink,
        target: SinkTarget,
        headers: Vec<String>,
        waiting_since: Option<Timestamp>,
    ) -> Self {
        let state = SinkState::of(&sink);
        let (last_error, last_error_at) = sink.last_error.unzip();
        Self {
            form: SinkForm::from_word(&sink.form).unwrap_or(target.usual_form()),
            name: sink.name,
            target,
            streams: exports::streams_of(&sink.streams),
            headers,
            pause_after: sink.pause_after,
            state,
            pause_reason: sink.pause_reason,
            delivered: sink.delivered,
            delivered_at: sink.delivered_at,
            waiting_since,
            failures: sink.failures,
            last_error,
            last_error_at,
            created_at: sink.created_at,
        }
    }
}

/// A sink that was added, with the secret of its signatures, which is shown only now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedSink {
    /// The sink.
    #[serde(flatten)]
    pub sink: SinkView,
    /// What its receiver verifies deliveries with; a webhook has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl std::fmt::Debug for CreatedSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CreatedSink({})", self.sink.name)
    }
}

/// How a secret is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSinkSecret {
    /// For how many seconds the old one signs too, up to 30 days.
    #[serde(default = "day")]
    #[schema(maximum = 2_592_000)]
    pub keep: u32,
}

const fn day() -> u32 {
    24 * 3600
}

impl Default for RotateSinkSecret {
    fn default() -> Self {
        Self { keep: day() }
    }
}

/// A new secret, which is shown only now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SinkSecret {
    /// What the receiver verifies deliveries with.
    pub secret: String,
}

impl std::fmt::Debug for SinkSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SinkSecret")
    }
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SinkTest {
    /// Whether the sink took it.
    pub delivered: bool,
    /// Why not, as a reason code.
    pub error: Option<String>,
}

/// Which sinks to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSinks {
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = SinkNameText, required = false)]
    pub after: Option<String>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Sinks, by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sinks {
    /// At most `limit` sinks.
    pub sinks: Vec<SinkView>,
    /// What to give as `after` for more; none at the end.
    #[schema(value_type = Option<SinkNameText>)]
    pub next: Option<String>,
}
