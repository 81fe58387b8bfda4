//! Which control plane a command is for.

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::settings::{Loaded, Sources};

/// Which control plane a command is for.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "shown in terminals, where backticks are noise"
)]
pub(crate) struct Place {
    /// The control plane's data directory; a server running on it is asked, else it is opened
    /// [env: SEALGATE_DATA_DIR] [default: sealgate-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<String>,
    /// The settings file [env: SEALGATE_CONFIG] [default: sealgate.toml in the data directory, if there
    /// is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The issuer of a control plane elsewhere, to ask it over the network as the client named by
    /// SEALGATE_ADMIN_CLIENT_ID, with SEALGATE_ADMIN_CLIENT_SECRET or a key [env: SEALGATE_SERVER]
    #[arg(long, value_name = "URL", conflicts_with_all = ["data_dir", "config"])]
    pub(crate) server: Option<String>,
    /// That client's private key in PEM (PKCS #8; Ed25519 or P-256) [env: SEALGATE_ADMIN_CLIENT_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

impl Place {
    /// The control plane elsewhere that is meant, if one is. What is named on the command line counts
    /// before the environment.
    pub(crate) fn elsewhere(&self) -> Option<String> {
        let here = self.data_dir.is_some() || self.config.is_some();
        let variable = || std::env::var("SEALGATE_SERVER").ok();
        let set = variable().filter(|url| !here && !url.is_empty());
        self.server.clone().or(set)
    }

    /// The settings this place has, with the issuer that was given for it.
    pub(crate) fn load(&self, issuer: Option<&String>) -> Result<Loaded, Failure> {
        let mut sources = self.sources();
        sources.flag("issuer", "--issuer", issuer);
        sources.load(|name| std::env::var(name).ok())
    }

    /// What the settings are found by.
    pub(crate) fn sources(&self) -> Sources {
        let mut sources = Sources {
            config: self.config.clone(),
            ..Sources::default()
        };
        sources.flag("data_dir", "--data-dir", self.data_dir.as_ref());
        sources
    }
}
/// The issuer, for commands whose answer names it.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "shown in terminals, where backticks are noise"
)]
pub(crate) struct IssuerArgument {
    /// The issuer, when no server runs; by default the one last served from the data directory
    /// [env: SEALGATE_ISSUER]
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
}
