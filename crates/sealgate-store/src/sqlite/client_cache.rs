//! Clients kept in memory: they are few, every request names one, and only the writer changes them.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use sealgate_model::ClientId;

use crate::Client;

/// How many are kept. More would be an installation of another size; it loses speed, not sense.
const LIMIT: usize = 1024;

/// What was read of clients since one of them last changed. Ids that nobody has are not kept, so that
/// whoever makes them up fills nothing.
#[derive(Default)]
pub(super) struct ClientCache(RwLock<Known>);

#[derive(Default)]
struct Known {
    /// Counts changes, so that what was read before one is not kept after it.
    generation: u64,
    clients: HashMap<ClientId, Client>,
}

/// What the cache says of a client.
pub(super) enum Looked {
    /// This is it.
    Found(Box<Client>),
    /// Read it; it may be kept as long as this is still the generation.
    Unknown(u64),
}

impl ClientCache {
    /// The client with this id, if it has been kept.
    pub(super) fn look(&self, id: &ClientId) -> Looked {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match known.clients.get(id) {
            Some(client) => Looked::Found(Box::new(client.clone())),
            None => Looked::Unknown(known.generation),
        }
    }

    /// Keeps what was read, unless some client has changed since `generation`.
    pub(super) fn keep(&self, generation: u64, client: &Client) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.generation != generation {
            return;
        }
        if known.clients.len() >= LIMIT {
            known.clients.clear();
        }
        known.clients.insert(client.id.clone(), client.clone());
    }

    /// Forgets everything, after a change has committed and before anybody is told so.
    pub(super) fn forget(&self) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.generation += 1;
        known.clients.clear();
    }
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;
    use crate::{ClientDetails, ClientKind};

    fn client(id: &str) -> Client {
        Client {
            id: id.parse().unwrap(),
            name: String::new(),
            kind: ClientKind::Public,
            secret_hash: None,
            redirect_uris: vec![],
            logout_uris: vec![],
            scopes: vec![],
            details: ClientDetails::for_kind(ClientKind::Public),
            created_at: Timestamp::from_millis(0),
            disabled_at: None,
        }
    }

    fn generation(cache: &ClientCache, id: &str) -> Option<u64> {
        match cache.look(&id.parse().unwrap()) {
            Looked::Found(_) => None,
            Looked::Unknown(generation) => Some(generation),
        }
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let cache = ClientCache::default();
        let before = generation(&cache, "app").unwrap();
        cache.forget();
        cache.keep(before, &client("app"));
        let after = generation(&cache, "app").unwrap();
        cache.keep(after, &client("app"));
        assert_eq!(generation(&cache, "app"), None);
    }

    #[test]
    fn it_never_holds_more_than_its_limit() {
        let cache = ClientCache::default();
        for number in 0..=LIMIT {
            cache.keep(0, &client(&number.to_string()));
        }
        assert!(generation(&cache, "0").is_some());
        assert!(generation(&cache, &LIMIT.to_string()).is_none());
    }
}
