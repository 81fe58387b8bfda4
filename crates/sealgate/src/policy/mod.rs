//! `sealgate policy`: what claims give, and what actors may do, as files that are reviewed.

mod check;
mod difference;
mod explain;
mod map;
mod schema;
mod source;
mod told;
mod versions;
mod written;

use clap::Subcommand;

use crate::failure::Failure;

/// What can be done with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find what is wrong with policies, and what surely was not meant, before they are applied
    Check(check::Arguments),
    /// Print which policies decide about an actor, an action and a resource, and why
    Explain(Box<explain::Arguments>),
    /// Print what a mapping makes of somebody's claims, and by which rules
    Map(Box<map::Arguments>),
    /// Print the Cedar schema that is made from what a file declares
    Schema(schema::Arguments),
    /// List the versions that the control plane keeps, and how many gates have loaded each
    List(versions::List),
    /// Show what a version says
    Show(versions::Show),
    /// Show what two versions say differently
    Diff(versions::Diff),
    /// Make what an earlier version says count again, as a new version
    RollBack(versions::RollBack),
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Check(arguments) => check::run(&arguments, json),
        Command::Explain(arguments) => explain::run(*arguments, json).await,
        Command::Map(arguments) => map::run(*arguments, json).await,
        Command::Schema(arguments) => schema::run(&arguments, json),
        Command::List(asked) => versions::list(asked, json).await,
        Command::Show(asked) => versions::show(asked, json).await,
        Command::Diff(asked) => versions::diff(asked, json).await,
        Command::RollBack(asked) => versions::roll_back(asked, json).await,
    }
}
