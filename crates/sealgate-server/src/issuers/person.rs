//! Which account an enterprise's provider speaks of.
//!
//! A subject is an account once and for all: by a link that an administrator made, or by the verified address of its
//! first assertion. Addresses are given to other people one day, subjects are not, so that afterwards the address counts
//! for nothing.

use sealgate_model::Timestamp;
use sealgate_oauth::OAuthError;
use sealgate_oauth::identity::{IdJag, VouchedClaims};
use sealgate_store::{IdentityIssuer, IdentityLink, UserRow, UserStatus};

use crate::ControlPlane;
use crate::oauth::refusal::unanswered;

/// Whom an assertion is about.
pub(crate) struct Person {
    /// The account.
    pub(crate) user: UserRow,
    /// The link by which it is theirs, kept or about to be.
    pub(crate) link: IdentityLink,
}

/// The account that `issuer` vouches for. Accounts are never made by this.
pub(crate) async fn person(
    plane: &ControlPlane,
    issuer: &IdentityIssuer,
    claims: &VouchedClaims,
    said: &IdJag,
    now: Timestamp,
) -> Result<Person, OAuthError> {
    let details = &issuer.details;
    // One issuer may speak for many enterprises: then each of its assertions says for which, and which of them is
    // trusted has been written down.
    let whole = |rule: &String| !rule.ends_with('*');
    let pinned = said.tenant.is_none() || details.claims.get("tenant").is_some_and(whole);
    let ours = details
        .tenant
        .as_ref()
        .map(|tenant| tenant.as_str().to_owned());
    let meant = said.audience_tenant.is_none() || said.audience_tenant == ours;
    if !pinned || !meant {
        return Err(OAuthError::IdentitySubject);
    }
    let known = plane
        .store
        .identity_link(&issuer.issuer, &claims.subject)
        .await;
    let user = match known.map_err(unanswered)? {
        Some(link) => plane.store.user(link.user).await.map_err(unanswered)?,
        None => by_address(plane, issuer, said).await?,
    };
    let user = user
        .filter(|user| user.tenant == details.tenant)
        .ok_or(OAuthError::IdentityUserUnknown)?;
    if user.status() != UserStatus::Active {
        return Err(OAuthError::UserDisabled);
    }
    let link = IdentityLink {
        issuer: issuer.issuer.clone(),
        subject: claims.subject.clone(),
        user: user.id,
        linked_at: now,
    };
    Ok(Person { user, link })
}

/// The account with the address that the provider has verified, in a domain that it may speak of.
async fn by_address(
    plane: &ControlPlane,
    issuer: &IdentityIssuer,
    said: &IdJag,
) -> Result<Option<UserRow>, OAuthError> {
    let Some(email) = &said.verified_email else {
        return Ok(None);
    };
    let domain = email.rsplit_once('@').map(|(_, domain)| domain);
    let domain = domain.map(str::to_ascii_lowercase);
    if !domain.is_some_and(|domain| issuer.details.domains.contains(&domain)) {
        return Ok(None);
    }
    let user = plane.store.user_by_email(email).await.map_err(unanswered)?;
    // Accounts are looked up leniently, for people who type. What was verified is this address, and not one that
    // only reads like it.
    Ok(user.filter(|user| user.email.eq_ignore_ascii_case(email)))
}
