//! `Core`: the gate with its thread, as Python holds it.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use sealgate_gate::{
    Denial, Docs, Kinds, Need, Request, Requirement, Settings, Transport, UnknownPaths,
};
use sealgate_model::ActorKind;

use crate::actors;
use crate::completion::{Completion, Outcome};
use crate::decision::Decision;
use crate::headers::Fields;
use crate::process::Process;
use crate::refuse;
use crate::requirements::{Requirements, UNMARKED};

/// The settings that `Core(...)` takes: environment names without `SEALGATE_`, in lower case.
const SETTINGS: [&str; 18] = [
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
    "audiences",
    "allowed_origins",
    "docs",
    "docs_client_id",
    "unknown_paths",
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

    /// The number of the requirement "an actor of these kinds with all of these"; equal ones share it.
    #[pyo3(signature = (
        kinds, *, optional = false, scopes = Vec::new(), any_scopes = Vec::new(), roles = Vec::new(),
        any_roles = Vec::new(), acr = Vec::new(), max_age = None, tenant = None
    ))]
    #[allow(clippy::too_many_arguments)] // They are the keywords of one Python call.
    fn require(
        &self,
        kinds: Vec<String>,
        optional: bool,
        scopes: Vec<String>,
        any_scopes: Vec<String>,
        roles: Vec<String>,
        any_roles: Vec<String>,
        acr: Vec<String>,
        max_age: Option<u32>,
        tenant: Option<String>,
    ) -> PyResult<usize> {
        let need = Need {
            kinds: read_kinds(&kinds)?,
            optional,
            scopes,
            any_scopes,
            roles,
            any_roles,
            acr,
            max_age: max_age.map(|seconds| Duration::from_secs(u64::from(seconds))),
            tenant,
        };
        Ok(self.requirements.register(Requirement::Actor(need)))
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
    fn check(
        &self,
        actor: &Bound<'_, PyAny>,
        requirement: usize,
    ) -> PyResult<Option<&'static str>> {
        let requirement = self.requirement(requirement)?;
        let caller = actors::unwrap(actor)?;
        let denial = self.process()?.gate().check(&caller.actor, &requirement);
        Ok(denial.map(Denial::code))
    }

    /// The reason code why what `actor` came with is not good any more, or `None`.
    fn standing(&self, actor: &Bound<'_, PyAny>) -> PyResult<Option<&'static str>> {
        let caller = actors::unwrap(actor)?;
        let denial = self.process()?.gate().standing(caller);
        Ok(denial.map(Denial::code))
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

    /// Whether everybody may see the documentation pages.
    #[getter]
    fn docs_open(&self) -> bool {
        self.settings.docs == Docs::Open
    }

    /// The public client for signing in on the documentation pages.
    #[getter]
    fn docs_client_id(&self) -> Option<&str> {
        let client = self.settings.docs_client_id.as_ref();
        client.map(sealgate_model::ClientId::as_str)
    }

    /// Whether strangers are not told which paths lead nowhere.
    #[getter]
    fn hide_unknown_paths(&self) -> bool {
        self.settings.unknown_paths == UnknownPaths::Hide
    }

    /// The application's public URL.
    #[getter]
    fn base_url(&self) -> &str {
        self.settings.base_url.as_str()
    }

    /// The issuer.
    #[getter]
    fn issuer(&self) -> &str {
        self.settings.issuer.as_str()
    }

    /// What access tokens must be made for.
    #[getter]
    fn audiences(&self) -> Vec<String> {
        self.settings.audiences.clone()
    }

    fn __repr__(&self) -> String {
        format!("Core(client_id={:?})", self.settings.client_id.as_str())
    }
}

fn read_kinds(names: &[String]) -> PyResult<Kinds> {
    let mut kinds: Option<Kinds> = None;
    for name in names {
        let kind = match name.as_str() {
            "user" => ActorKind::User,
            "machine" => ActorKind::Machine,
            "agent" => ActorKind::Agent,
            _ => return Err(PyValueError::new_err("a kind is user, machine or agent")),
        };
        kinds = Some(kinds.map_or(Kinds::only(kind), |kinds| kinds.and(kind)));
    }
    kinds.ok_or_else(|| PyValueError::new_err("name at least one kind of actor"))
}
