//! What the route table has read, held against what is there now: a request that comes after a change must
//! not be judged by what was there before it.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

/// Attributes of objects, and the very values that they had.
#[pyclass(frozen, module = "sealgate._core")]
pub(crate) struct Pins(Vec<Pin>);

struct Pin {
    owner: Py<PyAny>,
    name: Py<PyString>,
    value: Value,
}

enum Value {
    One(Py<PyAny>),
    /// The items of a list, which the list may have lost since.
    Each(Vec<Py<PyAny>>),
}

#[pymethods]
impl Pins {
    /// Takes owners, names of attributes and values; of a value that is a list, the items as they are now.
    #[new]
    fn new(pins: Vec<(Py<PyAny>, Py<PyString>, Bound<'_, PyAny>)>) -> Self {
        let pins = pins.into_iter().map(|(owner, name, value)| Pin {
            owner,
            name,
            value: match value.cast::<PyList>() {
                Ok(items) => Value::Each(items.iter().map(Bound::unbind).collect()),
                Err(_) => Value::One(value.unbind()),
            },
        });
        Self(pins.collect())
    }

    /// Whether every attribute still has the very value, and every list the very items in the same order.
    /// Routes are equal when path, methods and endpoint are, whatever their marks, so that being equal is not
    /// enough.
    pub(crate) fn hold(&self, py: Python<'_>) -> PyResult<bool> {
        for pin in &self.0 {
            let now = pin.owner.bind(py).getattr(pin.name.bind(py))?;
            let same = match &pin.value {
                Value::One(value) => now.is(value),
                Value::Each(items) => is_of(&now, items),
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for pin in &self.0 {
            visit.call(&pin.owner)?;
            match &pin.value {
                Value::One(value) => visit.call(value)?,
                Value::Each(items) => items.iter().try_for_each(|item| visit.call(item))?,
            }
        }
        Ok(())
    }
}

fn is_of(now: &Bound<'_, PyAny>, items: &[Py<PyAny>]) -> bool {
    now.cast::<PyList>().is_ok_and(|now| {
        now.len() == items.len() && now.iter().zip(items).all(|(now, item)| now.is(item))
    })
}
