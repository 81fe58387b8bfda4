//! `sealgate routes`: every way into an application, and whether a gate stands before it.
//!
//! Exit status: 0 nothing found, 1 findings, 2 it could not be told. A look that sees nothing is never 0.

mod changes;
mod check;
mod config;
mod control;
mod file;
mod folder;
mod inspect;
mod lens;
mod live;
mod lock;
mod look;
mod probe;
mod progress;
mod rules;
mod scan;
mod show;
mod sources;

use clap::Subcommand;

use crate::failure::Failure;

/// What can be done with routes.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find every route by reading the source, without importing anything
    Scan(scan::Arguments),
    /// Import an application, see the routes it really has, and compare them with its source
    Inspect(inspect::Arguments),
    /// Send requests that must be denied, and see what the application answers them
    Probe(Box<probe::Arguments>),
    /// Write what is found into the lock file, for review
    Lock(lock::Arguments),
    /// Compare with the lock file, and fail where a gate was lost or a route was added
    Check(check::Arguments),
    /// List the rules, or explain one
    Rules(rules::Arguments),
}

pub(crate) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Scan(arguments) => scan::run(arguments, json),
        Command::Inspect(arguments) => inspect::run(arguments, json),
        Command::Probe(arguments) => probe::run(arguments, json),
        Command::Lock(arguments) => lock::run(arguments, json),
        Command::Check(arguments) => check::run(arguments, json),
        Command::Rules(arguments) => rules::run(arguments, json),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::Cli;

    const PAGES: [&str; 2] = [
        include_str!("../../../docs/how-to/check-routes-in-ci.md"),
        include_str!("../../../.pre-commit-hooks.yaml"),
    ];

    #[test]
    fn every_command_that_the_pages_tell_is_one() {
        let mut seen = 0;
        for line in PAGES.iter().flat_map(|page| page.lines()) {
            let line = line.trim_start().trim_start_matches("- ");
            let begins = ["$ ", "run: ", "entry: "];
            let Some(command) = begins.iter().find_map(|begin| line.strip_prefix(begin)) else {
                continue;
            };
            if command.starts_with("sealgate ") {
                let parsed = Cli::try_parse_from(command.split_whitespace());
                assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
                seen += 1;
            }
        }
        assert!(seen > 8);
    }
}
