//! The tokens: what they claim and how they are answered.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_jose::Algorithm;
use sealgate_model::{ClientId, GrantId, Secret, SessionId, TenantId, Timestamp, UserId};
use sealgate_oauth::{
    Act, ActorProfile, Audience, ClaimsRequest, Confirmation, MayAct, OAuthError, Thumbprint,
    TokenExchange,
};
use sealgate_store::{Audit, Client, GrantDetails, Session, UserRow};
use serde::{Deserialize, Serialize};

use super::refusal::faulty;
use super::user_claims::UserClaims;
use crate::status_list::{self, Claimant, StatusClaim};
use crate::{ControlPlane, machines};

/// The type of access tokens (RFC 9068, 2.1).
pub(super) const ACCESS_TYPE: &str = "at+jwt";
/// The type of ID tokens.
pub(super) const ID_TYPE: &str = "JWT";

/// The one authentication context class there is: the user typed their password.
pub(crate) const ACR_PASSWORD: &str = "urn:sealgate:acr:password";

/// The claims of an access token (RFC 9068, 2.2). Read back with exactly these types.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AccessClaims {
    pub(super) iss: String,
    /// The user's id, or the client's where no user stands behind the token. No client id reads as a
    /// user's.
    pub(super) sub: String,
    pub(super) aud: Audience,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) jti: String,
    pub(super) client_id: ClientId,
    pub(super) scope: String,
    #[serde(flatten)]
    pub(super) of_user: Option<OfUser>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<TenantId>,
    /// The clients that act for the user, the latest outside: where that is not only the user's own
    /// application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) act: Option<Act>,
    /// The delegations that it came by, the first one first: with each of them it ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) grants: Vec<GrantId>,
    /// The client that alone may exchange it; none: whoever serves what it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) may_act: Option<MayAct>,
    /// What kind of actor the client is where it acts for itself, if it is an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sub_profile: Option<ActorProfile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cnf: Option<Confirmation>,
    /// Where verifiers that follow no feed look up whether it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<StatusClaim>,
}

/// What an access token says of the user and the session it belongs to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OfUser {
    pub(super) sid: SessionId,
    pub(super) auth_time: i64,
    pub(super) acr: String,
    pub(super) amr: Vec<String>,
    pub(super) roles: Vec<String>,
}

/// The claims of an ID token (OpenID Connect Core, 2).
#[derive(Serialize)]
struct IdClaims<'a> {
    iss: &'a str,
    sub: UserId,
    aud: &'a ClientId,
    exp: i64,
    iat: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
    sid: SessionId,
    acr: &'a str,
    amr: &'a [String],
    #[serde(flatten)]
    user: UserClaims<'a>,
}

/// The answer of the token endpoint (RFC 6749, 5.1). It holds secrets: not `Debug`.
#[derive(Serialize)]
pub(super) struct TokenAnswer {
    access_token: String,
    /// Of an exchange (RFC 8693, 2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Seconds until the session can no longer be renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_expires_in: Option<u64>,
}

/// What one access token is for, whoever it is about.
pub(super) struct Issue<'a> {
    pub(super) client: &'a Client,
    /// The scopes of this access token: those granted, or fewer.
    pub(super) scopes: &'a [String],
    /// The resources of this access token: those granted, or fewer.
    pub(super) resources: &'a [String],
    /// The key it is bound to.
    pub(super) key: Option<&'a Thumbprint>,
    pub(super) now: Timestamp,
}

/// Whom tokens are about, and what goes with an access token.
pub(super) struct About<'a> {
    pub(super) session: &'a Session,
    pub(super) user: &'a UserRow,
    /// Only for the first ID token of a session (OpenID Connect Core, 12.2).
    pub(super) nonce: Option<&'a str>,
    pub(super) refresh: Option<&'a Secret>,
}

/// Whom a delegated token is about, and who acts.
pub(super) struct Delegation<'a> {
    pub(super) session: &'a Session,
    pub(super) user: &'a UserRow,
    pub(super) act: Act,
    /// The delegations by which they do, its own last.
    pub(super) grants: Vec<GrantId>,
    /// When what it was exchanged for ends, and so it does.
    pub(super) ends_at: Timestamp,
}

impl TokenAnswer {
    /// The same, where nothing can be renewed.
    pub(super) fn not_renewable(self) -> Self {
        Self {
            refresh_expires_in: None,
            ..self
        }
    }
}

impl Issue<'_> {
    /// Signs an access token for the client itself (RFC 6749, 4.4). It belongs to no session, so that the
    /// record is told its `jti`. It outlives neither a service account nor `until`, if that is given.
    pub(super) async fn sign_for_client(
        &self,
        plane: &ControlPlane,
        until: Option<Timestamp>,
        audit: &mut Audit,
    ) -> Result<TokenAnswer, OAuthError> {
        let end = end(plane, self.client, self.now);
        let expires_at = until.map_or(end, |until| end.min(until));
        let tenant = self.client.details.tenant.clone();
        let sub = self.client.id.as_str().to_owned();
        let mut access = self.access(plane, sub, expires_at, None, tenant);
        access.sub_profile = self.agent();
        let access_token = self.sign_access(plane, &mut access).await?;
        audit.object = Some(access.jti);
        Ok(TokenAnswer {
            access_token,
            issued_token_type: None,
            token_type: self.token_type(),
            expires_in: seconds(expires_at.since(self.now)),
            scope: access.scope,
            id_token: None,
            refresh_token: None,
            refresh_expires_in: None,
        })
    }

    /// Signs the tokens of a session. Nothing outlives the session.
    pub(super) async fn sign(
        &self,
        plane: &ControlPlane,
        about: &About<'_>,
    ) -> Result<TokenAnswer, OAuthError> {
        let About { session, user, .. } = about;
        let expires_at = end(plane, self.client, self.now).min(session.expires_at);
        let mut access = self.about_user(plane, session, user, expires_at);
        // Of an agent's tokens each says that it is one, from the first on.
        access.act = self
            .agent()
            .map(|profile| Act::new(self.client.id.clone(), profile, None))
            .transpose()?;
        let access_token = self.sign_access(plane, &mut access).await?;
        let algorithm = self.algorithm()?;
        let id_token = if self.scopes.iter().any(|scope| scope == "openid") {
            let requested = requested(&session.details)?;
            let claims = IdClaims {
                iss: plane.issuer.as_str(),
                sub: user.id,
                aud: &session.client,
                exp: access.exp,
                iat: access.iat,
                auth_time: session.auth_time.as_seconds(),
                nonce: about.nonce,
                at_hash: algorithm.half_hash(&access_token),
                sid: session.id,
                acr: acr(&session.details),
                amr: &session.methods,
                user: UserClaims::of(user, &session.details, self.scopes, &requested.id_token),
            };
            let signed = plane.keys.sign(algorithm, ID_TYPE, &claims);
            Some(signed.map_err(faulty)?)
        } else {
            None
        };
        Ok(TokenAnswer {
            access_token,
            issued_token_type: None,
            token_type: self.token_type(),
            expires_in: seconds(expires_at.since(self.now)),
            scope: access.scope,
            id_token,
            refresh_token: about.refresh.map(|secret| secret.expose().to_owned()),
            refresh_expires_in: Some(seconds(session.expires_at.since(self.now))),
        })
    }

    /// Signs an access token with which the client acts for a user (RFC 8693). It can be given up without
    /// ending the session, so that the record is told its `jti`.
    pub(super) async fn sign_delegated(
        &self,
        plane: &ControlPlane,
        delegation: Delegation<'_>,
        audit: &mut Audit,
    ) -> Result<TokenAnswer, OAuthError> {
        let Delegation { session, user, .. } = delegation;
        let last = session.expires_at.min(delegation.ends_at);
        let expires_at = end(plane, self.client, self.now).min(last);
        let mut access = self.about_user(plane, session, user, expires_at);
        access.act = Some(delegation.act);
        access.grants = delegation.grants;
        let access_token = self.sign_access(plane, &mut access).await?;
        audit.object = Some(access.jti);
        Ok(TokenAnswer {
            access_token,
            issued_token_type: Some(TokenExchange::ISSUED_TYPE),
            token_type: self.token_type(),
            expires_in: seconds(expires_at.since(self.now)),
            scope: access.scope,
            id_token: None,
            refresh_token: None,
            refresh_expires_in: None,
        })
    }

    /// The claims of an access token about a user.
    fn about_user(
        &self,
        plane: &ControlPlane,
        session: &Session,
        user: &UserRow,
        expires_at: Timestamp,
    ) -> AccessClaims {
        let of_user = OfUser {
            sid: session.id,
            auth_time: session.auth_time.as_seconds(),
            acr: acr(&session.details).to_owned(),
            amr: session.methods.clone(),
            roles: user.roles.clone(),
        };
        let tenant = session.details.tenant.clone();
        let sub = user.id.to_string();
        let mut access = self.access(plane, sub, expires_at, Some(of_user), tenant);
        // Of the client that the token is for, and not of those before it, so that it goes on with none.
        let named = self.client.details.may_act.clone();
        access.may_act = named.map(|sub| MayAct { sub });
        access
    }

    async fn sign_access(
        &self,
        plane: &ControlPlane,
        access: &mut AccessClaims,
    ) -> Result<String, OAuthError> {
        access.status = status_list::take(plane, self.resources, || claimant(access)).await?;
        let signed = plane.keys.sign(self.algorithm()?, ACCESS_TYPE, access);
        signed.map_err(faulty)
    }

    /// What the client is, where that has to be said.
    fn agent(&self) -> Option<ActorProfile> {
        let agent = self.client.details.agent;
        agent.then(|| ActorProfile::of(agent))
    }

    fn access(
        &self,
        plane: &ControlPlane,
        sub: String,
        expires_at: Timestamp,
        of_user: Option<OfUser>,
        tenant: Option<TenantId>,
    ) -> AccessClaims {
        AccessClaims {
            iss: plane.issuer.as_str().to_owned(),
            sub,
            aud: Audience::of(&plane.issuer, self.resources, self.scopes),
            exp: expires_at.as_seconds(),
            iat: self.now.as_seconds(),
            jti: URL_SAFE_NO_PAD.encode(plane.random.bytes::<16>()),
            client_id: self.client.id.clone(),
            scope: self.scopes.join(" "),
            of_user,
            tenant,
            act: None,
            grants: Vec::new(),
            may_act: None,
            sub_profile: None,
            cnf: self.key.map(|jkt| Confirmation { jkt: jkt.clone() }),
            status: None,
        }
    }

    fn algorithm(&self) -> Result<Algorithm, OAuthError> {
        algorithm(self.client)
    }

    fn token_type(&self) -> &'static str {
        if self.key.is_some() { "DPoP" } else { "Bearer" }
    }
}

/// When an access token of `client` ends that is issued now. None outlives the service account that it is for, or
/// lives longer than one of a service account may, however long others live.
pub(super) fn end(plane: &ControlPlane, client: &Client, now: Timestamp) -> Timestamp {
    let span = |seconds: u32| Duration::from_secs(u64::from(seconds));
    let lifetime = client
        .details
        .access_lifetime
        .map_or(plane.lifetimes.access, span);
    match client.ends_at() {
        Some(last) => last.min(now + lifetime.min(span(machines::LONGEST_TOKEN))),
        None => now + lifetime,
    }
}

/// What a token stands on, for a status list.
fn claimant(access: &AccessClaims) -> Claimant {
    let of_user = access.of_user.as_ref();
    let others = access.act.iter().flat_map(Act::chain);
    let others = others.filter(|client| **client != access.client_id);
    Claimant {
        jti: access.jti.clone(),
        client: access.client_id.clone(),
        acting: others.cloned().collect(),
        user: of_user.and_then(|_| access.sub.parse().ok()),
        session: of_user.map(|of_user| of_user.sid),
        tenant: access.tenant.clone(),
        grants: access.grants.clone(),
        issued_at: Timestamp::from_seconds(access.iat),
        expires_at: Timestamp::from_seconds(access.exp),
    }
}

/// The algorithm that signs what is said to a client.
pub(crate) fn algorithm(client: &Client) -> Result<Algorithm, OAuthError> {
    Algorithm::parse(&client.details.algorithm)
        .ok_or_else(|| faulty("a client is registered for an unknown algorithm"))
}

/// The context class of a session.
pub(super) fn acr(details: &GrantDetails) -> &str {
    details.acr.as_deref().unwrap_or(ACR_PASSWORD)
}

/// The `claims` that the session's authorization request named.
pub(super) fn requested(details: &GrantDetails) -> Result<ClaimsRequest, OAuthError> {
    match &details.claims {
        None => Ok(ClaimsRequest::default()),
        Some(kept) => ClaimsRequest::deserialize(kept).map_err(faulty),
    }
}

fn seconds(span: Duration) -> u64 {
    span.as_secs()
}
