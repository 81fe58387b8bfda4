//! The JWT bearer grant (RFC 7523, 2.1): a token for whom another issuer vouches.
//!
//! A machine shows what its platform says of it, and needs no credentials of its own: the assertion says who it is.
//! A client that acts for a person shows what the person's enterprise says, and proves who it is itself beside.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sealgate_model::{Grant, Timestamp};
use sealgate_oauth::identity::VouchedClaims;
use sealgate_oauth::{ErrorCode, JwtBearer, OAuthError, Params, Thumbprint};
use sealgate_store::{Audit, AuditActor, Client, CredentialType, IdentityIssuer};

use super::client_credentials;
use super::token::Issuing;
use super::tokens::TokenAnswer;
use crate::caller::{Caller, kind_of};
use crate::{ControlPlane, issuers};

mod person;

/// By whose word a machine gets a token, and until when at most.
pub(super) struct Word {
    /// The issuer and the subject, for the record.
    pub(super) whose: String,
    /// When the assertion ends.
    pub(super) until: Timestamp,
    /// The key that the issuer bound it to.
    key: Option<Thumbprint>,
}

/// Whether a request is one for this grant without anything by which a client proves who it is. A `client_id`
/// alone proves nothing.
pub(super) fn comes_alone(headers: &HeaderMap, params: &Params) -> bool {
    const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];
    params.get("grant_type") == Some(Grant::JwtBearer.as_str())
        && !headers.contains_key(AUTHORIZATION)
        && CREDENTIALS.iter().all(|name| params.get(name).is_none())
}

/// The machine that a request without client authentication is from. Failures count as those of client
/// authentication do.
pub(super) async fn identify(
    plane: &ControlPlane,
    caller: &Caller,
    asked: &JwtBearer,
    named: Option<&str>,
    audit: &mut Audit,
) -> Result<(Client, Word), OAuthError> {
    audit.credential = Some(CredentialType::Assertion);
    let identified = machine(plane, asked, named, audit).await;
    if matches!(&identified, Err(error) if is_failure(*error)) {
        let network = caller
            .network()
            .filter(|_| plane.throttle.tells_networks_apart());
        let (name, now) = (named.unwrap_or_default(), plane.clock.uptime());
        if plane.client_throttle.fail(name, network, now).is_err() {
            return Err(OAuthError::ClientThrottled);
        }
    }
    let (client, word) = identified?;
    audit.actor = AuditActor::Client(client.id.clone());
    audit.actor_type = Some(kind_of(&client));
    audit.client = Some(client.id.clone());
    Ok((client, word))
}

/// Whether an error says that the assertion gives nothing, rather than that nobody could tell.
fn is_failure(error: OAuthError) -> bool {
    matches!(
        error.error(),
        ErrorCode::InvalidGrant | ErrorCode::InvalidClient
    )
}

async fn machine(
    plane: &ControlPlane,
    asked: &JwtBearer,
    named: Option<&str>,
    audit: &mut Audit,
) -> Result<(Client, Word), OAuthError> {
    let assertion = asked.assertion.expose();
    let issuer = issuers::claimed(plane, assertion).await?;
    if issuer.kind.is_about_people() {
        // Who acts for a person proves who it is.
        return Err(OAuthError::ClientUnauthenticated);
    }
    let claims = issuers::verify(plane, &issuer, assertion, audit.at).await?;
    known(plane, &issuer, &claims, named, audit).await
}

/// The machine of verified claims, which is the client that the request names, if it names one.
async fn known(
    plane: &ControlPlane,
    issuer: &IdentityIssuer,
    claims: &VouchedClaims,
    named: Option<&str>,
    audit: &mut Audit,
) -> Result<(Client, Word), OAuthError> {
    let whose = issuers::whose_word(issuer, claims);
    audit.object = Some(whose.clone());
    let judged = issuers::judge(plane, issuer, claims).await?;
    let client = issuers::the_one(judged, audit.at)?;
    if named.is_some_and(|named| named != client.id.as_str()) {
        return Err(OAuthError::IdentityClient);
    }
    let until = claims.expires_at;
    if until <= audit.at {
        // Nothing outlives the assertion, so that of one past its end nothing would be left.
        return Err(OAuthError::IdentityExpired);
    }
    let key = claims.key()?;
    Ok((client, Word { whose, until, key }))
}

/// A token for the machine that was identified.
pub(super) async fn of_machine(
    issuing: &Issuing<'_>,
    asked: &JwtBearer,
    word: &Word,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    check_key(issuing, word.key.as_ref())?;
    let scopes = asked.scopes.as_ref();
    client_credentials::grant_on(issuing, scopes, &asked.resources, Some(word), audit).await
}

/// What is bound to a key is good with a proof of that key, and for nobody else.
fn check_key(issuing: &Issuing<'_>, bound: Option<&Thumbprint>) -> Result<(), OAuthError> {
    if bound.is_none() || bound.map(Thumbprint::as_str) == issuing.key().map(Thumbprint::as_str) {
        Ok(())
    } else {
        Err(OAuthError::IdentityKeyUnproven)
    }
}

/// A token for a client that has proven who it is: for the person whom an enterprise vouches for, or for itself as
/// the machine that a platform vouches for.
pub(super) async fn redeem(
    issuing: &Issuing<'_>,
    asked: &JwtBearer,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    let Issuing { plane, client, .. } = *issuing;
    let assertion = asked.assertion.expose();
    let issuer = issuers::claimed(plane, assertion).await?;
    let claims = issuers::verify(plane, &issuer, assertion, audit.at).await?;
    if issuer.kind.is_about_people() {
        return person::grant(issuing, &issuer, &claims, asked, audit).await;
    }
    let named = Some(client.id.as_str());
    let (_, word) = known(plane, &issuer, &claims, named, audit).await?;
    of_machine(issuing, asked, &word, audit).await
}
