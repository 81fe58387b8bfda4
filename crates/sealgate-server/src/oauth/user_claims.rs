//! What is said of a user in ID tokens and by userinfo.

use sealgate_model::TenantId;
use sealgate_oauth::Claim;
use sealgate_store::{GrantDetails, UserRow};
use serde::Serialize;

/// What is said of a user: by scope (OpenID Connect Core, 5.4) or because the request named the claim
/// (5.5); roles and tenant always.
#[derive(Serialize)]
pub(super) struct UserClaims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    roles: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a TenantId>,
}

impl<'a> UserClaims<'a> {
    /// What `scopes` and the claims `requested` by name let be said of `user`, within the session whose
    /// `details` are given.
    pub(super) fn of(
        user: &'a UserRow,
        details: &'a GrantDetails,
        scopes: &[String],
        requested: &[Claim],
    ) -> Self {
        let given = |claim: Claim| {
            let by_scope = |wanted| scopes.iter().any(|scope| scope == wanted);
            requested.contains(&claim) || claim.scope().is_some_and(by_scope)
        };
        let name = Some(user.name.as_str()).filter(|name| given(Claim::Name) && !name.is_empty());
        Self {
            email: given(Claim::Email).then_some(user.email.as_str()),
            // An administrator vouches for every address: accounts are made by invitation.
            email_verified: given(Claim::EmailVerified).then_some(true),
            name,
            roles: &user.roles,
            tenant: details.tenant.as_ref(),
        }
    }
}
