//! One record as every form tells it: an act of the control plane, a decision of a gate, or an anomaly.

use sealgate_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::text;

/// The name and the version of the JSON form. A member may be added; none changes its meaning or goes away without
/// another number.
pub const SCHEMA: &str = "sealgate.record/1";

/// Which document this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Schema {
    /// [`SCHEMA`].
    #[default]
    #[serde(rename = "sealgate.record/1")]
    One,
}

/// Which stream a record belongs to. Numbers grow within a stream's source, and a receiver can take some streams and
/// leave others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// What the control plane did or refused: its audit log without anomalies.
    Acts,
    /// What should worry somebody, and what became of it.
    Anomalies,
    /// What gates let in.
    Allowed,
    /// What gates refused.
    Denied,
}

impl Stream {
    /// Every stream.
    pub const ALL: [Self; 4] = [Self::Acts, Self::Anomalies, Self::Allowed, Self::Denied];

    /// Its word in JSON, options and filters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acts => "acts",
            Self::Anomalies => "anomalies",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }

    /// The stream of an action in the audit log.
    pub fn of_action(action: &str) -> Self {
        if action.starts_with("anomaly.") {
            Self::Anomalies
        } else {
            Self::Acts
        }
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was allowed and done.
    Allowed,
    /// It was refused.
    Denied,
}

impl Outcome {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }
}

/// How much it matters to whoever reads along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Everyday work.
    Info,
    /// A refusal: everyday, and many of them are not.
    Low,
    /// Worth a look.
    Medium,
    /// Somebody should look now.
    High,
}

/// Reasons that tell of somebody else's credential in use.
const REPLAYS: [&str; 4] = [
    "refresh_token_reused",
    "code_reused",
    "assertion_reused",
    "identity_reused",
];

/// Acts that somebody should have noticed, however they went.
const NOTABLE: [&str; 5] = [
    "audit.retire",
    "key.revoke",
    "sink.fail",
    "sink.pause",
    "store.restored",
];

impl Severity {
    /// How much a record matters, by what it tells of.
    pub fn of(action: &str, outcome: Outcome, reason: Option<&str>) -> Self {
        let replayed = reason.is_some_and(|reason| REPLAYS.contains(&reason));
        if action == "anomaly.raise" || replayed {
            Self::High
        } else if NOTABLE.contains(&action) {
            Self::Medium
        } else if outcome == Outcome::Denied {
            Self::Low
        } else {
            Self::Info
        }
    }

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What kind of caller it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A human.
    User,
    /// A service, a job, a workload.
    Machine,
    /// An AI client.
    Agent,
    /// An OAuth client of which no more is known.
    Client,
    /// Somebody with access to the control plane's machine.
    Operator,
    /// Nobody known.
    Anonymous,
    /// The control plane itself.
    System,
}

impl ActorKind {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Machine => "machine",
            Self::Agent => "agent",
            Self::Client => "client",
            Self::Operator => "operator",
            Self::Anonymous => "anonymous",
            Self::System => "system",
        }
    }

    /// The kind of that word; none for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::User,
            Self::Machine,
            Self::Agent,
            Self::Client,
            Self::Operator,
            Self::Anonymous,
            Self::System,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }
}

/// Who did it or asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The kind.
    pub kind: ActorKind,
    /// The id, where the kind has one: a user's `sub`, a `client_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the kind alone does not tell: whether a client is a machine or an agent.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub of_type: Option<String>,
}

impl Actor {
    /// From the words of an audit record: `kind` or `kind:id`. What is not known is somebody unknown, with the text as
    /// their id.
    pub fn from_words(words: &str) -> Self {
        let (kind, id) = match words.split_once(':') {
            Some((kind, id)) => (kind, Some(id.to_owned())),
            None => (words, None),
        };
        match ActorKind::from_word(kind) {
            Some(kind) => Self::of(kind, id),
            None => Self::of(ActorKind::Anonymous, Some(words.to_owned())),
        }
    }

    /// One of this kind.
    pub const fn of(kind: ActorKind, id: Option<String>) -> Self {
        Self {
            kind,
            id,
            of_type: None,
        }
    }

    /// The words of an audit record again: `kind` or `kind:id`.
    pub fn words(&self) -> String {
        match &self.id {
            Some(id) => format!("{}:{id}", self.kind.as_str()),
            None => self.kind.as_str().to_owned(),
        }
    }

    /// The type where it is known, and the kind otherwise.
    pub fn known(&self) -> ActorKind {
        let known = self.of_type.as_deref().and_then(ActorKind::from_word);
        known.unwrap_or(self.kind)
    }
}

/// The client and the session through which a user acts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Through {
    /// The client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// The gate that decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The client that it is registered as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which of its processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// A record. It never holds a secret: what it is made from does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Which document this is.
    #[serde(default)]
    pub schema: Schema,
    /// The same for the same record however often it is sent, and for no other one.
    pub id: String,
    /// The stream it belongs to.
    pub stream: Stream,
    /// Its number in its source: the audit log, or the decisions of its stream.
    pub number: i64,
    /// When, to the millisecond.
    #[serde(with = "moment")]
    pub time: Timestamp,
    /// The control plane that tells of it.
    pub issuer: String,
    /// What, as `noun.verb`.
    pub action: String,
    /// How it went.
    pub outcome: Outcome,
    /// Why, as a stable reason code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How much it matters.
    pub severity: Severity,
    /// Who.
    pub actor: Actor,
    /// Through which client and session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Through>,
    /// The user it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The client it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The session it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What else it was about, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The caller's network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The trace id of the request: 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The kind of credential that was presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The request's method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The template of the route, never the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The version of the policies that were believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<i64>,
    /// The ids of the policies that decided, with commas between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<String>,
    /// The status of the gate's own answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `http` or `websocket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// The id (`jti`) of the token that was presented, which is no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The gate that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// How many such acts it tells of.
    pub count: u64,
    /// The record's hash in the audit chain, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

impl Event {
    /// What `sealgate sink test` sends: a record like any other, of an act that changed nothing. `id` tells one test
    /// from the next.
    pub fn test(id: &str, issuer: &str, time: Timestamp) -> Self {
        Self {
            schema: Schema::One,
            id: format!("test:{id}"),
            stream: Stream::Acts,
            number: 0,
            time,
            issuer: issuer.to_owned(),
            action: "sink.test".to_owned(),
            outcome: Outcome::Allowed,
            reason: None,
            severity: Severity::Info,
            actor: Actor::of(ActorKind::System, None),
            through: None,
            user: None,
            client: None,
            session: None,
            object: None,
            network: None,
            trace: None,
            credential: None,
            method: None,
            route: None,
            policy_version: None,
            policies: None,
            status: None,
            transport: None,
            token: None,
            gate: None,
            count: 1,
            hash: None,
        }
    }

    /// The record in one line for people: no control or hidden characters are in it.
    pub fn sentence(&self) -> String {
        let mut said = String::with_capacity(128);
        said.push_str(self.actor.known().as_str());
        if let Some(id) = &self.actor.id {
            said.push(' ');
            said.push_str(id);
        }
        said.push_str(": ");
        said.push_str(&self.action);
        if let Some(route) = &self.route {
            said.push(' ');
            said.push_str(self.method.as_deref().unwrap_or_default());
            said.push(' ');
            said.push_str(route);
        }
        said.push(' ');
        said.push_str(self.outcome.as_str());
        if let Some(reason) = &self.reason {
            said.push_str(" (");
            said.push_str(reason);
            said.push(')');
        }
        if self.count > 1 {
            said.push_str(", ");
            said.push_str(&self.count.to_string());
            said.push_str(" times");
        }
        let through = self.through.as_ref();
        for (word, value) in [
            (
                "through",
                through.and_then(|through| through.client.as_ref()),
            ),
            ("user", self.user.as_ref()),
            ("client", self.client.as_ref()),
            ("session", self.session.as_ref()),
            ("object", self.object.as_ref()),
            ("from", self.network.as_ref()),
        ] {
            if let Some(value) = value {
                said.push_str(", ");
                said.push_str(word);
                said.push(' ');
                said.push_str(value);
            }
        }
        text::visible(&said)
    }
}

/// Times as RFC 3339 writes them, in UTC, to the millisecond.
mod moment {
    use sealgate_model::Timestamp;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub(super) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::text::time(*at))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
        Ok(Timestamp::from_millis(at.as_millisecond()))
    }
}
