use async_trait::async_trait;
use sealgate_model::UserId;
use sealgate_store::{
    Audit, Client, IdentityIssuer, IdentityLink, IssuerStore, StoreError, Vouched, VouchedFor,
};

use super::{DOWN, Switched, UNKNOWN};

macro_rules! pass {
    ($self:ident, read $call:expr) => {{
        $self.lost(DOWN)?;
        $call.await
    }};
    ($self:ident, write $call:expr) => {{
        $self.lost(DOWN)?;
        $self.meanwhile().await?;
        let done = $call.await;
        $self.lost(UNKNOWN)?;
        done
    }};
}

#[async_trait]
impl IssuerStore for Switched {
    async fn identity_issuer_create(
        &self,
        issuer: IdentityIssuer,
        audit: Audit,
    ) -> Result<(), StoreError> {
        pass!(self, write self.inner.identity_issuer_create(issuer, audit))
    }

    async fn identity_issuer(&self, issuer: &str) -> Result<Option<IdentityIssuer>, StoreError> {
        pass!(self, read self.inner.identity_issuer(issuer))
    }

    async fn identity_issuers(&self) -> Result<Vec<IdentityIssuer>, StoreError> {
        pass!(self, read self.inner.identity_issuers())
    }

    async fn identity_issuer_enable(
        &self,
        issuer: &str,
        enabled: bool,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        pass!(self, write self.inner.identity_issuer_enable(issuer, enabled, audit))
    }

    async fn identity_issuer_remove(&self, issuer: &str, audit: Audit) -> Result<bool, StoreError> {
        pass!(self, write self.inner.identity_issuer_remove(issuer, audit))
    }

    async fn machines_known_to(&self, issuer: &str) -> Result<Vec<Client>, StoreError> {
        pass!(self, read self.inner.machines_known_to(issuer))
    }

    async fn identity_link_create(
        &self,
        link: IdentityLink,
        audit: Audit,
    ) -> Result<(), StoreError> {
        pass!(self, write self.inner.identity_link_create(link, audit))
    }

    async fn identity_link(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<IdentityLink>, StoreError> {
        pass!(self, read self.inner.identity_link(issuer, subject))
    }

    async fn identity_links(&self, issuer: &str) -> Result<Vec<IdentityLink>, StoreError> {
        pass!(self, read self.inner.identity_links(issuer))
    }

    async fn identity_link_remove(
        &self,
        issuer: &str,
        user: UserId,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        pass!(self, write self.inner.identity_link_remove(issuer, user, audit))
    }

    async fn session_vouch(
        &self,
        vouched: Vouched,
        audit: Audit,
    ) -> Result<VouchedFor, StoreError> {
        pass!(self, write self.inner.session_vouch(vouched, audit))
    }
}
