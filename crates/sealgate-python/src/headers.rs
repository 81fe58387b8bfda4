//! The header fields of an ASGI scope, read where they lie.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

/// References to the fields' bytes, which keep them alive.
pub(crate) struct Fields<'py>(Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>);

impl<'py> Fields<'py> {
    /// Takes any iterable of pairs of `bytes`, as ASGI has them. Anything else is an error: to pass over
    /// a field could be to pass over a second credential.
    pub(crate) fn read(fields: &Bound<'py, PyAny>) -> PyResult<Self> {
        let mut read = Vec::with_capacity(fields.len().unwrap_or(0));
        if let Ok(fields) = fields.cast_exact::<PyList>() {
            for field in fields.iter() {
                read.push(pair(&field)?);
            }
        } else {
            for field in fields.try_iter()? {
                read.push(pair(&field?)?);
            }
        }
        Ok(Self(read))
    }

    /// The fields as slices.
    pub(crate) fn slices(&self) -> Vec<(&[u8], &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect()
    }
}

fn pair<'py>(field: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    match field.cast::<PyTuple>() {
        Ok(pair) if pair.len() == 2 => Ok((bytes(pair.get_item(0)?)?, bytes(pair.get_item(1)?)?)),
        _ => Ok((bytes(field.get_item(0)?)?, bytes(field.get_item(1)?)?)),
    }
}

fn bytes(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyBytes>> {
    value
        .cast_into::<PyBytes>()
        .map_err(|_| PyTypeError::new_err("header names and values must be bytes"))
}
