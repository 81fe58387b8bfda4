//! Logout tokens (OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6): an issuer's word to an
//! application that somebody's session, or all of them, ended.

use std::fmt;
use std::time::Duration;

use sealgate_model::{ClientId, Issuer, Timestamp};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use thiserror::Error;

use crate::{Audience, NumericDate};

/// How far the clocks of issuer and application may be apart.
const LEEWAY: Duration = Duration::from_secs(60);

/// Bytes of `sub`, `sid` and `jti`.
const LONGEST: usize = 255;

/// The claims of a logout token, with exactly their types: one of another type is a fault of the whole,
/// never taken for absent. Claims that are not named here are not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogoutToken {
    /// Who says it.
    pub iss: String,
    /// To whom.
    pub aud: Audience,
    /// When it was said: what the user starts later is not meant.
    pub iat: NumericDate,
    /// From when on it is not to be believed.
    pub exp: NumericDate,
    /// Its id.
    pub jti: String,
    /// Whose sessions ended: all of them, unless `sid` names one.
    #[serde(default, deserialize_with = "present")]
    pub sub: Option<String>,
    /// Which session ended.
    #[serde(default, deserialize_with = "present")]
    pub sid: Option<String>,
    /// What makes it a logout token.
    #[serde(rename = "events")]
    _events: LogoutEvent,
    /// Whether there is a `nonce`, which only ID tokens may have: one must never pass for the other.
    #[serde(default, rename = "nonce", deserialize_with = "is_there")]
    has_nonce: bool,
}

/// What a logout token says has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggedOut<'t> {
    /// One session, by its `sid`.
    Session(&'t str),
    /// Every session that the user, by `sub`, started until the token was made.
    User(&'t str),
}

/// Why a logout token whose signature holds is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LogoutTokenError {
    /// It is of another issuer, or not for this application alone.
    #[error("the logout token is of another issuer or for another application")]
    Misdirected,
    /// It is too old, or from the future.
    #[error("the logout token's time is over, or has not come")]
    Expired,
    /// It names nobody, has a nonce, or a claim is longer than it may be.
    #[error("the logout token's claims are not as they must be")]
    Malformed,
}

impl LogoutTokenError {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Misdirected => "logout_token_misdirected",
            Self::Expired => "logout_token_expired",
            Self::Malformed => "logout_token_malformed",
        }
    }
}

impl LogoutToken {
    /// The type that the header states (2.4).
    pub const TYPE: &'static str = "logout+jwt";

    /// The event (2.4).
    pub const EVENT: &'static str = "http://schemas.openid.net/event/backchannel-logout";

    /// Checks the claims of a token whose signature holds. `aud` must be `client` alone.
    ///
    /// Returns what ended, and until when `jti` has to be remembered, so that the token is used once.
    ///
    /// # Errors
    /// [`LogoutTokenError`], whichever applies first.
    pub fn check(
        &self,
        issuer: &Issuer,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<(LoggedOut<'_>, Timestamp), LogoutTokenError> {
        if self.iss != issuer.as_str() || self.aud.as_slice() != [client.as_str()] {
            return Err(LogoutTokenError::Misdirected);
        }
        let until = self.exp.0 + LEEWAY;
        if until <= now || self.iat.0 > now + LEEWAY {
            return Err(LogoutTokenError::Expired);
        }
        let fits = |text: &str| {
            (1..=LONGEST).contains(&text.len()) && !text.contains(|c: char| c.is_control())
        };
        let named = [self.sub.as_deref(), self.sid.as_deref(), Some(&self.jti)];
        if self.has_nonce || !named.into_iter().flatten().all(fits) {
            return Err(LogoutTokenError::Malformed);
        }
        let ended = match (&self.sid, &self.sub) {
            (Some(sid), _) => LoggedOut::Session(sid),
            (None, Some(sub)) => LoggedOut::User(sub),
            (None, None) => return Err(LogoutTokenError::Malformed),
        };
        Ok((ended, until))
    }
}

/// `events` with the one event and nothing else: a token that tells of something more is not understood
/// in full.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LogoutEvent;

impl<'de> Deserialize<'de> for LogoutEvent {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_map(Events)
    }
}

struct Events;

impl<'de> Visitor<'de> for Events {
    type Value = LogoutEvent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event of a logout and no other")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut events: A) -> Result<LogoutEvent, A::Error> {
        let first: Option<String> = events.next_key()?;
        if first.as_deref() != Some(LogoutToken::EVENT) {
            return Err(A::Error::custom("another event"));
        }
        events.next_value::<AnyObject>()?;
        match events.next_key::<IgnoredAny>()? {
            None => Ok(LogoutEvent),
            Some(_) => Err(A::Error::custom("more than one event")),
        }
    }
}

/// An object, whatever is in it (2.4: it should be empty).
struct AnyObject;

impl<'de> Deserialize<'de> for AnyObject {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = AnyObject;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<AnyObject, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(AnyObject)
            }
        }
        reader.deserialize_map(Members)
    }
}

/// A claim that stands there, so that `null` is a wrong type and not an absence.
fn present<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    String::deserialize(reader).map(Some)
}

fn is_there<'de, D: Deserializer<'de>>(reader: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(reader).map(|_| true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn good() -> Value {
        json!({
            "iss": "https://id.example", "aud": "expenses", "iat": 1_000_000, "exp": 1_000_120, "jti": "a",
            "events": { LogoutToken::EVENT: {} }, "sub": "ada", "sid": "s1",
        })
    }

    /// The reason why `claims` are refused; `type` if they are not those of a logout token at all.
    fn refused(claims: &Value) -> Option<&'static str> {
        let Ok(token) = serde_json::from_value::<LogoutToken>(claims.clone()) else {
            return Some("type");
        };
        let (issuer, client) = ("https://id.example".parse(), "expenses".parse());
        let checked = token.check(&issuer.unwrap(), &client.unwrap(), NOW);
        checked.err().map(LogoutTokenError::code)
    }

    fn with(claim: &str, value: Value) -> Value {
        let mut claims = good();
        claims[claim] = value;
        claims
    }

    fn without(claim: &str) -> Value {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(claim);
        claims
    }

    #[test]
    fn every_claim_must_be_as_the_specification_has_it() {
        assert_eq!(refused(&good()), None);
        let cases = [
            (
                "iss",
                json!("https://id.example/"),
                "logout_token_misdirected",
            ),
            ("aud", json!("payroll"), "logout_token_misdirected"),
            (
                "aud",
                json!(["expenses", "payroll"]),
                "logout_token_misdirected",
            ),
            ("aud", json!([]), "logout_token_misdirected"),
            ("exp", json!(999_940), "logout_token_expired"),
            ("iat", json!(1_000_061), "logout_token_expired"),
            ("nonce", json!("n"), "logout_token_malformed"),
            ("nonce", Value::Null, "logout_token_malformed"),
            ("jti", json!(""), "logout_token_malformed"),
            ("sid", json!(""), "logout_token_malformed"),
            ("sub", json!("a\nb"), "logout_token_malformed"),
            ("sub", json!("a".repeat(256)), "logout_token_malformed"),
            ("sub", Value::Null, "type"),
            ("sid", json!(1), "type"),
            ("exp", json!("1000120"), "type"),
            ("events", json!({}), "type"),
            ("events", json!([LogoutToken::EVENT]), "type"),
            ("events", json!({ LogoutToken::EVENT: true }), "type"),
            ("events", json!({ LogoutToken::EVENT: Value::Null }), "type"),
            ("events", json!({ "https://other.example": {} }), "type"),
            (
                "events",
                json!({ LogoutToken::EVENT: {}, "more": {} }),
                "type",
            ),
        ];
        for (claim, value, reason) in cases {
            assert_eq!(
                refused(&with(claim, value.clone())),
                Some(reason),
                "{claim}: {value}"
            );
        }
        for claim in ["iss", "aud", "iat", "exp", "jti", "events"] {
            assert_eq!(refused(&without(claim)), Some("type"), "{claim}");
        }
    }

    #[test]
    fn clocks_may_differ_by_a_minute_and_an_audience_may_be_a_list_of_one() {
        for (claim, value) in [
            ("exp", json!(999_941)),
            ("iat", json!(1_000_060)),
            ("aud", json!(["expenses"])),
            ("events", json!({ LogoutToken::EVENT: { "a": [1] } })),
        ] {
            assert_eq!(refused(&with(claim, value)), None, "{claim}");
        }
    }

    #[test]
    fn it_is_about_one_session_if_it_names_one_and_else_about_the_user() {
        let ended = |claims: Value| {
            let token: LogoutToken = serde_json::from_value(claims).unwrap();
            let (issuer, client) = ("https://id.example".parse(), "expenses".parse());
            let checked = token.check(&issuer.unwrap(), &client.unwrap(), NOW);
            checked.map(|(ended, until)| (format!("{ended:?}"), until.as_seconds()))
        };
        let said = |what: &str| Ok((what.to_owned(), 1_000_180));
        assert_eq!(ended(good()), said("Session(\"s1\")"));
        assert_eq!(ended(without("sub")), said("Session(\"s1\")"));
        assert_eq!(ended(without("sid")), said("User(\"ada\")"));
        let mut nobody = without("sid");
        nobody.as_object_mut().unwrap().remove("sub");
        assert_eq!(ended(nobody), Err(LogoutTokenError::Malformed));
    }

    #[test]
    fn a_claim_that_stands_twice_refuses_the_token() {
        let text = good().to_string().replacen('{', r#"{"sid":"s2","#, 1);
        assert!(serde_json::from_str::<LogoutToken>(&text).is_err());
        let event = format!(r#"{{"{0}":{{}},"{0}":{{}}}}"#, LogoutToken::EVENT);
        assert!(serde_json::from_str::<LogoutEvent>(&event).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_believed_was_meant_for_this_application_now(
            iss in "https://id\\.example/?", aud in "[ep]x?penses", iat in 999_800_i64..1_000_200,
            exp in 999_800_i64..1_000_200, jti in "\\PC{0,300}", sid in proptest::option::of("[a-z]{0,3}"),
        ) {
            let mut claims = good();
            for (claim, value) in [("iss", json!(iss)), ("aud", json!(aud)), ("iat", json!(iat)),
                                   ("exp", json!(exp)), ("jti", json!(jti))] {
                claims[claim] = value;
            }
            if let Some(sid) = &sid {
                claims["sid"] = json!(sid);
            }
            if refused(&claims).is_none() {
                prop_assert_eq!((iss.as_str(), aud.as_str()), ("https://id.example", "expenses"));
                prop_assert!(iat <= 1_000_060 && exp > 999_940);
                prop_assert!(!jti.is_empty() && sid.is_none_or(|sid| !sid.is_empty()));
            }
        }
    }
}
