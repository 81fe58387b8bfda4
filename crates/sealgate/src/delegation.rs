//! `sealgate delegation`: which clients act for whom, and ending it.

use clap::{Args, Subcommand};
use sealgate_model::{ClientId, GrantId, SessionId};
use sealgate_server::admin::{DelegationView, Delegations};

use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::Place;
use crate::receipt::Wait;
use crate::screen::clean;
use crate::user;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List delegations: each is one client that acts for one user, out of one session
    List(List),
    /// Show one delegation
    Show {
        /// The delegation's id, as `delegation list` shows it
        id: GrantId,
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a delegation and every one under it; the session goes on
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those out of this session
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// Only those out of this user's sessions
    #[arg(long, value_name = "EMAIL|ID")]
    user: Option<String>,
    /// Only those by which this client acts
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// Revoked ones and those whose session has ended too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The delegation's id, as `delegation list` shows it
    id: GrantId,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List(list) => {
            let all = every(&list).await?;
            output::print(json, &all, |all| listed(all))
        }
        Command::Show { id, place } => {
            let door = Door::open(&place, None).await?;
            let one: DelegationView = door.get(&format!("/delegations/{id}"), &[]).await?;
            output::print(json, &one, shown)
        }
        Command::Revoke(Revoke { id, wait, place }) => {
            let door = Door::open(&place, None).await?;
            let path = format!("/delegations/{id}/revoke");
            let one: DelegationView = door.post(&path, &()).await?;
            wait.done(&door, json, &one, revoked).await
        }
    }
}

async fn every(list: &List) -> Result<Vec<DelegationView>, Failure> {
    let door = Door::open(&list.place, None).await?;
    let user = match &list.user {
        Some(user) => Some(user::find(&door, user).await?.to_string()),
        None => None,
    };
    let mut all = Vec::new();
    let mut after: Option<GrantId> = None;
    loop {
        let query = [
            ("session", list.session.map(|id| id.to_string())),
            ("user", user.clone()),
            ("client", list.client.as_ref().map(ToString::to_string)),
            ("all", Some(list.all.to_string())),
            ("after", after.map(|id| id.to_string())),
        ];
        let page: Delegations = door.get("/delegations", &query).await?;
        all.extend(page.delegations);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn listed(all: &[DelegationView]) -> Text {
    let rows: Vec<[String; 6]> = all
        .iter()
        .map(|one| {
            [
                one.id.to_string(),
                one.client.to_string(),
                one.email.clone(),
                one.resources.join(" "),
                date(one.last_used_at),
                end(one),
            ]
        })
        .collect();
    output::table(
        ["ID", "CLIENT", "ACTS FOR", "AT", "LAST USED", "ENDS"],
        &rows,
        "No client acts for anybody.",
    )
}

fn shown(one: &DelegationView) -> Text {
    let parent = one.parent.map(|id| id.to_string());
    output::fields(&[
        ("Id", one.id.to_string()),
        ("Client", one.client.to_string()),
        ("Acts for", format!("{} ({})", one.email, one.user)),
        ("Session", one.session.to_string()),
        ("Under", parent.unwrap_or_default()),
        ("Resources", one.resources.join(" ")),
        ("First used", date(one.created_at)),
        ("Last used", date(one.last_used_at)),
        ("Ends", end(one)),
    ])
}

/// When it ended, or will at the latest.
fn end(one: &DelegationView) -> String {
    match one.revoked_at {
        Some(at) => format!("revoked {}", date(at)),
        None => date(one.expires_at),
    }
}

fn revoked(one: &DelegationView) -> Text {
    Text {
        data: format!(
            "{} no longer acts for {} out of this session, nor does anybody through it.\n",
            one.client,
            clean(&one.email)
        ),
        ..Text::default()
    }
}

#[cfg(test)]
mod tests {
    use sealgate_model::{Timestamp, UserId};

    use super::*;

    fn delegation(number: u8, parent: Option<u8>) -> DelegationView {
        let start = 1_795_338_305_000;
        DelegationView {
            id: GrantId::from_bytes([number; 16]),
            client: "expenses".parse().unwrap(),
            user: UserId::from_bytes([9; 16]),
            email: "ada@example.com".to_owned(),
            session: SessionId::from_bytes([8; 16]),
            parent: parent.map(|number| GrantId::from_bytes([number; 16])),
            resources: vec!["https://files.example.com".to_owned()],
            created_at: Timestamp::from_millis(start),
            last_used_at: Timestamp::from_millis(start + 600_000),
            expires_at: Timestamp::from_millis(start + 86_400_000),
            revoked_at: parent.map(|_| Timestamp::from_millis(start + 900_000)),
            revoked_for: parent.map(|_| sealgate_store::RevokeReason::Admin),
        }
    }

    #[test]
    fn delegations_are_listed_and_shown() {
        let all = [delegation(1, None), delegation(2, Some(1))];
        insta::assert_snapshot!(listed(&all).data);
        insta::assert_snapshot!(listed(&[]).talk, @"No client acts for anybody.");
        insta::assert_snapshot!(shown(&all[1]).data);
        insta::assert_snapshot!(revoked(&all[0]).data, @"expenses no longer acts for ada@example.com out of this session, nor does anybody through it.");
    }
}
