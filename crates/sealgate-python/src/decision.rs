//! A decision as Python sees it.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use sealgate_gate::{Allowed, Caller, Decision as Decided, Pending, Response};

use crate::actors;

/// What the gate decided about one request.
#[pyclass(frozen, module = "sealgate._core")]
pub(crate) struct Decision {
    kind: Kind,
}

enum Kind {
    Allow {
        actor: Option<Py<PyAny>>,
        set_cookies: Vec<String>,
        headers: Vec<(&'static str, String)>,
        reason: &'static str,
    },
    Respond(Response),
    /// Taken out once, by `Core.finish`.
    Pending(Mutex<Option<Box<Pending>>>),
}

impl Decision {
    pub(crate) fn new(py: Python<'_>, decided: Decided) -> PyResult<Self> {
        let kind = match decided {
            Decided::Allow(allowed) => {
                let caller = allowed.caller;
                let actor = caller.map(|caller| actors::wrap(py, caller)).transpose()?;
                Kind::Allow {
                    actor,
                    set_cookies: allowed.set_cookies,
                    headers: allowed.headers,
                    reason: allowed.reason,
                }
            }
            Decided::Respond(response) => Kind::Respond(response),
            Decided::Pending(pending) => Kind::Pending(Mutex::new(Some(pending))),
        };
        Ok(Self { kind })
    }

    /// Whether nothing but the actor is to be told.
    pub(crate) fn is_short(allowed: &Allowed) -> bool {
        allowed.set_cookies.is_empty() && allowed.headers.is_empty() && allowed.reason.is_empty()
    }

    /// The same, as the actor alone where nothing else is to be told.
    pub(crate) fn shortened(py: Python<'_>, decided: Decided) -> PyResult<Bound<'_, PyAny>> {
        match decided {
            Decided::Allow(allowed) if Self::is_short(&allowed) => match allowed.caller {
                Some(caller) => Ok(actors::wrap(py, caller)?.into_bound(py)),
                None => Ok(py.None().into_bound(py)),
            },
            decided => Ok(Bound::new(py, Self::new(py, decided)?)?.into_any()),
        }
    }

    /// The pending work, the first time it is asked for.
    pub(crate) fn take_pending(&self) -> Option<Box<Pending>> {
        match &self.kind {
            Kind::Pending(pending) => pending
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
            _ => None,
        }
    }

    /// Status, reason and caller of a refusal; nothing if it is none.
    pub(crate) fn refused(&self) -> Option<(u16, &'static str, Option<&Caller>)> {
        let response = self
            .response()
            .filter(|response| !response.reason.is_empty())?;
        Some((response.status, response.reason, response.caller.as_ref()))
    }

    /// Who goes on, and why if not as a rule; nothing if nobody does.
    pub(crate) fn allowed(&self, py: Python<'_>) -> Option<(Option<Py<PyAny>>, &'static str)> {
        match &self.kind {
            Kind::Allow { actor, reason, .. } => {
                Some((actor.as_ref().map(|actor| actor.clone_ref(py)), reason))
            }
            _ => None,
        }
    }

    const fn response(&self) -> Option<&Response> {
        match &self.kind {
            Kind::Respond(response) => Some(response),
            _ => None,
        }
    }
}

#[pymethods]
impl Decision {
    /// 0: it goes on. 1: the gate answers it. 2: hand it to `Core.finish` first.
    #[getter]
    const fn outcome(&self) -> u8 {
        match self.kind {
            Kind::Allow { .. } => 0,
            Kind::Respond(_) => 1,
            Kind::Pending(_) => 2,
        }
    }

    /// How many bytes of the body `Core.finish` needs; `None` if it needs none.
    #[getter]
    fn body_limit(&self) -> Option<usize> {
        match &self.kind {
            Kind::Pending(pending) => pending
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_ref()?
                .body_limit(),
            _ => None,
        }
    }

    /// Who calls, when it goes on.
    #[getter]
    fn actor(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        match &self.kind {
            Kind::Allow { actor, .. } => actor.as_ref().map(|actor| actor.clone_ref(py)),
            _ => None,
        }
    }

    /// `Set-Cookie` values for the application's answer, when it goes on.
    #[getter]
    fn set_cookies<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match &self.kind {
            Kind::Allow { set_cookies, .. } if !set_cookies.is_empty() => PyTuple::new(
                py,
                set_cookies
                    .iter()
                    .map(|cookie| PyBytes::new(py, cookie.as_bytes())),
            ),
            _ => Ok(PyTuple::empty(py)),
        }
    }

    /// The status code, when the gate answers; else 0.
    #[getter]
    fn status(&self) -> u16 {
        self.response().map_or(0, |response| response.status)
    }

    /// The header fields of the gate's answer, or those to add to the application's, when it goes on.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let field = |name: &str, value: &str| {
            (
                PyBytes::new(py, name.as_bytes()),
                PyBytes::new(py, value.as_bytes()),
            )
        };
        let fields: Vec<_> = match &self.kind {
            Kind::Allow {
                set_cookies,
                headers,
                ..
            } => {
                let cookies = set_cookies.iter();
                let cookies = cookies.map(|cookie| field("set-cookie", cookie));
                let others = headers.iter().map(|(name, value)| field(name, value));
                cookies.chain(others).collect()
            }
            Kind::Respond(response) => {
                let headers = response.headers.iter();
                headers.map(|(name, value)| field(name, value)).collect()
            }
            Kind::Pending(_) => Vec::new(),
        };
        PyList::new(py, fields)
    }

    /// For the log of decisions: who was refused, where that is known.
    #[getter]
    fn record<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let caller = self
            .response()
            .and_then(|response| response.caller.as_ref());
        caller.map(|caller| actors::record(py, caller)).transpose()
    }

    /// The body, when the gate answers.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(
            py,
            self.response().map_or(&[][..], |response| &response.body),
        )
    }

    /// The stable reason code, when the gate answers with a refusal, or when a request goes on that would not as
    /// a rule; else empty.
    #[getter]
    const fn reason(&self) -> &'static str {
        match &self.kind {
            Kind::Allow { reason, .. } => reason,
            Kind::Respond(response) => response.reason,
            Kind::Pending(_) => "",
        }
    }

    fn __repr__(&self) -> String {
        match &self.kind {
            Kind::Allow { .. } => "Decision(allow)".to_owned(),
            Kind::Respond(response) => format!("Decision({} {})", response.status, response.reason),
            Kind::Pending(_) => "Decision(pending)".to_owned(),
        }
    }
}
