//! What the gate reads of an ASGI scope, where it lies.

use std::borrow::Cow;
use std::net::IpAddr;

use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use sealgate_gate::Transport;

use crate::headers::Fields;
use crate::note;

/// References to what a decision is about, which keep it alive.
pub(crate) struct Scope<'py> {
    pub(crate) transport: Transport,
    pub(crate) fields: Fields<'py>,
    method: Option<Bound<'py, PyString>>,
    path: Bound<'py, PyString>,
    root: Option<Bound<'py, PyString>>,
    query: Option<Bound<'py, PyBytes>>,
    client: Option<Bound<'py, PyAny>>,
}

impl<'py> Scope<'py> {
    /// Takes a scope of the types `http` and `websocket`. A mapping that is no `dict` is copied into one.
    pub(crate) fn read(scope: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = scope.py();
        let copied;
        let scope = if let Ok(scope) = scope.cast::<PyDict>() {
            scope
        } else {
            copied = py.get_type::<PyDict>().call1((scope,))?;
            copied.cast::<PyDict>()?
        };
        let kind = text(needed(scope, intern!(py, "type"))?)?;
        let transport = match kind.to_str()? {
            "http" => Transport::Http,
            "websocket" => Transport::WebSocket,
            _ => {
                return Err(PyValueError::new_err(
                    "the scope's type is neither http nor websocket",
                ));
            }
        };
        let method = match transport {
            Transport::Http => Some(text(needed(scope, intern!(py, "method"))?)?),
            Transport::WebSocket => None,
        };
        let query = scope.get_item(intern!(py, "query_string"))?;
        let root = scope.get_item(intern!(py, "root_path"))?;
        Ok(Self {
            transport,
            fields: Fields::read(&needed(scope, intern!(py, "headers"))?)?,
            method,
            path: text(needed(scope, intern!(py, "path"))?)?,
            root: root.map(text).transpose()?,
            client: scope.get_item(intern!(py, "client"))?,
            query: query
                .map(|query| {
                    let wrong = |_| PyTypeError::new_err("query_string must be bytes");
                    query.cast_into().map_err(wrong)
                })
                .transpose()?,
        })
    }

    /// The method; `GET` for a WebSocket.
    pub(crate) fn method(&self) -> PyResult<&str> {
        self.method
            .as_ref()
            .map_or(Ok("GET"), |method| method.to_str())
    }

    /// The path from the root of the host. A proxy may have cut the one under which browsers see the
    /// application. Half characters, which some servers let through, become U+FFFD: no route of the gate's
    /// own has any.
    pub(crate) fn path(&self) -> Cow<'_, str> {
        let path = self.path.to_string_lossy();
        let Some(root) = &self.root else { return path };
        let root = root.to_string_lossy();
        let rest = path.strip_prefix(&*root);
        if root.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return path;
        }
        Cow::Owned(format!("{root}{path}"))
    }

    /// The address that the request came from, as the server tells it.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        note::address(self.client.as_ref())
    }

    /// The raw query string.
    pub(crate) fn query(&self) -> &[u8] {
        self.query.as_ref().map_or(&[], |query| query.as_bytes())
    }
}

fn needed<'py>(
    scope: &Bound<'py, PyDict>,
    key: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    scope
        .get_item(key)?
        .ok_or_else(|| PyKeyError::new_err(format!("the scope has no {key}")))
}

fn text(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyString>> {
    value
        .cast_into()
        .map_err(|_| PyTypeError::new_err("type, method, path and root_path must be text"))
}
