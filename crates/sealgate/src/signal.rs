//! `sealgate signal`: security events, told to others and heard from them.

use clap::Subcommand;

use crate::failure::Failure;
use crate::{stream, transmitter};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The streams on which other systems are told of what ends or changes here
    #[command(visible_alias = "streams", arg_required_else_help = true)]
    Stream {
        #[command(subcommand)]
        command: stream::Command,
    },
    /// The identity systems whose security events end trust here
    #[command(visible_alias = "transmitters", arg_required_else_help = true)]
    Transmitter {
        #[command(subcommand)]
        command: transmitter::Command,
    },
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Stream { command } => stream::run(command, json).await,
        Command::Transmitter { command } => transmitter::run(command, json).await,
    }
}
