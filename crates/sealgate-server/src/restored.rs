//! After a database was put back from a copy: what memory and keys have to do with it.
//!
//! The store has begun another history and revoked everything by then. What is left are the streams, which
//! have to begin anew, and the signing keys: one that was revoked after the copy was made is in use again.

use sealgate_model::Timestamp;
use sealgate_store::{Audit, AuditActor, KeyState, Restored};

use crate::ControlPlane;

impl ControlPlane {
    /// Ends what goes on under the old history, and puts every signing key that the copy knew out of use.
    /// A key that cannot be is logged; the rest is done all the same.
    pub(crate) async fn was_restored(&self, restored: &Restored) {
        let (known, shown) = (&restored.known, &restored.shown);
        tracing::error!(
            known = known.seq,
            shown = shown.seq,
            history = %shown.history,
            "THE DATABASE WAS PUT BACK FROM A COPY: what was revoked after it was made is not known, so \
             everything that was started until now is revoked. Accounts, clients and roles that were \
             changed since then have to be changed again"
        );
        self.feed.begin_anew();
        self.revoke_keys(None).await;
    }

    /// Goes on where a process has ended before it had done so: when it could not start, say, because the
    /// master key was missing too. `at` is when the copy was found out.
    pub(crate) async fn goes_on_restored(&self, at: Timestamp) {
        self.revoke_keys(Some(at)).await;
    }

    /// Puts every signing key out of use, or those that were made before a moment.
    async fn revoke_keys(&self, before: Option<Timestamp>) {
        let keys = match self.store.keys().await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::error!(%error, "the signing keys of the copy are still in use: revoke them");
                return;
            }
        };
        // The one that signs last: then those that could take its place are new.
        let (signing, others): (Vec<_>, Vec<_>) = keys
            .into_iter()
            .filter(|key| before.is_none_or(|before| key.created_at < before))
            .partition(|key| key.state == KeyState::Active);
        for key in others.into_iter().chain(signing) {
            let audit = Audit {
                reason: "restored".to_owned(),
                ..Audit::allowed(self.clock.now(), AuditActor::System, "key.revoke")
            };
            if let Err(error) = self.keys.revoke(&key.kid, audit).await {
                tracing::error!(kid = %key.kid, %error, "a signing key of the copy is still in use: revoke it");
            }
        }
    }
}
