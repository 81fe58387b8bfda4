//! A security event token (RFC 8417) as the Shared Signals Framework 1.0 profiles it (4.1).

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Event, SignalError, Subject};
use crate::Audience;
use crate::json::{self, JsonFault, JsonLimits};

const LIMITS: JsonLimits = JsonLimits {
    bytes: 64 * 1024,
    depth: 12,
    values: 2048,
};

/// Bytes of `iss`, of one audience, of `jti` and of `txn`, and how many audiences there may be.
const LONGEST: usize = 1024;
const AUDIENCES: usize = 16;

/// The claims of a security event token. [`Serialize`] writes what a transmitter signs, with the header
/// `typ` [`Set::TYPE`]; [`Deserialize`] reads strictly what a receiver has verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Who says it.
    pub iss: String,
    /// To whom.
    pub aud: Audience,
    /// When it was written, in seconds since 1970.
    pub iat: i64,
    /// Its id: a receiver knows a token that it is sent again by it.
    pub jti: String,
    /// What underlies it: events of one cause have the same.
    pub txn: Option<String>,
    /// Whom it is about.
    pub subject: Subject,
    /// What happened.
    pub event: Event,
}

impl Set {
    /// The type that the header states (RFC 8417, 2.3; SSF 1.0, 4.1.1).
    pub const TYPE: &'static str = "secevent+jwt";

    /// Reads claims as text, within limits; no name may stand twice.
    ///
    /// # Errors
    /// [`SignalError`], whichever applies first.
    pub fn parse(text: &[u8]) -> Result<Self, SignalError> {
        let value = json::parse(text, LIMITS).map_err(|fault| match fault {
            JsonFault::TooLarge => SignalError::TooLarge,
            JsonFault::Malformed => SignalError::Malformed("not JSON, or a name stands twice"),
        })?;
        Self::read(&value)
    }

    /// Reads claims out of JSON that has been read. A token without `sub_id` is taken if its event has a
    /// `subject`, as events of CAEP and RISC had it before; `sub_id` counts where both are there.
    ///
    /// # Errors
    /// [`SignalError`], whichever applies first.
    pub fn read(value: &Value) -> Result<Self, SignalError> {
        let claims = value
            .as_object()
            .ok_or(SignalError::Malformed("the claims are no object"))?;
        for forbidden in ["sub", "exp"] {
            if claims.contains_key(forbidden) {
                return Err(SignalError::Forbidden(forbidden));
            }
        }
        let (uri, members) = one_event(claims)?;
        let subject = match claims.get("sub_id") {
            Some(subject) => subject,
            None => members
                .get("subject")
                .ok_or(SignalError::Subject("there is none"))?,
        };
        Ok(Self {
            iss: text(claims, "iss")?,
            aud: audience(claims)?,
            iat: claims
                .get("iat")
                .and_then(Value::as_i64)
                .ok_or(SignalError::Malformed("iat is no whole number"))?,
            jti: text(claims, "jti")?,
            txn: if claims.contains_key("txn") {
                Some(text(claims, "txn")?)
            } else {
                None
            },
            subject: Subject::read(subject)?,
            event: Event::read(uri, members)?,
        })
    }

    /// The claims as JSON.
    pub fn to_json(&self) -> Value {
        let mut claims = json!({
            "iss": self.iss,
            "aud": self.aud,
            "iat": self.iat,
            "jti": self.jti,
            "sub_id": self.subject,
            "events": { self.event.uri(): self.event.members() },
        });
        if let Some(txn) = &self.txn {
            claims["txn"] = txn.as_str().into();
        }
        claims
    }
}

impl Serialize for Set {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(writer)
    }
}

impl<'de> Deserialize<'de> for Set {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let value = json::strict(reader, LIMITS)?;
        Self::read(&value).map_err(D::Error::custom)
    }
}

fn one_event(claims: &Map<String, Value>) -> Result<(&str, &Map<String, Value>), SignalError> {
    let events = claims.get("events").and_then(Value::as_object);
    let mut events = events.ok_or(SignalError::NotOneEvent)?.iter();
    match (events.next(), events.next()) {
        (Some((uri, members)), None) => {
            let members = members.as_object();
            let members = members.ok_or(SignalError::Malformed("an event is no object"))?;
            Ok((uri, members))
        }
        _ => Err(SignalError::NotOneEvent),
    }
}

fn sound(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && !text.contains(char::is_control)
}

fn text(claims: &Map<String, Value>, name: &'static str) -> Result<String, SignalError> {
    let text = claims.get(name).and_then(Value::as_str);
    text.filter(|text| sound(text))
        .map(str::to_owned)
        .ok_or(SignalError::Malformed(
            "iss, jti or txn is missing, too long or no text",
        ))
}

fn audience(claims: &Map<String, Value>) -> Result<Audience, SignalError> {
    let aud = claims.get("aud").map(Audience::deserialize);
    let fits = |aud: &Audience| {
        let all = aud.as_slice();
        (1..=AUDIENCES).contains(&all.len()) && all.iter().all(|one| sound(one))
    };
    aud.and_then(Result::ok)
        .filter(fits)
        .ok_or(SignalError::Malformed("aud is no audience"))
}
