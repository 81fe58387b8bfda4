//! Sign-ins under way: how long they may take, and which of them are over.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sealgate_model::Timestamp;
use sealgate_session::TransactionContent;

/// How long a sign-in may take from its beginning to its answer.
pub(crate) const TRANSACTION_LIFETIME: Duration = Duration::from_secs(600);

/// The sign-ins that came to their end in this process, remembered until their cookies expire anyway, so
/// that a copied transaction cookie does not finish a second one. Across processes the control plane's
/// single-use code does the same.
#[derive(Default)]
pub(crate) struct SpentTransactions {
    states: Mutex<HashMap<String, Timestamp>>,
}

impl SpentTransactions {
    /// Marks a transaction as used; false if it was.
    pub(crate) fn spend(&self, transaction: &TransactionContent, now: Timestamp) -> bool {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.retain(|_, expires_at| *expires_at > now);
        let expires_at = transaction.started_at() + TRANSACTION_LIFETIME;
        states
            .insert(transaction.state.clone(), expires_at)
            .is_none()
    }

    /// Takes the mark back, when nothing came of it.
    pub(crate) fn give_back(&self, transaction: &TransactionContent) {
        self.states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&transaction.state);
    }
}
