//! MCP servers behind the gate, as Python adds them and asks about what comes to them.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sealgate_gate::{
    Decision as Decided, McpAsked, McpResource, McpRules, Need, Request, Requirement,
};

use crate::actors;
use crate::core::Core;
use crate::decision::Decision;
use crate::scope::Scope;

/// Bodies that are longer are read without the interpreter's lock: it takes longer than to get it back.
const QUICK: usize = 64 * 1024;

/// What tools, prompts or resources ask for: names, and numbers of requirements.
type Numbers = Vec<(String, usize)>;

/// One MCP server of an application.
#[pyclass(frozen, module = "sealgate._core")]
pub(crate) struct McpServer {
    core: Py<Core>,
    resource: McpResource,
    #[pyo3(get)]
    number: usize,
}

#[pymethods]
impl McpServer {
    /// Adds a server at `path` to the application of `core`. What is asked for is given by the numbers of
    /// requirements.
    #[new]
    #[pyo3(signature = (
        core, path, base, tools, *, prompts = None, resources = None, default = None, origins = Vec::new(),
        root = false, body_limit
    ))]
    // They are the keywords of one Python call.
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        core: Py<Core>,
        path: String,
        base: usize,
        tools: Numbers,
        prompts: Option<Numbers>,
        resources: Option<Numbers>,
        default: Option<usize>,
        origins: Vec<String>,
        root: bool,
        body_limit: usize,
    ) -> PyResult<Self> {
        let gate = core.bind(py).get();
        let named = |numbers: Numbers| {
            let needs = numbers.into_iter();
            needs
                .map(|(name, number)| Ok((name, need(gate, number)?)))
                .collect::<PyResult<Vec<_>>>()
        };
        let rules = McpRules {
            path,
            base: need(gate, base)?,
            tools: named(tools)?,
            prompts: prompts.map(named).transpose()?,
            resources: resources.map(named).transpose()?,
            default: default.map(|number| need(gate, number)).transpose()?,
            origins,
            is_root: root,
            body_limit,
        };
        let resource = gate
            .settings()
            .add_mcp_server(rules)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let number = gate.register(Requirement::Mcp(resource.clone()));
        Ok(Self {
            core,
            resource,
            number,
        })
    }

    /// The resource's identifier: what tokens for it are made for.
    #[getter]
    fn audience(&self) -> &str {
        self.resource.audience()
    }

    /// Where its metadata is.
    #[getter]
    fn metadata_url(&self) -> &str {
        self.resource.metadata_url()
    }

    /// The longest body that is read, in bytes.
    #[getter]
    fn body_limit(&self) -> usize {
        self.resource.body_limit()
    }

    /// The answer to a request of `actor` that does not go on whatever its body is, or else what the server
    /// calls the session that it is about; `None` where it is about none.
    fn arrives<'py>(
        &self,
        py: Python<'py>,
        actor: &Bound<'py, PyAny>,
        scope: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let caller = actors::unwrap(actor)?;
        let process = self.core.bind(py).get().process()?;
        with_request(scope, |request| {
            let asked = McpAsked { caller, request };
            match process.gate().mcp_arrives(&self.resource, asked) {
                Ok(None) => Ok(None),
                Ok(Some(session)) => Ok(Some(PyBytes::new(py, session.as_bytes()).into_any())),
                Err(response) => {
                    let decision = Decision::new(py, Decided::Respond(*response))?;
                    Ok(Some(Bound::new(py, decision)?.into_any()))
                }
            }
        })
    }

    /// The answer to a message of `actor` that does not go on; `None` when it does. `body` is the whole body,
    /// or one byte more than `body_limit` of a longer one.
    fn message(
        &self,
        py: Python<'_>,
        actor: &Bound<'_, PyAny>,
        scope: &Bound<'_, PyAny>,
        body: &[u8],
    ) -> PyResult<Option<Decision>> {
        let caller = actors::unwrap(actor)?;
        let process = self.core.bind(py).get().process()?;
        let refused = with_request(scope, |request| {
            let asked = McpAsked { caller, request };
            let judge = || process.gate().mcp_message(&self.resource, asked, body);
            Ok(if body.len() > QUICK {
                py.detach(judge)
            } else {
                judge()
            })
        })?;
        refused
            .map(|response| Decision::new(py, Decided::Respond(response)))
            .transpose()
    }

    /// The id by which `actor` knows the session that the server calls `id`; `None` for what is no id.
    fn session<'py>(
        &self,
        py: Python<'py>,
        actor: &Bound<'py, PyAny>,
        id: &[u8],
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let caller = actors::unwrap(actor)?;
        let process = self.core.bind(py).get().process()?;
        let Ok(id) = str::from_utf8(id) else {
            return Ok(None);
        };
        let bound = process.gate().mcp_session(&self.resource, caller, id);
        Ok(bound.map(|bound| PyBytes::new(py, bound.as_bytes())))
    }

    fn __repr__(&self) -> String {
        format!("McpServer({:?})", self.resource.audience())
    }
}

/// Calls `with` with the request of an ASGI scope.
fn with_request<T>(
    scope: &Bound<'_, PyAny>,
    with: impl FnOnce(&Request<'_>) -> PyResult<T>,
) -> PyResult<T> {
    let scope = Scope::read(scope)?;
    let path = scope.path();
    let headers = scope.fields.slices();
    with(&Request {
        transport: scope.transport,
        method: scope.method()?,
        path: &path,
        query: scope.query(),
        headers: &headers,
    })
}

fn need(core: &Core, number: usize) -> PyResult<Need> {
    match Arc::unwrap_or_clone(core.requirement(number)?) {
        Requirement::Actor(need) => Ok(need),
        _ => Err(PyValueError::new_err("this asks for no actor")),
    }
}
