//! Client assertions (RFC 7523, 3, as RFC 7523bis tightens it): JWTs by which a client proves who it
//! is with a key of its own.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::{ClientId, Issuer, Timestamp};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};

use crate::json::{self, JsonLimits};
use crate::{Audience, OAuthError};

/// The one `client_assertion_type` that is taken.
pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Bytes of an assertion.
pub(crate) const LONGEST: usize = 8 * 1024;

const LIMITS: JsonLimits = JsonLimits {
    bytes: LONGEST,
    depth: 8,
    values: 256,
};

/// How far the clocks of client and issuer may be apart.
const LEEWAY: Duration = Duration::from_secs(60);

/// How far ahead an assertion may expire. An hour is what widely used clients ask for; a shorter limit
/// would gain little, since an assertion is good only once.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The claims of a client assertion, with exactly their types: one of another type is a fault of the
/// whole, never taken for absent. Claims that are not named here are not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AssertionClaims {
    /// The client.
    pub iss: String,
    /// The client again.
    pub sub: String,
    /// Whom the assertion is meant for.
    pub aud: Audience,
    /// When it ends.
    pub exp: NumericDate,
    /// When it was made.
    #[serde(default, deserialize_with = "present")]
    pub iat: Option<NumericDate>,
    /// When it begins.
    #[serde(default, deserialize_with = "present")]
    pub nbf: Option<NumericDate>,
    /// Its id, used once.
    pub jti: String,
}

impl AssertionClaims {
    /// Checks the claims of an assertion whose signature has been verified with a key of `client_id`.
    ///
    /// `aud` must be `issuer` alone, as a string: an assertion that is good for two servers can be
    /// carried from one to the other. `endpoints` are URLs that are taken as well, in a list too, from a
    /// client that is registered to do so.
    ///
    /// Returns until when `jti` has to be remembered, so that the assertion is used once.
    pub fn check(
        &self,
        issuer: &Issuer,
        endpoints: Option<&[String]>,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<Timestamp, OAuthError> {
        if self.iss != client_id.as_str() || self.sub != client_id.as_str() {
            return Err(OAuthError::AssertionSubject);
        }
        let meant_for_us = match (&self.aud, endpoints) {
            (Audience::One(aud), None) => aud == issuer.as_str(),
            (Audience::Many(_), None) => false,
            (aud, Some(endpoints)) => {
                aud.contains(issuer.as_str()) || endpoints.iter().any(|url| aud.contains(url))
            }
        };
        if !meant_for_us {
            return Err(OAuthError::AssertionAudience);
        }
        if !(1..=256).contains(&self.jti.len()) {
            return Err(OAuthError::AssertionMalformed);
        }
        let (exp, latest) = (self.exp.0, now + LEEWAY);
        if exp + LEEWAY <= now {
            return Err(OAuthError::AssertionExpired);
        }
        if exp > latest + LIFETIME {
            return Err(OAuthError::AssertionLongLived);
        }
        let early = |time: Option<NumericDate>| time.is_some_and(|time| time.0 > latest);
        if early(self.iat) || early(self.nbf) {
            return Err(OAuthError::AssertionEarly);
        }
        Ok(exp + LEEWAY)
    }
}

/// The client that an assertion claims to be from. Nothing of it is verified: it tells only whose keys
/// to verify it with.
pub(crate) fn claimed_subject(assertion: &str) -> Result<String, OAuthError> {
    const MALFORMED: OAuthError = OAuthError::AssertionMalformed;
    if assertion.len() > LONGEST {
        return Err(MALFORMED);
    }
    let mut parts = assertion.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(MALFORMED);
    };
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| MALFORMED)?;
    let mut claims = json::parse(&payload, LIMITS).map_err(|_| MALFORMED)?;
    match claims.get_mut("sub").map(serde_json::Value::take) {
        Some(serde_json::Value::String(sub)) => Ok(sub),
        _ => Err(MALFORMED),
    }
}

/// A point in time as a JWT carries it: a number of seconds, fractions allowed (RFC 7519, 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumericDate(pub Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Seconds)
    }
}

struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds")
    }

    fn visit_i64<E>(self, seconds: i64) -> Result<NumericDate, E> {
        Ok(NumericDate(Timestamp::from_seconds(seconds)))
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<NumericDate, E> {
        let seconds = i64::try_from(seconds).map_err(|_| E::custom("too large"))?;
        self.visit_i64(seconds)
    }

    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<NumericDate, E> {
        // Whole numbers up to 2^53 are exact; nobody lives to see a later second.
        if seconds.abs() <= 9_007_199_254_740_992.0 {
            #[allow(clippy::cast_possible_truncation)]
            let whole = seconds.floor() as i64;
            self.visit_i64(whole)
        } else {
            Err(E::custom("too large"))
        }
    }
}

/// A claim that stands there, so that `null` is a wrong type and not an absence.
fn present<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<NumericDate>, D::Error> {
    NumericDate::deserialize(reader)
        .map(Some)
        .map_err(D::Error::custom)
}

#[cfg(test)]
#[path = "assertion_tests.rs"]
mod tests;
