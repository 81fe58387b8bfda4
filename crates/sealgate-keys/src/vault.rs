//! Where private parts rest, and what opens them.

use std::sync::Arc;

use sealgate_jose::{Algorithm, Jwk, SigningKey};
use sealgate_model::{Random, Timestamp};
use sealgate_session::{Context, KeyRing};
use sealgate_store::{KeyRow, KeyState};

use crate::KeyError;

/// The longest sealed private part, in bytes: one of RSA has about 1,700.
const SEALED_LIMIT: usize = 16 * 1024;

/// Makes, seals and opens signing keys under the master key.
pub(crate) struct Vault {
    master: KeyRing,
    random: Arc<dyn Random>,
}

impl Vault {
    pub(crate) fn new(master: KeyRing, random: Arc<dyn Random>) -> Self {
        Self { master, random }
    }

    /// Makes a key of `algorithm`. Slow for RSA: not for a thread that serves requests.
    pub(crate) fn create(
        &self,
        algorithm: Algorithm,
        state: KeyState,
        now: Timestamp,
    ) -> Result<KeyRow, KeyError> {
        // Hexadecimal, because a kid is also typed on command lines.
        let kid = format!("{:016x}", u64::from_be_bytes(self.random.bytes()));
        let (key, private) = SigningKey::generate(algorithm, kid.as_str())?;
        let public_jwk = serde_json::to_string(&key.public_jwk())
            .map_err(|_| KeyError::Unreadable(kid.clone()))?;
        let sealed_private = self
            .master
            .seal_up_to(SEALED_LIMIT, &context(&kid), self.random.as_ref(), &private)
            .map_err(|source| KeyError::Sealed {
                kid: kid.clone(),
                source,
            })?;
        Ok(KeyRow {
            kid,
            algorithm: algorithm.name().to_owned(),
            state,
            sealed_private,
            public_jwk,
            created_at: now,
            changed_at: now,
        })
    }

    /// The key of `row`, ready to sign. [`KeyError::Sealed`] if it does not open,
    /// [`KeyError::Unreadable`] if what it holds is no key, or not the one that is published.
    pub(crate) fn open(&self, row: &KeyRow) -> Result<SigningKey, KeyError> {
        let unreadable = || KeyError::Unreadable(row.kid.clone());
        let algorithm = Algorithm::parse(&row.algorithm).ok_or_else(unreadable)?;
        let opened = self
            .master
            .open_up_to(SEALED_LIMIT, &context(&row.kid), &row.sealed_private)
            .map_err(|source| KeyError::Sealed {
                kid: row.kid.clone(),
                source,
            })?;
        let key = SigningKey::from_private(algorithm, row.kid.as_str(), &opened.plain)
            .map_err(|_| unreadable())?;
        // What is published must be what signs.
        if key.public_jwk() == public(row)? {
            Ok(key)
        } else {
            Err(unreadable())
        }
    }
}

/// The public part of `row`.
pub(crate) fn public(row: &KeyRow) -> Result<Jwk, KeyError> {
    serde_json::from_str(&row.public_jwk).map_err(|_| KeyError::Unreadable(row.kid.clone()))
}

/// Not bound to the issuer: a control plane that moves to another name keeps its keys.
fn context(kid: &str) -> Context<'_> {
    Context {
        purpose: "signing-key",
        cookie: kid,
        client: "",
        issuer: "",
    }
}
