//! `sealgate consent`: what people have granted clients.

use clap::{Args, Subcommand};
use sealgate_model::ClientId;
use sealgate_server::admin::{ConsentView, Consents};

use crate::door::{Door, segment};
use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::Place;
use crate::screen::clean;
use crate::user;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what a user has granted
    List(user::Which),
    /// Take back what a user has granted a client: the user's sessions there are revoked at once
    Withdraw(Withdraw),
}

#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// The user's e-mail address or id
    #[arg(value_name = "EMAIL|ID")]
    user: String,
    /// The client
    #[arg(value_name = "CLIENT")]
    client: ClientId,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List(which) => {
            let door = Door::open(&which.place, None).await?;
            let id = user::find(&door, &which.user).await?;
            let all = every(&door, &format!("/users/{id}/consents")).await?;
            output::print(json, &all, |all| listed(all))
        }
        Command::Withdraw(Withdraw {
            user,
            client,
            place,
        }) => {
            let door = Door::open(&place, None).await?;
            let id = user::find(&door, &user).await?;
            let path = format!("/users/{id}/consents/{}", segment(&client));
            door.delete(&path).await?;
            let done = serde_json::json!({ "user": id, "client": client });
            output::print(json, &done, |_| Text {
                data: format!(
                    "What {} granted {client} is taken back, and the sessions there are revoked.\n",
                    clean(&user)
                ),
                ..Text::default()
            })
        }
    }
}

async fn every(door: &Door, path: &str) -> Result<Vec<ConsentView>, Failure> {
    let mut all = Vec::new();
    let mut after: Option<ClientId> = None;
    loop {
        let query = [("after", after.map(|id| id.to_string()))];
        let page: Consents = door.get(path, &query).await?;
        all.extend(page.consents);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn listed(consents: &[ConsentView]) -> Text {
    let rows: Vec<[String; 5]> = consents
        .iter()
        .map(|consent| {
            [
                consent.client.to_string(),
                consent.client_name.clone(),
                consent.scopes.join(" "),
                consent.resources.join(" "),
                date(consent.granted_at),
            ]
        })
        .collect();
    let headings = ["CLIENT", "NAME", "SCOPES", "RESOURCES", "GRANTED"];
    output::table(headings, &rows, "The user has granted nothing.")
}
