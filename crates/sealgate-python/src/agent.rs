//! The agent's client, as Python sees it: what goes with one request, and what its answer leads to.

use std::sync::{Arc, PoisonError, RwLock};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use sealgate_agent::agent::{Again, Answered, Sent};
use sealgate_agent::{Agent, AgentError};
use sealgate_model::Secret;

use crate::agent_host;
use crate::agent_setup::Setup;
use crate::completion::{Completion, Outcome};
use crate::process::generation;

/// An agent for one resource.
#[pyclass(frozen, module = "sealgate._core")]
pub(crate) struct AgentClient {
    setup: Setup,
    /// The agent of the process that it is in: what a fork copies may be half done.
    agent: RwLock<(u64, Arc<Agent>)>,
}

/// What came of asking the agent for something.
#[pyclass(frozen, module = "sealgate._core")]
pub(crate) struct AgentAnswer(Result<Told, AgentError>);

struct Told {
    sent: Option<Sent>,
    again: Option<Again>,
}

impl AgentAnswer {
    fn headers(sent: Result<Sent, AgentError>) -> Self {
        Self(sent.map(|sent| Told {
            sent: Some(sent),
            again: None,
        }))
    }

    fn learnt(again: Result<Option<Again>, AgentError>) -> Self {
        Self(again.map(|again| Told { sent: None, again }))
    }
}

impl AgentClient {
    fn agent(&self, py: Python<'_>) -> PyResult<Arc<Agent>> {
        let here = generation();
        {
            let agent = self.agent.read().unwrap_or_else(PoisonError::into_inner);
            if agent.0 == here {
                return Ok(Arc::clone(&agent.1));
            }
        }
        let fresh = Arc::new(self.setup.agent(py).map_err(refuse)?);
        let mut agent = self.agent.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *agent, (here, Arc::clone(&fresh)));
        // Tidying up here could wait for threads that are the parent's.
        std::mem::forget(old);
        Ok(fresh)
    }
}

#[pymethods]
impl AgentClient {
    /// Takes everything that an agent is set up with.
    #[new]
    fn new(py: Python<'_>, setup: Setup) -> PyResult<Self> {
        let agent = Arc::new(setup.agent(py).map_err(refuse)?);
        Ok(Self {
            setup,
            agent: RwLock::new((generation(), agent)),
        })
    }

    /// The resource's URL.
    #[getter]
    fn url(&self) -> &str {
        self.setup.url()
    }

    /// What goes with one request, or why nothing can, if that is known now: it never waits. `None` sends the caller
    /// to [`Self::get`].
    fn at_hand(&self, py: Python<'_>, method: &str, url: &str) -> PyResult<Option<AgentAnswer>> {
        let found = self.agent(py)?.at_hand(method, url);
        Ok(found.map(AgentAnswer::headers))
    }

    /// What goes with one request, told to `done` once, from the extension's own thread.
    fn get(&self, py: Python<'_>, method: String, url: String, done: Py<PyAny>) -> PyResult<()> {
        let agent = self.agent(py)?;
        let completion = completion(done);
        agent_host::spawn(async move {
            let sent = agent.headers(&method, &url).await;
            completion.give(outcome(AgentAnswer::headers(sent)));
        })
    }

    /// Learns from the answer to a request that `sent` went with, and gets what is missing: told to `done` once.
    #[expect(
        clippy::too_many_arguments,
        reason = "it is one answer, and PyO3 takes no struct for it"
    )]
    fn answered(
        &self,
        py: Python<'_>,
        sent: &AgentAnswer,
        method: String,
        url: String,
        status: u16,
        challenges: Vec<Vec<u8>>,
        nonce: Option<Vec<u8>>,
        done: Py<PyAny>,
    ) -> PyResult<()> {
        let told = sent.0.as_ref().ok().and_then(|told| told.sent.clone());
        let Some(sent) = told else {
            return Err(PyValueError::new_err("nothing was sent with this"));
        };
        let agent = self.agent(py)?;
        let completion = completion(done);
        agent_host::spawn(async move {
            let challenges: Vec<&[u8]> = challenges.iter().map(Vec::as_slice).collect();
            let answered = Answered {
                method: &method,
                url: &url,
                status,
                challenges: &challenges,
                nonce: nonce.as_deref(),
            };
            let again = agent.answered(&sent, &answered).await;
            completion.give(outcome(AgentAnswer::learnt(again)));
        })
    }

    /// Gets a token beforehand; told to `done` once.
    fn sign_in(&self, py: Python<'_>, done: Py<PyAny>) -> PyResult<()> {
        let agent = self.agent(py)?;
        let completion = completion(done);
        agent_host::spawn(async move {
            let done = agent.sign_in().await;
            completion.give(outcome(AgentAnswer::learnt(done.map(|()| None))));
        })
    }

    /// Gives the tokens back and forgets them; told to `done` once.
    fn sign_out(&self, py: Python<'_>, done: Py<PyAny>) -> PyResult<()> {
        let agent = self.agent(py)?;
        let completion = completion(done);
        agent_host::spawn(async move {
            let done = agent.sign_out().await;
            completion.give(outcome(AgentAnswer::learnt(done.map(|()| None))));
        })
    }

    /// The scopes of the token that is there; `None` without one.
    fn scopes(&self, py: Python<'_>) -> PyResult<Option<Vec<String>>> {
        Ok(self.agent(py)?.scopes())
    }

    fn __repr__(&self) -> String {
        format!("AgentClient(url={:?})", self.setup.url())
    }
}

#[pymethods]
impl AgentAnswer {
    /// The value of `Authorization`; `None` where there is no token yet.
    #[getter]
    fn authorization(&self) -> Option<&str> {
        let sent = self.0.as_ref().ok()?.sent.as_ref()?;
        sent.authorization.as_ref().map(Secret::expose)
    }

    /// The value of `DPoP`; `None` when the token is not bound to a key.
    #[getter]
    fn dpop(&self) -> Option<&str> {
        let sent = self.0.as_ref().ok()?.sent.as_ref()?;
        sent.dpop.as_ref().map(Secret::expose)
    }

    /// Why the same request should be made once more, if it should.
    #[getter]
    fn again(&self) -> Option<&'static str> {
        self.0.as_ref().ok()?.again.map(Again::as_str)
    }

    /// The stable reason code why it failed; `None` when it did not.
    #[getter]
    fn reason(&self) -> Option<&'static str> {
        self.0.as_ref().err().map(AgentError::code)
    }

    /// The same in words.
    #[getter]
    fn message(&self) -> String {
        let error = self.0.as_ref().err();
        error.map(ToString::to_string).unwrap_or_default()
    }

    /// Whether the same may go well a moment later.
    #[getter]
    fn temporary(&self) -> bool {
        self.0.as_ref().is_err_and(AgentError::is_temporary)
    }

    fn __repr__(&self) -> String {
        format!("AgentAnswer(reason={:?})", self.reason())
    }
}

fn completion(done: Py<PyAny>) -> Completion {
    Completion::new(done, outcome(AgentAnswer(Err(AgentError::Stopped))))
}

fn outcome(answer: AgentAnswer) -> Outcome {
    Outcome::Agent(Box::new(answer))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn refuse(error: AgentError) -> PyErr {
    PyValueError::new_err(format!("{error} ({})", error.code()))
}
