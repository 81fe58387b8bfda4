//! The streams of all clients: found by who asks, begun when there is none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sealgate_model::ClientId;
use sealgate_revocation::Epoch;

use super::hub::Hub;
use crate::ControlPlane;

/// The streams of all clients that anybody asked for since this process began.
#[derive(Default)]
pub(super) struct Hubs(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// How often all were ended.
    generation: u64,
    hubs: HashMap<ClientId, Arc<Hub>>,
}

impl Hubs {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often all were ended.
    pub(super) fn generation(&self) -> u64 {
        self.known().generation
    }

    /// The stream of a client in this epoch, if there is one.
    pub(super) fn find(&self, client: &ClientId, epoch: &Epoch) -> Option<Arc<Hub>> {
        let known = self.known();
        let hub = known.hubs.get(client)?;
        (hub.epoch == *epoch && !hub.is_over()).then(|| Arc::clone(hub))
    }

    /// A stream from `head` on, or the one that somebody else began meanwhile. None if all were ended
    /// since `generation`.
    pub(super) fn begin(
        &self,
        plane: &ControlPlane,
        generation: u64,
        client: &ClientId,
        epoch: &Epoch,
        head: u64,
    ) -> Option<Arc<Hub>> {
        let mut known = self.known();
        if known.generation != generation {
            return None;
        }
        if let Some(hub) = known.hubs.get(client) {
            if hub.epoch == *epoch && !hub.is_over() {
                return Some(Arc::clone(hub));
            }
            hub.end();
        }
        let hub = Arc::new(Hub::new(plane, client.clone(), epoch.clone(), head));
        known.hubs.insert(client.clone(), Arc::clone(&hub));
        Some(hub)
    }

    /// Ends every stream: from now on there are others.
    pub(super) fn end_all(&self) {
        let mut known = self.known();
        known.generation += 1;
        for (_, hub) in known.hubs.drain() {
            hub.end();
        }
    }
}
