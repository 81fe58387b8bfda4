//! The `sealgate` command: runs the control plane and administers it from the shell.
//!
//! Data goes to stdout and talk to stderr. Exit status: 0 done, 1 refused or not found, 2 wrong usage
//! or settings, 3 unavailable, 4 done and not proven everywhere in time.

mod agent;
mod anomaly;
mod audit;
mod audit_export;
mod cli;
mod client;
mod confirm;
mod consent;
mod decision;
mod declare;
mod delegation;
mod description;
mod dev;
mod doctor;
mod door;
mod failure;
mod feed;
mod gate;
mod issuer;
mod key;
mod log;
mod login;
mod machine;
mod moment;
mod output;
mod place;
mod policy;
mod python;
mod receipt;
mod registration;
mod remote;
mod report;
mod resource;
mod routes;
mod screen;
mod seal_key;
mod serve;
mod session;
mod settings;
mod signal;
mod sink;
mod stream;
mod telemetry;
mod transmitter;
mod user;

use std::future::Future;
use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};
use failure::Failure;

/// A token takes some two hundred allocations, and the system's allocator a tenth of its time. Without
/// huge pages, which would double what an idle server holds.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    match run(cli.command, cli.json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(cli.json),
    }
}

/// Tells of arguments that make no command, or prints the help or version that was asked for. `--json`
/// is looked for by hand: clap has not got that far.
fn misused(error: &clap::Error) -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let json = arguments
        .by_ref()
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json");
    if json && error.use_stderr() {
        Failure::arguments(error).report_json();
    }
    // Nothing is left to tell with if this fails.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => serve::run(&arguments, json),
        Command::Dev(arguments) => dev::run(&arguments, json),
        Command::User { command } => block_on(user::run(command, json)),
        Command::Client { command } => block_on(client::run(command, json)),
        Command::Resource { command } => block_on(resource::run(command, json)),
        Command::Consent { command } => block_on(consent::run(command, json)),
        Command::Agent { command } => block_on(agent::run(command, json)),
        Command::Registration { command } => block_on(registration::run(command, json)),
        Command::Plan(arguments) => block_on(declare::plan(*arguments, json)),
        Command::Apply(arguments) => block_on(declare::apply(*arguments, json)),
        Command::Export(arguments) => block_on(declare::export(arguments, json)),
        Command::Audit { command } => block_on(audit::run(command, json)),
        Command::Decision { command } => block_on(decision::run(*command, json)),
        Command::Sink { command } => block_on(sink::run(*command, json)),
        Command::Openapi { place } => block_on(description::run(place)),
        Command::Signal { command } => block_on(signal::run(command, json)),
        Command::Delegation { command } => block_on(delegation::run(command, json)),
        Command::Policy { command } => block_on(policy::run(*command, json)),
        Command::Issuer { command } => block_on(issuer::run(command, json)),
        Command::Machine { command } => block_on(machine::run(*command, json)),
        Command::Session { command } => block_on(session::run(command, json)),
        Command::Feed { command } => block_on(feed::run(command, json)),
        Command::Gate { command } => block_on(gate::run(command, json)),
        Command::Anomaly { command } => block_on(anomaly::run(command, json)),
        Command::Key { command } => block_on(key::run(command, json)),
        Command::Doctor(arguments) => block_on(doctor::run(*arguments, json)),
        Command::Login(arguments) => block_on(login::run(*arguments, json)),
        Command::Token(arguments) => block_on(login::token(*arguments, json)),
        Command::Logout(arguments) => block_on(login::logout(arguments, json)),
        Command::Report(arguments) => block_on(report::run(arguments, json)),
        Command::Routes { command } => routes::run(&command, json),
        Command::Settings(arguments) => settings::show::run(&arguments, json),
        Command::SealKey { command } => seal_key::run(&command, json),
    }
}

/// Runs one command's conversation on this thread.
fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::unavailable("runtime_failed", format!("cannot start: {error}"))
        })?;
    runtime.block_on(work)
}
