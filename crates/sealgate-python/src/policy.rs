//! What applications ask the policies: resources and their attributes, as Python has them.

use std::collections::BTreeMap;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyBytes, PyDateTime, PyDelta, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping,
    PySet, PyString, PyTuple, PyType,
};
use pyo3::{create_exception, intern};
use sealgate_gate::{Act, Caller, Denial, QuestionError, Resource, Value, policy_id};
use sealgate_model::{Actor, User};

use crate::actors;
use crate::core::Core;
use crate::decision::Decision;

create_exception!(
    sealgate._core,
    PolicyQuestionError,
    PyValueError,
    "What was asked does not fit what the policies declare; `code` is the stable reason code."
);

/// How deep resources and values may be within each other.
const DEPTH_MOST: usize = 16;

/// What a resource is told by, if it is no `Resource`.
const TOLD_BY: &str = "__sealgate_resource__";

/// A question, as the gate takes it.
struct Asked {
    action: String,
    resource: Resource,
    context: BTreeMap<String, Value>,
}

impl Asked {
    fn read(
        action: &str,
        resource: &Bound<'_, PyAny>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let resource = match resource.cast::<PyString>() {
            // The name of a route.
            Ok(route) => Resource::route(route.to_str()?),
            Err(_) => read_resource(resource, 0)?,
        };
        let context = context.map(|context| read_fields(context, 0)).transpose()?;
        Ok(Self {
            action: action.to_owned(),
            resource,
            context: context.unwrap_or_default(),
        })
    }

    fn act(&self) -> Act<'_> {
        Act {
            action: &self.action,
            resource: &self.resource,
            context: &self.context,
        }
    }
}

/// The gate's answer to `actor`, or to nobody, who may not do `action`; `None` where they may. `resource` is one, or
/// the name of a route.
#[pyfunction]
#[pyo3(signature = (core, actor, action, resource, context = None))]
pub(crate) fn act_refusal(
    py: Python<'_>,
    core: &Bound<'_, Core>,
    actor: Option<&Bound<'_, PyAny>>,
    action: &str,
    resource: &Bound<'_, PyAny>,
    context: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Decision>> {
    let caller = actor.map(actors::unwrap).transpose()?;
    let asked = Asked::read(action, resource, context)?;
    let process = core.get().process()?;
    let refusal = process.gate().act_refusal(caller, asked.act());
    refusal
        .map_err(|error| wrong(py, &error))?
        .map(|response| Decision::new(py, sealgate_gate::Decision::Respond(response)))
        .transpose()
}

/// The reason code why `actor` may not do `action`, or `None` where they may. Nothing is recorded.
#[pyfunction]
#[pyo3(signature = (core, actor, action, resource, context = None))]
pub(crate) fn act_denied(
    py: Python<'_>,
    core: &Bound<'_, Core>,
    actor: &Bound<'_, PyAny>,
    action: &str,
    resource: &Bound<'_, PyAny>,
    context: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<&'static str>> {
    let caller = actors::unwrap(actor)?;
    let asked = Asked::read(action, resource, context)?;
    let process = core.get().process()?;
    let denial = process.gate().permits(caller, asked.act());
    let denial = denial.map_err(|error| wrong(py, &error))?;
    Ok(denial.map(Denial::code))
}

/// From now on the policies of `file` decide about actors that a test puts there; `None`: those at hand do.
#[pyfunction]
#[pyo3(signature = (core, file))]
#[expect(
    clippy::needless_pass_by_value,
    reason = "arguments from Python are handed over"
)]
pub(crate) fn testing_policies(
    core: &Bound<'_, Core>,
    file: Option<std::path::PathBuf>,
) -> PyResult<()> {
    let process = core.get().process()?;
    let gate = process.gate();
    gate.test_policies(file.as_deref())
        .map_err(|error| crate::refuse(&error))
}

fn wrong(py: Python<'_>, error: &QuestionError) -> PyErr {
    coded(py, error.code(), error.to_string())
}

fn coded(py: Python<'_>, code: &str, said: String) -> PyErr {
    let raised = PolicyQuestionError::new_err(said);
    // An exception takes any attribute: if it did not, the message would still tell.
    let _ = raised.value(py).setattr(intern!(py, "code"), code);
    raised
}

fn oversize(py: Python<'_>) -> PyErr {
    wrong(py, &QuestionError::Oversize)
}

/// The resource that an object is, or that it tells of itself.
fn read_resource(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<Resource> {
    let py = object.py();
    if depth > DEPTH_MOST {
        return Err(oversize(py));
    }
    if let Some(resource) = actor(object)? {
        return Ok(resource);
    }
    let told = match object.getattr_opt(TOLD_BY)? {
        Some(tell) => tell.call0()?,
        None => object.clone(),
    };
    if !told.is_instance(resource_type(py)?)? {
        let said = format!(
            "{} is no resource: write sealgate.Resource(type, id), or give it a method {TOLD_BY}",
            told.get_type().name()?
        );
        return Err(PyTypeError::new_err(said));
    }
    let text = |name| told.getattr(name)?.extract::<String>();
    let mut parents = Vec::new();
    for parent in told.getattr(intern!(py, "parents"))?.try_iter()? {
        parents.push(read_resource(&parent?, depth + 1)?);
    }
    Ok(Resource {
        kind: text(intern!(py, "type"))?,
        id: text(intern!(py, "id"))?,
        attributes: read_fields(&told.getattr(intern!(py, "attributes"))?, depth + 1)?,
        parents,
    })
}

/// An actor as a resource refers to it: by its id, and by nothing that an application could tell of it.
fn actor(object: &Bound<'_, PyAny>) -> PyResult<Option<Resource>> {
    let is_actor = object.is_instance_of::<actors::User>()
        || object.is_instance_of::<actors::Machine>()
        || object.is_instance_of::<actors::Agent>();
    if !is_actor {
        return Ok(None);
    }
    let caller: &Caller = actors::unwrap(object)?;
    let kind = match &*caller.actor {
        Actor::User(User { .. }) => "User",
        Actor::Machine(_) => "Machine",
        Actor::Agent(_) => "Agent",
    };
    Ok(Some(Resource::new(kind, policy_id(caller))))
}

/// The named values of a mapping. A value that is `None` is not there.
fn read_fields(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<BTreeMap<String, Value>> {
    let mut fields = BTreeMap::new();
    let mut take = |name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>| {
        let name = name.extract::<String>()?;
        if !value.is_none() {
            let value = read_value(value, &name, depth)?;
            fields.insert(name, value);
        }
        Ok::<_, PyErr>(())
    };
    if let Ok(dict) = object.cast::<PyDict>() {
        for (name, value) in dict.iter() {
            take(&name, &value)?;
        }
    } else {
        for item in object.cast::<PyMapping>()?.items()?.iter() {
            let (name, value) = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            take(&name, &value)?;
        }
    }
    Ok(fields)
}

fn read_value(object: &Bound<'_, PyAny>, name: &str, depth: usize) -> PyResult<Value> {
    let py = object.py();
    if depth > DEPTH_MOST {
        return Err(oversize(py));
    }
    let unusable = |said: &str| {
        let said = format!("{name}: {said}");
        Err(coded(py, "policy_attribute_wrong", said))
    };
    // A truth is an integer to Python, and a moment is no date to the policies.
    if let Ok(truth) = object.cast::<PyBool>() {
        return Ok(Value::Bool(truth.is_true()));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::Text(text.to_str()?.to_owned()));
    }
    if object.is_instance_of::<PyInt>() {
        return match object.extract::<i64>() {
            Ok(number) => Ok(Value::Long(number)),
            Err(_) => unusable("an integer of the policies has 64 bits"),
        };
    }
    if object.is_instance_of::<PyFloat>() {
        return unusable("a float is no number of the policies: write a decimal.Decimal");
    }
    if object.is_instance_of::<PyBytes>() {
        return unusable("bytes are no value of the policies");
    }
    if object.is_instance_of::<PyDateTime>() {
        if object.getattr(intern!(py, "tzinfo"))?.is_none() {
            return unusable("the moment has no time zone: write datetime.now(UTC)");
        }
        return Ok(Value::Moment(millis(
            &object.call_method0(intern!(py, "timestamp"))?,
        )?));
    }
    if object.is_instance_of::<PyDelta>() {
        return Ok(Value::Duration(millis(
            &object.call_method0(intern!(py, "total_seconds"))?,
        )?));
    }
    let types = kinds(py)?;
    if object.is_instance(types.decimal.bind(py))? {
        // Without an exponent, as people write it.
        let text = object.call_method1(intern!(py, "__format__"), (intern!(py, "f"),))?;
        return Ok(Value::Decimal(text.extract()?));
    }
    for address in &types.addresses {
        if object.is_instance(address.bind(py))? {
            return Ok(Value::Ip(object.str()?.to_str()?.to_owned()));
        }
    }
    if object.is_instance(types.uuid.bind(py))? {
        return Ok(Value::Text(object.str()?.to_str()?.to_owned()));
    }
    let is_many = object.is_instance_of::<PyList>()
        || object.is_instance_of::<PyTuple>()
        || object.is_instance_of::<PySet>()
        || object.is_instance_of::<PyFrozenSet>();
    if is_many {
        let mut values = Vec::new();
        for value in object.try_iter()? {
            values.push(read_value(&value?, name, depth + 1)?);
        }
        return Ok(Value::Set(values));
    }
    if let Some(resource) = actor(object)? {
        return Ok(Value::Entity(resource));
    }
    if object.is_instance(resource_type(py)?)? || object.hasattr(TOLD_BY)? {
        return Ok(Value::Entity(read_resource(object, depth + 1)?));
    }
    if object.cast::<PyMapping>().is_ok() {
        return Ok(Value::Record(read_fields(object, depth + 1)?));
    }
    let kind = object.get_type().name()?;
    unusable(&format!("a {kind} is no value of the policies"))
}

/// Seconds as whole milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond what an integer holds becomes its bound, which is refused as a moment"
)]
fn millis(seconds: &Bound<'_, PyAny>) -> PyResult<i64> {
    Ok((seconds.extract::<f64>()? * 1e3).round() as i64)
}

/// The types of Python's library that are values of policies.
struct Kinds {
    decimal: Py<PyAny>,
    uuid: Py<PyAny>,
    addresses: Vec<Py<PyAny>>,
}

fn kinds(py: Python<'_>) -> PyResult<&'static Kinds> {
    static KINDS: PyOnceLock<Kinds> = PyOnceLock::new();
    KINDS.get_or_try_init(py, || {
        let named = |module: &str, name: &str| py.import(module)?.getattr(name).map(Bound::unbind);
        let addresses = ["IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network"];
        Ok(Kinds {
            decimal: named("decimal", "Decimal")?,
            uuid: named("uuid", "UUID")?,
            addresses: addresses
                .into_iter()
                .map(|name| named("ipaddress", name))
                .collect::<PyResult<_>>()?,
        })
    })
}

fn resource_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static TYPE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    TYPE.import(py, "sealgate.policies", "Resource")
}
