//! The protected header of a compact JWS (RFC 7515, 4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::object::{from_slice, present, present_object};
use crate::{JoseError, Jwk};

/// The only members that are read. A header with any other member that could change how a token is
/// to be understood (`crit`, `b64`, `zip`) or where its key comes from is refused.
#[derive(Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    #[serde(default, deserialize_with = "present")]
    pub(crate) kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) typ: Option<String>,
    /// Only a proof that somebody holds a key brings it; everywhere else this is refused.
    #[serde(default, deserialize_with = "present_object")]
    jwk: Option<Jwk>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    b64: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    zip: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    enc: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    jku: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    x5u: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    x5c: Option<IgnoredAny>,
}

impl Header {
    /// Decodes the first part of a token that must not bring its key.
    pub(crate) fn decode(part: &str) -> Result<Self, JoseError> {
        match Self::decode_any(part)? {
            Self { jwk: Some(_), .. } => Err(JoseError::Malformed(
                "header has a member that is never accepted",
            )),
            header => Ok(header),
        }
    }

    /// Decodes the first part of a proof that somebody holds a key, which must bring it.
    pub(crate) fn decode_with_key(part: &str) -> Result<(Self, Jwk), JoseError> {
        let mut header = Self::decode_any(part)?;
        let jwk = header.jwk.take();
        let jwk = jwk.ok_or(JoseError::Malformed("header brings no key"))?;
        Ok((header, jwk))
    }

    /// serde refuses a member that is there twice.
    fn decode_any(part: &str) -> Result<Self, JoseError> {
        let json = URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| JoseError::Malformed("header is not base64url"))?;
        let header: Self =
            from_slice(&json).map_err(|_| JoseError::Malformed("header is not a JOSE header"))?;
        let dangerous = [
            &header.crit,
            &header.b64,
            &header.zip,
            &header.enc,
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

/// The parts of a compact JWS, still encoded.
pub(crate) struct Parts<'a> {
    pub(crate) header: &'a str,
    pub(crate) payload: &'a str,
    /// Header, dot and payload: what is signed.
    pub(crate) signed: &'a str,
    pub(crate) signature: &'a str,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(token: &'a str) -> Result<Self, JoseError> {
        let malformed = JoseError::Malformed("not three parts");
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed.clone())?;
        let (header, payload) = signed.split_once('.').ok_or(malformed.clone())?;
        if payload.contains('.') {
            return Err(malformed);
        }
        Ok(Self {
            header,
            payload,
            signed,
            signature,
        })
    }

    /// Verifies the signature with `key`.
    pub(crate) fn verify(
        &self,
        key: &aws_lc_rs::signature::ParsedPublicKey,
    ) -> Result<(), JoseError> {
        let signature = URL_SAFE_NO_PAD
            .decode(self.signature)
            .map_err(|_| JoseError::Malformed("signature is not base64url"))?;
        key.verify_sig(self.signed.as_bytes(), &signature)
            .map_err(|_| JoseError::BadSignature)
    }

    /// The payload's bytes.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, JoseError> {
        URL_SAFE_NO_PAD
            .decode(self.payload)
            .map_err(|_| JoseError::Malformed("payload is not base64url"))
    }
}
