//! The ID token's claims (OpenID Connect Core 1.0, 2 and 3.1.3.7).

use std::time::Duration;

use sealgate_jose::{Algorithm, Verified};
use sealgate_model::{SessionId, Timestamp, User};
use serde::Deserialize;
use thiserror::Error;

use crate::audience::{Audience, session_id};
use crate::issuer::{IdTokens, WrongType, first_text, texts};

/// How far the issuer's clock may be from ours.
const LEEWAY: Duration = Duration::from_secs(60);

/// The claims that are read, with their exact types: another type refuses the token.
#[derive(Deserialize)]
pub(crate) struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    azp: Option<String>,
    auth_time: Option<i64>,
    nonce: Option<String>,
    at_hash: Option<String>,
    sid: Option<String>,
    email: Option<String>,
    name: Option<String>,
    acr: Option<String>,
    /// What each kind of issuer keeps in a place of its own.
    #[serde(skip)]
    roles: Vec<String>,
    #[serde(skip)]
    tenant: Option<String>,
}

/// What the token must agree with.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client: &'a str,
    /// The nonce of the transaction; none at renewal.
    pub(crate) nonce: Option<&'a str>,
    pub(crate) access_token: &'a str,
    /// That of the key that signed the token.
    pub(crate) algorithm: Algorithm,
    pub(crate) now: Timestamp,
}

/// A claim that is missing or does not agree. The reason is for logs: it holds no value of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the ID token's {0} is not as it must be")]
pub(crate) struct ClaimError(pub(crate) &'static str);

impl Claims {
    /// The claims of a verified token of an issuer with such `habits`.
    pub(crate) fn read(verified: &Verified, habits: &IdTokens) -> Result<Self, ClaimError> {
        let wrong = |_| ClaimError("claims");
        let claims: Self = verified.claims().map_err(wrong)?;
        let all = verified.claims().map_err(wrong)?;
        let tenant = first_text(&all, habits.tenant);
        let tenant = tenant.map_err(|WrongType| ClaimError("tenant"))?;
        Ok(Self {
            roles: texts(&all, habits.roles).map_err(|WrongType| ClaimError("roles"))?,
            tenant: tenant.map(str::to_owned),
            ..claims
        })
    }

    pub(crate) fn check(&self, expected: &Expected<'_>) -> Result<(), ClaimError> {
        let ok = |holds: bool, claim: &'static str| {
            if holds {
                Ok(())
            } else {
                Err(ClaimError(claim))
            }
        };
        ok(self.iss == expected.issuer, "iss")?;
        let audience = self.aud.as_slice();
        ok(audience.iter().any(|aud| aud == expected.client), "aud")?;
        // More than one audience needs to say which of them the token was made for.
        ok(audience.len() == 1 || self.azp.is_some(), "azp")?;
        ok(
            self.azp.as_deref().is_none_or(|azp| azp == expected.client),
            "azp",
        )?;
        ok(
            Timestamp::from_seconds(self.exp) + LEEWAY > expected.now,
            "exp",
        )?;
        ok(
            Timestamp::from_seconds(self.iat) <= expected.now + LEEWAY,
            "iat",
        )?;
        ok(
            !self.sub.is_empty() && self.sub.len() <= 255 && self.sub.is_ascii(),
            "sub",
        )?;
        if let Some(nonce) = expected.nonce {
            ok(self.nonce.as_deref() == Some(nonce), "nonce")?;
        }
        if let Some(hash) = &self.at_hash {
            ok(
                *hash == expected.algorithm.half_hash(expected.access_token),
                "at_hash",
            )?;
        }
        Ok(())
    }

    /// The session, if the token names one.
    pub(crate) fn session(&self) -> Result<Option<SessionId>, ClaimError> {
        match self.sid.as_deref() {
            Some("") => Err(ClaimError("sid")),
            sid => Ok(sid.map(session_id)),
        }
    }

    pub(crate) const fn expires_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.exp)
    }

    pub(crate) const fn issued_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.iat)
    }

    /// When the user last proved who they are. The token's own time is no answer: it is new also where nobody
    /// was asked anything, because they were still signed in at the issuer.
    pub(crate) fn authenticated_at(&self) -> Option<Timestamp> {
        self.auth_time.map(Timestamp::from_seconds)
    }

    pub(crate) fn subject(&self) -> &str {
        &self.sub
    }

    pub(crate) fn into_user(self, scopes: Vec<String>) -> User {
        User {
            authenticated_at: self.authenticated_at(),
            id: self.sub,
            email: self.email,
            name: self.name,
            scopes,
            roles: self.roles,
            tenant: self.tenant,
            acr: self.acr,
            client: None,
            via: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::issuer::Preset;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn good() -> Value {
        json!({
            "iss": "https://id.example", "sub": "u1", "aud": "expenses", "exp": 1_000_300, "iat": 1_000_000,
            "nonce": "n", "sid": "01890a5d-ac96-774b-bcce-b302099a8057", "at_hash": Algorithm::Ed25519.half_hash("at"),
        })
    }

    fn read(claims: &Value) -> Result<Claims, ClaimError> {
        let verified = Verified {
            kid: "k".to_owned(),
            algorithm: Algorithm::Ed25519,
            payload: claims.to_string().into_bytes(),
        };
        Claims::read(&verified, &Preset::sealgate().id_tokens)
    }

    fn check(claims: &Value) -> Result<(), ClaimError> {
        read(claims)?.check(&Expected {
            issuer: "https://id.example",
            client: "expenses",
            nonce: Some("n"),
            access_token: "at",
            algorithm: Algorithm::Ed25519,
            now: NOW,
        })
    }

    #[test]
    fn every_claim_must_agree() {
        assert_eq!(check(&good()), Ok(()));
        let cases = [
            ("iss", json!("https://id.example/"), "iss"),
            ("aud", json!("payroll"), "aud"),
            ("aud", json!(["expenses", "payroll"]), "azp"),
            ("azp", json!("payroll"), "azp"),
            ("exp", json!(999_940), "exp"),
            ("exp", json!("1000300"), "claims"),
            ("iat", json!(1_000_061), "iat"),
            ("nonce", json!("m"), "nonce"),
            ("nonce", Value::Null, "nonce"),
            ("at_hash", json!("x"), "at_hash"),
            ("sub", json!(""), "sub"),
            ("sub", json!(1), "claims"),
            ("roles", json!([1]), "roles"),
            ("tenant", json!(1), "tenant"),
        ];
        for (claim, value, refused) in cases {
            let mut claims = good();
            claims[claim] = value;
            assert_eq!(check(&claims), Err(ClaimError(refused)), "{claim}");
        }
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        for (claim, value) in [("exp", json!(999_941)), ("iat", json!(1_000_060))] {
            let mut claims = good();
            claims[claim] = value;
            assert_eq!(check(&claims), Ok(()), "{claim}");
        }
    }

    #[test]
    fn a_foreign_session_id_keeps_its_identity() {
        let session = |sid: &str| {
            let mut claims = good();
            claims["sid"] = json!(sid);
            read(&claims).unwrap().session()
        };
        assert_eq!(session("abc"), session("abc"));
        assert_ne!(session("abc"), session("abd"));
        assert_eq!(session(""), Err(ClaimError("sid")));
    }
}
