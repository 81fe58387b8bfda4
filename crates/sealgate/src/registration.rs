//! `sealgate registration`: how clients register themselves.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use sealgate_model::RegistrationTokenId;
use sealgate_server::admin::{
    CreatedRegistrationToken, NewRegistrationToken, RegistrationTokenView, RegistrationTokens,
};

use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::Place;
use crate::screen::clean;
use crate::settings::Span;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tokens by which clients may register themselves, where it takes one
    #[command(visible_alias = "tokens", arg_required_else_help = true)]
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token, which is shown only now
    Add(Add),
    /// List the tokens that are left
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Take a token back; clients that were registered with it stay
    Remove {
        /// Its id, as the list shows it
        id: RegistrationTokenId,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Whom it is given to, or what for
    name: String,
    /// How many clients may be registered with it, at most 1000
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    uses: u32,
    /// How long it is good, at most 90d
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = span)]
    expires: Span,
    #[command(flatten)]
    place: Place,
}

fn span(text: &str) -> Result<Span, String> {
    text.parse()
        .map_err(|error: crate::settings::NoSpan| format!("{error}: give one like 7d or 12h"))
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    let Command::Token { command } = command;
    match command {
        TokenCommand::Add(add) => {
            let new = NewRegistrationToken {
                name: add.name,
                uses: add.uses,
                // What is far too long is refused as what is too long.
                lifetime: u32::try_from(add.expires.0.as_secs()).unwrap_or(u32::MAX),
            };
            let door = Door::open(&add.place, None).await?;
            let made: CreatedRegistrationToken = door.post("/registration-tokens", &new).await?;
            output::print_once(json, &made, added, || {
                "remove it and add another one".to_owned()
            })
        }
        TokenCommand::List { place } => {
            let door = Door::open(&place, None).await?;
            output::print(json, &every(&door).await?, |all| listed(all))
        }
        TokenCommand::Remove { id, place, sure } => {
            sure.ask(&format!("take registration token {id} back"))?;
            let door = Door::open(&place, None).await?;
            door.delete(&format!("/registration-tokens/{id}")).await?;
            let done = serde_json::json!({ "removed": id });
            output::print(json, &done, |_| Text {
                data: format!("{id} is good for nothing any more.\n"),
                ..Text::default()
            })
        }
    }
}

async fn every(door: &Door) -> Result<Vec<RegistrationTokenView>, Failure> {
    let mut all = Vec::new();
    let mut after: Option<RegistrationTokenId> = None;
    loop {
        let query = [("after", after.map(|id| id.to_string()))];
        let page: RegistrationTokens = door.get("/registration-tokens", &query).await?;
        all.extend(page.registration_tokens);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn added(made: &CreatedRegistrationToken) -> Text {
    let token = &made.token;
    let mut text = output::fields(&[
        ("Id", token.id.to_string()),
        ("Name", token.name.clone()),
        ("Good for", clients(token.uses_left)),
        ("Until", date(token.expires_at)),
    ]);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text.data,
        "\nA client presents this when it registers, and it is shown only now:\n  Authorization: Bearer {}",
        made.secret
    );
    if !made.in_force {
        text.talk.push_str(
            "Nobody is asked for it yet: the server runs with another agents.registration than token.\n",
        );
    }
    text
}

fn clients(number: u32) -> String {
    match number {
        1 => "1 client".to_owned(),
        number => format!("{number} clients"),
    }
}

fn listed(tokens: &[RegistrationTokenView]) -> Text {
    let rows: Vec<[String; 4]> = tokens
        .iter()
        .map(|token| {
            [
                token.id.to_string(),
                clean(&token.name).to_string(),
                clients(token.uses_left),
                date(token.expires_at),
            ]
        })
        .collect();
    let empty = "There is no registration token. Make one with `sealgate registration token add`.";
    output::table(["ID", "NAME", "GOOD FOR", "UNTIL"], &rows, empty)
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;

    #[test]
    fn a_token_is_added_and_listed() {
        let token = RegistrationTokenView {
            id: "01928e2a-7c00-7000-8000-000000000001".parse().unwrap(),
            name: "Agents team".to_owned(),
            uses_left: 5,
            created_at: Timestamp::from_millis(1_795_338_305_000),
            expires_at: Timestamp::from_millis(1_795_943_105_000),
        };
        insta::assert_snapshot!(listed(std::slice::from_ref(&token)).data);
        let made = CreatedRegistrationToken {
            token,
            secret: "sgr_c2VjcmV0".to_owned(),
            in_force: false,
        };
        let text = added(&made);
        insta::assert_snapshot!(text.data);
    }
}
