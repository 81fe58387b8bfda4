//! Proofs that this process holds the key its tokens are bound to (RFC 9449, 4).

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_jose::dpop::{DpopKey, DpopRequest, ToldNonces};
use sealgate_jose::{Algorithm, SigningKey};
use sealgate_model::Secret;

use super::error::OnwardError;
use crate::common::Common;

/// How many origins' nonces are remembered.
const ORIGINS: usize = 256;

/// The key of this process, made when it is first needed and never kept, and the nonces it was told.
#[derive(Default)]
pub(super) struct Prover {
    key: OnceLock<DpopKey>,
    nonces: Mutex<ToldNonces<String, ORIGINS>>,
}

/// What a proof is for.
pub(super) struct For<'a> {
    pub(super) method: &'a str,
    /// Without query and fragment.
    pub(super) url: &'a str,
    pub(super) nonce: Option<&'a str>,
    /// The token that goes with it; none at the token endpoint.
    pub(super) access_token: Option<&'a str>,
}

impl Prover {
    /// The value of a `DPoP` header, good for one request.
    pub(super) fn prove(&self, common: &Common, what: &For<'_>) -> Result<Secret, OnwardError> {
        let jti = URL_SAFE_NO_PAD.encode(common.random().bytes::<16>());
        let request = DpopRequest {
            jti: &jti,
            method: what.method,
            url: what.url,
            now: common.now().as_seconds(),
            nonce: what.nonce,
            access_token: what.access_token,
        };
        let proof = self.held()?.prove(&request);
        proof.map(Secret::new).map_err(failed)
    }

    /// The nonce that `origin` told last.
    pub(super) fn nonce(&self, origin: &str) -> Option<String> {
        self.nonces().get(&origin.to_owned()).map(str::to_owned)
    }

    /// Remembers a nonce that `origin` told; whether it is one.
    pub(super) fn told(&self, origin: &str, nonce: &[u8]) -> bool {
        self.nonces().told(origin.to_owned(), nonce).is_some()
    }

    fn nonces(&self) -> MutexGuard<'_, ToldNonces<String, ORIGINS>> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// ES256, which every server that takes proofs knows.
    fn held(&self) -> Result<&DpopKey, OnwardError> {
        if let Some(held) = self.key.get() {
            return Ok(held);
        }
        let (key, _private) = SigningKey::generate(Algorithm::Es256, "").map_err(failed)?;
        Ok(self.key.get_or_init(|| DpopKey::new(key)))
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn failed(error: sealgate_jose::JoseError) -> OnwardError {
    OnwardError::ProofFailed(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_latest_nonce_counts_and_anything_else_is_none() {
        let prover = Prover::default();
        assert!(prover.told("https://a.example", b"n1"));
        assert!(prover.told("https://a.example", b"n2"));
        let long = [b'n'; 257];
        for wrong in [&b""[..], b"a b", b"\"", b"\xff", &long] {
            assert!(!prover.told("https://a.example", wrong), "{wrong:?}");
        }
        assert_eq!(prover.nonce("https://a.example").unwrap(), "n2");
        assert_eq!(prover.nonce("https://b.example"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn however_many_origins_tell_nonces_only_so_many_are_kept(
            told in proptest::collection::vec((0..600_u32, "[!-~]{1,8}"), 1..1500),
        ) {
            let prover = Prover::default();
            for (origin, nonce) in &told {
                prover.told(&format!("https://{origin}.example"), nonce.as_bytes());
                prop_assert!(prover.nonces().len() <= ORIGINS);
            }
        }
    }
}
