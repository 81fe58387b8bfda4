//! The keys as they stand between two changes.

use std::sync::Arc;

use sealgate_jose::{Algorithm, Jwk, JwkSet, SigningKey, VerifyingKeys};
use sealgate_store::{KeyRow, KeyState};

use crate::vault::{Vault, public};
use crate::{KeyError, KeyPolicy};

/// The keys that sign, open, and the key set that everybody may read.
#[derive(Clone)]
pub(crate) struct Ring {
    active: Vec<Arc<SigningKey>>,
    published: Vec<(String, KeyState, Jwk)>,
    verifying: Arc<VerifyingKeys>,
    jwks: Arc<Vec<u8>>,
}

impl Ring {
    /// Opens what signs among `rows`. A key of an algorithm that is not allowed stays shut.
    pub(crate) fn open(
        rows: &[KeyRow],
        vault: &Vault,
        policy: &KeyPolicy,
    ) -> Result<Self, KeyError> {
        let active = rows
            .iter()
            .filter(|row| row.state == KeyState::Active)
            .filter(|row| Algorithm::parse(&row.algorithm).is_none_or(|one| policy.allows(one)))
            .map(|row| vault.open(row).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let published = rows
            .iter()
            .map(|row| Ok((row.kid.clone(), row.state, public(row)?)))
            .collect::<Result<_, KeyError>>()?;
        Self::publish(active, published)
    }

    /// Those that sign come first: a client that tries one after the other finds it soonest.
    fn publish(
        active: Vec<Arc<SigningKey>>,
        published: Vec<(String, KeyState, Jwk)>,
    ) -> Result<Self, KeyError> {
        let order = [KeyState::Active, KeyState::Next, KeyState::Retiring];
        let keys = order.into_iter().flat_map(|wanted| {
            let these = published
                .iter()
                .filter(move |(_, state, _)| *state == wanted);
            these.map(|(_, _, jwk)| jwk.clone())
        });
        let set = JwkSet {
            keys: keys.collect(),
        };
        let jwks = serde_json::to_vec(&set).map_err(|_| KeyError::Unreadable("set".to_owned()))?;
        Ok(Self {
            active,
            published,
            verifying: Arc::new(VerifyingKeys::from_jwks(&set)),
            jwks: Arc::new(jwks),
        })
    }

    /// This ring without key `kid`, and `next` to sign in its place if it signed.
    pub(crate) fn without(&self, kid: &str, next: Option<SigningKey>) -> Result<Self, KeyError> {
        let signed = self.active.iter().any(|key| key.kid() == kid);
        let rest = self.active.iter().filter(|key| key.kid() != kid).cloned();
        let next = next.filter(|_| signed).map(Arc::new);
        let published = self.published.iter().filter(|(other, _, _)| other != kid);
        Self::publish(rest.chain(next).collect(), published.cloned().collect())
    }

    /// The key that signs with `algorithm`.
    pub(crate) fn signer(&self, algorithm: Algorithm) -> Option<&SigningKey> {
        self.active
            .iter()
            .map(Arc::as_ref)
            .find(|key| key.algorithm() == algorithm)
    }

    /// The algorithms that have a key to sign with.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        self.active.iter().map(|key| key.algorithm()).collect()
    }

    /// Whether this is what `rows` say.
    pub(crate) fn agrees(&self, rows: &[KeyRow]) -> bool {
        let ours = self.published.iter().map(|(kid, state, _)| (kid, *state));
        ours.eq(rows.iter().map(|row| (&row.kid, row.state)))
    }

    /// The published keys, to verify with.
    pub(crate) fn verifying(&self) -> &Arc<VerifyingKeys> {
        &self.verifying
    }

    /// The key set as JSON (RFC 7517), active keys first.
    pub(crate) fn jwks(&self) -> &Arc<Vec<u8>> {
        &self.jwks
    }
}
