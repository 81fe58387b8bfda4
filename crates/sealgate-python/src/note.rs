//! Decisions taken down for the control plane's log.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use sealgate_gate::{About, Decided, Gate, Transport, Verb, trace_of};

use crate::actors;
use crate::decision::Decision;
use crate::scope::Scope;

/// How many templates are remembered. An application has far fewer; whoever makes up more has them told as they are.
const TEMPLATES: usize = 8_192;

/// The templates of routes, each kept once for all records that tell of it.
#[derive(Default)]
pub(crate) struct Templates(RwLock<HashSet<Arc<str>>>);

impl Templates {
    /// The template in `text`; none if it is `None`.
    pub(crate) fn of(&self, text: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Arc<str>>> {
        let Some(text) = text.and_then(|text| text.cast::<PyString>().ok()) else {
            return Ok(None);
        };
        let text = text.to_str()?;
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = known.get(text) {
            return Ok(Some(Arc::clone(template)));
        }
        drop(known);
        let template: Arc<str> = text.into();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < TEMPLATES {
            known.insert(Arc::clone(&template));
        }
        Ok(Some(template))
    }
}

/// What a record tells of the request in `scope`.
pub(crate) fn about(
    scope: &Scope<'_>,
    headers: &[(&[u8], &[u8])],
    route: Option<Arc<str>>,
) -> PyResult<About> {
    let named = |name: &[u8]| headers.iter().find(|(found, _)| *found == name);
    Ok(About {
        route,
        method: Verb::of(scope.method()?),
        transport: scope.transport,
        address: scope.address(),
        trace: named(b"traceparent").and_then(|(_, value)| trace_of(value)),
    })
}

/// The same of a scope that is not a request's own any more, or not a sound one: what cannot be read is not told.
pub(crate) fn about_rest(scope: &Bound<'_, PyDict>, route: Option<Arc<str>>) -> PyResult<About> {
    let py = scope.py();
    let text = |name| -> PyResult<Option<String>> {
        let found = scope.get_item(name)?;
        Ok(found.and_then(|value| value.extract().ok()))
    };
    let kind = text(intern!(py, "type"))?;
    let is_socket = kind.as_deref() == Some("websocket");
    // The handshake of a WebSocket is one; where there is no request at all, there is no method either.
    let usual = kind.as_ref().map_or("", |_| "GET");
    let method = text(intern!(py, "method"))?;
    let mut trace = None;
    if let Some(headers) = scope.get_item(intern!(py, "headers"))? {
        for field in headers.try_iter()? {
            let Ok((name, value)) = field?.extract::<(Vec<u8>, Vec<u8>)>() else {
                continue;
            };
            if name == b"traceparent" {
                trace = trace_of(&value);
                break;
            }
        }
    }
    Ok(About {
        route,
        method: Verb::of(method.as_deref().unwrap_or(usual)),
        transport: if is_socket {
            Transport::WebSocket
        } else {
            Transport::Http
        },
        address: address(scope.get_item(intern!(py, "client"))?.as_ref()),
        trace,
    })
}

/// The address in `client`, a pair of host and port.
pub(crate) fn address(client: Option<&Bound<'_, PyAny>>) -> Option<IpAddr> {
    let client = client?;
    let host = match client.cast::<PyTuple>() {
        Ok(pair) => pair.get_item(0).ok()?,
        Err(_) => client.get_item(0).ok()?,
    };
    host.cast::<PyString>().ok()?.to_str().ok()?.parse().ok()
}

/// Takes down what came of a request.
pub(crate) fn outcome(
    gate: &Gate,
    about: About,
    outcome: &str,
    reason: String,
    status: Option<u16>,
    actor: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let outcome =
        Decided::named(outcome).ok_or_else(|| PyValueError::new_err("there is no such outcome"))?;
    let caller = actor.map(actors::unwrap).transpose()?;
    gate.note(about, outcome, Cow::Owned(reason), status, caller);
    Ok(())
}

/// Takes down a decision that the gate has come to. One that is still pending is none, and neither is an answer of
/// the gate's own routes.
pub(crate) fn decision(
    py: Python<'_>,
    gate: &Gate,
    about: About,
    decision: &Decision,
) -> PyResult<()> {
    if let Some((status, reason, caller)) = decision.refused() {
        gate.note(
            about,
            Decided::Refused,
            Cow::Borrowed(reason),
            Some(status),
            caller,
        );
    } else if let Some((actor, reason)) = decision.allowed(py) {
        let actor = actor.as_ref().map(|actor| actor.bind(py));
        let caller = actor.map(actors::unwrap).transpose()?;
        gate.note(about, Decided::Allowed, Cow::Borrowed(reason), None, caller);
    }
    Ok(())
}
