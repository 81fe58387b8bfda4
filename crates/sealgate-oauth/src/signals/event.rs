//! The events: those of CAEP 1.0 and RISC 1.0 that mean something to a control plane or a gate, and those
//! of streams themselves (SSF 1.0, 8.1.4 and 8.1.5). Any other is kept by its type alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::SignalError;

/// The event types' URIs.
pub mod uris {
    macro_rules! uris {
        ($($(#[$doc:meta])* $name:ident = $profile:literal, $event:literal;)*) => {
            $($(#[$doc])* pub const $name: &str =
                concat!("https://schemas.openid.net/secevent/", $profile, "/event-type/", $event);)*
        };
    }
    uris! {
        /// CAEP 1.0, 3.1.
        SESSION_REVOKED = "caep", "session-revoked";
        /// CAEP 1.0, 3.2.
        TOKEN_CLAIMS_CHANGE = "caep", "token-claims-change";
        /// CAEP 1.0, 3.3.
        CREDENTIAL_CHANGE = "caep", "credential-change";
        /// CAEP 1.0, 3.6.
        SESSION_ESTABLISHED = "caep", "session-established";
        /// RISC 1.0, 2.3.
        ACCOUNT_DISABLED = "risc", "account-disabled";
        /// RISC 1.0, 2.4.
        ACCOUNT_ENABLED = "risc", "account-enabled";
        /// RISC 1.0, 2.2.
        ACCOUNT_PURGED = "risc", "account-purged";
        /// RISC 1.0, 2.10, in favour of CAEP's `session-revoked` since.
        SESSIONS_REVOKED = "risc", "sessions-revoked";
        /// SSF 1.0, 8.1.4.1.
        VERIFICATION = "ssf", "verification";
        /// SSF 1.0, 8.1.5.
        STREAM_UPDATED = "ssf", "stream-updated";
    }
}

/// Bytes of one text of an event, and how many languages a reason may be told in.
const LONGEST: usize = 4096;
const LANGUAGES: usize = 32;

/// Who set off an event (CAEP 1.0, 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initiator {
    /// An administrator.
    Admin,
    /// The user.
    User,
    /// A policy that was evaluated.
    Policy,
    /// A system.
    System,
}

impl Initiator {
    /// Every value.
    pub const ALL: [Self; 4] = [Self::Admin, Self::User, Self::Policy, Self::System];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
            Self::Policy => "policy",
            Self::System => "system",
        }
    }
}

/// A message in several languages, by language tag (RFC 5646); at least one.
pub type Texts = BTreeMap<String, String>;

/// What may be told of any event of CAEP (CAEP 1.0, 2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// When it happened, in seconds since 1970.
    pub at: Option<i64>,
    /// Who set it off.
    pub initiator: Option<Initiator>,
    /// Why, for logs.
    pub reason_admin: Option<Texts>,
    /// Why, for the user.
    pub reason_user: Option<Texts>,
}

impl Circumstances {
    fn read(members: &Map<String, Value>) -> Result<Self, SignalError> {
        let initiator = match maybe_text(members, "initiating_entity")? {
            None => None,
            Some(word) => {
                let known = Initiator::ALL.into_iter().find(|one| one.as_str() == word);
                Some(known.ok_or(SignalError::Event("initiating_entity"))?)
            }
        };
        let at = match members.get("event_timestamp") {
            None => None,
            // Whole seconds; a fraction is dropped, as whoever compares would.
            Some(at) => Some(seconds(at).ok_or(SignalError::Event("event_timestamp"))?),
        };
        Ok(Self {
            at,
            initiator,
            reason_admin: texts(members, "reason_admin")?,
            reason_user: texts(members, "reason_user")?,
        })
    }

    fn write(&self, into: &mut Map<String, Value>) {
        if let Some(at) = self.at {
            into.insert("event_timestamp".to_owned(), at.into());
        }
        if let Some(initiator) = self.initiator {
            into.insert("initiating_entity".to_owned(), initiator.as_str().into());
        }
        for (name, texts) in [
            ("reason_admin", &self.reason_admin),
            ("reason_user", &self.reason_user),
        ] {
            if let Some(texts) = texts {
                into.insert(name.to_owned(), json!(texts));
            }
        }
    }
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The session that the subject names was revoked, or every one that fits it.
    SessionRevoked(Circumstances),
    /// Claims of the subject's tokens have other values.
    TokenClaimsChange {
        /// The claims with their new values; at least one.
        claims: Map<String, Value>,
        /// When, who, why.
        circumstances: Circumstances,
    },
    /// A credential of the subject was made, changed or taken away.
    CredentialChange {
        /// `password`, `fido2-roaming` …, or what sender and receiver agree upon.
        credential_type: String,
        /// `create`, `revoke`, `update` or `delete`.
        change_type: String,
        /// When, who, why.
        circumstances: Circumstances,
    },
    /// A session started.
    SessionEstablished {
        /// Its authentication context class.
        acr: Option<String>,
        /// The methods used.
        amr: Vec<String>,
        /// When, who, why.
        circumstances: Circumstances,
    },
    /// The account was disabled (RISC).
    AccountDisabled {
        /// `hijacking` or `bulk-account`, where that is why.
        reason: Option<String>,
    },
    /// The account was enabled (RISC).
    AccountEnabled,
    /// The account was deleted for good (RISC).
    AccountPurged,
    /// Every session of the account was revoked (RISC).
    SessionsRevoked,
    /// The stream works.
    Verification {
        /// What the receiver gave when it asked.
        state: Option<String>,
    },
    /// The transmitter changed the stream's status.
    StreamUpdated {
        /// `enabled`, `paused` or `disabled`.
        status: String,
        /// Why.
        reason: Option<String>,
    },
    /// One that is none of these, by its type; its members are not looked at.
    Other(String),
}

impl Event {
    /// The type's URI.
    pub fn uri(&self) -> &str {
        match self {
            Self::SessionRevoked(_) => uris::SESSION_REVOKED,
            Self::TokenClaimsChange { .. } => uris::TOKEN_CLAIMS_CHANGE,
            Self::CredentialChange { .. } => uris::CREDENTIAL_CHANGE,
            Self::SessionEstablished { .. } => uris::SESSION_ESTABLISHED,
            Self::AccountDisabled { .. } => uris::ACCOUNT_DISABLED,
            Self::AccountEnabled => uris::ACCOUNT_ENABLED,
            Self::AccountPurged => uris::ACCOUNT_PURGED,
            Self::SessionsRevoked => uris::SESSIONS_REVOKED,
            Self::Verification { .. } => uris::VERIFICATION,
            Self::StreamUpdated { .. } => uris::STREAM_UPDATED,
            Self::Other(uri) => uri,
        }
    }

    /// Reads the event of type `uri`.
    ///
    /// # Errors
    /// [`SignalError::Event`] if a member that is known is not as the type asks. Others are ignored (SSF
    /// 1.0, 4.2.3).
    pub fn read(uri: &str, members: &Map<String, Value>) -> Result<Self, SignalError> {
        let circumstances = || Circumstances::read(members);
        Ok(match uri {
            uris::SESSION_REVOKED => Self::SessionRevoked(circumstances()?),
            uris::TOKEN_CLAIMS_CHANGE => {
                let claims = members.get("claims").and_then(Value::as_object);
                let claims = claims.filter(|claims| !claims.is_empty());
                Self::TokenClaimsChange {
                    claims: claims.ok_or(SignalError::Event("claims"))?.clone(),
                    circumstances: circumstances()?,
                }
            }
            uris::CREDENTIAL_CHANGE => {
                let change_type = text(members, "change_type")?;
                if !["create", "revoke", "update", "delete"].contains(&change_type.as_str()) {
                    return Err(SignalError::Event("change_type"));
                }
                Self::CredentialChange {
                    credential_type: text(members, "credential_type")?,
                    change_type,
                    circumstances: circumstances()?,
                }
            }
            uris::SESSION_ESTABLISHED => Self::SessionEstablished {
                acr: maybe_text(members, "acr")?,
                amr: words(members, "amr")?,
                circumstances: circumstances()?,
            },
            uris::ACCOUNT_DISABLED => Self::AccountDisabled {
                reason: maybe_text(members, "reason")?,
            },
            uris::ACCOUNT_ENABLED => Self::AccountEnabled,
            uris::ACCOUNT_PURGED => Self::AccountPurged,
            uris::SESSIONS_REVOKED => Self::SessionsRevoked,
            uris::VERIFICATION => Self::Verification {
                state: maybe_text(members, "state")?,
            },
            uris::STREAM_UPDATED => {
                let status = text(members, "status")?;
                if !["enabled", "paused", "disabled"].contains(&status.as_str()) {
                    return Err(SignalError::Event("status"));
                }
                Self::StreamUpdated {
                    status,
                    reason: maybe_text(members, "reason")?,
                }
            }
            other => Self::Other(other.to_owned()),
        })
    }

    /// The event's members.
    pub fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| {
            members.insert(name.to_owned(), value);
        };
        match self {
            Self::SessionRevoked(circumstances) => circumstances.write(&mut members),
            Self::TokenClaimsChange {
                claims,
                circumstances,
            } => {
                put("claims", claims.clone().into());
                circumstances.write(&mut members);
            }
            Self::CredentialChange {
                credential_type,
                change_type,
                circumstances,
            } => {
                put("credential_type", credential_type.clone().into());
                put("change_type", change_type.clone().into());
                circumstances.write(&mut members);
            }
            Self::SessionEstablished {
                acr,
                amr,
                circumstances,
            } => {
                if let Some(acr) = acr {
                    put("acr", acr.clone().into());
                }
                if !amr.is_empty() {
                    put("amr", amr.clone().into());
                }
                circumstances.write(&mut members);
            }
            Self::AccountDisabled {
                reason: Some(reason),
            } => put("reason", reason.clone().into()),
            Self::Verification { state: Some(state) } => put("state", state.clone().into()),
            Self::StreamUpdated { status, reason } => {
                put("status", status.clone().into());
                if let Some(reason) = reason {
                    put("reason", reason.clone().into());
                }
            }
            Self::AccountDisabled { reason: None }
            | Self::AccountEnabled
            | Self::AccountPurged
            | Self::SessionsRevoked
            | Self::Verification { state: None }
            | Self::Other(_) => {}
        }
        members
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "out of range is checked before"
)]
fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        (number.abs() < 1e15).then(|| number.floor() as i64)
    })
}

fn sound(text: &str) -> bool {
    text.len() <= LONGEST
}

fn maybe_text(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, SignalError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if sound(text) => Ok(Some(text.clone())),
        Some(_) => Err(SignalError::Event(name)),
    }
}

fn text(members: &Map<String, Value>, name: &'static str) -> Result<String, SignalError> {
    maybe_text(members, name)?
        .filter(|text| !text.is_empty())
        .ok_or(SignalError::Event(name))
}

fn words(members: &Map<String, Value>, name: &'static str) -> Result<Vec<String>, SignalError> {
    let Some(list) = members.get(name) else {
        return Ok(Vec::new());
    };
    let list = list.as_array().filter(|list| list.len() <= LANGUAGES);
    let words = list.ok_or(SignalError::Event(name))?.iter().map(|word| {
        let word = word.as_str().filter(|word| sound(word));
        word.map(str::to_owned).ok_or(SignalError::Event(name))
    });
    words.collect()
}

fn texts(members: &Map<String, Value>, name: &'static str) -> Result<Option<Texts>, SignalError> {
    let Some(value) = members.get(name) else {
        return Ok(None);
    };
    let texts = value
        .as_object()
        .filter(|texts| (1..=LANGUAGES).contains(&texts.len()))
        .ok_or(SignalError::Event(name))?;
    let texts = texts.iter().map(|(tag, text)| {
        let text = text.as_str().filter(|text| sound(text));
        let text = text.filter(|_| (1..=64).contains(&tag.len()));
        Ok((
            tag.clone(),
            text.ok_or(SignalError::Event(name))?.to_owned(),
        ))
    });
    texts.collect::<Result<_, _>>().map(Some)
}
