//! What belongs to one operating-system process: the gate, its thread, and their orderly end.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::thread::JoinHandle;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use sealgate_gate::{Gate, Host, Settings, SettingsError};
use tokio::runtime::Handle;

use crate::refuse;
use crate::worker::Worker;

/// The state of one process. A fork copies memory but no threads, and may copy a lock that some thread
/// held; so the child starts over with a state of its own.
pub(crate) struct Process {
    generation: u64,
    gate: Arc<Gate>,
    worker: Mutex<Option<Worker>>,
}

/// How many forks lie between this process and the first one. Python's own hook counts them: to ask the
/// system for the process's id at every request would cost more than to open a session does.
static FORKS: AtomicU64 = AtomicU64::new(0);

pub(crate) fn generation() -> u64 {
    FORKS.load(Ordering::Relaxed)
}

/// Registered with `os.register_at_fork`, for the child.
#[pyfunction]
pub(crate) fn after_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Every thread there may be, so that all have ended before the interpreter does.
static STARTED: Mutex<Started> = Mutex::new(Started {
    processes: Vec::new(),
    retired: Vec::new(),
    ended: None,
});

struct Started {
    processes: Vec<Weak<Process>>,
    /// Threads that were told to end and that nobody waits for yet, with their process.
    retired: Vec<(u64, JoinHandle<()>)>,
    /// The process whose interpreter is ending.
    ended: Option<u64>,
}

impl Process {
    pub(crate) fn new(settings: &Settings) -> Result<Arc<Self>, SettingsError> {
        let host = Host::system(settings)?;
        let gate = Gate::new(settings.clone(), host)?;
        Ok(Arc::new(Self {
            generation: generation(),
            gate,
            worker: Mutex::new(None),
        }))
    }

    pub(crate) const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    fn is_this_one(&self) -> bool {
        self.generation == generation()
    }

    fn was_started(&self) -> bool {
        self.worker().is_some()
    }

    /// The runtime of the worker, which is started if it is not there.
    pub(crate) fn runtime(self: &Arc<Self>) -> PyResult<Handle> {
        let mut worker = self.worker();
        if let Some(worker) = worker.as_ref().filter(|worker| worker.is_alive()) {
            return Ok(worker.handle().clone());
        }
        let mut all = started();
        if all.ended == Some(self.generation) {
            return Err(PyRuntimeError::new_err(
                "the interpreter is ending: the gate starts no thread any more",
            ));
        }
        let fresh = Worker::start(Arc::clone(&self.gate)).map_err(|error| {
            PyRuntimeError::new_err(format!("the gate's thread cannot start: {error}"))
        })?;
        let handle = fresh.handle().clone();
        *worker = Some(fresh);
        all.processes.retain(|process| process.strong_count() > 0);
        all.processes.push(Arc::downgrade(self));
        Ok(handle)
    }

    /// Ends the worker, if there is one, and waits for it.
    pub(crate) fn stop(&self, py: Python<'_>) {
        let worker = self.worker().take();
        if let Some(worker) = worker {
            // The thread may be about to call back into Python.
            py.detach(|| worker.stop());
        }
    }

    fn worker(&self) -> MutexGuard<'_, Option<Worker>> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Python may be collecting garbage here, attached: waiting could be for ever.
        let worker = self
            .worker
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(worker) = worker {
            let mut all = started();
            all.retired.retain(|(_, thread)| !thread.is_finished());
            all.retired.push((self.generation, worker.retire()));
        }
    }
}

/// The state of whichever process asks: after a fork the child gets one of its own.
pub(crate) struct Current(RwLock<Arc<Process>>);

impl Current {
    pub(crate) fn new(process: Arc<Process>) -> Self {
        Self(RwLock::new(process))
    }

    /// The state of this process. The locks here are only taken while attached to the interpreter and
    /// never while waiting, so that a fork, which needs the interpreter too, finds them open.
    pub(crate) fn get(&self, settings: &Settings) -> PyResult<Arc<Process>> {
        let process = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        if process.is_this_one() {
            return Ok(process);
        }
        let fresh = Process::new(settings).map_err(|error| refuse(&error))?;
        let followed = process.was_started();
        let old = mem::replace(
            &mut *self.0.write().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&fresh),
        );
        // Its thread is the parent's. Tidying up here would wait for what does not run.
        mem::forget((old, process));
        if followed {
            fresh.runtime()?;
        }
        Ok(fresh)
    }
}

fn started() -> MutexGuard<'static, Started> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends every worker of this process. Registered with `atexit`: a thread that calls into Python while
/// the interpreter is torn down brings the process down with it.
#[pyfunction]
pub(crate) fn stop_all(py: Python<'_>) {
    let this = generation();
    let (processes, retired) = {
        let mut all = started();
        all.ended = Some(this);
        (mem::take(&mut all.processes), mem::take(&mut all.retired))
    };
    for process in processes
        .iter()
        .filter_map(Weak::upgrade)
        .filter(|process| process.is_this_one())
    {
        process.stop(py);
    }
    py.detach(|| {
        for (_, thread) in retired.into_iter().filter(|(process, _)| *process == this) {
            // A panic was reported by the thread itself.
            let _ = thread.join();
        }
    });
}
