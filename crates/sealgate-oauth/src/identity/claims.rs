//! The claims of an assertion, read strictly: limits first, then each that is judged here with its type.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::Timestamp;
use serde::Deserialize as _;
use serde_json::Value;

use super::LEEWAY;
use crate::json::{self, JsonLimits};
use crate::{Audience, NumericDate, OAuthError, Thumbprint};

/// Bytes of the longest assertion. Those of platforms carry a few hundred bytes of claims and a signature.
pub const LONGEST: usize = 8 * 1024;

/// The claims of platforms are few dozens and two or three deep.
const LIMITS: JsonLimits = JsonLimits {
    bytes: LONGEST,
    depth: 8,
    values: 512,
};

/// Bytes of a subject. It stands in records.
const SUBJECT: usize = 1024;

const MALFORMED: OAuthError = OAuthError::IdentityMalformed;

/// What an assertion says of itself before anything of it is verified: good to choose whose keys to verify it
/// with, and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// `iss`, if it names one.
    pub issuer: Option<String>,
    /// `sub`.
    pub subject: String,
}

impl Claimed {
    /// Reads it from a compact JWS of at most [`LONGEST`] bytes.
    pub fn of(assertion: &str) -> Result<Self, OAuthError> {
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
        let claims = VouchedClaims::read(&payload)?;
        Ok(Self {
            issuer: claims.issuer,
            subject: claims.subject,
        })
    }
}

/// The claims of an assertion whose signature has been verified.
#[derive(Debug, Clone, PartialEq)]
pub struct VouchedClaims {
    /// `iss`. Only a JWT-SVID may go without.
    pub issuer: Option<String>,
    /// `sub`: 1 to 1,024 bytes without control characters.
    pub subject: String,
    /// `aud`.
    pub audience: Audience,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `iat`.
    pub issued_at: Option<Timestamp>,
    /// `nbf`.
    pub not_before: Option<Timestamp>,
    /// All of them, for the rules of machines.
    pub all: Value,
}

impl VouchedClaims {
    /// Reads the payload of a JWT. A claim of another type than it must have is a fault of the whole, never
    /// taken for absent, and so is a name that stands twice, however deep.
    pub fn read(payload: &[u8]) -> Result<Self, OAuthError> {
        let all = json::parse(payload, LIMITS).map_err(|_| MALFORMED)?;
        if !all.is_object() {
            return Err(MALFORMED);
        }
        Ok(Self {
            issuer: text(&all, "iss", 2048)?,
            subject: text(&all, "sub", SUBJECT)?.ok_or(MALFORMED)?,
            audience: all
                .get("aud")
                .and_then(|aud| Audience::deserialize(aud).ok())
                .ok_or(MALFORMED)?,
            expires_at: date(&all, "exp")?.ok_or(MALFORMED)?,
            issued_at: date(&all, "iat")?,
            not_before: date(&all, "nbf")?,
            all,
        })
    }

    /// The key of whose possession there must be a proof (`cnf`, RFC 7800).
    ///
    /// Another confirmation than by a key's thumbprint cannot be proven here, and to leave it out of account would
    /// unbind what was bound: that is [`OAuthError::IdentityKeyUnproven`].
    pub fn key(&self) -> Result<Option<Thumbprint>, OAuthError> {
        let Some(claim) = self.all.get("cnf") else {
            return Ok(None);
        };
        let members = claim.as_object().ok_or(MALFORMED)?;
        match (members.len(), members.get("jkt")) {
            (1, Some(Value::String(jkt))) => {
                Thumbprint::parse(jkt).map(Some).map_err(|_| MALFORMED)
            }
            _ => Err(OAuthError::IdentityKeyUnproven),
        }
    }

    /// Whether it is of now, and neither lives longer than `longest` nor was made longer ago than that.
    pub fn check_times(&self, longest: Duration, now: Timestamp) -> Result<(), OAuthError> {
        let latest = now + LEEWAY;
        if self.expires_at + LEEWAY <= now {
            return Err(OAuthError::IdentityExpired);
        }
        let early = |time: Option<Timestamp>| time.is_some_and(|time| time > latest);
        if early(self.issued_at) || early(self.not_before) {
            return Err(OAuthError::IdentityEarly);
        }
        let old = |time: Timestamp| time + longest + LEEWAY < now;
        if self.expires_at > latest + longest || self.issued_at.is_some_and(old) {
            return Err(OAuthError::IdentityLongLived);
        }
        Ok(())
    }
}

/// A text claim of 1 to `most` bytes without control characters; none if it is not there.
pub(super) fn text(claims: &Value, name: &str, most: usize) -> Result<Option<String>, OAuthError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text))
            if (1..=most).contains(&text.len()) && !text.contains(char::is_control) =>
        {
            Ok(Some(text.clone()))
        }
        Some(_) => Err(MALFORMED),
    }
}

/// A point in time; none if it is not there.
pub(super) fn date(claims: &Value, name: &str) -> Result<Option<Timestamp>, OAuthError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            let date = NumericDate::deserialize(value).map_err(|_| MALFORMED)?;
            Ok(Some(date.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn read(claims: &Value) -> Result<VouchedClaims, OAuthError> {
        VouchedClaims::read(claims.to_string().as_bytes())
    }

    fn sound() -> Value {
        json!({
            "iss": "https://cluster.example", "sub": "system:serviceaccount:shop:api",
            "aud": ["https://id.example"], "exp": NOW + 600, "iat": NOW - 60, "nbf": NOW - 60,
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = sound();
        claims[name] = value;
        claims
    }

    #[test]
    fn claims_are_read_with_their_types_or_not_at_all() {
        let claims = read(&sound()).unwrap();
        assert_eq!(claims.subject, "system:serviceaccount:shop:api");
        assert_eq!(claims.expires_at, Timestamp::from_seconds(NOW + 600));
        for (name, value) in [
            ("iss", json!(1)),
            ("iss", Value::Null),
            ("iss", json!("")),
            ("sub", json!(["a"])),
            ("sub", json!("")),
            ("sub", json!("a\nb")),
            ("sub", json!("a".repeat(1025))),
            ("aud", json!(1)),
            ("aud", json!([1])),
            ("exp", json!("soon")),
            ("exp", Value::Null),
            ("iat", json!("now")),
            ("iat", Value::Null),
            ("nbf", json!([])),
            ("exp", json!(1e300)),
        ] {
            assert_eq!(
                read(&with(name, value.clone())),
                Err(MALFORMED),
                "{name} {value}"
            );
        }
        for name in ["sub", "aud", "exp"] {
            let mut claims = sound();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(read(&claims), Err(MALFORMED), "{name}");
        }
        let twice = br#"{"sub":"a","sub":"b","aud":"x","exp":1}"#;
        assert_eq!(VouchedClaims::read(twice), Err(MALFORMED));
        let deep = format!("{}{}", "[".repeat(20), "]".repeat(20));
        let deep = format!(r#"{{"sub":"a","aud":"x","exp":1,"x":{deep}}}"#);
        assert_eq!(VouchedClaims::read(deep.as_bytes()), Err(MALFORMED));
        assert_eq!(VouchedClaims::read(b"[1]"), Err(MALFORMED));
    }

    #[test]
    fn an_assertion_is_good_now_and_not_for_long() {
        let day = Duration::from_secs(24 * 3600);
        let now = Timestamp::from_seconds(NOW);
        let check = |claims: Value| read(&claims).unwrap().check_times(day, now);
        assert_eq!(check(sound()), Ok(()));
        for (name, value, error) in [
            ("exp", NOW - 60, OAuthError::IdentityExpired),
            ("iat", NOW + 61, OAuthError::IdentityEarly),
            ("nbf", NOW + 61, OAuthError::IdentityEarly),
            ("exp", NOW + 86_400 + 61, OAuthError::IdentityLongLived),
            ("iat", NOW - 86_400 - 61, OAuthError::IdentityLongLived),
        ] {
            assert_eq!(
                check(with(name, json!(value))),
                Err(error),
                "{name} {value}"
            );
        }
        for (name, value) in [
            ("exp", NOW - 59),
            ("iat", NOW + 60),
            ("exp", NOW + 86_400 + 60),
            ("iat", NOW - 86_400),
        ] {
            assert_eq!(check(with(name, json!(value))), Ok(()), "{name} {value}");
        }
    }

    #[test]
    fn what_it_claims_is_read_before_it_is_verified() {
        let payload = URL_SAFE_NO_PAD.encode(sound().to_string());
        let claimed = Claimed::of(&format!("e30.{payload}.c2ln")).unwrap();
        assert_eq!(claimed.issuer.as_deref(), Some("https://cluster.example"));
        let long = format!("e30.{}.c2ln", "A".repeat(LONGEST));
        for wrong in ["", "a.b", "a.b.c", "e30.e30.c2ln", "a.b.c.d", &long] {
            assert_eq!(Claimed::of(wrong), Err(MALFORMED), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_payload_gives_claims_or_an_error(payload in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = VouchedClaims::read(&payload);
            let _ = Claimed::of(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(&payload)));
        }

        #[test]
        fn no_time_lets_an_assertion_live_longer_than_it_may(
            exp in -1_000_000_i64..1_000_000, iat in -1_000_000_i64..1_000_000, life in 1_u64..100_000
        ) {
            let mut claims = sound();
            claims["exp"] = json!(NOW + exp);
            claims["iat"] = json!(NOW + iat);
            let longest = Duration::from_secs(life);
            let checked = read(&claims).unwrap().check_times(longest, Timestamp::from_seconds(NOW));
            let life = i64::try_from(life).unwrap();
            let good = (-59..=life + 60).contains(&exp) && (-life - 60..=60).contains(&iat);
            // The claim `nbf` of the sound one is a minute old.
            prop_assert_eq!(checked.is_ok(), good);
        }
    }
}
