//! The gate's cookies: their names, how they are found and how they are written.

use std::time::Duration;

use cookie::{Cookie, SameSite};

/// The names of the gate's cookies, and whether they are for https.
#[derive(Debug, Clone)]
pub(crate) struct CookieNames {
    session: String,
    secure: bool,
}

/// What was found under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Nothing,
    One(&'a [u8]),
    Several,
}

impl<'a> Found<'a> {
    /// With one more.
    pub(crate) fn and(self, value: &'a [u8]) -> Self {
        if self == Self::Nothing {
            Self::One(value)
        } else {
            Self::Several
        }
    }
}

/// The name of the cookie that holds the sealed session.
///
/// `__Host-Http-` makes browsers refuse the cookie unless it is Secure, HttpOnly, host-only and for the
/// whole host, so that neither a sibling host nor a script can plant one. Browsers only keep it over
/// https; on plain-http loopback the name is bare.
pub(crate) const fn session_name(secure: bool) -> &'static str {
    if secure {
        "__Host-Http-sealgate"
    } else {
        "sealgate"
    }
}

impl CookieNames {
    /// For an application on https, or on plain-http loopback.
    pub(crate) fn new(secure: bool) -> Self {
        let session = session_name(secure);
        Self {
            session: session.to_owned(),
            secure,
        }
    }

    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// Each sign-in that is under way has its own cookie, so that two tabs do not spoil each other's.
    pub(crate) fn transaction(&self, state: &str) -> String {
        format!("{}-tx-{}", self.session, state.get(..8).unwrap_or(state))
    }

    /// Whether `name` is that of a transaction cookie.
    pub(crate) fn is_transaction(&self, name: &str) -> bool {
        name.strip_prefix(self.session.as_str())
            .is_some_and(|rest| rest.starts_with("-tx-"))
    }

    /// The name of the cookie that counts sign-ins which lead nowhere.
    pub(crate) fn rounds(&self) -> String {
        format!("{}-rounds", self.session)
    }

    /// A `Set-Cookie` value.
    pub(crate) fn write(&self, name: &str, value: &str, max_age: Duration) -> String {
        let max_age = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
        Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .max_age(cookie::time::Duration::seconds(max_age))
            .to_string()
    }

    /// A `Set-Cookie` value that deletes: same name, path and attributes.
    pub(crate) fn delete(&self, name: &str) -> String {
        self.write(name, "", Duration::ZERO)
    }
}

/// Each cookie of a `Cookie` header as name and value, as bytes: nothing is decoded, and a value in
/// quotes keeps them (no value of ours has any).
pub(crate) fn pairs(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    header.split(|byte| *byte == b';').filter_map(|part| {
        let part = part.trim_ascii();
        let at = part.iter().position(|byte| *byte == b'=')?;
        Some((part[..at].trim_ascii(), part[at + 1..].trim_ascii()))
    })
}

/// The cookie `name` in `header`, added to what was `found` before it.
pub(crate) fn find<'a>(header: &'a [u8], name: &str, mut found: Found<'a>) -> Found<'a> {
    for (other, value) in pairs(header) {
        if other == name.as_bytes() {
            found = if found == Found::Nothing {
                Found::One(value)
            } else {
                Found::Several
            };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let found = |header: &'static [u8]| find(header, "sealgate", Found::Nothing);
        assert_eq!(found(b"a=b; sealgate=v1.x.y; c=d"), Found::One(b"v1.x.y"));
        assert_eq!(
            found(b"xsealgate=1; sealgate-tx-a=2; SEALGATE=3"),
            Found::Nothing
        );
        assert_eq!(found(b"sealgate=1; sealgate=1"), Found::Several);
        assert_eq!(found(b"; ;=;sealgate"), Found::Nothing);
        assert_eq!(found(b"sealgate="), Found::One(b""));
    }

    #[test]
    fn cookies_are_written_with_every_attribute() {
        let secure = CookieNames::new(true);
        assert_eq!(
            secure.write(secure.session(), "v", Duration::from_secs(60)),
            "__Host-Http-sealgate=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60"
        );
        let plain = CookieNames::new(false);
        assert_eq!(
            plain.delete(plain.session()),
            "sealgate=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"
        );
        assert!(secure.is_transaction(&secure.transaction("abcdefghijk")));
        assert!(!secure.is_transaction(secure.session()));
        assert!(!secure.is_transaction(&secure.rounds()));
    }
}
