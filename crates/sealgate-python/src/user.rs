//! The actor as Python sees it: attributes are made when they are asked for.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyFrozenSet;
use sealgate_model::SessionId;

/// A human who passed the gate. Two are equal when every field is.
#[pyclass(frozen, module = "sealgate")]
pub(crate) struct User {
    claims: Arc<sealgate_model::User>,
    session: Option<SessionId>,
    scopes: PyOnceLock<Py<PyFrozenSet>>,
    roles: PyOnceLock<Py<PyFrozenSet>>,
}

impl User {
    pub(crate) fn new(claims: Arc<sealgate_model::User>, session: Option<SessionId>) -> Self {
        Self {
            claims,
            session,
            scopes: PyOnceLock::new(),
            roles: PyOnceLock::new(),
        }
    }

    pub(crate) fn inner(&self) -> &sealgate_model::User {
        &self.claims
    }
}

#[pymethods]
impl User {
    /// The issuer's stable id for the user (`sub`).
    #[getter]
    fn id(&self) -> &str {
        &self.claims.id
    }

    /// The e-mail address, when the issuer gave one.
    #[getter]
    fn email(&self) -> Option<&str> {
        self.claims.email.as_deref()
    }

    /// The name to show, when the issuer gave one.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.claims.name.as_deref()
    }

    /// The scopes granted to the session.
    #[getter]
    fn scopes(&self, py: Python<'_>) -> PyResult<Py<PyFrozenSet>> {
        set(py, &self.scopes, &self.claims.scopes)
    }

    /// The roles the issuer says the user has.
    #[getter]
    fn roles(&self, py: Python<'_>) -> PyResult<Py<PyFrozenSet>> {
        set(py, &self.roles, &self.claims.roles)
    }

    /// The session (`sid`) that the user came with.
    #[getter]
    fn session_id(&self) -> Option<String> {
        self.session.map(|session| session.to_string())
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.claims == other.claims && self.session == other.session
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.claims.id.hash(&mut hasher);
        hasher.finish()
    }

    /// Shows the id only: names and addresses are not for logs.
    fn __repr__(&self) -> String {
        format!("User(id={:?})", self.claims.id)
    }
}

fn set(
    py: Python<'_>,
    cell: &PyOnceLock<Py<PyFrozenSet>>,
    names: &[String],
) -> PyResult<Py<PyFrozenSet>> {
    let set = cell.get_or_try_init(py, || PyFrozenSet::new(py, names).map(Bound::unbind))?;
    Ok(set.clone_ref(py))
}
