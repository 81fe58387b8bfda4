//! Issuers whose identities are taken, and the people that they vouch for.

use std::collections::BTreeMap;

use sealgate_model::{IssuerKind, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::{Session, SignIn};

/// An issuer of identities that is trusted: a platform where machines run, or an enterprise's identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityIssuer {
    /// Its name in tokens (`iss`), compared byte for byte.
    pub issuer: String,
    /// The name that people know it by.
    pub name: String,
    /// What kind it is.
    pub kind: IssuerKind,
    /// How else it is registered.
    pub details: IssuerDetails,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was disabled, if it is: nothing of it is believed.
    pub disabled_at: Option<Timestamp>,
}

/// How an issuer is registered beside its name and kind. Kept as one JSON object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IssuerDetails {
    /// What its tokens have to name as audience.
    pub audience: String,
    /// Its public keys, as a JWK set.
    pub jwks: Option<serde_json::Value>,
    /// Where its public keys are. With neither, its metadata says so (OpenID Connect Discovery).
    pub jwks_uri: Option<String>,
    /// The trust domain whose SPIFFE IDs it gives.
    pub trust_domain: Option<String>,
    /// What each of its tokens must say, as rules for claims.
    pub claims: BTreeMap<String, String>,
    /// The domains of the e-mail addresses of the people it may vouch for, in lower case.
    pub domains: Vec<String>,
    /// The tenant of the people it may vouch for; none: those of no tenant.
    pub tenant: Option<TenantId>,
}

/// Which account a subject of an issuer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityLink {
    /// The issuer.
    pub issuer: String,
    /// Its `sub` for them.
    pub subject: String,
    /// Who it is here.
    pub user: UserId,
    /// Since when that is known.
    pub linked_at: Timestamp,
}

/// A session that an issuer vouches for, about to start.
#[derive(Debug, Clone)]
pub struct Vouched {
    /// Who it is, by whose word. Kept if it is not known yet.
    pub link: IdentityLink,
    /// The SHA-256 of the assertion's issuer and `jti`, and until when it has to be remembered.
    pub assertion: ([u8; 32], Timestamp),
    /// When the assertion was made: what was ended later ends it too.
    pub made_at: Timestamp,
    /// When the person proved who they are, as far as the issuer says: what ended the user's sign-ins later ends it
    /// too.
    pub proven_at: Timestamp,
    /// The session.
    pub session: Session,
    /// The sign-in that it belongs to, which no browser has.
    pub sign_in: SignIn,
}

/// What came of starting a session that an issuer vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VouchedFor {
    /// It has started.
    Started,
    /// The assertion was used before; nothing changed.
    Reused,
    /// The subject is another user, or the user another subject; nothing changed.
    Other,
    /// The issuer, the user or the client has ended, or what was vouched for was ended since; nothing changed.
    Ended,
}
