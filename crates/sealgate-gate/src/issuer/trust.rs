//! Which of the issuer's keys are believed: those of its key set, less those that the feed revoked.
//!
//! A revoked key is not believed again while the process lives, even if a key set that lists it comes
//! out of some cache on the way. A set that nobody could renew for [`LONGEST`] is not believed either: an
//! issuer withdraws a key by no longer listing it, and whoever can cut the way to the issuer must not be
//! able to keep a withdrawn key alive for good.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use sealgate_jose::{JwkSet, VerifyingKeys};
use sealgate_model::Uptime;

/// How long the last key set that was read stays good when no other can be had.
pub(super) const LONGEST: Duration = Duration::from_secs(86_400);

/// The issuer's keys.
pub(crate) struct Trust {
    known: RwLock<Known>,
}

struct Known {
    set: JwkSet,
    revoked: HashSet<String>,
    verifying: Arc<VerifyingKeys>,
    /// When the set was asked for; none before the first.
    asked: Option<Uptime>,
    /// Counts the changes of what is believed.
    generation: u64,
}

impl Known {
    fn is_believed(&self, now: Uptime) -> bool {
        self.asked.is_some_and(|asked| now.since(asked) < LONGEST)
    }

    fn set(&mut self, set: JwkSet) {
        if self.set != set {
            self.generation += 1;
            self.verifying = Arc::new(VerifyingKeys::from_jwks(&set));
            self.set = set;
        }
    }
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
                asked: None,
                generation: 0,
            }),
        }
    }

    /// The keys to verify with at `now`; none if there are none that are believed.
    pub(crate) fn verifying(&self, now: Uptime) -> Option<Arc<VerifyingKeys>> {
        let known = self.read();
        known.is_believed(now).then(|| Arc::clone(&known.verifying))
    }

    /// A number that is another one whenever what is believed has changed; none as [`Self::verifying`].
    pub(crate) fn generation(&self, now: Uptime) -> Option<u64> {
        let known = self.read();
        known.is_believed(now).then_some(known.generation)
    }

    /// When the set that is known was asked for.
    pub(crate) fn asked(&self) -> Option<Uptime> {
        self.read().asked
    }

    /// Whether the feed revoked key `kid`.
    pub(crate) fn is_revoked(&self, kid: &str) -> bool {
        self.read().revoked.contains(kid)
    }

    /// Takes `set`, which was asked for at `asked`, in place of the one that was known, unless no key of it
    /// can be used. Whether it did.
    pub(crate) fn replace(&self, mut set: JwkSet, asked: Uptime) -> bool {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        set.keys
            .retain(|key| !named(key.kid.as_ref(), &known.revoked));
        let usable = !VerifyingKeys::from_jwks(&set).is_empty();
        if usable {
            known.set(set);
            known.asked = Some(asked);
        }
        usable
    }

    /// Believes nothing any more that key `kid` signed.
    pub(crate) fn revoke(&self, kid: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.revoked.insert(kid.to_owned()) {
            let mut set = known.set.clone();
            set.keys.retain(|key| key.kid.as_deref() != Some(kid));
            known.set(set);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named(kid: Option<&String>, revoked: &HashSet<String>) -> bool {
    kid.is_some_and(|kid| revoked.contains(kid))
}

#[cfg(test)]
mod tests {
    use sealgate_jose::{JoseError, SigningKey};

    use super::*;

    const START: Uptime = Uptime::from_elapsed(Duration::ZERO);

    fn keys() -> [SigningKey; 2] {
        [1, 2].map(|n| SigningKey::from_seed(format!("k{n}"), &[n; 32]).unwrap())
    }

    fn set<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> JwkSet {
        JwkSet {
            keys: keys.into_iter().map(SigningKey::public_jwk).collect(),
        }
    }

    #[test]
    fn a_revoked_key_stays_revoked_whatever_key_set_comes() {
        let [old, new] = keys();
        let both = set([&old, &new]);
        let trust = Trust::new();
        assert!(trust.replace(both.clone(), START));
        let check = |key: &SigningKey| {
            let token = key.sign("JWT", &1).unwrap();
            let keys = trust.verifying(START).unwrap();
            keys.verify(&token, &["JWT"]).map(|_| ())
        };
        assert!(check(&old).is_ok() && check(&new).is_ok());
        trust.revoke("k1");
        assert!(trust.is_revoked("k1") && !trust.is_revoked("k2"));
        assert!(matches!(check(&old), Err(JoseError::UnknownKey)));
        assert!(check(&new).is_ok());
        assert!(trust.replace(both, START));
        assert!(matches!(check(&old), Err(JoseError::UnknownKey)));
        // A set of nothing but revoked keys is as good as none: what is known stays.
        assert!(!trust.replace(set([&old]), START));
        assert!(check(&new).is_ok());
    }

    #[test]
    fn a_set_is_believed_for_a_day_and_counted_when_it_changes() {
        let [old, new] = keys();
        let trust = Trust::new();
        assert_eq!(trust.generation(START), None);
        assert!(trust.replace(set([&old]), START));
        let first = trust.generation(START).unwrap();
        assert!(trust.replace(set([&old]), START + Duration::from_secs(60)));
        assert_eq!(trust.generation(START), Some(first));
        assert!(trust.replace(set([&old, &new]), START));
        let second = trust.generation(START).unwrap();
        assert_ne!(second, first);
        trust.revoke("k1");
        assert_ne!(trust.generation(START), Some(second));
        let end = START + LONGEST;
        assert!(trust.verifying(end).is_none() && trust.generation(end).is_none());
        assert!(trust.replace(set([&new]), end));
        assert!(trust.verifying(end).is_some());
    }
}
