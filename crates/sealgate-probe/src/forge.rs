//! Tokens that no issuer made.
//!
//! All of them have to be denied. Those that say that they are expired, or for somebody else, are signed with
//! a key of our own and thus forged as well: real ones only a test control plane can make.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value, json};

/// Secrets that stand in documentation, templates and defaults, and are left as they are.
const WELL_KNOWN: [&str; 16] = [
    "",
    "secret",
    "SECRET",
    "secret-key",
    "secret_key",
    "your-secret-key",
    "your_secret_key",
    "my-secret-key",
    "supersecret",
    "changeme",
    "change-me",
    "jwt-secret",
    "your-256-bit-secret",
    "a-string-secret-at-least-256-bits-long",
    "lightrag-jwt-default-secret",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
];

/// Seconds since 1970 that are past, and that are not for a long time: no clock is needed to tell them apart.
const PAST: u64 = 1_000_000_000;
const FUTURE: u64 = 4_102_444_800;

/// A token that no issuer made, and how it was made.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Forged {
    pub(crate) value: String,
    pub(crate) how: String,
}

/// Makes tokens with keys that come from a seed.
pub(crate) struct Forge<'a> {
    seed: &'a [u8; 32],
    given: &'a [String],
}

impl<'a> Forge<'a> {
    /// `seed` is unpredictable; `given` are further secrets to sign with.
    pub(crate) fn new(seed: &'a [u8; 32], given: &'a [String]) -> Self {
        Self { seed, given }
    }

    /// Forgeries of a real token. None where it is no JWT.
    pub(crate) fn of_token(&self, token: &str) -> Vec<Forged> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Vec::new();
        };
        let (Some(head), Some(claims)) = (object(header), object(payload)) else {
            return Vec::new();
        };
        if !head.contains_key("alg") {
            return Vec::new();
        }
        let mut forged = vec![
            Forged::new(
                format!("{header}.{payload}.{}", tampered(signature)),
                "with another signature",
            ),
            Forged::new(format!("{header}.{payload}."), "without its signature"),
        ];
        forged.extend(self.unsigned_and_signed(&head, &claims));
        for (claim, value, how) in [
            ("exp", json!(PAST), "expired and forged"),
            ("nbf", json!(FUTURE), "not valid yet and forged"),
            (
                "aud",
                json!("https://elsewhere.example"),
                "for another audience and forged",
            ),
            (
                "iss",
                json!("https://elsewhere.example"),
                "of another issuer and forged",
            ),
        ] {
            let mut other = claims.clone();
            other.insert(claim.to_owned(), value);
            forged.push(Forged::new(self.signed(&head, &other, self.seed), how));
        }
        forged
    }

    /// Tokens whose claims are invented, for where no real one is at hand.
    pub(crate) fn invented(&self) -> Vec<Forged> {
        let claims = json!({
            "sub": "admin", "username": "admin", "user_id": "admin", "email": "admin@example.com",
            "role": "admin", "roles": ["admin"], "scope": "admin", "type": "access",
            "iat": PAST, "exp": FUTURE,
        });
        let claims = claims.as_object().cloned().unwrap_or_default();
        self.unsigned_and_signed(&Map::new(), &claims)
    }

    fn unsigned_and_signed(
        &self,
        head: &Map<String, Value>,
        claims: &Map<String, Value>,
    ) -> Vec<Forged> {
        let mut forged = vec![
            Forged::new(
                format!("{}.", unsigned(head, claims, "none", None)),
                "without a signature, as alg none",
            ),
            Forged::new(
                self.signed(head, claims, self.seed),
                "signed with a fresh secret",
            ),
        ];
        forged.extend(self.with_own_key(head, claims));
        for secret in WELL_KNOWN {
            let how = match secret {
                "" => "signed with the empty secret".to_owned(),
                secret => format!("signed with the well-known secret {secret:?}"),
            };
            forged.push(Forged::new(
                self.signed(head, claims, secret.as_bytes()),
                how,
            ));
        }
        for (at, secret) in self.given.iter().enumerate() {
            let how = format!("signed with weak secret {} of those given", at + 1);
            forged.push(Forged::new(
                self.signed(head, claims, secret.as_bytes()),
                how,
            ));
        }
        forged
    }

    #[expect(clippy::unused_self, reason = "a method, as its neighbours are")]
    fn signed(
        &self,
        head: &Map<String, Value>,
        claims: &Map<String, Value>,
        secret: &[u8],
    ) -> String {
        let input = unsigned(head, claims, "HS256", None);
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = hmac::sign(&key, input.as_bytes());
        format!("{input}.{}", BASE64.encode(tag))
    }

    /// A token that brings the key along which verifies it.
    fn with_own_key(
        &self,
        head: &Map<String, Value>,
        claims: &Map<String, Value>,
    ) -> Option<Forged> {
        let pair = Ed25519KeyPair::from_seed_unchecked(self.seed).ok()?;
        let public = BASE64.encode(pair.public_key());
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": public });
        let input = unsigned(head, claims, "EdDSA", Some(jwk));
        let signature = BASE64.encode(pair.sign(input.as_bytes()));
        Some(Forged::new(
            format!("{input}.{signature}"),
            "signed with a key that it brings along",
        ))
    }
}

impl Forged {
    fn new(value: String, how: impl Into<String>) -> Self {
        Self {
            value,
            how: how.into(),
        }
    }
}

fn unsigned(
    head: &Map<String, Value>,
    claims: &Map<String, Value>,
    algorithm: &str,
    jwk: Option<Value>,
) -> String {
    let mut head = head.clone();
    head.insert("alg".to_owned(), json!(algorithm));
    head.entry("typ").or_insert(json!("JWT"));
    if let Some(jwk) = jwk {
        head.insert("jwk".to_owned(), jwk);
    }
    let part =
        |object: &Map<String, Value>| BASE64.encode(serde_json::to_vec(object).unwrap_or_default());
    format!("{}.{}", part(&head), part(claims))
}

/// The first character changed: in the last one, some bits count for nothing.
fn tampered(signature: &str) -> String {
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let rest: String = signature.chars().skip(1).collect();
    format!("{first}{rest}")
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = BASE64.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const SEED: [u8; 32] = [7; 32];

    fn real() -> String {
        let claims = json!({ "sub": "ada", "aud": "https://api.example", "exp": FUTURE });
        let forge = Forge::new(&SEED, &[]);
        let head = json!({ "alg": "HS256", "kid": "k1" });
        forge.signed(
            head.as_object().unwrap(),
            claims.as_object().unwrap(),
            b"real",
        )
    }

    #[test]
    fn no_forgery_is_the_real_token_and_none_is_there_twice() {
        let given = ["hunter2".to_owned()];
        let token = real();
        let forged = Forge::new(&SEED, &given).of_token(&token);
        let values: BTreeSet<&str> = forged.iter().map(|one| one.value.as_str()).collect();
        assert_eq!(values.len(), forged.len());
        assert!(!values.contains(token.as_str()));
        let hows: Vec<&str> = forged.iter().map(|one| one.how.as_str()).collect();
        insta::assert_snapshot!(hows.join("\n"));
        assert!(!hows.iter().any(|how| how.contains("hunter2")));
    }

    #[test]
    fn a_well_known_secret_makes_a_token_that_verifies_with_it() {
        let forged = Forge::new(&SEED, &[]).invented();
        let one = forged
            .iter()
            .find(|one| one.how.contains("lightrag-jwt-default-secret"))
            .unwrap();
        let (input, signature) = one.value.rsplit_once('.').unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"lightrag-jwt-default-secret");
        let tag = BASE64.decode(signature).unwrap();
        assert!(hmac::verify(&key, input.as_bytes(), &tag).is_ok());
    }

    #[test]
    fn what_is_no_jwt_has_no_forgeries() {
        let forge = Forge::new(&SEED, &[]);
        for token in ["", "opaque", "a.b.c", "v4.local.abc", "e30.e30.x"] {
            assert!(forge.of_token(token).is_empty(), "{token}");
        }
    }
}
