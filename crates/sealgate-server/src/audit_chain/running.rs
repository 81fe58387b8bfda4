//! That a server starts and stops, on record.

use sealgate_audit::chain::Hash;
use sealgate_store::{Audit, AuditActor, StoreError};

use crate::{Config, ControlPlane, Listen};

impl ControlPlane {
    /// Records that a server starts, with the hash of its settings: whether another start had others shows
    /// without telling any.
    pub(crate) async fn record_start(
        &self,
        config: &Config,
        listen: &Listen,
    ) -> Result<(), StoreError> {
        let Config {
            issuer,
            lifetimes,
            policy,
            ..
        } = config;
        let tls = listen.tls.is_some();
        let address = (listen.address, listen.metrics);
        let settings = format!("{issuer:?} {address:?} {tls} {lifetimes:?} {policy:?}");
        let settings = Hash::of(settings.as_bytes()).to_string();
        let version = env!("CARGO_PKG_VERSION");
        let audit = Audit {
            object: Some(format!("version={version} settings={settings}")),
            ..Audit::allowed(self.clock.now(), AuditActor::System, "server.start")
        };
        self.store.server_started(settings, audit).await
    }

    /// Records that the server stops, and signs the chain's end. What cannot be is logged: the server stops
    /// all the same.
    pub(crate) async fn record_stop(&self) {
        let audit = Audit::allowed(self.clock.now(), AuditActor::System, "server.stop");
        if let Err(error) = self.store.record(audit).await {
            tracing::warn!(%error, "that the server stops was not recorded");
        }
        if let Err(error) = self.checkpoint().await {
            tracing::warn!(%error, "the end of the audit log was not signed");
        }
    }
}
