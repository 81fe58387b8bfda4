//! Which control plane a command is for.

use std::path::PathBuf;

use clap::Args;
use sealgate_model::Issuer;

/// Which control plane a command is for.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The control plane's data directory; a server running on it is asked, else it is opened
    #[arg(long, value_name = "DIR", env = "SEALGATE_DATA_DIR", hide_env_values = true, default_value = DATA_DIR)]
    pub(crate) data_dir: PathBuf,
}

/// Where the data is unless told otherwise: beside what the operator works on, in plain sight.
pub(crate) const DATA_DIR: &str = "sealgate-data";

/// The issuer, for commands whose answer names it.
#[derive(Debug, Clone, Args)]
pub(crate) struct IssuerArgument {
    /// The issuer, when no server runs; by default the one last served from the data directory
    #[arg(
        long,
        value_name = "URL",
        env = "SEALGATE_ISSUER",
        hide_env_values = true
    )]
    pub(crate) issuer: Option<Issuer>,
}
