//! The gate for Python: a thin skin over `sealgate-gate`.
//!
//! The package `sealgate` wraps this module (`sealgate._core`) and is what applications use.

mod actors;
mod agent;
mod agent_host;
mod agent_setup;
mod completion;
mod core;
mod decision;
mod feed;
mod headers;
mod logging;
mod mcp;
mod note;
mod onward;
mod pins;
mod policy;
mod process;
mod requirements;
mod route_lock;
mod scope;
mod testing;
mod told;
mod worker;

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

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
    let stop_agents = wrap_pyfunction!(agent_host::stop_agents, module)?;
    module
        .py()
        .import("atexit")?
        .call_method1("register", (stop_agents,))?;
    let hooks = PyDict::new(module.py());
    hooks.set_item(
        "after_in_child",
        wrap_pyfunction!(process::after_fork, module)?,
    )?;
    module
        .py()
        .import("os")?
        .call_method("register_at_fork", (), Some(&hooks))?;
    module.add("SettingsError", module.py().get_type::<SettingsError>())?;
    module.add(
        "PolicyQuestionError",
        module.py().get_type::<policy::PolicyQuestionError>(),
    )?;
    module.add_class::<core::Core>()?;
    module.add_class::<decision::Decision>()?;
    module.add_class::<mcp::McpServer>()?;
    module.add_class::<feed::FeedStatus>()?;
    module.add_class::<pins::Pins>()?;
    module.add_class::<route_lock::RouteLock>()?;
    module.add_class::<onward::OnwardClient>()?;
    module.add_class::<onward::Onward>()?;
    module.add_class::<agent::AgentClient>()?;
    module.add_class::<agent::AgentAnswer>()?;
    module.add_class::<agent_setup::AgentReply>()?;
    module.add_class::<actors::User>()?;
    module.add_class::<actors::Machine>()?;
    module.add_class::<actors::Agent>()?;
    module.add_function(wrap_pyfunction!(policy::act_refusal, module)?)?;
    module.add_function(wrap_pyfunction!(policy::act_denied, module)?)?;
    module.add_function(wrap_pyfunction!(policy::testing_policies, module)?)?;
    module.add_function(wrap_pyfunction!(testing::testing_actor, module)?)?;
    module.add_function(wrap_pyfunction!(testing::testing_decide, module)?)
}
