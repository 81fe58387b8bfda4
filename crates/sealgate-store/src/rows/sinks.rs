//! Where records are sent.

use sealgate_model::Timestamp;

/// Where records come from. A sink keeps its place in each by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SinkSource {
    /// The audit log: acts and anomalies.
    Audit,
    /// What gates let in.
    Allowed,
    /// What gates refused.
    Denied,
}

impl SinkSource {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::Audit, Self::Allowed, Self::Denied];

    /// The word for it in output and ids.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }
}

/// How far a sink has come in each source: the number of the last record that was delivered or passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SinkPlaces {
    /// In the audit log.
    pub audit: i64,
    /// In what gates let in.
    pub allowed: i64,
    /// In what gates refused.
    pub denied: i64,
}

impl SinkPlaces {
    /// The place in one source.
    pub const fn of(&self, source: SinkSource) -> i64 {
        match source {
            SinkSource::Audit => self.audit,
            SinkSource::Allowed => self.allowed,
            SinkSource::Denied => self.denied,
        }
    }
}

/// Where a new sink begins in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkStart {
    /// With the first record that is still there.
    Beginning,
    /// With the record of its own making.
    Now,
}

/// A sink that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSink {
    /// The name it is called by.
    pub name: String,
    /// Where to: a JSON document of the server's, without a secret.
    pub target: String,
    /// The form of its records.
    pub form: String,
    /// The streams it carries.
    pub streams: Vec<String>,
    /// Its secrets, sealed.
    pub sealed: Option<String>,
    /// After how many seconds of failing it is paused; none: never.
    pub pause_after: Option<u32>,
    /// Where it begins in the audit log.
    pub start: SinkStart,
    /// Where it begins in the decisions of gates.
    pub places: SinkPlaces,
}

/// A sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// Its number; one that was removed and made again has another.
    pub id: i64,
    /// The name it is called by.
    pub name: String,
    /// Where to: a JSON document of the server's, without a secret.
    pub target: String,
    /// The form of its records.
    pub form: String,
    /// The streams it carries.
    pub streams: Vec<String>,
    /// Its secrets, sealed.
    pub sealed: Option<String>,
    /// After how many seconds of failing it is paused; none: never.
    pub pause_after: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether nothing is sent.
    pub paused: bool,
    /// Why it is paused, as a reason code; none if somebody wanted it.
    pub pause_reason: Option<String>,
    /// How far it has come.
    pub places: SinkPlaces,
    /// How many records were delivered.
    pub delivered: u64,
    /// When that was last.
    pub delivered_at: Option<Timestamp>,
    /// How many tries have failed in all.
    pub failed: u64,
    /// How many tries have failed in a row.
    pub failures: u32,
    /// When the first of those was.
    pub failing_since: Option<Timestamp>,
    /// When to try again.
    pub next_try_at: Timestamp,
    /// What went wrong last, as a reason code, and when.
    pub last_error: Option<(String, Timestamp)>,
}
