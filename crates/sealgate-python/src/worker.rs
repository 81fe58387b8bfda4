//! The extension's own thread: it follows the revocation feed and carries out what needs the network.

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use sealgate_gate::Gate;
use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;

/// A thread with a runtime.
pub(crate) struct Worker {
    handle: Handle,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Worker {
    pub(crate) fn start(gate: Arc<Gate>) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = Builder::new().name("sealgate".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = gate.follow() => {}
                    // An error says that the sender is gone, which means the same.
                    _ = stopped => {}
                }
                gate.part().await;
            });
            // A lookup of a host name that hangs must not keep the process from ending.
            runtime.shutdown_background();
        })?;
        Ok(Self {
            handle,
            stop,
            thread,
        })
    }

    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Whether the thread still works.
    pub(crate) fn is_alive(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Ends the thread and waits for it. Work under way is dropped.
    pub(crate) fn stop(self) {
        // A panic was reported by the thread itself.
        let _ = self.retire().join();
    }

    /// Tells the thread to end, and hands it over.
    pub(crate) fn retire(self) -> JoinHandle<()> {
        // The receiver is gone when the thread has ended already.
        let _ = self.stop.send(());
        self.thread
    }
}
