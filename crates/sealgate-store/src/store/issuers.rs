//! The memory of the issuers whose identities are taken.

use async_trait::async_trait;
use sealgate_model::UserId;

use crate::{Audit, Client, IdentityIssuer, IdentityLink, StoreError, Vouched, VouchedFor};

/// The memory of the issuers whose identities are taken: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait IssuerStore: Send + Sync + 'static {
    /// Adds an issuer. `Conflict("issuer")` if it is known.
    async fn identity_issuer_create(
        &self,
        issuer: IdentityIssuer,
        audit: Audit,
    ) -> Result<(), StoreError>;
    /// The issuer of this name.
    async fn identity_issuer(&self, issuer: &str) -> Result<Option<IdentityIssuer>, StoreError>;
    /// Every issuer, by its name in tokens.
    async fn identity_issuers(&self) -> Result<Vec<IdentityIssuer>, StoreError>;
    /// Disables an issuer, or enables it again. False if there is no such issuer.
    async fn identity_issuer_enable(
        &self,
        issuer: &str,
        enabled: bool,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Removes an issuer and forgets whom its subjects are. False if there is no such issuer.
    async fn identity_issuer_remove(&self, issuer: &str, audit: Audit) -> Result<bool, StoreError>;
    /// The service accounts that are not removed and have an identity of this issuer, by id.
    async fn machines_known_to(&self, issuer: &str) -> Result<Vec<Client>, StoreError>;

    /// Keeps which account a subject is. `Conflict("identity")` if the subject or the account is linked at this
    /// issuer already, `Invalid` if there is no such issuer or account.
    async fn identity_link_create(
        &self,
        link: IdentityLink,
        audit: Audit,
    ) -> Result<(), StoreError>;
    /// Which account a subject of an issuer is.
    async fn identity_link(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<IdentityLink>, StoreError>;
    /// Every subject of an issuer that is known, by subject.
    async fn identity_links(&self, issuer: &str) -> Result<Vec<IdentityLink>, StoreError>;
    /// Forgets which subject of an issuer an account is. False if none was known.
    async fn identity_link_remove(
        &self,
        issuer: &str,
        user: UserId,
        audit: Audit,
    ) -> Result<bool, StoreError>;

    /// Starts a session that an issuer vouches for: keeps the link if it is new, spends the assertion, and stores the
    /// sign-in and the session. Nothing is written unless it is [`VouchedFor::Started`].
    async fn session_vouch(&self, vouched: Vouched, audit: Audit)
    -> Result<VouchedFor, StoreError>;
}
