//! Proofs that the agent holds the key its tokens are bound to (RFC 9449).

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_jose::dpop::{DpopKey, DpopRequest, ToldNonces};
use sealgate_jose::{Algorithm, SigningKey};
use sealgate_model::{Random, Secret, Timestamp};
use zeroize::Zeroizing;

use crate::{AgentError, WebUrl};

/// How many origins' nonces are remembered.
const ORIGINS: usize = 64;

/// Who told a nonce: those of an authorization server and those of a resource at the same origin are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The authorization server (RFC 9449, 8).
    Server,
    /// The resource (RFC 9449, 9).
    Resource,
}

/// A key, and the nonces that servers told for proofs with it. There is no way to print it.
pub struct Prover {
    key: DpopKey,
    private: Zeroizing<Vec<u8>>,
    nonces: Mutex<ToldNonces<(Side, String), ORIGINS>>,
}

impl std::fmt::Debug for Prover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prover(…)")
    }
}

/// The request that a proof is for.
#[derive(Debug, Clone, Copy)]
pub struct Proven<'a> {
    /// Whose nonce goes in.
    pub side: Side,
    /// The method, as it is sent.
    pub method: &'a str,
    /// The URL; its query does not count (RFC 9449, 4.2).
    pub url: &'a WebUrl,
    /// The token that goes with the request; none at the token endpoint.
    pub access_token: Option<&'a Secret>,
}

impl Prover {
    /// A new key: ES256, which every server that takes proofs knows.
    pub fn generate() -> Result<Self, AgentError> {
        let (key, private) = SigningKey::generate(Algorithm::Es256, "").map_err(unusable)?;
        Ok(Self::of(key, private))
    }

    /// The key that [`Self::private`] gave.
    pub fn from_private(private: Zeroizing<Vec<u8>>) -> Result<Self, AgentError> {
        let key = SigningKey::from_private(Algorithm::Es256, "", &private).map_err(unusable)?;
        Ok(Self::of(key, private))
    }

    fn of(key: SigningKey, private: Zeroizing<Vec<u8>>) -> Self {
        Self {
            key: DpopKey::new(key),
            private,
            nonces: Mutex::default(),
        }
    }

    /// The private key, for keeping.
    pub const fn private(&self) -> &Zeroizing<Vec<u8>> {
        &self.private
    }

    /// The thumbprint of the public key (RFC 7638), as `dpop_jkt` has it.
    pub fn thumbprint(&self) -> Result<String, AgentError> {
        self.key.thumbprint().map_err(unusable)
    }

    /// The value of a `DPoP` header, good for one request (RFC 9449, 4.2), with the nonce that was told last.
    pub fn prove(
        &self,
        random: &dyn Random,
        now: Timestamp,
        what: &Proven<'_>,
    ) -> Result<Secret, AgentError> {
        let nonce = self.nonce(what.side, what.url);
        self.prove_with(random, now, what, nonce.as_deref())
    }

    /// The same with this nonce, or none.
    pub fn prove_with(
        &self,
        random: &dyn Random,
        now: Timestamp,
        what: &Proven<'_>,
        nonce: Option<&str>,
    ) -> Result<Secret, AgentError> {
        let jti = URL_SAFE_NO_PAD.encode(random.bytes::<16>());
        let request = DpopRequest {
            jti: &jti,
            method: what.method,
            url: what.url.without_query(),
            now: now.as_seconds(),
            nonce,
            access_token: what.access_token.map(Secret::expose),
        };
        let proof = self.key.prove(&request);
        proof.map(Secret::new).map_err(unusable)
    }

    /// The nonce that the origin of `url` told last.
    pub fn nonce(&self, side: Side, url: &WebUrl) -> Option<String> {
        let nonces = self.nonces();
        nonces.get(&(side, url.origin())).map(str::to_owned)
    }

    /// Remembers a nonce that the origin of `url` told. Whether it is one, and another than before: only then can a
    /// request that was refused for its nonce go better.
    pub fn told(&self, side: Side, url: &WebUrl, nonce: &[u8]) -> bool {
        let told = self.nonces().told((side, url.origin()), nonce);
        told == Some(true)
    }

    fn nonces(&self) -> MutexGuard<'_, ToldNonces<(Side, String), ORIGINS>> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn unusable(error: sealgate_jose::JoseError) -> AgentError {
    AgentError::KeyUnusable(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealgate_host::FakeRandom;
    use sealgate_jose::{DpopExpectation, DpopProof, DpopUrl};

    use super::*;

    fn url(text: &str) -> WebUrl {
        WebUrl::parse(text).unwrap()
    }

    #[test]
    fn a_proof_is_for_its_request_token_and_nonce() {
        let prover = Prover::generate().unwrap();
        let random = FakeRandom::default();
        let place = url("https://api.example/mcp?x=1");
        let token = Secret::new("token");
        assert!(prover.told(Side::Resource, &place, b"n1"));
        assert!(!prover.told(Side::Resource, &place, b"n1"));
        let what = Proven {
            side: Side::Resource,
            method: "POST",
            url: &place,
            access_token: Some(&token),
        };
        let now = Timestamp::from_seconds(1_000);
        let proof = prover.prove(&random, now, &what).unwrap();
        let read = DpopProof::read(proof.expose()).unwrap();
        assert_eq!(read.htu, "https://api.example/mcp");
        assert_eq!(read.nonce.as_deref(), Some("n1"));
        assert_eq!(read.jkt, prover.thumbprint().unwrap());
        let expected = DpopExpectation {
            method: "POST",
            url: DpopUrl::Written("https://api.example/mcp"),
            now: 1_000,
            leeway: 5,
            access_token: Some("token"),
        };
        read.check(&expected).unwrap();
        let again = prover.prove(&random, now, &what).unwrap();
        assert_ne!(read.jti, DpopProof::read(again.expose()).unwrap().jti);
        let at_server = Proven {
            side: Side::Server,
            access_token: None,
            ..what
        };
        let proof = prover.prove(&random, now, &at_server).unwrap();
        let read = DpopProof::read(proof.expose()).unwrap();
        assert_eq!((read.nonce, read.ath), (None, None));
    }

    #[test]
    fn a_kept_key_is_the_same_key() {
        let prover = Prover::generate().unwrap();
        let kept = Prover::from_private(prover.private().clone()).unwrap();
        assert_eq!(kept.thumbprint(), prover.thumbprint());
        assert!(Prover::from_private(Zeroizing::new(vec![1, 2, 3])).is_err());
        assert_eq!(format!("{prover:?}"), "Prover(…)");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn only_sound_nonces_are_kept_and_only_so_many(
            told in proptest::collection::vec((0..200_u32, "\\PC{0,8}"), 1..400),
        ) {
            let prover = Prover::generate().unwrap();
            for (origin, nonce) in &told {
                let place = url(&format!("https://o{origin}.example"));
                prover.told(Side::Resource, &place, nonce.as_bytes());
                let kept = prover.nonce(Side::Resource, &place).unwrap_or_default();
                prop_assert!(kept.bytes().all(|b| b.is_ascii_graphic()));
                prop_assert!(prover.nonces().len() <= ORIGINS);
            }
        }
    }
}
