//! Who vouches for checkpoints.

use std::collections::HashMap;

use sealgate_audit::chain::{CheckpointClaims, FindingKind, Hash, Judged, Stamp};
use sealgate_jose::{JoseError, Jwk, JwkSet, VerifyingKeys, claimed_key};
use sealgate_session::KeyRing;
use sealgate_store::AuditKey;

use super::key_context;

/// The keys of checkpoints, each by itself: there may be more of them than a key set has room for.
#[derive(Debug, Default)]
pub struct Judge {
    keys: HashMap<String, VerifyingKeys>,
}

impl Judge {
    /// Keys that are believed as they stand, such as a key set that was kept elsewhere.
    pub fn of_set(set: JwkSet) -> Self {
        let named = set
            .keys
            .into_iter()
            .filter_map(|jwk| Some((jwk.kid.clone()?, jwk)));
        let keys =
            named.map(|(kid, jwk)| (kid, VerifyingKeys::from_jwks(&JwkSet { keys: vec![jwk] })));
        Self {
            keys: keys.collect(),
        }
    }

    /// Keys as they are stored: those that open under the master key. Without one there are none.
    pub(crate) fn of_sealed(keys: &[AuditKey], master: Option<&KeyRing>) -> Self {
        let opened = keys.iter().filter_map(|key| open(key, master?));
        Self::of_set(JwkSet {
            keys: opened.collect(),
        })
    }

    /// With the keys of another one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self
    }

    /// A checkpoint that is kept under `number`.
    pub fn stored(&self, number: i64, token: &str) -> Stamp {
        Stamp {
            number,
            digest: Hash::of(token.as_bytes()),
            judged: self.judge(token),
            external: false,
        }
    }

    /// One that was kept elsewhere: it says itself which record it is of.
    pub fn external(&self, token: &str) -> Stamp {
        let judged = self.judge(token);
        let number = match &judged {
            Judged::Good { claims, .. } => claims.number,
            Judged::Refused { .. } => 0,
        };
        Stamp {
            number,
            digest: Hash::of(token.as_bytes()),
            judged,
            external: true,
        }
    }

    fn judge(&self, token: &str) -> Judged {
        let refused = |kind, detail: &str| Judged::Refused {
            kind,
            detail: detail.to_owned(),
        };
        let malformed =
            |error: JoseError| refused(FindingKind::CheckpointMalformed, &error.to_string());
        if token.len() > CheckpointClaims::LIMIT {
            return refused(
                FindingKind::CheckpointMalformed,
                "the checkpoint is too long",
            );
        }
        let kid = match claimed_key(token) {
            Ok(Some(kid)) => kid,
            Ok(None) => return refused(FindingKind::CheckpointMalformed, "it names no key"),
            Err(error) => return malformed(error),
        };
        let Some(keys) = self.keys.get(&kid) else {
            let said = format!("nobody vouches for the key {kid} that signed a checkpoint");
            return refused(FindingKind::CheckpointKeyUnknown, &said);
        };
        let verified = match keys.verify(token, &[CheckpointClaims::TYPE]) {
            Ok(verified) => verified,
            Err(error) => return refused(FindingKind::CheckpointSignature, &error.to_string()),
        };
        match verified.claims() {
            Ok(claims) => Judged::Good { kid, claims },
            Err(error) => malformed(error),
        }
    }
}

fn open(key: &AuditKey, master: &KeyRing) -> Option<Jwk> {
    let opened = master.open(&key_context(&key.kid), &key.sealed_jwk).ok()?;
    let jwk: Jwk = serde_json::from_slice(&opened.plain).ok()?;
    (jwk.kid.as_deref() == Some(key.kid.as_str())).then_some(jwk)
}

impl super::ControlPlane {
    /// The public keys of every checkpoint, as a key set.
    pub(crate) async fn audit_jwks(&self) -> Result<Vec<Jwk>, sealgate_store::StoreError> {
        let keys = self.store.audit_keys().await?;
        let opened = keys.iter().filter_map(|key| open(key, &self.master));
        Ok(opened.collect())
    }
}
