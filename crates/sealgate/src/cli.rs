//! The command line's shape: one noun, one verb.

use std::future::Future;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use sealgate_model::Issuer;

use crate::failure::Failure;
use crate::{client, key, seal_key, serve, session, user};

/// Sealgate: a self-hosted identity control plane, and the gate in front of every route.
#[derive(Debug, Parser)]
#[command(
    name = "sealgate",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Exit status: 0 done, 1 refused or not found, 2 wrong usage or settings, 3 unavailable."
)]
pub(crate) struct Cli {
    /// Print one JSON document to stdout instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the control plane
    Serve(serve::Arguments),
    /// Accounts of people
    #[command(visible_alias = "users", arg_required_else_help = true)]
    User {
        #[command(subcommand)]
        command: user::Command,
    },
    /// Applications that people sign in to
    #[command(visible_alias = "clients", arg_required_else_help = true)]
    Client {
        #[command(subcommand)]
        command: client::Command,
    },
    /// Sign-ins of people on clients
    #[command(visible_alias = "sessions", arg_required_else_help = true)]
    Session {
        #[command(subcommand)]
        command: session::Command,
    },
    /// The control plane's signing keys
    #[command(visible_alias = "keys", arg_required_else_help = true)]
    Key {
        #[command(subcommand)]
        command: key::Command,
    },
    /// The keys that seal an application's sessions
    #[command(arg_required_else_help = true)]
    SealKey {
        #[command(subcommand)]
        command: seal_key::Command,
    },
}

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

/// Runs one command's conversation on this thread.
pub(crate) fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::unavailable("runtime_failed", format!("cannot start: {error}"))
        })?;
    runtime.block_on(work)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_command_reads_well() {
        let mut whole = String::new();
        collect(Cli::command().term_width(100), "", &mut whole);
        insta::assert_snapshot!(whole);
    }

    fn collect(mut command: clap::Command, parents: &str, whole: &mut String) {
        let path = format!("{parents}{}", command.get_name());
        command = command.bin_name(path.clone());
        command.build();
        writeln!(whole, "$ {path} --help\n{}", command.render_long_help()).unwrap();
        for child in command.get_subcommands() {
            collect(child.clone(), &format!("{path} "), whole);
        }
    }
}
