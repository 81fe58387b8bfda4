//! `sealgate feed`: who follows the revocation feed, what it tells, and who has applied it.

mod live;
mod text;
mod watch;

use clap::{Args, Subcommand};
use sealgate_server::admin::FeedGates;

use crate::door::Door;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;
use crate::receipt;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the gates that follow the revocation feed, and those that did in the last 10 minutes
    Gates {
        #[command(flatten)]
        place: Place,
    },
    /// Show which gates have applied a revocation, and wait for those that have not
    Receipt(Receipt),
    /// Watch gates come and go, and each revocation until the last gate has applied it; with --json one
    /// document on each line
    Watch {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "A gate that was not heard of is safe once its staleness bound has passed since the revocation: it\n\
                        has either applied it or nothing to prove its freshness with, and answers 503."
)]
pub(crate) struct Receipt {
    /// The revocation's number, as `feed watch` shows it; by default the last one
    #[arg(value_name = "NUMBER")]
    seq: Option<u64>,
    /// For how many seconds to wait at most
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    wait: u64,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Gates { place } => {
            let door = served(&place).await?;
            let gates: FeedGates = door.get("/feed/gates", &[]).await?;
            output::print(json, &gates, text::gates)
        }
        Command::Receipt(Receipt { seq, wait, place }) => {
            let door = served(&place).await?;
            let held = receipt::hold(&door, seq, wait).await?;
            output::print(json, &held, receipt::receipt)?;
            receipt::proven(&held)
        }
        Command::Watch { place } => watch::run(&served(&place).await?, json).await,
    }
}

/// The way to a server that runs: nobody follows a feed that is not served.
async fn served(place: &Place) -> Result<Door, Failure> {
    let door = Door::open(place, None).await?;
    if door.is_shared() {
        Ok(door)
    } else {
        Err(Failure::unavailable(
            "feed_unserved",
            "no server runs on this data, so that nobody follows its feed",
        ))
    }
}
