//! Identities that other issuers vouch for: from an assertion to the machine or the person that it is about.
//!
//! The rules are in `sealgate-oauth`; here they meet the store, the keys of issuers and the clock. Who has no
//! registered issuer, or fits no machine or more than one, is nobody.

mod keys;
mod machine;
mod person;

pub(crate) use keys::{Source, for_svids, is_bundle, keys_in_metadata, metadata_url, usable};
pub(crate) use machine::{check_identities, judge, the_one};
pub(crate) use person::{Person, person};

use sealgate_jose::{Expect, JoseError, Verified};
use sealgate_model::Timestamp;
use sealgate_oauth::OAuthError;
use sealgate_oauth::identity::{
    self, BUNDLE_SCHEME, Claimed, IdJag, VouchedClaims, check_subject, trust_domain_of,
};
use sealgate_store::IdentityIssuer;

use crate::ControlPlane;
use crate::oauth::refusal::unanswered;

/// The issuer that an assertion says to be from, if it is trusted. Nothing of the assertion is verified by this.
pub(crate) async fn claimed(
    plane: &ControlPlane,
    assertion: &str,
) -> Result<IdentityIssuer, OAuthError> {
    let claimed = Claimed::of(assertion)?;
    let name = match claimed.issuer {
        Some(name) => name,
        // A JWT-SVID need not name an issuer: its subject names the trust domain.
        None => trust_domain_of(&claimed.subject)
            .map(|domain| format!("{BUNDLE_SCHEME}{domain}"))
            .ok_or(OAuthError::IdentityMalformed)?,
    };
    let issuer = plane.store.identity_issuer(&name).await;
    let issuer = issuer.map_err(unanswered)?;
    issuer
        .filter(|issuer| issuer.disabled_at.is_none())
        .ok_or(OAuthError::IdentityIssuerUnknown)
}

/// What `issuer` says by an assertion, if it is its own, for this server, and of now.
pub(crate) async fn verify(
    plane: &ControlPlane,
    issuer: &IdentityIssuer,
    assertion: &str,
    now: Timestamp,
) -> Result<VouchedClaims, OAuthError> {
    let verified = signed(plane, issuer, assertion).await?;
    let (kind, details) = (issuer.kind, &issuer.details);
    if !identity::may_sign(kind, verified.algorithm.name()) {
        return Err(OAuthError::IdentityUnverified);
    }
    let claims = VouchedClaims::read(&verified.payload)?;
    let is_its_own = match &claims.issuer {
        Some(name) => *name == issuer.issuer,
        None => is_bundle(issuer),
    };
    if !is_its_own {
        return Err(OAuthError::IdentityIssuerUnknown);
    }
    let is_for_us = if kind.is_about_people() {
        IdJag::is_meant_for(&claims.audience, &plane.issuer)
    } else {
        claims.audience.contains(&details.audience)
    };
    if !is_for_us {
        return Err(OAuthError::IdentityAudience);
    }
    claims.check_times(identity::longest_life(kind), now)?;
    let domain = details.trust_domain.as_deref();
    check_subject(kind, domain, &details.claims, &claims)?;
    Ok(claims)
}

/// The assertion with its signature verified, with one of the issuer's keys or one that it has published since.
async fn signed(
    plane: &ControlPlane,
    issuer: &IdentityIssuer,
    assertion: &str,
) -> Result<Verified, OAuthError> {
    let expect = Expect {
        types: identity::types(issuer.kind),
        type_optional: identity::is_type_optional(issuer.kind),
        kid_optional: false,
        limit: identity::LONGEST,
    };
    let keys = keys::of(plane, issuer, false).await?;
    let verified = match keys.verify_as(assertion, &expect) {
        Err(JoseError::UnknownKey) => {
            let newer = keys::of(plane, issuer, true).await?;
            newer.verify_as(assertion, &expect)
        }
        verified => verified,
    };
    verified.map_err(|_| OAuthError::IdentityUnverified)
}

/// Whose word it was and about whom, for the record.
pub(crate) fn whose_word(issuer: &IdentityIssuer, claims: &VouchedClaims) -> String {
    format!("{} {}", issuer.issuer, claims.subject)
}
