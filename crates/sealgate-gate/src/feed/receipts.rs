//! Answers to messages that ask how far this gate has come: one at a time, the newest that asks, and never in
//! the way of the feed. One that fails is forgotten, for the next message asks anew.

use std::future::{Future, pending};
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;

use crate::common::Common;

/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far this gate has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Receipt {
    /// The connection that the message came by.
    pub(super) instance: String,
    pub(super) epoch: String,
    pub(super) seq: u64,
    /// Milliseconds since the view's proven moment.
    pub(super) age: u64,
    /// The version of the policies that this process has loaded. A control plane that has handed one out knows the
    /// member; others would refuse it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<u64>,
}

/// What is on its way, and what is next.
pub(super) struct Receipts<'a> {
    common: &'a Common,
    sending: Option<Pin<Box<dyn Future<Output = bool> + Send + 'a>>>,
    next: Option<(String, Receipt)>,
}

impl<'a> Receipts<'a> {
    pub(super) const fn new(common: &'a Common) -> Self {
        Self {
            common,
            sending: None,
            next: None,
        }
    }

    /// Sends `receipt` to `endpoint`, when the one before it is there. One that waits is replaced.
    pub(super) fn send(&mut self, endpoint: String, receipt: Receipt) {
        self.next = Some((endpoint, receipt));
        self.start();
    }

    fn start(&mut self) {
        if self.sending.is_some() {
            return;
        }
        let Some((endpoint, receipt)) = self.next.take() else {
            return;
        };
        // It has no member that could not be written.
        let Ok(document) = serde_json::to_vec(&receipt) else {
            return;
        };
        let provider = self.common.provider();
        let sending = provider.post_json(endpoint, document);
        self.sending = Some(Box::pin(async move {
            matches!(tokio::time::timeout(PATIENCE, sending).await, Ok(Ok(())))
        }));
    }

    /// Goes on with what is on its way, until it is there; for ever if nothing is.
    pub(super) async fn go_on(&mut self) {
        let Some(sending) = &mut self.sending else {
            return pending().await;
        };
        let arrived = sending.await;
        self.sending = None;
        if arrived {
            self.common.sight().receipt();
        } else {
            tracing::debug!("a receipt was not taken");
        }
        self.start();
    }
}
