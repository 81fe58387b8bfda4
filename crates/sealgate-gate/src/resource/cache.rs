//! Tokens that were verified, so that the next request with one costs no signature.
//!
//! An entry says only what never changes while its key is believed. Time, revocation, proof and need are
//! judged at every request (docs/decisions/0024-verified-tokens.md).

use std::sync::Arc;

use super::judged::Judged;
use crate::memory::{Memory, SecretMark, Weighed};

/// The tokens that are kept, at most.
const ENTRIES: usize = 4_096;
/// The bytes that they take up, at most.
const BYTES: usize = 4 * 1024 * 1024;

/// Which keys verified a token. With any others it has to be verified again: its key may have been revoked, or
/// have left the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeysMark {
    /// The place of the issuer among those that are believed.
    pub(crate) issuer: usize,
    /// Another number whenever what is believed of the issuer's keys has changed.
    pub(crate) generation: u64,
}

/// Verified tokens by their hash.
pub(crate) struct TokenCache(Memory<Verified>);

#[derive(Clone)]
struct Verified {
    judged: Arc<Judged>,
    keys: KeysMark,
    /// The MCP server that it is for; nothing where it is for the application itself.
    server: Option<Arc<str>>,
}

impl Weighed for Verified {
    fn weight(&self) -> usize {
        self.judged.size()
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self(Memory::up_to(ENTRIES, BYTES))
    }
}

impl TokenCache {
    pub(crate) fn hash(token: &str) -> SecretMark {
        Memory::<Verified>::mark(token.as_bytes())
    }

    /// What is known of a token for `server`, or for the application itself, if the keys that verified it are believed as they were: `believed` gives the
    /// generation of an issuer's keys as they are now.
    pub(crate) fn get(
        &self,
        hash: &SecretMark,
        server: Option<&str>,
        believed: impl FnOnce(usize) -> Option<u64>,
    ) -> Option<Arc<Judged>> {
        let holds = |known: &Verified| {
            known.server.as_deref() == server
                && believed(known.keys.issuer) == Some(known.keys.generation)
        };
        self.0.get(hash, holds).map(|known| known.judged)
    }

    /// Keeps what is known of a token that `keys` verified, and that is for `server`.
    pub(crate) fn keep(
        &self,
        hash: SecretMark,
        server: Option<&str>,
        judged: Arc<Judged>,
        keys: KeysMark,
    ) {
        let server = server.map(Arc::from);
        let known = Verified {
            judged,
            keys,
            server,
        };
        self.0.keep(hash, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::judged::tests::judged;

    const FIRST: KeysMark = KeysMark {
        issuer: 0,
        generation: 7,
    };

    fn keep(cache: &TokenCache, token: &str, keys: KeysMark) {
        cache.keep(TokenCache::hash(token), None, judged(token), keys);
    }

    fn knows(cache: &TokenCache, token: &str, now: KeysMark) -> bool {
        let generation = |issuer| (issuer == now.issuer).then_some(now.generation);
        cache
            .get(&TokenCache::hash(token), None, generation)
            .is_some()
    }

    #[test]
    fn a_token_is_known_as_long_as_the_keys_are_those_that_verified_it() {
        let cache = TokenCache::default();
        keep(&cache, "a", FIRST);
        assert!(knows(&cache, "a", FIRST) && !knows(&cache, "b", FIRST));
        let later = KeysMark {
            generation: 8,
            ..FIRST
        };
        let other = KeysMark { issuer: 1, ..FIRST };
        assert!(!knows(&cache, "a", later) && !knows(&cache, "a", other));
        assert!(cache.get(&TokenCache::hash("a"), None, |_| None).is_none());
        keep(&cache, "a", later);
        assert!(knows(&cache, "a", later) && !knows(&cache, "a", FIRST));
    }

    #[test]
    fn a_token_is_known_at_the_resource_that_it_was_judged_for_and_nowhere_else() {
        let cache = TokenCache::default();
        let (notes, mail) = ("https://app.example/notes", "https://app.example/mail");
        let knows = |server| {
            let believed = |_| Some(FIRST.generation);
            cache
                .get(&TokenCache::hash("a"), server, believed)
                .is_some()
        };
        keep(&cache, "a", FIRST);
        assert!(knows(None) && !knows(Some(notes)));
        cache.keep(TokenCache::hash("a"), Some(notes), judged("a"), FIRST);
        assert!(knows(Some(notes)) && !knows(Some(mail)) && !knows(None));
    }
}
