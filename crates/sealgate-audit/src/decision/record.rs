//! One decision, as a record of it tells it.

use sealgate_model::Timestamp;

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// It went on to the application.
    Allowed,
    /// It was refused, by the gate or by a check that the handler asked for.
    Refused,
    /// A stream or WebSocket was ended before its time.
    Ended,
    /// The application's answer was withheld: no decision stood behind it.
    Withheld,
}

impl Outcome {
    /// All of them, in the order of their numbers on the wire.
    pub const ALL: [Self; 4] = [Self::Allowed, Self::Refused, Self::Ended, Self::Withheld];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Ended => "ended",
            Self::Withheld => "withheld",
        }
    }

    /// The outcome that `word` names.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// The stream that records of it belong to.
    pub const fn stream(self) -> Stream {
        match self {
            Self::Allowed => Stream::Allowed,
            Self::Refused | Self::Ended | Self::Withheld => Stream::Denied,
        }
    }

    pub(super) fn number(self) -> u64 {
        self as u64
    }

    pub(super) fn of_number(number: u64) -> Option<Self> {
        let index = usize::try_from(number).ok()?;
        Self::ALL.get(index).copied()
    }
}

/// The two streams that are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// What went on. It may be sampled.
    Allowed,
    /// What did not. It never is.
    Denied,
}

impl Stream {
    /// Both, in the order of their numbers on the wire.
    pub const ALL: [Self; 2] = [Self::Allowed, Self::Denied];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }

    /// The stream that `word` names.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Its number on the wire and in the log.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The stream of this number.
    pub const fn of_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Allowed),
            1 => Some(Self::Denied),
            _ => None,
        }
    }
}

/// The id of a trace (W3C Trace Context), or sixteen zeros for none.
pub type Trace = [u8; 16];

/// A record of one decision, or of several that are alike. None of it is a secret; neither the path with its
/// parameters nor the query nor any header is among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided<'a> {
    /// When it fell; the first of several.
    pub at: Timestamp,
    /// When the last of several fell; else the same.
    pub last: Timestamp,
    /// How many there are: more than one only where there was no room for each.
    pub count: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// The stable reason code; none for what is allowed as a rule.
    pub reason: Option<&'a str>,
    /// The status of the gate's own answer, if it gave one.
    pub status: Option<u16>,
    /// `user`, `machine` or `agent`.
    pub actor_kind: Option<&'a str>,
    /// The actor's id.
    pub actor: Option<&'a str>,
    /// The user for whom an agent acted.
    pub user: Option<&'a str>,
    /// The client that the credential was given to.
    pub client: Option<&'a str>,
    /// `session`, `bearer` or `dpop`.
    pub credential: Option<&'a str>,
    /// The id of the session.
    pub session: Option<&'a str>,
    /// The token's own id (`jti`).
    pub token: Option<&'a str>,
    /// The route's path with the names of its parameters.
    pub route: Option<&'a str>,
    /// The method; `other` if it is none of the usual ones.
    pub method: Option<&'a str>,
    /// `http` or `websocket`.
    pub transport: Option<&'a str>,
    /// The version of the policy that was in force.
    pub policy: Option<&'a str>,
    /// The ids of the policies that decided, with commas between them.
    pub deciding: Option<&'a str>,
    /// Where the request came from: an address or a network, as the gate's setting has it.
    pub network: Option<&'a str>,
    /// The trace that it belongs to.
    pub trace: Option<Trace>,
}

impl<'a> Decided<'a> {
    /// A record of one decision that tells nothing else yet.
    pub const fn new(at: Timestamp, outcome: Outcome) -> Self {
        Self {
            at,
            last: at,
            count: 1,
            outcome,
            reason: None,
            status: None,
            actor_kind: None,
            actor: None,
            user: None,
            client: None,
            credential: None,
            session: None,
            token: None,
            route: None,
            method: None,
            transport: None,
            policy: None,
            deciding: None,
            network: None,
            trace: None,
        }
    }

    /// Its texts, in the order of their columns.
    pub(super) const fn texts(&self) -> [Option<&'a str>; TEXTS] {
        [
            self.reason,
            self.actor_kind,
            self.actor,
            self.user,
            self.client,
            self.credential,
            self.session,
            self.token,
            self.route,
            self.method,
            self.transport,
            self.policy,
            self.deciding,
            self.network,
        ]
    }

    /// Takes its texts from their columns.
    pub(super) const fn with_texts(mut self, texts: [Option<&'a str>; TEXTS]) -> Self {
        [
            self.reason,
            self.actor_kind,
            self.actor,
            self.user,
            self.client,
            self.credential,
            self.session,
            self.token,
            self.route,
            self.method,
            self.transport,
            self.policy,
            self.deciding,
            self.network,
        ] = texts;
        self
    }

    /// The trace as 32 hexadecimal digits.
    pub fn trace_text(&self) -> Option<String> {
        use std::fmt::Write as _;
        let trace = self.trace?;
        let mut text = String::with_capacity(32);
        for byte in trace {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Some(text)
    }
}

/// How many texts a record has.
pub(super) const TEXTS: usize = 14;
