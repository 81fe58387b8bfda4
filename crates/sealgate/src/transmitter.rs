//! `sealgate signal transmitter`: the identity systems whose security events end trust here.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use sealgate_model::TransmitterId;
use sealgate_server::admin::{
    CreatedTransmitter, NewTransmitter, PollToken, TransmitterView, Transmitters,
};

use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::Place;
use crate::screen::clean;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Listen to an identity system: what ends there ends here
    Add(Add),
    /// List the identity systems that are listened to
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Show one of them
    Show(Which),
    /// Stop listening to one; what its events have ended stays ended
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The issuer of its events, compared exactly
    issuer: String,
    /// The name people know it by
    name: String,
    /// Where it publishes its keys
    #[arg(long, value_name = "URL")]
    jwks_uri: String,
    /// A domain of the e-mail addresses that it may speak of; repeat for more. It is believed about nobody
    /// else
    #[arg(long = "domain", value_name = "DOMAIN", required = true)]
    domains: Vec<String>,
    /// What its events name as audience [default: the address that it pushes to]
    #[arg(long)]
    audience: Option<String>,
    /// Let it disable accounts, and not only end their sessions
    #[arg(long)]
    may_disable: bool,
    /// Give it a secret to present when it pushes
    #[arg(long)]
    push_secret: bool,
    /// Where it is asked for events, if it does not push
    #[arg(long, value_name = "URL", requires = "poll_token_file")]
    poll_url: Option<String>,
    /// The file with the bearer token that is presented there
    #[arg(long, value_name = "FILE", requires = "poll_url")]
    poll_token_file: Option<std::path::PathBuf>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Its id, as the list shows it
    id: TransmitterId,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            let poll_token = match add.poll_token_file {
                None => None,
                Some(file) => Some(PollToken(token(&file)?)),
            };
            let new = NewTransmitter {
                name: add.name,
                issuer: add.issuer,
                jwks_uri: add.jwks_uri,
                audience: add.audience,
                domains: add.domains,
                may_disable: add.may_disable,
                push_secret: add.push_secret,
                poll_url: add.poll_url,
                poll_token,
            };
            let door = Door::open(&add.place, None).await?;
            let made: CreatedTransmitter = door.post("/transmitters", &new).await?;
            output::print_once(json, &made, added, || {
                "remove it and add it again for another secret".to_owned()
            })
        }
        Command::List { place } => {
            let door = Door::open(&place, None).await?;
            output::print(json, &every(&door).await?, |all| listed(all))
        }
        Command::Show(which) => {
            let door = Door::open(&which.place, None).await?;
            let at = format!("/transmitters/{}", which.id);
            let found: TransmitterView = door.get(&at, &[]).await?;
            output::print(json, &found, shown)
        }
        Command::Remove { which, sure } => {
            sure.ask(&format!("stop listening to {}", which.id))?;
            let door = Door::open(&which.place, None).await?;
            door.delete(&format!("/transmitters/{}", which.id)).await?;
            let done = serde_json::json!({ "removed": which.id });
            output::print(json, &done, |_| Text {
                data: format!("{} is not listened to any more.\n", which.id),
                ..Text::default()
            })
        }
    }
}

/// A file and not an argument: arguments are for everybody on the machine to read.
fn token(file: &std::path::Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage(
            "poll_token_unreadable",
            format!("{}: {error}", file.display()),
        )
    })?;
    Ok(text.trim().to_owned())
}

async fn every(door: &Door) -> Result<Vec<TransmitterView>, Failure> {
    let mut all = Vec::new();
    let mut after: Option<TransmitterId> = None;
    loop {
        let query = [("after", after.map(|id| id.to_string()))];
        let page: Transmitters = door.get("/transmitters", &query).await?;
        all.extend(page.transmitters);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn added(made: &CreatedTransmitter) -> Text {
    let mut text = shown(&made.transmitter);
    if let Some(secret) = &made.secret {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text.data,
            "\nIt presents this when it pushes, and it is shown only now:\n  Authorization: Bearer {secret}"
        );
    }
    text
}

fn shown(transmitter: &TransmitterView) -> Text {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let mut rows = vec![
        ("Id", transmitter.id.to_string()),
        ("Name", transmitter.name.clone()),
        ("Issuer", transmitter.issuer.clone()),
        ("Keys", transmitter.jwks_uri.clone()),
        ("Audience", transmitter.audience.clone()),
        ("Speaks of", transmitter.domains.join(", ")),
        ("May disable accounts", yes(transmitter.may_disable)),
        ("Pushes to", transmitter.push_url.clone()),
        ("With a secret", yes(transmitter.push_secret)),
    ];
    if let Some(url) = &transmitter.poll_url {
        rows.push(("Is asked at", url.clone()));
    }
    rows.push(("Added", date(transmitter.created_at)));
    output::fields(&rows)
}

fn listed(transmitters: &[TransmitterView]) -> Text {
    let rows: Vec<[String; 4]> = transmitters
        .iter()
        .map(|transmitter| {
            [
                transmitter.id.to_string(),
                clean(&transmitter.name).to_string(),
                transmitter.issuer.clone(),
                transmitter.domains.join(" "),
            ]
        })
        .collect();
    let empty =
        "No identity system is listened to. Add one with `sealgate signal transmitter add`.";
    output::table(["ID", "NAME", "ISSUER", "SPEAKS OF"], &rows, empty)
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;

    #[test]
    fn a_transmitter_is_added_and_listed() {
        let transmitter = TransmitterView {
            id: "01928e2a-7c00-7000-8000-000000000001".parse().unwrap(),
            name: "Corporate directory".to_owned(),
            issuer: "https://idp.corp.example".to_owned(),
            jwks_uri: "https://idp.corp.example/jwks".to_owned(),
            audience: "https://id.example".to_owned(),
            domains: vec!["corp.example".to_owned(), "corp.test".to_owned()],
            may_disable: false,
            push_url: "https://id.example/signals/transmitters/01928e2a-7c00-7000-8000-000000000001/events".to_owned(),
            push_secret: true,
            poll_url: None,
            created_at: Timestamp::from_millis(1_795_338_305_000),
        };
        insta::assert_snapshot!(listed(std::slice::from_ref(&transmitter)).data);
        let made = CreatedTransmitter {
            transmitter,
            secret: Some("c2VjcmV0".to_owned()),
        };
        insta::assert_snapshot!(added(&made).data);
    }
}
