//! The `sealgate` command: runs the control plane and administers it from the shell.
//!
//! Data goes to stdout and talk to stderr. Exit status: 0 done, 1 refused or not found, 2 wrong usage
//! or settings, 3 unavailable.

mod cli;
mod client;
mod door;
mod failure;
mod key;
mod log;
mod output;
mod seal_key;
mod serve;
mod session;
mod user;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command, cli.json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(cli.json),
    }
}

fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => serve::run(&arguments, json),
        Command::User { command } => cli::block_on(user::run(command, json)),
        Command::Client { command } => cli::block_on(client::run(command, json)),
        Command::Session { command } => cli::block_on(session::run(command, json)),
        Command::Key { command } => cli::block_on(key::run(command, json)),
        Command::SealKey { command } => {
            seal_key::run(&command, json);
            Ok(())
        }
    }
}
