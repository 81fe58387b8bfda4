//! The gate for Python: a thin skin over `sealgate-gate`.
//!
//! The package `sealgate` wraps this module (`sealgate._core`) and is what applications use.

mod actors;
mod completion;
mod core;
mod decision;
mod headers;
mod logging;
mod process;
mod requirements;
mod worker;

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

create_exception!(
    sealgate._core,
    SettingsError,
    PyValueError,
    "A setting or a marking of a route cannot be used; the message names it and the way out."
);

fn refuse(error: &sealgate_gate::SettingsError) -> PyErr {
    SettingsError::new_err(error.to_string())
}

/// The extension module.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    logging::install();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    let stop_all = wrap_pyfunction!(process::stop_all, module)?;
    module
        .py()
        .import("atexit")?
        .call_method1("register", (stop_all,))?;
    module.add("SettingsError", module.py().get_type::<SettingsError>())?;
    module.add_class::<core::Core>()?;
    module.add_class::<decision::Decision>()?;
    module.add_class::<actors::User>()?;
    module.add_class::<actors::Machine>()?;
    module.add_class::<actors::Agent>()
}
