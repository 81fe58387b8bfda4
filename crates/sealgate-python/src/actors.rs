//! The actors as Python sees them: attributes are made when they are asked for.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDateTime, PyDict, PyFrozenSet, PyTuple, PyTzInfo};
use sealgate_gate::Caller;
use sealgate_model::{Actor, Timestamp};

/// What the three classes share: who, with what, and the sets that were made already.
struct Handle {
    caller: Caller,
    scopes: PyOnceLock<Py<PyFrozenSet>>,
    roles: PyOnceLock<Py<PyFrozenSet>>,
}

impl Handle {
    const fn new(caller: Caller) -> Self {
        Self {
            caller,
            scopes: PyOnceLock::new(),
            roles: PyOnceLock::new(),
        }
    }

    fn actor(&self) -> &Actor {
        &self.caller.actor
    }

    fn scopes(&self, py: Python<'_>) -> PyResult<Py<PyFrozenSet>> {
        set(py, &self.scopes, self.actor().scopes())
    }

    fn roles(&self, py: Python<'_>) -> PyResult<Py<PyFrozenSet>> {
        set(py, &self.roles, self.actor().roles())
    }

    fn issuer(&self) -> &str {
        &self.caller.credential.issuer
    }

    fn session_id(&self) -> Option<String> {
        let session = self.caller.credential.session;
        session.map(|session| session.to_string())
    }

    fn equals(&self, other: &Self) -> bool {
        self.caller.actor == other.caller.actor
            && self.caller.credential.session == other.caller.credential.session
            && self.issuer() == other.issuer()
    }

    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.actor().id().hash(&mut hasher);
        hasher.finish()
    }
}

/// A human who passed the gate. Two are equal when every field is.
#[pyclass(frozen, module = "sealgate")]
pub(crate) struct User(Handle);

/// A service, job or workload that passed the gate. Two are equal when every field is.
#[pyclass(frozen, module = "sealgate")]
pub(crate) struct Machine(Handle);

/// An AI client that passed the gate. Two are equal when every field is.
#[pyclass(frozen, module = "sealgate")]
pub(crate) struct Agent {
    handle: Handle,
    user: PyOnceLock<Option<Py<User>>>,
}

/// The object for `caller`.
pub(crate) fn wrap(py: Python<'_>, caller: Caller) -> PyResult<Py<PyAny>> {
    let handle = Handle::new(caller);
    Ok(match handle.actor() {
        Actor::User(_) => Py::new(py, User(handle))?.into_any(),
        Actor::Machine(_) => Py::new(py, Machine(handle))?.into_any(),
        Actor::Agent(_) => {
            let user = PyOnceLock::new();
            Py::new(py, Agent { handle, user })?.into_any()
        }
    })
}

/// The caller behind an object that [`wrap`] made.
pub(crate) fn unwrap<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<&'a Caller> {
    if let Ok(user) = object.cast::<User>() {
        return Ok(&user.get().0.caller);
    }
    if let Ok(machine) = object.cast::<Machine>() {
        return Ok(&machine.get().0.caller);
    }
    Ok(&object.cast::<Agent>()?.get().handle.caller)
}

/// Who came with what, for the log of decisions. None of it is a secret.
pub(crate) fn record<'py>(py: Python<'py>, caller: &Caller) -> PyResult<Bound<'py, PyDict>> {
    let (actor, credential) = (&caller.actor, &caller.credential);
    let record = PyDict::new(py);
    record.set_item("actor_kind", actor.kind().as_str())?;
    record.set_item("actor", actor.id())?;
    record.set_item("client", &credential.client)?;
    record.set_item("credential", credential.kind.as_str())?;
    record.set_item(
        "session",
        credential.session.map(|session| session.to_string()),
    )?;
    record.set_item("token", credential.token.as_deref())?;
    Ok(record)
}

#[pymethods]
impl User {
    /// The issuer's stable id for the user (`sub`).
    #[getter]
    fn id(&self) -> &str {
        self.0.actor().id()
    }

    /// The e-mail address, when the issuer gave one.
    #[getter]
    fn email(&self) -> Option<&str> {
        self.fields()?.email.as_deref()
    }

    /// The name to show, when the issuer gave one.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.fields()?.name.as_deref()
    }

    /// Who vouches for the user: an id means something together with its issuer.
    #[getter]
    fn issuer(&self) -> &str {
        self.0.issuer()
    }

    /// The scopes granted to the session or token.
    #[getter]
    fn scopes(&self, py: Python<'_>) -> PyResult<Py<PyFrozenSet>> {
        self.0.scopes(py)
    }

    /// The roles the issuer says the user has.
    #[getter]
    fn roles(&self, py: Python<'_>) -> PyResult<Py<PyFrozenSet>> {
        self.0.roles(py)
    }

    /// The organisation the user belongs to, when the issuer gave one.
    #[getter]
    fn tenant(&self) -> Option<&str> {
        self.0.actor().tenant()
    }

    /// How the user proved who they are (`acr`), when the issuer said.
    #[getter]
    fn acr(&self) -> Option<&str> {
        self.fields()?.acr.as_deref()
    }

    /// When the user last did, in UTC, when the issuer said.
    #[getter]
    fn authenticated_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        let at = self.fields().and_then(|user| user.authenticated_at);
        at.map(|at| moment(py, at)).transpose()
    }

    /// The client through which the user calls.
    #[getter]
    fn client_id(&self) -> Option<&str> {
        self.fields()?.client.as_deref()
    }

    /// The services that pass the call on for the user, nearest first.
    #[getter]
    fn via<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.fields().map_or(&[][..], |user| &user.via))
    }

    /// The session (`sid`) that the user came with.
    #[getter]
    fn session_id(&self) -> Option<String> {
        self.0.session_id()
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0.equals(&other.0)
    }

    fn __hash__(&self) -> u64 {
        self.0.hash()
    }

    /// Shows the id only: names and addresses are not for logs.
    fn __repr__(&self) -> String {
        format!("User(id={:?})", self.id())
    }
}

impl User {
    fn fields(&self) -> Option<&sealgate_model::User> {
        self.0.actor().human()
    }
}

#[pymethods]
impl Machine {
    /// The issuer's stable id for it (`sub`).
    #[getter]
    fn id(&self) -> &str {
        self.0.actor().id()
    }

    /// Its client.
    #[getter]
    fn client_id(&self) -> &str {
        match self.0.actor() {
            Actor::Machine(machine) => &machine.client,
            other => other.id(),
        }
    }

    /// Who vouches for the machine: an id means something together with its issuer.
    #[getter]
    fn issuer(&self) -> &str {
        self.0.issuer()
    }

    /// The scopes granted to its token.
    #[getter]
    fn scopes(&self, py: Python<'_>) -> PyResult<Py<PyFrozenSet>> {
        self.0.scopes(py)
    }

    /// The roles the issuer says it has.
    #[getter]
    fn roles(&self, py: Python<'_>) -> PyResult<Py<PyFrozenSet>> {
        self.0.roles(py)
    }

    /// The organisation it belongs to, when the issuer gave one.
    #[getter]
    fn tenant(&self) -> Option<&str> {
        self.0.actor().tenant()
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0.equals(&other.0)
    }

    fn __hash__(&self) -> u64 {
        self.0.hash()
    }

    fn __repr__(&self) -> String {
        format!("Machine(id={:?})", self.id())
    }
}

#[pymethods]
impl Agent {
    /// The issuer's stable id for it: its client.
    #[getter]
    fn id(&self) -> &str {
        self.handle.actor().id()
    }

    /// The user for whom it acts; `None` when it acts for itself.
    #[getter]
    fn user(&self, py: Python<'_>) -> PyResult<Option<Py<User>>> {
        let made = self.user.get_or_try_init(py, || {
            let Some(user) = self.handle.actor().human() else {
                return Ok::<_, PyErr>(None);
            };
            let caller = Caller {
                actor: Arc::new(Actor::User(user.clone())),
                credential: Arc::clone(&self.handle.caller.credential),
                mapping: self.handle.caller.mapping.clone(),
                decided_by: self.handle.caller.decided_by.clone(),
            };
            Py::new(py, User(Handle::new(caller))).map(Some)
        })?;
        Ok(made.as_ref().map(|user| user.clone_ref(py)))
    }

    /// Who vouches for the agent: an id means something together with its issuer.
    #[getter]
    fn issuer(&self) -> &str {
        self.handle.issuer()
    }

    /// The scopes granted to its token.
    #[getter]
    fn scopes(&self, py: Python<'_>) -> PyResult<Py<PyFrozenSet>> {
        self.handle.scopes(py)
    }

    /// The roles the token carries: those of the user, when it acts for one.
    #[getter]
    fn roles(&self, py: Python<'_>) -> PyResult<Py<PyFrozenSet>> {
        self.handle.roles(py)
    }

    /// The organisation it belongs to or acts in, when the issuer gave one.
    #[getter]
    fn tenant(&self) -> Option<&str> {
        self.handle.actor().tenant()
    }

    /// The services that pass the call on for the agent, nearest first.
    #[getter]
    fn via<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let via = match self.handle.actor() {
            Actor::Agent(agent) => &agent.via[..],
            _ => &[],
        };
        PyTuple::new(py, via)
    }

    /// The session (`sid`) on which it acts, when it acts for a user.
    #[getter]
    fn session_id(&self) -> Option<String> {
        self.handle.session_id()
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.handle.equals(&other.handle)
    }

    fn __hash__(&self) -> u64 {
        self.handle.hash()
    }

    fn __repr__(&self) -> String {
        format!("Agent(id={:?})", self.id())
    }
}

#[allow(clippy::cast_precision_loss)] // A float keeps milliseconds exactly for millennia.
pub(crate) fn moment(py: Python<'_>, at: Timestamp) -> PyResult<Bound<'_, PyDateTime>> {
    let utc = PyTzInfo::utc(py)?.to_owned();
    PyDateTime::from_timestamp(py, at.as_millis() as f64 / 1e3, Some(&utc))
}

fn set(
    py: Python<'_>,
    cell: &PyOnceLock<Py<PyFrozenSet>>,
    names: &[String],
) -> PyResult<Py<PyFrozenSet>> {
    let set = cell.get_or_try_init(py, || PyFrozenSet::new(py, names).map(Bound::unbind))?;
    Ok(set.clone_ref(py))
}
