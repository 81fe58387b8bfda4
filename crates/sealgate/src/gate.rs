//! `sealgate gate`: how gates are set up, which policy they have, and which routes stand behind them.

mod text;

use clap::{Args, Subcommand};
use sealgate_model::ClientId;
use sealgate_server::admin::{ReportedGateShown, ReportedGates};
use url::form_urlencoded::byte_serialize;

use crate::door::Door;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what gates report of themselves: version, policy, routes and whether those are as reviewed
    List {
        /// Only those of this application
        #[arg(long, value_name = "ID")]
        client: Option<ClientId>,
        /// Also those that have not reported for more than three minutes
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Show one gate, and how its routes are covered
    Show(Show),
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// What the gate is called, as `gate list` shows it
    name: String,
    /// Only that of this application
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// Every route, with what stands before it
    #[arg(long)]
    routes: bool,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List { client, all, place } => {
            let door = Door::open(&place, None).await?;
            let query = [
                ("client", client.map(|id| id.to_string())),
                ("all", all.then(|| "true".to_owned())),
            ];
            let gates: ReportedGates = door.get("/gates", &query).await?;
            output::print(json, &gates, text::listed)
        }
        Command::Show(show) => {
            let door = Door::open(&show.place, None).await?;
            // In a path a space is no plus.
            let name: String = byte_serialize(show.name.as_bytes()).collect();
            let path = format!("/gates/{}", name.replace('+', "%20"));
            let query = [("client", show.client.as_ref().map(ToString::to_string))];
            let shown: ReportedGateShown = door.get(&path, &query).await?;
            output::print(json, &shown, |shown| text::shown(shown, show.routes))
        }
    }
}
