//! The protected header of a compact JWS (RFC 7515, 4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::JoseError;

/// The only members that are read. A header with any other member that could change how a token is
/// to be understood (`crit`, `b64`, `zip`) or where its key comes from is refused.
#[derive(Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) kid: Option<String>,
    pub(crate) typ: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
    b64: Option<serde::de::IgnoredAny>,
    zip: Option<serde::de::IgnoredAny>,
    enc: Option<serde::de::IgnoredAny>,
    jwk: Option<serde::de::IgnoredAny>,
    jku: Option<serde::de::IgnoredAny>,
    x5u: Option<serde::de::IgnoredAny>,
    x5c: Option<serde::de::IgnoredAny>,
}

impl Header {
    /// Decodes the first part of a token. serde refuses a member that is there twice.
    pub(crate) fn decode(part: &str) -> Result<Self, JoseError> {
        let json = URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| JoseError::Malformed("header is not base64url"))?;
        let header: Self = serde_json::from_slice(&json)
            .map_err(|_| JoseError::Malformed("header is not a JOSE header"))?;
        let dangerous = [
            &header.crit,
            &header.b64,
            &header.zip,
            &header.enc,
            &header.jwk,
            &header.jku,
            &header.x5u,
            &header.x5c,
        ];
        if dangerous.iter().any(|member| member.is_some()) {
            return Err(JoseError::Malformed(
                "header has a member that is never accepted",
            ));
        }
        Ok(header)
    }

    /// Whether the header's type is one of `allowed`. Types compare without case, and the prefix
    /// `application/` may be left out (RFC 7515, 4.1.9).
    pub(crate) fn is_type(&self, allowed: &[&str]) -> bool {
        let Some(typ) = self.typ.as_deref() else {
            return false;
        };
        let typ = typ
            .get(..12)
            .filter(|p| p.eq_ignore_ascii_case("application/"))
            .map_or(typ, |_| &typ[12..]);
        allowed.iter().any(|name| name.eq_ignore_ascii_case(typ))
    }
}
