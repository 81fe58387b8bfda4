//! Calling onward, as Python sees it: the headers for one request, or why there are none.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use sealgate_gate::{Again, Answered, Behalf, Caller, Onward as Granted, OnwardError, Target};

use crate::actors;
use crate::completion::{Completion, Outcome};
use crate::core::Core;

/// Calls to one other resource.
#[pyclass(frozen, module = "sealgate._core")]
pub(crate) struct OnwardClient {
    core: Py<Core>,
    target: Arc<Target>,
}

/// What came of asking for one request's headers.
#[pyclass(frozen, module = "sealgate._core")]
pub(crate) struct Onward(Result<Granted, OnwardError>);

impl Onward {
    /// The answer when the gate's thread ended first.
    fn stopped() -> Self {
        let why = "the gate was stopped".to_owned();
        Self(Err(OnwardError::Unavailable(why)))
    }
}

#[pymethods]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 hands over values")]
impl OnwardClient {
    /// Takes the audience, the scopes, where tokens may be sent when that is not the audience's own origin,
    /// and whether they are bound to this process's key.
    #[new]
    fn new(
        core: Py<Core>,
        audience: &str,
        scopes: Vec<String>,
        places: Vec<String>,
        dpop: bool,
    ) -> PyResult<Self> {
        let target = Target::new(audience, &scopes, &places, dpop);
        let target = target.map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self {
            core,
            target: Arc::new(target),
        })
    }

    /// The headers for one request, or why there can be none, if that is known now: it never waits. `None`
    /// sends the caller to [`Self::get`]. A token that ends soon is renewed meanwhile.
    fn at_hand(
        &self,
        actor: Option<&Bound<'_, PyAny>>,
        method: &str,
        url: &str,
    ) -> PyResult<Option<Onward>> {
        let caller = actor.map(actors::unwrap).transpose()?;
        let process = self.core.get().process()?;
        let gate = process.gate();
        let found = gate.onward_at_hand(&self.target, behalf(caller), method, url);
        if let Ok(Some(onward)) = &found
            && onward.is_due
        {
            let (gate, target) = (Arc::clone(gate), Arc::clone(&self.target));
            let (caller, method, url) = (caller.cloned(), method.to_owned(), url.to_owned());
            process.runtime()?.spawn(async move {
                // The token at hand is good; what comes of this is for the next request, and logged.
                let renewed = gate.onward(&target, behalf(caller.as_ref()), &method, &url);
                drop(renewed.await);
            });
        }
        Ok(found.transpose().map(Onward))
    }

    /// The headers for one request, told to `done` once, from the extension's own thread.
    fn get(
        &self,
        actor: Option<&Bound<'_, PyAny>>,
        method: String,
        url: String,
        done: Py<PyAny>,
    ) -> PyResult<()> {
        let caller = actor.map(actors::unwrap).transpose()?.cloned();
        let process = self.core.get().process()?;
        let (gate, target) = (Arc::clone(process.gate()), Arc::clone(&self.target));
        let completion = Completion::new(done, Outcome::Onward(Box::new(Onward::stopped())));
        process.runtime()?.spawn(async move {
            let behalf = behalf(caller.as_ref());
            let onward = gate.onward(&target, behalf, &method, &url).await;
            completion.give(Outcome::Onward(Box::new(Onward(onward))));
        });
        Ok(())
    }

    /// Learns from the answer to a request that `sent` went with: `"nonce"` or `"token"` when the same request
    /// should be made once more, else `None`.
    fn answered(
        &self,
        sent: &Onward,
        status: u16,
        challenges: Vec<Vec<u8>>,
        nonce: Option<Vec<u8>>,
    ) -> PyResult<Option<&'static str>> {
        let Ok(granted) = &sent.0 else {
            return Ok(None);
        };
        let challenges: Vec<&[u8]> = challenges.iter().map(Vec::as_slice).collect();
        let answered = Answered {
            status,
            challenges: &challenges,
            nonce: nonce.as_deref(),
        };
        let process = self.core.get().process()?;
        let again = process.gate().onward_answered(granted, &answered);
        Ok(again.map(Again::as_str))
    }

    fn __repr__(&self) -> String {
        format!("OnwardClient(audience={:?})", self.target.audience())
    }
}

#[pymethods]
impl Onward {
    /// The value of `Authorization`; `None` when there is no token.
    #[getter]
    fn authorization(&self) -> Option<&str> {
        let granted = self.0.as_ref().ok()?;
        Some(granted.authorization.expose())
    }

    /// The value of `DPoP`; `None` when the token is not bound to a key.
    #[getter]
    fn dpop(&self) -> Option<&str> {
        let proof = self.0.as_ref().ok()?.dpop.as_ref()?;
        Some(proof.expose())
    }

    /// The stable reason code why there is no token; `None` when there is.
    #[getter]
    fn reason(&self) -> Option<&'static str> {
        self.0.as_ref().err().map(OnwardError::code)
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
        self.0.as_ref().is_err_and(OnwardError::is_temporary)
    }

    fn __repr__(&self) -> String {
        format!("Onward(reason={:?})", self.reason())
    }
}

fn behalf(caller: Option<&Caller>) -> Behalf<'_> {
    caller.map_or(Behalf::Itself, Behalf::Of)
}
