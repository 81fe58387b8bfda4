//! What a revocation is about, and its form in a message.

use sealgate_model::{ClientId, GrantId, SessionId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One session.
    Session(SessionId),
    /// What a user started at or before `not_before`.
    User {
        /// The user's `sub`.
        sub: String,
        /// The last moment that is revoked.
        not_before: Timestamp,
    },
    /// What was started on a client at or before `not_before`.
    Client {
        /// The client.
        client: ClientId,
        /// The last moment that is revoked.
        not_before: Timestamp,
    },
    /// Whatever a signing key has signed or will sign.
    Key {
        /// The key's id.
        kid: String,
    },
    /// One token, whatever became of the session or grant it came from.
    Token {
        /// The token's `jti`.
        jti: String,
    },
    /// What was started for a tenant at or before `not_before`.
    Tenant {
        /// The tenant.
        tenant: TenantId,
        /// The last moment that is revoked.
        not_before: Timestamp,
    },
    /// One delegation, and whatever was had by it (RFC 8693).
    Grant(GrantId),
    /// What is told of a user in credentials written at or before `not_before`: roles, say. Nothing ends; it
    /// has to be asked for anew before it is believed.
    UserClaims {
        /// The user's `sub`.
        sub: String,
        /// The last moment whose claims are not believed.
        not_before: Timestamp,
    },
    /// The same for what credentials of a client tell: the scopes it may have, say.
    ClientClaims {
        /// The client.
        client: ClientId,
        /// The last moment whose claims are not believed.
        not_before: Timestamp,
    },
    /// Bundles of policies that were made at or before `not_before`: gates decide by them no more, and fetch the
    /// one that counts. No credential ends.
    Policy {
        /// The last moment whose bundles do not count.
        not_before: Timestamp,
    },
    /// Whatever was started at or before `not_before`.
    All {
        /// The last moment that is revoked.
        not_before: Timestamp,
    },
}

/// One revocation, as the feed tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "EntryForm", into = "EntryForm")]
pub struct Entry {
    /// What is revoked.
    pub subject: Subject,
    /// From when on nothing that it revokes can still be alive, so that it may be forgotten.
    pub expires_at: Timestamp,
    /// Why, as a stable code for people's eyes; nothing is decided by it.
    pub reason: Option<String>,
}

/// The longest `sub` (OpenID Connect Core, 2), key id, token id or reason, in bytes.
const TEXT_LIMIT: usize = 255;
/// The largest integer that every JSON reader keeps exactly (RFC 8259, 6).
pub(crate) const INTEGER_LIMIT: u64 = (1 << 53) - 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryForm {
    subject: SubjectForm,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    not_before: Option<Timestamp>,
    expires_at: Timestamp,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    reason: Option<String>,
}

// `Policy` and `All` have braces because serde lets a tagged unit variant carry members nobody asked for.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum SubjectForm {
    Session { sid: SessionId },
    User { sub: String },
    Client { client_id: ClientId },
    Key { kid: String },
    Token { jti: String },
    Tenant { tenant: TenantId },
    Grant { grant_id: GrantId },
    UserClaims { sub: String },
    ClientClaims { client_id: ClientId },
    Policy {},
    All {},
}

/// Reads a member that may be absent but, when it is there, is not `null`.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

impl TryFrom<EntryForm> for Entry {
    type Error = &'static str;

    fn try_from(form: EntryForm) -> Result<Self, Self::Error> {
        let subject = match (form.subject, form.not_before) {
            (SubjectForm::Session { sid }, None) => Subject::Session(sid),
            (SubjectForm::Key { kid }, None) => Subject::Key { kid: checked(kid)? },
            (SubjectForm::Token { jti }, None) => Subject::Token { jti: checked(jti)? },
            (SubjectForm::User { sub }, Some(not_before)) => Subject::User {
                sub: checked(sub)?,
                not_before: in_range(not_before)?,
            },
            (SubjectForm::Client { client_id }, Some(not_before)) => Subject::Client {
                client: client_id,
                not_before: in_range(not_before)?,
            },
            (SubjectForm::Grant { grant_id }, None) => Subject::Grant(grant_id),
            (SubjectForm::Tenant { tenant }, Some(not_before)) => Subject::Tenant {
                tenant,
                not_before: in_range(not_before)?,
            },
            (SubjectForm::UserClaims { sub }, Some(not_before)) => Subject::UserClaims {
                sub: checked(sub)?,
                not_before: in_range(not_before)?,
            },
            (SubjectForm::ClientClaims { client_id }, Some(not_before)) => Subject::ClientClaims {
                client: client_id,
                not_before: in_range(not_before)?,
            },
            (SubjectForm::Policy {}, Some(not_before)) => Subject::Policy {
                not_before: in_range(not_before)?,
            },
            (SubjectForm::All {}, Some(not_before)) => Subject::All {
                not_before: in_range(not_before)?,
            },
            (
                SubjectForm::Session { .. }
                | SubjectForm::Key { .. }
                | SubjectForm::Token { .. }
                | SubjectForm::Grant { .. },
                Some(_),
            ) => {
                return Err("not_before has no meaning for a session, a key, a token or a grant");
            }
            (_, None) => return Err("not_before is missing"),
        };
        let reason = form.reason.map(checked).transpose()?;
        Ok(Self {
            subject,
            expires_at: in_range(form.expires_at)?,
            reason,
        })
    }
}

impl From<Entry> for EntryForm {
    fn from(entry: Entry) -> Self {
        let (subject, not_before) = match entry.subject {
            Subject::Session(sid) => (SubjectForm::Session { sid }, None),
            Subject::User { sub, not_before } => (SubjectForm::User { sub }, Some(not_before)),
            Subject::Client { client, not_before } => {
                (SubjectForm::Client { client_id: client }, Some(not_before))
            }
            Subject::Key { kid } => (SubjectForm::Key { kid }, None),
            Subject::Token { jti } => (SubjectForm::Token { jti }, None),
            Subject::Tenant { tenant, not_before } => {
                (SubjectForm::Tenant { tenant }, Some(not_before))
            }
            Subject::Grant(grant_id) => (SubjectForm::Grant { grant_id }, None),
            Subject::UserClaims { sub, not_before } => {
                (SubjectForm::UserClaims { sub }, Some(not_before))
            }
            Subject::ClientClaims { client, not_before } => (
                SubjectForm::ClientClaims { client_id: client },
                Some(not_before),
            ),
            Subject::Policy { not_before } => (SubjectForm::Policy {}, Some(not_before)),
            Subject::All { not_before } => (SubjectForm::All {}, Some(not_before)),
        };
        Self {
            subject,
            not_before,
            expires_at: entry.expires_at,
            reason: entry.reason,
        }
    }
}

fn checked(text: String) -> Result<String, &'static str> {
    if (1..=TEXT_LIMIT).contains(&text.len()) && !text.contains(char::is_control) {
        Ok(text)
    } else {
        Err("text is empty, over 255 bytes, or holds control characters")
    }
}

/// Refuses times before 1970 and times that another reader would round.
pub(crate) fn in_range(time: Timestamp) -> Result<Timestamp, &'static str> {
    match u64::try_from(time.as_millis()) {
        Ok(millis) if millis <= INTEGER_LIMIT => Ok(time),
        _ => Err("time is out of range"),
    }
}
