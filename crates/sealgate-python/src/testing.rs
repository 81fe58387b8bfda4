//! For tests of applications: actors that no issuer vouched for, and decisions about requests as if they
//! had come with one.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use sealgate_gate::{Caller, Request};
use sealgate_model::{Actor, Agent, Machine, Timestamp};

use crate::actors;
use crate::core::Core;
use crate::decision::Decision;
use crate::scope::Scope;

/// An actor of `kind`, made up. It passes as somebody only where a test says so.
#[pyfunction]
#[pyo3(signature = (
    kind, id, issuer, *, email = None, name = None, scopes = Vec::new(), roles = Vec::new(), tenant = None,
    acr = None, authenticated_at = None, client_id = None, via = Vec::new(), user = None
))]
#[allow(clippy::too_many_arguments)] // They are the keywords of one Python call.
pub(crate) fn testing_actor(
    py: Python<'_>,
    kind: &str,
    id: String,
    issuer: &str,
    email: Option<String>,
    name: Option<String>,
    scopes: Vec<String>,
    roles: Vec<String>,
    tenant: Option<String>,
    acr: Option<String>,
    authenticated_at: Option<i64>,
    client_id: Option<String>,
    via: Vec<String>,
    user: Option<&Bound<'_, actors::User>>,
) -> PyResult<Py<PyAny>> {
    let actor = match kind {
        "user" => Actor::User(sealgate_model::User {
            id,
            email,
            name,
            scopes,
            roles,
            tenant,
            acr,
            authenticated_at: authenticated_at.map(Timestamp::from_seconds),
            client: client_id,
            via,
        }),
        "machine" => Actor::Machine(Machine {
            client: client_id.unwrap_or_else(|| id.clone()),
            id,
            scopes,
            roles,
            tenant,
        }),
        "agent" => Actor::Agent(Agent {
            id,
            scopes,
            roles,
            tenant,
            user: user
                .map(|user| actors::unwrap(user.as_any()).map(|caller| (*caller.actor).clone()))
                .transpose()?
                .and_then(|actor| match actor {
                    Actor::User(user) => Some(Box::new(user)),
                    Actor::Machine(_) | Actor::Agent(_) => None,
                }),
            via,
        }),
        _ => return Err(PyValueError::new_err("a kind is user, machine or agent")),
    };
    actors::wrap(py, Caller::for_test(actor, issuer))
}

/// What is decided about the request of an ASGI scope that comes from `actor`, or from nobody.
#[pyfunction]
pub(crate) fn testing_decide(
    py: Python<'_>,
    core: &Bound<'_, Core>,
    actor: Option<&Bound<'_, PyAny>>,
    scope: &Bound<'_, PyAny>,
    requirement: usize,
) -> PyResult<Decision> {
    let caller = actor.map(actors::unwrap).transpose()?.cloned();
    let scope = Scope::read(scope)?;
    let path = scope.path();
    let headers = scope.fields.slices();
    let request = Request {
        transport: scope.transport,
        method: scope.method()?,
        path: &path,
        query: scope.query(),
        headers: &headers,
    };
    let core = core.get();
    let requirement = core.requirement(requirement)?;
    let process = core.process()?;
    let decided = process.gate().decide_for(&request, &requirement, caller);
    Decision::new(py, decided)
}
