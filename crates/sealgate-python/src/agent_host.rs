//! The threads on which agents ask others: one runtime per process, started when it is first needed.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};

use crate::process::generation;

/// The runtime, and the process that it is of.
static HELD: Mutex<Held> = Mutex::new(Held {
    runtime: None,
    ended: None,
});

struct Held {
    runtime: Option<(u64, Runtime)>,
    /// The process whose interpreter is ending.
    ended: Option<u64>,
}

/// How long work under way is waited for when the interpreter ends.
const PATIENCE: Duration = Duration::from_millis(500);

/// Carries out `work`. Nothing there ever waits inside Python: what a Python function does, it does on a thread of
/// Python's own.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> PyResult<()> {
    let here = generation();
    let mut held = held();
    if held.ended == Some(here) {
        return Err(PyRuntimeError::new_err(
            "the interpreter is ending: agents start nothing any more",
        ));
    }
    if held.runtime.as_ref().is_some_and(|(of, _)| *of != here) {
        // Its threads are the parent's: waiting for them would be for ever.
        std::mem::forget(held.runtime.take());
    }
    if held.runtime.is_none() {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("sealgate-agent")
            .enable_all()
            .build()
            .map_err(|error| {
                PyRuntimeError::new_err(format!("the agent's thread cannot start: {error}"))
            })?;
        held.runtime = Some((here, runtime));
    }
    if let Some((_, runtime)) = &held.runtime {
        runtime.spawn(work);
    }
    Ok(())
}

/// Ends the threads of this process. Registered with `atexit`: a thread that calls into Python while the interpreter
/// is torn down brings the process down with it.
#[pyfunction]
pub(crate) fn stop_agents(py: Python<'_>) {
    let here = generation();
    let runtime = {
        let mut held = held();
        held.ended = Some(here);
        held.runtime.take_if(|(of, _)| *of == here)
    };
    if let Some((_, runtime)) = runtime {
        // What is dropped there tells Python that it was stopped.
        py.detach(|| runtime.shutdown_timeout(PATIENCE));
    }
}

fn held() -> MutexGuard<'static, Held> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}
