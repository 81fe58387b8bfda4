//! The private key of a client: it signs the assertions by which the client proves who it is (RFC 7523, 2.2).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sealgate_jose::{Algorithm, SigningKey};
use sealgate_model::{Random, Secret, Timestamp};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::AgentError;

/// Bytes of a key file.
const LIMIT: usize = 16 * 1024;

/// How long an assertion is good, in seconds: it is made for one request.
const LIFETIME: i64 = 120;

/// PKCS#8 of an Ed25519 key, up to its seed (RFC 8410, 7).
const ED25519: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A private key. There is no way to print it.
pub struct ClientKey {
    key: SigningKey,
    kid: Option<String>,
}

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientKey(…)")
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

impl ClientKey {
    /// Reads a private key in PEM (PKCS#8): Ed25519, P-256 (ES256) or RSA of 2,048 bits and more (RS256, or what
    /// `algorithm` says). `kid` is the key's id as it was registered, if it has one.
    pub fn from_pem(
        pem: &str,
        kid: Option<String>,
        algorithm: Option<&str>,
    ) -> Result<Self, AgentError> {
        let wanted = match algorithm {
            None => None,
            Some(name) => Some(Algorithm::parse(name).ok_or_else(|| unusable("algorithm"))?),
        };
        let der = der(pem)?;
        let name = kid.clone().unwrap_or_default();
        let key = if let Some(seed) = der.strip_prefix(&ED25519) {
            let seed = seed.try_into().map_err(|_| unusable("Ed25519 key"))?;
            SigningKey::from_seed(name, seed)
        } else {
            let rsa = match wanted {
                Some(Algorithm::Ps256) => Algorithm::Ps256,
                _ => Algorithm::Rs256,
            };
            SigningKey::from_private(Algorithm::Es256, name.clone(), &der)
                .or_else(|_| SigningKey::from_private(rsa, name, &der))
        };
        let key = key.map_err(|_| unusable("it is none of Ed25519, P-256 and RSA in PKCS#8"))?;
        if wanted.is_some_and(|wanted| wanted != key.algorithm()) {
            return Err(unusable("it is of another algorithm than asked for"));
        }
        Ok(Self { key, kid })
    }

    /// The algorithm's name.
    pub const fn algorithm(&self) -> &'static str {
        self.key.algorithm().name()
    }

    /// An assertion of the client `id` for `audience` (RFC 7523, 3; RFC 7523bis: the issuer, alone).
    pub fn assertion(
        &self,
        id: &str,
        audience: &str,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Secret, AgentError> {
        let now = now.as_seconds();
        let header = Header {
            alg: self.algorithm(),
            typ: "JWT",
            kid: self.kid.as_deref(),
        };
        let claims = Claims {
            iss: id,
            sub: id,
            aud: audience,
            iat: now,
            exp: now + LIFETIME,
            jti: URL_SAFE_NO_PAD.encode(random.bytes::<16>()),
        };
        let assertion = self.key.sign_with_header(&header, &claims);
        let assertion = assertion.map_err(|error| AgentError::KeyUnusable(error.to_string()))?;
        Ok(Secret::new(assertion))
    }
}

fn unusable(why: &str) -> AgentError {
    AgentError::KeyUnusable(why.to_owned())
}

/// The one PKCS#8 key in `pem` (RFC 7468, 10).
fn der(pem: &str) -> Result<Zeroizing<Vec<u8>>, AgentError> {
    const NONE: &str = "it is no PRIVATE KEY in PEM (PKCS#8)";
    if pem.len() > LIMIT {
        return Err(unusable("it is longer than 16 KiB"));
    }
    let rest = pem.split_once("-----BEGIN PRIVATE KEY-----");
    let body = rest.and_then(|(_, rest)| rest.split_once("-----END PRIVATE KEY-----"));
    let (body, after) = body.ok_or_else(|| unusable(NONE))?;
    if after.contains("-----BEGIN") {
        return Err(unusable("there is more than one key"));
    }
    let mut text = Zeroizing::new(String::with_capacity(body.len()));
    text.extend(body.split_ascii_whitespace());
    let der = STANDARD.decode(text.as_bytes());
    der.map(Zeroizing::new).map_err(|_| unusable(NONE))
}

#[cfg(test)]
mod tests {
    use sealgate_host::FakeRandom;
    use sealgate_jose::{Expect, JwkSet, VerifyingKeys};

    use super::*;

    fn pem(der: &[u8]) -> String {
        let body = STANDARD.encode(der);
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
    }

    #[test]
    fn keys_of_every_kind_are_read_from_pem() {
        let (es256, private) = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
        let key = ClientKey::from_pem(&pem(&private), None, None).unwrap();
        assert_eq!(key.algorithm(), "ES256");
        let now = Timestamp::from_seconds(1_000);
        let random = FakeRandom::default();
        let assertion = key.assertion("me", "https://id.example", now, &random);
        let keys = VerifyingKeys::from_jwks(&JwkSet {
            keys: vec![es256.public_jwk()],
        });
        let expect = Expect {
            types: &["JWT"],
            type_optional: false,
            kid_optional: true,
            limit: 8192,
        };
        let verified = keys.verify_as(assertion.unwrap().expose(), &expect);
        let claims: serde_json::Value = verified.unwrap().claims().unwrap();
        assert_eq!(claims["aud"], "https://id.example");
        assert_eq!(claims["iss"], "me");
        let (_, seed) = SigningKey::generate(Algorithm::Ed25519, "").unwrap();
        let der = [&ED25519[..], &seed].concat();
        let key = ClientKey::from_pem(&pem(&der), Some("k1".to_owned()), None).unwrap();
        assert_eq!(key.algorithm(), "EdDSA");
        assert!(ClientKey::from_pem(&pem(&der), None, Some("ES256")).is_err());
        assert_eq!(format!("{key:?}"), "ClientKey(…)");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for wrong in [
            "",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        ] {
            assert!(ClientKey::from_pem(wrong, None, None).is_err(), "{wrong}");
        }
        assert!(ClientKey::from_pem(&"a".repeat(LIMIT + 1), None, None).is_err());
    }
}
