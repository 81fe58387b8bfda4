//! A Python callback that is called exactly once, whatever becomes of the work behind it.

use pyo3::prelude::*;
use sealgate_gate::Decision as Decided;

use crate::agent::AgentAnswer;
use crate::decision::Decision;
use crate::onward::Onward;

/// What a callback is told.
pub(crate) enum Outcome {
    /// A decision; `None` if there will be none.
    Decided(Option<Box<Decided>>),
    /// Whether the gate is ready.
    Ready(bool),
    /// What came of asking for a token to call onward with.
    Onward(Box<Onward>),
    /// What came of asking an agent for something.
    Agent(Box<AgentAnswer>),
}

/// A callback that is still to be called. When it is dropped instead (the worker stopped, or the work
/// panicked) it is called with the refusing answer, so that no request waits for ever.
pub(crate) struct Completion {
    done: Option<Py<PyAny>>,
    otherwise: Option<Outcome>,
}

impl Completion {
    pub(crate) const fn new(done: Py<PyAny>, otherwise: Outcome) -> Self {
        Self {
            done: Some(done),
            otherwise: Some(otherwise),
        }
    }

    pub(crate) fn give(mut self, outcome: Outcome) {
        self.call(outcome);
    }

    fn call(&mut self, outcome: Outcome) {
        let Some(done) = self.done.take() else { return };
        // Nothing is attached any more when the interpreter is ending; then nobody waits either.
        let _ = Python::try_attach(|py| {
            if let Err(error) = tell(py, &done, outcome) {
                error.write_unraisable(py, None);
            }
        });
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(otherwise) = self.otherwise.take() {
            self.call(otherwise);
        }
    }
}

fn tell(py: Python<'_>, done: &Py<PyAny>, outcome: Outcome) -> PyResult<()> {
    match outcome {
        Outcome::Decided(decided) => {
            let decision = decided
                .map(|decided| Decision::new(py, *decided))
                .transpose()?;
            done.call1(py, (decision,))?;
        }
        Outcome::Ready(ready) => {
            done.call1(py, (ready,))?;
        }
        Outcome::Onward(onward) => {
            done.call1(py, (*onward,))?;
        }
        Outcome::Agent(answer) => {
            done.call1(py, (*answer,))?;
        }
    }
    Ok(())
}
