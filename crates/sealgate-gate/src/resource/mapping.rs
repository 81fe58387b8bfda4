//! How issuers write their access tokens: Sealgate's own, by RFC 9068 (2.2), in exactly these types.

use sealgate_jose::object::{present, present_object};
use sealgate_jose::{Expect, TOKEN_LIMIT, Verified};
use sealgate_model::{GrantId, TenantId, Timestamp};
use sealgate_oauth::Scopes;
use serde::Deserialize;

use super::claims::{Acting, ClaimsMap, Subject, TokenClaims};
use crate::audience::Audience;
use crate::issuer::Preset;

/// The longest `sub` (OpenID Connect Core 1.0, 2), `client_id` or `jti`, in bytes.
const TEXT_LIMIT: usize = 255;
/// The most roles of one actor.
const ROLES_LIMIT: usize = 256;
/// How many may stand one behind the other between the subject and the caller, each by a delegation.
const ACTING_LIMIT: usize = 4;
/// The `sub_profile` of an AI client.
const AGENT: &str = "ai_agent";

/// Sealgate's own access tokens.
pub(crate) struct Sealgate;

/// How an issuer like this writes its access tokens; nothing where they are nothing that could be verified.
pub(crate) fn of(preset: &'static Preset) -> Option<&'static dyn ClaimsMap> {
    if preset.has_feed {
        return Some(&Sealgate);
    }
    let tokens = preset.access_tokens.as_ref()?;
    Some(tokens)
}

/// A member that is there has its type: `null` is none.
#[derive(Deserialize)]
struct Raw {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    jti: String,
    client_id: String,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    scope: Option<String>,
    #[serde(default, deserialize_with = "present")]
    sid: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default, deserialize_with = "present")]
    tenant: Option<TenantId>,
    #[serde(default, deserialize_with = "present")]
    grants: Option<Vec<GrantId>>,
    #[serde(default, deserialize_with = "present")]
    acr: Option<String>,
    #[serde(default, deserialize_with = "present")]
    auth_time: Option<i64>,
    #[serde(default, deserialize_with = "present_object")]
    cnf: Option<Confirmation>,
    #[serde(default, deserialize_with = "present")]
    sub_profile: Option<String>,
    #[serde(default, deserialize_with = "present_object")]
    act: Option<Link>,
}

/// What the token is bound to (RFC 7800). Another way than a key's thumbprint cannot be checked here, and
/// what cannot be checked is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    jkt: String,
}

/// Who acts for the subject, and through whom (RFC 8693, 4.1).
#[derive(Deserialize)]
struct Link {
    sub: String,
    #[serde(default, deserialize_with = "present")]
    sub_profile: Option<String>,
    #[serde(default, deserialize_with = "present_object")]
    act: Option<Box<Self>>,
}

impl ClaimsMap for Sealgate {
    /// No other token of the issuer's is taken for an access token (RFC 9068, 2.1).
    fn expect(&self) -> Expect<'_> {
        Expect {
            types: &["at+jwt"],
            type_optional: false,
            kid_optional: false,
            limit: TOKEN_LIMIT,
        }
    }

    fn read(&self, verified: &Verified) -> Result<TokenClaims, &'static str> {
        let raw: Raw = verified
            .claims()
            .map_err(|_| "a claim is missing or not of its type")?;
        if ![&raw.sub, &raw.client_id, &raw.jti]
            .into_iter()
            .all(|name| is_text(name))
        {
            return Err("sub, client_id or jti is not 1 to 255 bytes of text");
        }
        if raw.roles.len() > ROLES_LIMIT {
            return Err("there are more roles than are looked at");
        }
        let scopes = match raw.scope.as_deref() {
            None | Some("") => Vec::new(),
            Some(text) => {
                let scopes: Scopes = text.parse().map_err(|_| "scope is malformed")?;
                scopes.as_slice().to_vec()
            }
        };
        let grants = raw.grants.clone().unwrap_or_default();
        if grants.len() > ACTING_LIMIT {
            return Err("there are more grants than are looked at");
        }
        let session = match raw.sid.as_deref() {
            Some("") => return Err("sid is empty"),
            sid => sid.map(crate::audience::session_id),
        };
        let at = Timestamp::from_seconds;
        Ok(TokenClaims {
            acting: acting(raw.act.as_ref())?,
            subject: subject(&raw)?,
            issuer: raw.iss,
            audiences: raw.aud.into_vec(),
            client: raw.client_id,
            token: Some(raw.jti),
            issued_at: at(raw.iat),
            not_before: raw.nbf.map(at),
            expires_at: at(raw.exp),
            session,
            scopes,
            roles: raw.roles,
            tenant: raw.tenant.map(|tenant| tenant.to_string()),
            grants,
            bound_to: raw.cnf.map(|cnf| cnf.jkt),
        })
    }
}

/// Whom the token is about. The subject of a token that a client got for itself is the client (RFC 9068, 2.2):
/// it has no session, never signed in, and nobody acts for it.
fn subject(raw: &Raw) -> Result<Subject, &'static str> {
    let is_agent = is_agent(raw.sub_profile.as_deref());
    if raw.sub != raw.client_id {
        // Taking an AI client for a human would be worse than taking nobody.
        return if is_agent {
            Err("the subject is an agent, and not the client")
        } else {
            Ok(Subject::User {
                id: raw.sub.clone(),
                email: None,
                name: None,
                acr: raw.acr.clone(),
                authenticated_at: raw.auth_time.map(Timestamp::from_seconds),
            })
        };
    }
    if raw.sid.is_some() || raw.auth_time.is_some() {
        return Err("the client itself has a session");
    }
    if raw.act.is_some() {
        return Err("somebody acts for a client");
    }
    let id = raw.sub.clone();
    Ok(if is_agent {
        Subject::Agent { id }
    } else {
        Subject::Machine { id }
    })
}

fn acting(act: Option<&Link>) -> Result<Vec<Acting>, &'static str> {
    let chain = std::iter::successors(act, |act| act.act.as_deref());
    let acting: Vec<Acting> = chain
        .map(|act| Acting {
            id: act.sub.clone(),
            is_agent: is_agent(act.sub_profile.as_deref()),
        })
        .collect();
    if acting.len() > ACTING_LIMIT {
        return Err("more act for the subject than are looked at");
    }
    if acting.iter().all(|acting| is_text(&acting.id)) {
        Ok(acting)
    } else {
        Err("a sub of act is not 1 to 255 bytes of text")
    }
}

/// Whether one of the profiles, separated by blanks, is that of an AI client.
fn is_agent(profile: Option<&str>) -> bool {
    profile.is_some_and(|profile| profile.split(' ').any(|one| one == AGENT))
}

fn is_text(text: &str) -> bool {
    (1..=TEXT_LIMIT).contains(&text.len()) && !text.contains(char::is_control)
}
