//! Issuers of identities as JSON.

use std::collections::BTreeMap;

use sealgate_model::{ClientId, IssuerKind, TenantId, Timestamp, UserId};
use sealgate_store::{IdentityIssuer, IdentityLink};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::page::Limit;
use super::super::schemas::{
    ClientIdText, IssuerKindWord, KeySet, Millis, TenantIdText, UriText, UserIdText,
};

/// An issuer whose identities are to be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIssuer {
    /// Its name in tokens (`iss`), compared byte for byte: an https URL, or `spiffe://` and a trust domain.
    #[schema(min_length = 1, max_length = 512)]
    pub issuer: String,
    /// The name people know it by, 1 to 100 bytes.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What kind it is.
    #[schema(value_type = IssuerKindWord)]
    pub kind: IssuerKind,
    /// What its tokens name as audience. Absent: this control plane's issuer, which those about people name in any
    /// case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 512)]
    pub audience: Option<String>,
    /// Its public keys. Not together with `jwks_uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<KeySet>)]
    pub jwks: Option<Value>,
    /// Where its public keys are. With neither, its metadata says so (OpenID Connect Discovery).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<UriText>)]
    pub jwks_uri: Option<String>,
    /// The trust domain whose SPIFFE IDs it gives; of an issuer that is one, its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 255)]
    pub trust_domain: Option<String>,
    /// What each of its tokens must say, as rules for claims.
    #[serde(default)]
    pub claims: BTreeMap<String, String>,
    /// The domains of the e-mail addresses of the people it may vouch for.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub domains: Vec<String>,
    /// The tenant of the people it may vouch for. Absent: those of no tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TenantIdText>)]
    pub tenant: Option<TenantId>,
}

/// An issuer whose identities are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuerView {
    /// Its name in tokens.
    pub issuer: String,
    /// The name people know it by.
    pub name: String,
    /// What kind it is.
    #[schema(value_type = IssuerKindWord)]
    pub kind: IssuerKind,
    /// What its tokens name as audience.
    pub audience: String,
    /// Its public keys, if they are registered.
    #[schema(value_type = Option<KeySet>)]
    pub jwks: Option<Value>,
    /// Where its public keys are, if that is registered.
    pub jwks_uri: Option<String>,
    /// The trust domain whose SPIFFE IDs it gives.
    pub trust_domain: Option<String>,
    /// What each of its tokens must say.
    pub claims: BTreeMap<String, String>,
    /// The domains of the people it may vouch for.
    pub domains: Vec<String>,
    /// The tenant of the people it may vouch for.
    #[schema(value_type = Option<TenantIdText>)]
    pub tenant: Option<TenantId>,
    /// When it was added.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
    /// When it was disabled, if it is.
    #[schema(value_type = Option<Millis>)]
    pub disabled_at: Option<Timestamp>,
}

impl From<IdentityIssuer> for IssuerView {
    fn from(row: IdentityIssuer) -> Self {
        let details = row.details;
        Self {
            issuer: row.issuer,
            name: row.name,
            kind: row.kind,
            audience: details.audience,
            jwks: details.jwks,
            jwks_uri: details.jwks_uri,
            trust_domain: details.trust_domain,
            claims: details.claims,
            domains: details.domains,
            tenant: details.tenant,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
        }
    }
}

/// Which issuers to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListIssuers {
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false)]
    pub after: Option<String>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Issuers, by their names in tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issuers {
    /// At most `limit` issuers.
    pub issuers: Vec<IssuerView>,
    /// What to give as `after` for more; none at the end.
    pub next: Option<String>,
}

/// Which issuer.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichIssuer {
    /// Its name in tokens.
    pub issuer: String,
}

/// A token of an issuer, to be judged and not used.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TryIdentity {
    /// The token.
    #[schema(min_length = 1, max_length = 8192)]
    pub token: String,
}

impl std::fmt::Debug for TryIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TryIdentity")
    }
}

/// Who a token would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TriedIdentity {
    /// The machine that it would be.
    #[schema(value_type = Option<ClientIdText>)]
    pub machine: Option<ClientId>,
    /// The account that it would be.
    #[schema(value_type = Option<UserIdText>)]
    pub user: Option<UserId>,
    /// Why it would be nobody: the reason that a client would be told.
    pub reason: Option<String>,
    /// The same in words.
    pub said: Option<String>,
    /// What it says, once its signature, audience and times were found right.
    pub claims: Option<Value>,
    /// Each machine with an identity of this issuer, and what keeps this token from being it.
    pub candidates: Vec<Candidate>,
}

/// A machine that a token might have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// The machine.
    #[schema(value_type = ClientIdText)]
    pub machine: ClientId,
    /// The claims of its nearest identity that are not as it has them; none: it fits.
    pub differing: Vec<String>,
    /// Whether it is disabled or has expired.
    pub ended: bool,
}

/// Which account a subject of an issuer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIdentityLink {
    /// The subject: its `sub` in the issuer's tokens.
    #[schema(min_length = 1, max_length = 1024)]
    pub subject: String,
    /// The account.
    #[schema(value_type = UserIdText)]
    pub user: UserId,
}

/// An account that is known as a subject of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityLinkView {
    /// The subject.
    pub subject: String,
    /// The account.
    #[schema(value_type = UserIdText)]
    pub user: UserId,
    /// Since when.
    #[schema(value_type = Millis)]
    pub linked_at: Timestamp,
}

impl From<IdentityLink> for IdentityLinkView {
    fn from(link: IdentityLink) -> Self {
        Self {
            subject: link.subject,
            user: link.user,
            linked_at: link.linked_at,
        }
    }
}

/// Which of an issuer's links to list.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListIdentityLinks {
    /// The issuer.
    pub issuer: String,
    /// Only those after this subject: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false)]
    pub after: Option<String>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Accounts that an issuer has vouched for, by subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityLinks {
    /// At most `limit` of them.
    pub links: Vec<IdentityLinkView>,
    /// What to give as `after` for more; none at the end.
    pub next: Option<String>,
}

/// Which link.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichIdentityLink {
    /// The issuer.
    pub issuer: String,
    /// The account.
    #[param(value_type = UserIdText)]
    pub user: UserId,
}
