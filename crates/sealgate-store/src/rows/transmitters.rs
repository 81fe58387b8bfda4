//! Transmitters of security events that are listened to, and what was heard from them.

use sealgate_model::{SecretHash, Timestamp, TransmitterId};

/// Somebody else's identity system, whose security events (RFC 8417) end trust here.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmitter {
    /// Its id here: part of the address that it pushes to.
    pub id: TransmitterId,
    /// The name that people know it by.
    pub name: String,
    /// The issuer of its events, compared byte for byte.
    pub issuer: String,
    /// Where it publishes the keys that it signs with.
    pub jwks_uri: String,
    /// What its events have to name as audience.
    pub audience: String,
    /// The domains of the e-mail addresses that it may speak of, in lower case. It is believed about nobody
    /// else.
    pub domains: Vec<String>,
    /// Whether it may disable accounts, and not only end sessions.
    pub may_disable: bool,
    /// The hash of the secret that it presents when it pushes, if it was given one.
    pub push_secret: Option<SecretHash>,
    /// Where it is asked for events, if it does not push (RFC 8936).
    pub poll: Option<Poll>,
    /// When it was added.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for Transmitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transmitter({}, {})", self.id, self.issuer)
    }
}

/// How a transmitter is asked for events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Where.
    pub url: String,
    /// The bearer token that is presented there, sealed under the master key.
    pub sealed_token: String,
}

/// What is known of one token in a status list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What revokes it, as claims of the token.
    pub details: ListedDetails,
    /// When it was issued, in whole seconds.
    pub issued_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// What a listed token stands on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedDetails {
    /// Its own id.
    pub jti: String,
    /// The client it was given to.
    pub client: sealgate_model::ClientId,
    /// The clients that act for its user beside that one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acting: Vec<sealgate_model::ClientId>,
    /// Its user, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<sealgate_model::UserId>,
    /// Its session, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<sealgate_model::SessionId>,
    /// Its tenant, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<sealgate_model::TenantId>,
    /// The delegations it stands on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<sealgate_model::GrantId>,
}

/// A place in a status list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedPlace {
    /// The list's number, from 0.
    pub list: u64,
    /// Which bit of it, from 0.
    pub idx: u32,
}

impl ListedPlace {
    /// How many places a list has.
    pub const SIZE: u32 = 1 << 17;
    /// How many of them are given: half, so that a random one is soon found free.
    pub const GIVEN: u32 = 1 << 16;
}
