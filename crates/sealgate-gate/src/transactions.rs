//! Sign-ins under way: how long they may take, and which of them are over.

use std::time::Duration;

use sealgate_model::Timestamp;
use sealgate_session::TransactionContent;

use crate::recent::Recent;

/// How long a sign-in may take from its beginning to its answer.
pub(crate) const TRANSACTION_LIFETIME: Duration = Duration::from_secs(600);

/// How long the cookie of a sign-in is kept: longer than it may take, so that one that took too long can be
/// told from one whose cookie never was there.
pub(crate) const TRANSACTION_COOKIE: Duration = Duration::from_secs(3_600);

/// How long the browser remembers where a finished sign-in led, for whoever comes back to it.
pub(crate) const FINISHED_COOKIE: Duration = Duration::from_secs(600);

/// How many of the sign-ins that came to their end are remembered, in some 4 MB. Whoever begins sign-ins
/// and answers them with codes of their own invention fills no more than this.
const MOST: usize = 1 << 15;

/// The sign-ins that came to their end in this process, remembered until their cookies expire anyway, so
/// that a copied transaction cookie does not finish a second one. Across processes, and where this has
/// forgotten, the control plane's single-use code does the same.
pub(crate) struct SpentTransactions(Recent);

impl Default for SpentTransactions {
    fn default() -> Self {
        Self(Recent::up_to(MOST))
    }
}

impl SpentTransactions {
    /// Marks a transaction as used; false if it was.
    pub(crate) fn spend(&self, transaction: &TransactionContent, now: Timestamp) -> bool {
        let until = transaction.started_at() + TRANSACTION_LIFETIME;
        self.0.note(&transaction.state, until, now)
    }

    /// Takes the mark back, when nothing came of it.
    pub(crate) fn give_back(&self, transaction: &TransactionContent) {
        self.0.give_back(&transaction.state);
    }
}
