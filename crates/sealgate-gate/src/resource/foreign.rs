//! The access tokens of other providers, each kind read as its preset says (`crate::issuer::Preset`).
//!
//! Some of them look like ID tokens: they state the type `JWT`, or none. An ID token must never pass for one.
//! It is made for the client, so that the client's id is no audience (`settings`); it says things that an
//! access token does not; and most providers say in the token which of both it is.

use sealgate_jose::object::{present, present_object};
use sealgate_jose::{Expect, TOKEN_LIMIT, Verified};
use sealgate_model::Timestamp;
use serde::Deserialize;

use super::claims::{ClaimsMap, Subject, TokenClaims};
use crate::audience::{Audience, session_id};
use crate::issuer::{AccessTokens, Claims, Machine, Marker, first_text, texts, words};

/// The longest `sub` (OpenID Connect Core 1.0, 2) or `jti`, in bytes.
const TEXT_LIMIT: usize = 255;

/// What ID tokens and logout tokens say, and access tokens do not.
const NOT_IN_ACCESS_TOKENS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// What all providers keep in the same place. A member that is there has its type: `null` is none.
#[derive(Deserialize)]
struct Raw {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    #[serde(default, deserialize_with = "present")]
    jti: Option<String>,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    sid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    acr: Option<String>,
    #[serde(default, deserialize_with = "present")]
    auth_time: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    email: Option<String>,
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
    #[serde(default, deserialize_with = "present_object")]
    cnf: Option<Confirmation>,
}

/// What the token is bound to (RFC 7800). What cannot be checked here is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    jkt: String,
}

impl ClaimsMap for AccessTokens {
    fn expect(&self) -> Expect<'_> {
        Expect {
            types: self.types,
            type_optional: self.type_optional,
            kid_optional: self.kid_optional,
            limit: TOKEN_LIMIT,
        }
    }

    fn read(&self, verified: &Verified) -> Result<TokenClaims, &'static str> {
        let raw: Raw = verified
            .claims()
            .map_err(|_| "a claim is missing or not of its type")?;
        let all: Claims = verified.claims().map_err(|_| "the claims are no object")?;
        if !self.marker.is_on(&all) {
            return Err("it is not marked as an access token");
        }
        // Who acts for the subject is said in ways that no two of them share: taking an agent for the human
        // would be worse than taking nobody.
        if all.has("act") {
            return Err("somebody acts for the subject");
        }
        if raw.jti.is_none() && !self.jti_optional {
            return Err("jti is missing");
        }
        let texts_are_short = [Some(&raw.sub), raw.jti.as_ref()]
            .into_iter()
            .flatten()
            .all(|text| (1..=TEXT_LIMIT).contains(&text.len()) && !text.contains(char::is_control));
        if !texts_are_short {
            return Err("sub or jti is not 1 to 255 bytes of text");
        }
        let client = first_text(&all, self.client)
            .map_err(|_| "the client is not a text")?
            .ok_or("the client is not named")?;
        let tenant = first_text(&all, self.tenant).map_err(|_| "the organisation is not a text")?;
        let session = match raw.sid.as_deref() {
            Some("") => return Err("sid is empty"),
            sid => sid.map(session_id),
        };
        let at = Timestamp::from_seconds;
        let is_machine = self.machine.iter().any(|rule| rule.holds(&all, client));
        Ok(TokenClaims {
            issuer: raw.iss,
            audiences: raw.aud.into_vec(),
            subject: if is_machine {
                Subject::Machine { id: raw.sub }
            } else {
                Subject::User {
                    id: raw.sub,
                    email: raw.email,
                    name: raw.name,
                    acr: raw.acr,
                    authenticated_at: raw.auth_time.map(at),
                }
            },
            client: client.to_owned(),
            token: raw.jti,
            issued_at: at(raw.iat),
            not_before: raw.nbf.map(at),
            expires_at: at(raw.exp),
            session,
            scopes: words(&all, self.scopes).map_err(|_| "the scopes are no list of texts")?,
            roles: texts(&all, self.roles).map_err(|_| "the roles are no list of texts")?,
            tenant: tenant.map(str::to_owned),
            grants: Vec::new(),
            acting: Vec::new(),
            bound_to: raw.cnf.map(|cnf| cnf.jkt),
        })
    }
}

impl Marker {
    /// Whether the claims are those of an access token.
    fn is_on(self, claims: &Claims) -> bool {
        let text = |name: &str| claims.get(name).and_then(|value| value.as_str());
        let marked = match self {
            Self::Type => return true,
            Self::NoIdToken => true,
            Self::Claim(name, values) => text(name).is_some_and(|value| values.contains(&value)),
            Self::Prefix(name, prefix) => text(name).is_some_and(|value| value.starts_with(prefix)),
            Self::AnyOf(names) => names.iter().any(|name| claims.has(name)),
        };
        marked && !NOT_IN_ACCESS_TOKENS.iter().any(|name| claims.has(name))
    }
}

impl Machine {
    /// Whether the claims say that `client` got the token for itself.
    fn holds(self, claims: &Claims, client: &str) -> bool {
        let text = |name: &str| claims.get(name).and_then(|value| value.as_str());
        let same = |one: &str, other: &str| text(one).is_some() && text(one) == text(other);
        match self {
            Self::SubjectIsClient => text("sub") == Some(client),
            Self::SubjectIsClientWith(behind) => {
                text("sub").and_then(|sub| sub.strip_suffix(behind)) == Some(client)
            }
            Self::Claim(name, value) => text(name) == Some(value),
            Self::Same(one, other) => same(one, other),
            Self::SameWithout(one, other, without) => {
                same(one, other) && !without.iter().any(|name| claims.has(name))
            }
        }
    }
}

#[cfg(test)]
mod tests;
