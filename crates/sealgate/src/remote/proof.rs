//! How a client proves who it is: by its secret, or by an assertion signed with its key (RFC 7523).

use std::path::Path;

use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use sealgate_host::{SystemClock, SystemRandom};
use sealgate_jose::{Algorithm, SigningKey};
use sealgate_model::{ClientId, Clock as _, Issuer, Secret};
use serde_json::json;

use crate::failure::Failure;

/// How long an assertion may be on its way, in seconds.
const ASSERTION_LIFE: i64 = 60;

/// What proves who the client is.
pub(crate) enum Proof {
    Secret(Secret),
    Key(Box<SigningKey>),
}

impl Proof {
    /// The parameters that prove it at the token endpoint of `issuer`.
    pub(super) fn parameters(
        &self,
        issuer: &Issuer,
        client: &ClientId,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        match self {
            Self::Secret(secret) => Ok(vec![("client_secret", secret.expose().to_owned())]),
            Self::Key(key) => {
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                Ok(vec![
                    ("client_assertion_type", kind.to_owned()),
                    ("client_assertion", assertion(key, None, issuer, client)?),
                ])
            }
        }
    }
}

/// An assertion of `client` for `issuer` alone. The header names the key only where it is known under which id it
/// was registered.
pub(crate) fn assertion(
    key: &SigningKey,
    kid: Option<&str>,
    issuer: &Issuer,
    client: &ClientId,
) -> Result<String, Failure> {
    let now = SystemClock::default().now().as_seconds();
    let mut header = json!({ "alg": key.algorithm().name(), "typ": "client-authentication+jwt" });
    if let Some(kid) = kid {
        header["kid"] = json!(kid);
    }
    let claims = json!({
        "iss": client, "sub": client, "aud": issuer, "iat": now, "exp": now + ASSERTION_LIFE,
        "jti": Secret::generate(&SystemRandom).expose(),
    });
    key.sign_with_header(&header, &claims)
        .map_err(|error| Failure::usage("key_unusable", format!("the key cannot sign: {error}")))
}

/// The private key in a PEM file, under its thumbprint as id.
pub(crate) fn signing_key(path: &Path) -> Result<SigningKey, Failure> {
    let der = PrivatePkcs8KeyDer::from_pem_file(path).map_err(|error| {
        let said = format!("cannot read a private key from {}: {error}", path.display());
        Failure::usage("key_unusable", said)
            .with_hint("make one: openssl genpkey -algorithm ed25519 -out key.pem")
    })?;
    key_of(der.secret_pkcs8_der()).ok_or_else(|| {
        let said = format!("{} holds no Ed25519 and no P-256 key", path.display());
        Failure::usage("key_unusable", said)
            .with_hint("make one: openssl genpkey -algorithm ed25519 -out key.pem")
    })
}

fn key_of(der: &[u8]) -> Option<SigningKey> {
    let (algorithm, private) = match ed25519_seed(der) {
        Some(seed) => (Algorithm::Ed25519, seed),
        None => (Algorithm::Es256, der),
    };
    let unnamed = SigningKey::from_private(algorithm, "unnamed", private).ok()?;
    let thumbprint = unnamed.public_jwk().thumbprint().ok()?;
    SigningKey::from_private(algorithm, thumbprint, private).ok()
}

/// The seed of an Ed25519 key in PKCS #8 (RFC 8410, 7): behind the algorithm's identifier, an octet
/// string in an octet string.
fn ed25519_seed(der: &[u8]) -> Option<&[u8]> {
    const BEFORE: [u8; 11] = [
        0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ];
    let at = der
        .windows(BEFORE.len())
        .position(|window| window == BEFORE)?;
    // Only behind the outer length and the version.
    let start = (at == 5).then_some(at + BEFORE.len())?;
    der.get(start..start + 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8410, 10.3: without and with the public key.
    const PLAIN: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";

    fn key(pem: &str) -> Result<SigningKey, Failure> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        signing_key(file.path())
    }

    #[test]
    fn ed25519_and_p256_keys_are_read() {
        let ed25519 = key(PLAIN).unwrap();
        assert_eq!(ed25519.algorithm(), Algorithm::Ed25519);
        // RFC 8410, 10.1.
        let x = ed25519.public_jwk().x.unwrap();
        assert_eq!(x, "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE");
        assert_eq!(ed25519.kid(), ed25519.public_jwk().thumbprint().unwrap());
        let p256 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let p256 = key(&p256.serialize_pem()).unwrap();
        assert_eq!(p256.algorithm(), Algorithm::Es256);
    }

    #[test]
    fn anything_else_is_refused_with_how_to_make_one() {
        let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        for wrong in ["", "a key", &p384.serialize_pem()] {
            let refused = key(wrong).unwrap_err();
            assert!(
                refused
                    .text()
                    .contains("(key_unusable)\nhint: make one: openssl")
            );
        }
    }

    #[test]
    fn an_assertion_is_for_the_issuer_alone_and_short_lived() {
        let (issuer, client) = (
            "https://id.example".parse().unwrap(),
            "robot".parse().unwrap(),
        );
        let proof = Proof::Key(Box::new(key(PLAIN).unwrap()));
        let parameters = proof.parameters(&issuer, &client).unwrap();
        let payload = parameters[1].1.split('.').nth(1).unwrap();
        let claims = {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(payload)
                .unwrap()
        };
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["aud"], "https://id.example");
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&"robot".into(), &"robot".into())
        );
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(life, ASSERTION_LIFE);
        assert!(claims["jti"].as_str().unwrap().len() >= 43);
    }
}
