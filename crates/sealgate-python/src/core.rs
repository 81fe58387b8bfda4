//! `Core`: the gate with its thread, as Python holds it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use sealgate_gate::{
    Decided, Denial, Docs, Need, Request, Requirement, Settings, Sources, UnknownPaths,
};

use crate::actors;
use crate::completion::{Completion, Outcome};
use crate::decision::Decision;
use crate::feed::FeedStatus;
use crate::note::{self, Templates};
use crate::pins::Pins;
use crate::process::{Current, Process};
use crate::refuse;
use crate::requirements::{Requirements, UNMARKED, UNREVIEWED, read_kinds};
use crate::scope::Scope;
use crate::told;

/// The settings that `Core(...)` takes: environment names without `SEALGATE_`, in lower case.
const SETTINGS: [&str; 29] = [
    "issuer",
    "client_id",
    "client_secret",
    "base_url",
    "seal_keys",
    "scopes",
    "staleness_bound",
    "on_stale",
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
    "provider",
    "trusted_issuers",
    "shared_view",
    "gate_name",
    "routes",
    "policy_file",
    "decisions_allowed",
    "decisions_network",
    "spool",
    "spool_limit",
];

/// The gate itself: settings, keys, the revocation view and the thread that keeps it fresh.
#[pyclass(frozen, module = "sealgate._core")]
pub(crate) struct Core {
    settings: Settings,
    requirements: Requirements,
    templates: Templates,
    process: Current,
}

impl Core {
    fn build(sources: &Sources) -> PyResult<Self> {
        let settings = sources.settings().map_err(|error| refuse(&error))?;
        let process = Process::new(&settings).map_err(|error| refuse(&sources.explain(error)))?;
        let process = Current::new(process);
        Ok(Self {
            settings,
            requirements: Requirements::new(),
            templates: Templates::default(),
            process,
        })
    }

    /// The state of this process.
    pub(crate) fn process(&self) -> PyResult<Arc<Process>> {
        self.process.get(&self.settings)
    }

    /// The settings, which every process of the application shares.
    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The number of `requirement`.
    pub(crate) fn register(&self, requirement: Requirement) -> usize {
        self.requirements.register(requirement)
    }

    pub(crate) fn requirement(&self, number: usize) -> PyResult<Arc<Requirement>> {
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

    /// The requirement of a route that is not as it was reviewed.
    #[classattr]
    #[pyo3(name = "UNREVIEWED")]
    const fn unreviewed() -> usize {
        UNREVIEWED
    }

    /// Takes settings by their environment names without `SEALGATE_`, in lower case. `place` tells in
    /// errors where they are given.
    #[new]
    #[pyo3(signature = (place = None, /, **settings))]
    fn new(place: Option<&str>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let given: HashMap<String, String> = settings
            .map(|settings| settings.extract())
            .transpose()?
            .unwrap_or_default();
        if let Some(unknown) = given.keys().find(|name| !SETTINGS.contains(&name.as_str())) {
            return Err(PyTypeError::new_err(format!(
                "there is no setting {unknown:?}"
            )));
        }
        Self::build(&Sources::arguments(given, place))
    }

    /// Takes every setting from the environment, and from `file` what is not set there.
    #[staticmethod]
    #[pyo3(signature = (file = None))]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "arguments from Python are handed over"
    )]
    fn from_env(file: Option<PathBuf>) -> PyResult<Self> {
        let sources = Sources::of_process(file.as_deref()).map_err(|error| refuse(&error))?;
        Self::build(&sources)
    }

    /// The number of the requirement "an actor of these kinds with all of these"; equal ones share it.
    #[pyo3(signature = (
        kinds, *, optional = false, scopes = Vec::new(), any_scopes = Vec::new(), roles = Vec::new(),
        any_roles = Vec::new(), acr = Vec::new(), max_age = None, tenant = None, stale_ok = false,
        actions = Vec::new(), route = None
    ))]
    // They are the keywords of one Python call.
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
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
        stale_ok: bool,
        actions: Vec<String>,
        route: Option<String>,
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
            stale_ok,
            actions,
            route,
        };
        Ok(self.requirements.register(Requirement::Actor(need)))
    }

    /// The number of the requirement "everybody, because"; equal ones share it.
    fn require_public(&self, reason: String) -> usize {
        self.requirements.register(Requirement::Public { reason })
    }

    /// Decides about the request of an ASGI scope; never blocks and does no I/O. Where nothing but the actor
    /// is to be told, the answer is the actor alone, or `None` for nobody: no object is made to hold it.
    ///
    /// The interpreter stays locked meanwhile, also while a signature is verified, which takes some tens of
    /// microseconds. Whoever unlocks it beside a busy thread gets it back after five milliseconds or more.
    ///
    /// Where it is the actor alone, it is taken down for the log of decisions, with `template`, that of the route.
    /// Everything else is told to `note_decision` when it is settled.
    #[pyo3(signature = (scope, requirement, template = None))]
    fn admit<'py>(
        &self,
        py: Python<'py>,
        scope: &Bound<'py, PyAny>,
        requirement: usize,
        template: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let scope = Scope::read(scope)?;
        let requirement = self.requirement(requirement)?;
        let path = scope.path();
        let headers = scope.fields.slices();
        let request = Request {
            transport: scope.transport,
            method: scope.method()?,
            path: &path,
            query: scope.query(),
            headers: &headers,
        };
        let process = self.process()?;
        let gate = process.gate();
        let decided = gate.decide(&request, &requirement);
        if let sealgate_gate::Decision::Allow(allowed) = &decided
            && Decision::is_short(allowed)
            && gate.is_noting()
        {
            let about = note::about(&scope, &headers, self.templates.of(template)?)?;
            let caller = allowed.caller.as_ref();
            gate.note(about, Decided::Allowed, Cow::Borrowed(""), None, caller);
        }
        Decision::shortened(py, decided)
    }

    /// Takes down a decision about the request of an ASGI scope, once it is settled, for the log of decisions.
    #[pyo3(signature = (scope, decision, template = None))]
    fn note_decision(
        &self,
        py: Python<'_>,
        scope: &Bound<'_, PyDict>,
        decision: &Decision,
        template: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        // Where nothing runs any more, what happens goes on without a record.
        let Ok(process) = self.process() else {
            return Ok(());
        };
        if !process.gate().is_noting() {
            return Ok(());
        }
        let about = note::about_rest(scope, self.templates.of(template)?)?;
        note::decision(py, process.gate(), about, decision)
    }

    /// Takes down what else came of a request: `ended`, `withheld`, or `refused` without a decision of the gate.
    #[pyo3(signature = (scope, outcome, reason, status = None, actor = None, template = None))]
    #[allow(clippy::too_many_arguments)] // They are the keywords of one Python call.
    fn note_outcome(
        &self,
        scope: &Bound<'_, PyDict>,
        outcome: &str,
        reason: String,
        status: Option<u16>,
        actor: Option<&Bound<'_, PyAny>>,
        template: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        // Where nothing runs any more, what happens goes on without a record.
        let Ok(process) = self.process() else {
            return Ok(());
        };
        if !process.gate().is_noting() {
            return Ok(());
        }
        let about = note::about_rest(scope, self.templates.of(template)?)?;
        note::outcome(process.gate(), about, outcome, reason, status, actor)
    }

    /// The same for a request of which `known` tells what it reaches, as long as `pins` hold: the value that
    /// stands there under the request, and what `admit` would answer. Nothing where it is not known.
    fn admit_known<'py>(
        &self,
        py: Python<'py>,
        scope: &Bound<'py, PyAny>,
        pins: &Pins,
        known: &Bound<'py, PyDict>,
    ) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
        let Ok(fields) = scope.cast_exact::<PyDict>() else {
            return Ok(None);
        };
        let field = |name| {
            Ok::<_, PyErr>(
                fields
                    .get_item(name)?
                    .unwrap_or_else(|| intern!(py, "").clone().into_any()),
            )
        };
        let request = (
            field(intern!(py, "type"))?,
            field(intern!(py, "method"))?,
            field(intern!(py, "root_path"))?,
            field(intern!(py, "path"))?,
        );
        let Some(target) = known.get_item(request)? else {
            return Ok(None);
        };
        if !pins.hold(py)? {
            return Ok(None);
        }
        let requirement: usize = target.getattr(intern!(py, "number"))?.extract()?;
        let template = target.getattr(intern!(py, "template"))?;
        let admitted = self.admit(py, scope, requirement, Some(&template))?;
        Ok(Some((target, admitted)))
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
        let denial = self.process()?.gate().check_caller(caller, &requirement);
        Ok(denial.map(Denial::code))
    }

    /// The gate's answer to `actor`, or to nobody, who does not meet the requirement or does not belong to
    /// `tenant`; `None` when all is well.
    #[pyo3(signature = (actor, requirement, tenant = None))]
    fn refusal(
        &self,
        py: Python<'_>,
        actor: Option<&Bound<'_, PyAny>>,
        requirement: usize,
        tenant: Option<String>,
    ) -> PyResult<Option<Decision>> {
        let mut requirement = self.requirement(requirement)?;
        if let (Some(_), Requirement::Actor(need)) = (&tenant, &*requirement) {
            let need = Need {
                tenant,
                ..need.clone()
            };
            requirement = Arc::new(Requirement::Actor(need));
        }
        let caller = actor.map(actors::unwrap).transpose()?;
        let refusal = self.process()?.gate().refusal(caller, &requirement);
        refusal
            .map(|response| Decision::new(py, sealgate_gate::Decision::Respond(response)))
            .transpose()
    }

    /// A token for forms of pages that are shown to `actor`; empty if they came without a session.
    fn csrf_token(&self, actor: &Bound<'_, PyAny>) -> PyResult<String> {
        let caller = actors::unwrap(actor)?;
        let token = self.process()?.gate().csrf_token(caller);
        Ok(token.unwrap_or_default())
    }

    /// The reason code why what `actor` came with is not good any more, or `None`.
    fn standing(&self, actor: &Bound<'_, PyAny>) -> PyResult<Option<&'static str>> {
        let caller = actors::unwrap(actor)?;
        let denial = self.process()?.gate().standing(caller);
        Ok(denial.map(Denial::code))
    }

    /// Where in `connections` those stand whose credential is not good any more, or who may not do any more what
    /// their route is for, with the reason code: one call for all connections that last. Each is an actor and the
    /// number of the requirement that let them in.
    fn fallen(&self, connections: &Bound<'_, PyList>) -> PyResult<Vec<(usize, &'static str)>> {
        let process = self.process()?;
        let mut fallen = Vec::new();
        for (index, connection) in connections.iter().enumerate() {
            let (actor, number) = connection.extract::<(Bound<'_, PyAny>, usize)>()?;
            let (caller, requirement) = (actors::unwrap(&actor)?, self.requirement(number)?);
            if let Some(denial) = process.gate().standing_for(caller, &requirement) {
                fallen.push((index, denial.code()));
            }
        }
        Ok(fallen)
    }

    /// Who `actor` is and what they came with, for the log of decisions.
    #[staticmethod]
    fn record<'py>(py: Python<'py>, actor: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        actors::record(py, actors::unwrap(actor)?)
    }

    /// Tells the control plane, from now on, which routes stand behind the gate: their inventory in JSON, the
    /// digest of the lock file if there is one, and how many are not as it has them, if that could be told.
    #[pyo3(signature = (inventory, lock_digest = None, differing = None))]
    fn routes_are(
        &self,
        inventory: &str,
        lock_digest: Option<String>,
        differing: Option<u32>,
    ) -> PyResult<()> {
        let table = told::table(inventory, lock_digest, differing)?;
        self.process()?.gate().routes_are(told::HOST, table);
        Ok(())
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

    /// How the revocation feed fares.
    #[getter]
    fn feed(&self) -> PyResult<FeedStatus> {
        Ok(FeedStatus(self.process()?.gate().feed()))
    }

    /// The same and what was decided, as `OpenMetrics` text.
    fn openmetrics(&self) -> PyResult<String> {
        Ok(self.process()?.gate().openmetrics())
    }

    /// Counts an answer that was withheld.
    fn note_withheld(&self) -> PyResult<()> {
        self.process()?.gate().note_withheld();
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

    /// The lock file of routes, if the settings name one, and after `#` the application in it.
    #[getter]
    fn routes(&self) -> Option<&str> {
        self.settings.routes.as_deref()
    }

    /// Whether this is an application under development.
    #[getter]
    fn development(&self) -> bool {
        self.settings.is_development()
    }

    /// The application's public URL.
    #[getter]
    fn base_url(&self) -> &str {
        self.settings.base_url.as_str()
    }

    /// The kind of provider at the issuer, as `SEALGATE_PROVIDER` names it.
    #[getter]
    fn provider(&self) -> &'static str {
        self.settings.provider_name()
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
