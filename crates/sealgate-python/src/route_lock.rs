//! The lock file of routes, which a running application is held to.

use std::collections::BTreeSet;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use sealgate_gate::told::hexadecimal;
use sealgate_inventory::{Inventory, LockFile, live, lock};

/// A route that is not as it was reviewed: its methods, its path, the rule it breaks, and what is wrong.
type Found = (Vec<String>, String, &'static str, String);

/// What was reviewed of an application's routes.
#[pyclass(frozen, module = "sealgate._core")]
pub(crate) struct RouteLock(LockFile, String);

#[pymethods]
impl RouteLock {
    /// Reads the text of a lock file, whose name is for messages.
    #[new]
    fn new(text: &str, file: &str) -> PyResult<Self> {
        let read = lock::read(text).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self(read.with_file(file), hexadecimal(text.as_bytes())))
    }

    /// The SHA-256 of its text, in hexadecimal.
    #[getter]
    fn digest(&self) -> &str {
        &self.1
    }

    /// The applications in it.
    #[getter]
    fn apps(&self) -> Vec<&str> {
        let apps: BTreeSet<&str> = self
            .0
            .entries
            .iter()
            .map(|entry| entry.app.as_str())
            .collect();
        apps.into_iter().collect()
    }

    /// The routes of a running application, as its inventory tells them in JSON, that the file lacks or has with
    /// more asked. `app` is what the file calls the application.
    fn unreviewed(&self, app: &str, inventory: &str) -> PyResult<Vec<Found>> {
        let inventory: Inventory = serde_json::from_str(inventory)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let found = live::unreviewed(&self.0, app, &inventory);
        let told = found.into_iter().map(|one| {
            let methods = one.methods.each().into_iter().map(str::to_owned).collect();
            (methods, one.path, one.rule, one.message)
        });
        Ok(told.collect())
    }
}
