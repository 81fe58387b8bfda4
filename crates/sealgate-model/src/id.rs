//! Ids as types, so that one cannot stand where another belongs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::{Random, Timestamp};

/// Text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a {kind}: expected {expected}")]
pub struct IdError {
    kind: &'static str,
    expected: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// A fresh id: `UUIDv7` (RFC 9562, 5.7), so that keys made later sort later.
            pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                let bytes = random.bytes::<10>();
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().into_bytes())
            }

            /// Wraps the 16 bytes of an id.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes of the id.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Uuid::from_bytes(self.0).hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            /// Reads the one form that is written: 36 characters, lower case, hyphenated.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = IdError { kind: $kind, expected: "a lower-case UUID" };
                let id = Uuid::try_parse(text).map_err(|_| error.clone())?;
                let id = Self(id.into_bytes());
                if id.to_string() == text { Ok(id) } else { Err(error) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

uuid_id!(
    /// A human's account.
    UserId,
    "user id"
);
uuid_id!(
    /// A transmitter of security events that is listened to.
    TransmitterId,
    "transmitter id"
);
uuid_id!(
    /// A stream of security events to a receiver (OpenID Shared Signals Framework 1.0).
    StreamId,
    "stream id"
);
uuid_id!(
    /// A delegation: one client's leave to act for a user, out of one session.
    GrantId,
    "grant id"
);
uuid_id!(
    /// One sign-in of one user on one client: the `sid` of tokens and cookies.
    SessionId,
    "session id"
);
uuid_id!(
    /// A browser signed in at the control plane itself, from which sessions start.
    SignInId,
    "sign-in id"
);
uuid_id!(
    /// The selector of an authorization code.
    CodeId,
    "code id"
);
uuid_id!(
    /// The selector of a refresh token.
    RefreshId,
    "refresh token id"
);
uuid_id!(
    /// The selector of an invitation link.
    InvitationId,
    "invitation id"
);
uuid_id!(
    /// The selector of a bootstrap credential of a service account.
    BootstrapId,
    "bootstrap id"
);
uuid_id!(
    /// The selector of a token by which clients register themselves.
    RegistrationTokenId,
    "registration token id"
);
uuid_id!(
    /// The selector of a device code (RFC 8628).
    DeviceId,
    "device code id"
);
uuid_id!(
    /// The selector of a pushed authorization request (RFC 9126).
    PushedId,
    "pushed request id"
);
uuid_id!(
    /// A back-channel logout message that is owed to a client.
    LogoutDeliveryId,
    "logout delivery id"
);

/// An OAuth client's `client_id`: 1 to 128 of `A-Z a-z 0-9 - _ .` (a subset of RFC 6749, A.1 that
/// needs no escaping in URLs, logs or cookies).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

impl ClientId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Bytes of the longest URL that is a client id.
    pub const LONGEST_URL: usize = 255;

    /// Whether it is a URL, and so the address of a client's own metadata (Client ID Metadata Documents).
    /// No id that is made here is one.
    pub fn is_url(&self) -> bool {
        is_url(&self.0)
    }

    /// Whether it reads as a UUID in any of its spellings, and so could be taken for a user's id where
    /// a token's `sub` may be either.
    pub fn looks_like_user(&self) -> bool {
        Uuid::try_parse(&self.0).is_ok()
    }
}

/// Whether a client id is a URL. Plain http is for addresses of this machine, as judged elsewhere.
fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

impl FromStr for ClientId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let of_url =
            |b: u8| plain(b) || matches!(b, b':' | b'/' | b'~' | b'?' | b'=' | b'&' | b'%' | b'+');
        let is_good = if is_url(text) {
            text.len() <= Self::LONGEST_URL && text.bytes().all(of_url)
        } else {
            (1..=128).contains(&text.len()) && text.bytes().all(plain)
        };
        if is_good {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError {
                kind: "client id",
                expected: "1 to 128 of A-Z a-z 0-9 - _ . or an https URL of at most 255 bytes",
            })
        }
    }
}

/// The organisation a user belongs to: 1 to 64 of `a-z 0-9 -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError {
                kind: "tenant id",
                expected: "1 to 64 of a-z 0-9 -",
            })
        }
    }
}

/// An issuer identifier (RFC 8414, 2): an absolute http(s) URL without query, fragment, user
/// information or trailing slash. It is compared byte for byte, never normalised.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Issuer(String);

impl Issuer {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An issuer of another kind than ours, whose identifier may end with one slash, which then belongs to
    /// it. Everything else is as with [`str::parse`].
    pub fn foreign(text: &str) -> Result<Self, IdError> {
        let plain: Self = text.strip_suffix('/').unwrap_or(text).parse()?;
        Ok(if plain.0 == text {
            plain
        } else {
            Self(text.to_owned())
        })
    }

    /// The URL of `path` (which starts with `/`) under this issuer.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.trim_end_matches('/'))
    }

    /// Scheme, host and port: what a browser sends as `Origin`.
    pub fn origin(&self) -> &str {
        let authority = self.0.find("://").map_or(0, |at| at + 3);
        let end = self.0[authority..]
            .find('/')
            .map_or(self.0.len(), |at| authority + at);
        &self.0[..end]
    }

    /// What follows the origin: empty, or a path that starts with `/` and does not end with one, unless it
    /// is [foreign](Self::foreign).
    pub fn path(&self) -> &str {
        &self.0[self.origin().len()..]
    }

    /// Whether the issuer is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl FromStr for Issuer {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError {
            kind: "issuer",
            expected: "an http(s) URL with no query, fragment or trailing slash",
        };
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .ok_or_else(error)?;
        let printable = text.bytes().all(|b| b.is_ascii_graphic());
        let host = rest.split('/').next().unwrap_or_default();
        let sound = printable
            && !host.is_empty()
            && text.len() <= 512
            && !host.bytes().any(|b| b.is_ascii_uppercase())
            && !rest.ends_with('/')
            && !rest.contains(['?', '#', '@', '\\', '"', '\'', '<', '>']);
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(error())
        }
    }
}

macro_rules! text_id {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

text_id!(ClientId);
text_id!(Issuer);
text_id!(TenantId);

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (byte, value) in bytes.iter_mut().zip(0..) {
                *byte = value;
            }
        }
    }

    #[test]
    fn ids_made_later_sort_later() {
        let early = SessionId::generate(Timestamp::from_millis(1_000), &Counting);
        let late = SessionId::generate(Timestamp::from_millis(2_000), &Counting);
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
    }

    #[test]
    fn an_id_has_one_spelling() {
        for wrong in [
            "",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            "01890A5D-AC96-774B-BCCE-B302099A8057",
        ] {
            assert!(wrong.parse::<UserId>().is_err(), "{wrong}");
        }
        assert!(
            "01890a5d-ac96-774b-bcce-b302099a8057"
                .parse::<UserId>()
                .is_ok()
        );
    }

    #[test]
    fn a_client_id_that_reads_as_a_uuid_looks_like_a_user() {
        for (id, looks) in [
            ("01890a5d-ac96-774b-bcce-b302099a8057", true),
            ("01890A5DAC96774BBCCEB302099A8057", true),
            ("expenses", false),
            ("01890a5d-ac96-774b-bcce", false),
        ] {
            let id: ClientId = id.parse().unwrap();
            assert_eq!(id.looks_like_user(), looks, "{id}");
        }
    }

    #[test]
    fn a_client_id_is_a_word_or_a_plain_url() {
        let long = format!("https://agent.example/{}", "a".repeat(240));
        for wrong in [
            "",
            "a b",
            "a/b",
            "ftp://agent.example/c",
            "https://agent.example/c#d",
            "https://u@agent.example/c",
            "https://agent.example/\"c",
            long.as_str(),
        ] {
            assert!(wrong.parse::<ClientId>().is_err(), "{wrong}");
        }
        let id: ClientId = "https://agent.example/client.json".parse().unwrap();
        assert!(id.is_url());
        assert!(!"nightly-report".parse::<ClientId>().unwrap().is_url());
    }

    #[test]
    fn a_tenant_id_is_short_and_lower_case() {
        let long = "a".repeat(65);
        for wrong in ["", "Acme", "acme_eu", "acme.eu", "a b", long.as_str()] {
            assert!(wrong.parse::<TenantId>().is_err(), "{wrong}");
        }
        let tenant: TenantId = "acme-eu-1".parse().unwrap();
        assert_eq!(tenant.to_string(), "acme-eu-1");
    }

    #[test]
    fn an_issuer_is_an_origin_and_a_plain_path() {
        for wrong in [
            "",
            "https://",
            "ftp://a",
            "https://a/",
            "https://a?b",
            "https://a#b",
            "https://u@a",
            "https://A",
            "https://a b",
        ] {
            assert!(wrong.parse::<Issuer>().is_err(), "{wrong}");
        }
        let issuer: Issuer = "https://id.example:8443/tenant".parse().unwrap();
        assert_eq!(issuer.origin(), "https://id.example:8443");
        assert_eq!(
            issuer.url("/oauth/token"),
            "https://id.example:8443/tenant/oauth/token"
        );
    }

    #[test]
    fn a_foreign_issuers_slash_belongs_to_it() {
        for right in [
            "https://t.auth0.com/",
            "https://t.auth0.com",
            "https://a/b/",
        ] {
            let issuer = Issuer::foreign(right).unwrap();
            assert_eq!(issuer.as_str(), right);
            let plain = right.trim_end_matches('/');
            assert_eq!(issuer.url("/x"), format!("{plain}/x"));
        }
        for wrong in [
            "",
            "/",
            "https://",
            "https:///",
            "https://a//",
            "https://a?b/",
        ] {
            assert!(Issuer::foreign(wrong).is_err(), "{wrong}");
        }
    }
}
