//! The places of subscribers: so many in all, and no more than a part for one client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sealgate_model::ClientId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// How many places a client may have whatever the total, and which part of them otherwise: one client,
/// gone astray or taken over, does not shut the others out.
const CLIENT_LEAST: usize = 64;
const CLIENT_PART: usize = 4;

/// The places.
pub(super) struct Seats {
    all: Arc<Semaphore>,
    clients: Clients,
    client_most: usize,
}

/// How many places each client has taken.
type Clients = Arc<Mutex<HashMap<ClientId, usize>>>;

/// A subscriber's place, of all and of its client's, until it is dropped.
pub(super) struct Seat {
    client: ClientId,
    clients: Clients,
    _permit: OwnedSemaphorePermit,
}

impl Seats {
    /// So many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(most)),
            clients: Clients::default(),
            client_most: Self::of_one_client(most),
        }
    }

    /// How many of `most` places one client may have.
    pub(super) fn of_one_client(most: usize) -> usize {
        (most / CLIENT_PART).max(CLIENT_LEAST)
    }

    /// A place for a subscriber of `client`; `feed_full` or `feed_client_full` (503) if there is none.
    pub(super) fn take(&self, client: &ClientId) -> Result<Seat, Problem> {
        let permit = Arc::clone(&self.all).try_acquire_owned().map_err(|_| {
            Problem::unavailable(
                "feed_full",
                "the feed has no room for another subscriber",
                5,
            )
        })?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = clients.entry(client.clone()).or_default();
        if *taken >= self.client_most {
            return Err(Problem::unavailable(
                "feed_client_full",
                "this client has as many subscribers as one may have",
                5,
            ));
        }
        *taken += 1;
        Ok(Seat {
            client: client.clone(),
            clients: Arc::clone(&self.clients),
            _permit: permit,
        })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.values().sum()
    }

    /// How many are left.
    pub(super) fn left(&self) -> usize {
        self.all.available_permits()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = clients.get_mut(&self.client) {
            *taken -= 1;
            if *taken == 0 {
                clients.remove(&self.client);
            }
        }
    }
}
