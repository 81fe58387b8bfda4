//! `Core`: the gate with its thread, as Python holds it.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use sealgate_gate::{Request, Requirement, Settings, Transport};

use crate::completion::{Completion, Outcome};
use crate::decision::Decision;
use crate::headers::Fields;
use crate::process::Process;
use crate::refuse;
use crate::requirements::{Requirements, UNMARKED};
use crate::user::User;

/// The settings that `Core(...)` takes: environment names without `SEALGATE_`, in lower case.
const SETTINGS: [&str; 13] = [
    "issuer",
    "client_id",
    "client_secret",
    "base_url",
    "seal_keys",
    "scopes",
    "staleness_bound",
    "session_lifetime",
    "idle_limit",
    "unmarked",
    "untyped_logout",
    "authority_file",
    "after_logout",
];

/// The gate itself: settings, keys, the revocation view and the thread that keeps it fresh.
#[pyclass(frozen, module = "sealgate._core")]
pub(crate) struct Core {
    settings: Settings,
    requirements: Requirements,
    process: RwLock<Arc<Process>>,
}

impl Core {
    fn build(lookup: impl Fn(&str) -> Option<String>) -> PyResult<Self> {
        let settings = Settings::from_lookup(lookup).map_err(|error| refuse(&error))?;
        let process = RwLock::new(Process::new(&settings)?);
        Ok(Self {
            settings,
            requirements: Requirements::new(),
            process,
        })
    }

    /// The state of this process. The locks here are only taken while attached to the interpreter and
    /// never while waiting, so that a fork, which needs the interpreter too, finds them open.
    fn process(&self) -> PyResult<Arc<Process>> {
        let process = Arc::clone(&self.process.read().unwrap_or_else(PoisonError::into_inner));
        if process.is_this_one() {
            return Ok(process);
        }
        let fresh = Process::new(&self.settings)?;
        let followed = process.was_started();
        let old = mem::replace(
            &mut *self.process.write().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&fresh),
        );
        // Its thread is the parent's. Tidying up here would wait for what does not run.
        mem::forget((old, process));
        if followed {
            fresh.runtime()?;
        }
        Ok(fresh)
    }

    fn requirement(&self, number: usize) -> PyResult<Arc<Requirement>> {
        self.requirements
            .get(number)
            .ok_or_else(|| PyValueError::new_err("no such requirement"))
    }
}

#[pymethods]
impl Core {
    /// The requirement of a route that nobody marked.
    #[classattr]
    #[pyo3(name = "UNMARKED")]
    const fn unmarked() -> usize {
        UNMARKED
    }

    /// Takes settings by their environment names without `SEALGATE_`, in lower case.
    #[new]
    #[pyo3(signature = (**settings))]
    fn new(settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let given: HashMap<String, String> = settings
            .map(|settings| settings.extract())
            .transpose()?
            .unwrap_or_default();
        if let Some(unknown) = given.keys().find(|name| !SETTINGS.contains(&name.as_str())) {
            return Err(PyTypeError::new_err(format!(
                "there is no setting {unknown:?}"
            )));
        }
        Self::build(|name| {
            given
                .get(&name.strip_prefix("SEALGATE_")?.to_ascii_lowercase())
                .cloned()
        })
    }

    /// Takes every setting from the environment.
    #[staticmethod]
    fn from_env() -> PyResult<Self> {
        Self::build(|name| std::env::var(name).ok())
    }

    /// The number of the requirement "a user with all of these"; equal ones share it.
    fn require_user(&self, scopes: Vec<String>, roles: Vec<String>) -> usize {
        self.requirements
            .register(Requirement::User { scopes, roles })
    }

    /// The number of the requirement "everybody, because"; equal ones share it.
    fn require_public(&self, reason: String) -> usize {
        self.requirements.register(Requirement::Public { reason })
    }

    /// Decides about one request; never blocks and does no I/O.
    #[allow(clippy::too_many_arguments)] // One call per request: an object to hold them would cost one more.
    fn decide(
        &self,
        py: Python<'_>,
        transport: &str,
        method: &str,
        path: &str,
        query: &[u8],
        headers: &Bound<'_, PyAny>,
        requirement: usize,
    ) -> PyResult<Decision> {
        let transport = match transport {
            "http" => Transport::Http,
            "websocket" => Transport::WebSocket,
            _ => {
                return Err(PyValueError::new_err(
                    "transport is neither http nor websocket",
                ));
            }
        };
        let requirement = self.requirement(requirement)?;
        let fields = Fields::read(headers)?;
        let headers = fields.slices();
        let request = Request {
            transport,
            method,
            path,
            query,
            headers: &headers,
        };
        Decision::new(py, self.process()?.gate().decide(&request, &requirement))
    }

    /// Carries a pending decision through on the extension's own thread, which calls `done` once.
    #[pyo3(signature = (decision, done, body = None))]
    fn finish(&self, decision: &Decision, done: Py<PyAny>, body: Option<Vec<u8>>) -> PyResult<()> {
        let mut pending = decision.take_pending().ok_or_else(|| {
            PyValueError::new_err("the decision is not pending, or was already carried through")
        })?;
        if let Some(body) = body {
            pending.set_body(body);
        }
        let process = self.process()?;
        let gate = Arc::clone(process.gate());
        let completion = Completion::new(done, Outcome::Decided(None));
        process.runtime()?.spawn(async move {
            let decided = gate.finish(*pending).await;
            completion.give(Outcome::Decided(Some(Box::new(decided))));
        });
        Ok(())
    }

    /// The reason code why `actor` does not meet the requirement, or `None`.
    fn check(&self, actor: &User, requirement: usize) -> PyResult<Option<&'static str>> {
        let requirement = self.requirement(requirement)?;
        Ok(self.process()?.gate().check(actor.inner(), &requirement))
    }

    /// Starts the background thread. Calling it again, or after a fork, is fine.
    fn start(&self) -> PyResult<()> {
        self.process()?.runtime().map(drop)
    }

    /// Ends the background thread.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        self.process()?.stop(py);
        Ok(())
    }

    /// Whether the revocation view is there and fresh.
    #[getter]
    fn ready(&self) -> PyResult<bool> {
        Ok(self.process()?.gate().is_ready())
    }

    /// Calls `done`, from the background thread, once ready or when the time is up.
    fn wait_ready(&self, seconds: f64, done: Py<PyAny>) -> PyResult<()> {
        let limit = Duration::try_from_secs_f64(seconds)
            .map_err(|_| PyValueError::new_err("seconds must be a span of time"))?;
        let process = self.process()?;
        let gate = Arc::clone(process.gate());
        let completion = Completion::new(done, Outcome::Ready(false));
        process.runtime()?.spawn(async move {
            completion.give(Outcome::Ready(gate.wait_ready(limit).await));
        });
        Ok(())
    }

    /// The name of the cookie that holds the sealed session.
    #[getter]
    fn cookie_name(&self) -> &'static str {
        self.settings.cookie_name()
    }

    fn __repr__(&self) -> String {
        format!("Core(client_id={:?})", self.settings.client_id.as_str())
    }
}
