//! Which of the issuer's keys are believed: those of its key set, less those that the feed revoked.
//!
//! A revoked key is not believed again while the process lives, even if a key set that lists it comes
//! out of some cache on the way.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use sealgate_jose::{JwkSet, VerifyingKeys};

/// The issuer's keys.
pub(crate) struct Trust {
    known: RwLock<Known>,
}

struct Known {
    set: JwkSet,
    revoked: HashSet<String>,
    verifying: Arc<VerifyingKeys>,
}

impl Trust {
    /// None is known yet.
    pub(crate) fn new() -> Self {
        let set = JwkSet { keys: Vec::new() };
        Self {
            known: RwLock::new(Known {
                verifying: Arc::new(VerifyingKeys::from_jwks(&set)),
                set,
                revoked: HashSet::new(),
            }),
        }
    }

    /// The keys to verify with.
    pub(crate) fn verifying(&self) -> Arc<VerifyingKeys> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known.verifying)
    }

    /// Takes `set` in place of the one that was known, unless no key of it can be used. Whether it did.
    pub(crate) fn replace(&self, mut set: JwkSet) -> bool {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        set.keys
            .retain(|key| !named(key.kid.as_ref(), &known.revoked));
        let verifying = VerifyingKeys::from_jwks(&set);
        let usable = !verifying.is_empty();
        if usable {
            (known.set, known.verifying) = (set, Arc::new(verifying));
        }
        usable
    }

    /// Believes nothing any more that key `kid` signed.
    pub(crate) fn revoke(&self, kid: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.revoked.insert(kid.to_owned()) {
            known.set.keys.retain(|key| key.kid.as_deref() != Some(kid));
            known.verifying = Arc::new(VerifyingKeys::from_jwks(&known.set));
        }
    }
}

fn named(kid: Option<&String>, revoked: &HashSet<String>) -> bool {
    kid.is_some_and(|kid| revoked.contains(kid))
}

#[cfg(test)]
mod tests {
    use sealgate_jose::{JoseError, SigningKey};

    use super::*;

    #[test]
    fn a_revoked_key_stays_revoked_whatever_key_set_comes() {
        let [old, new] = [1, 2].map(|n| SigningKey::from_seed(format!("k{n}"), &[n; 32]).unwrap());
        let both = JwkSet {
            keys: vec![old.public_jwk(), new.public_jwk()],
        };
        let trust = Trust::new();
        assert!(trust.replace(both.clone()));
        let check = |key: &SigningKey| {
            let token = key.sign("JWT", &1).unwrap();
            trust.verifying().verify(&token, &["JWT"]).map(|_| ())
        };
        assert!(check(&old).is_ok() && check(&new).is_ok());
        trust.revoke("k1");
        assert!(matches!(check(&old), Err(JoseError::UnknownKey)));
        assert!(check(&new).is_ok());
        assert!(trust.replace(both));
        assert!(matches!(check(&old), Err(JoseError::UnknownKey)));
        // A set of nothing but revoked keys is as good as none: what is known stays.
        assert!(!trust.replace(JwkSet {
            keys: vec![old.public_jwk()]
        }));
        assert!(check(&new).is_ok());
    }
}
