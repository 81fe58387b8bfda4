//! `sealgate agent`: AI agents, who lets them act, and taking it back.

use clap::{Args, Subcommand};
use sealgate_model::ClientId;
use sealgate_server::admin::{AgentView, Agents, RevokeAgent, RevokedAgent};
use sealgate_store::ClientOrigin;

use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::Place;
use crate::receipt::Wait;
use crate::user;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the clients that are AI agents, and who uses them
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Take back what everybody, or one user, has granted an agent: its sessions are revoked at once, and it has to
    /// ask again
    #[command(
        after_help = "The agent stays registered and may ask again. To keep it from that, use `sealgate client disable`."
    )]
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The agent's client id
    #[arg(value_name = "CLIENT")]
    client: ClientId,
    /// Only what this user granted it
    #[arg(long, value_name = "EMAIL|ID")]
    user: Option<String>,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List { place } => {
            let door = Door::open(&place, None).await?;
            output::print(json, &every(&door).await?, |all| listed(all))
        }
        Command::Revoke(revoke) => {
            if revoke.user.is_none() {
                let what = format!("end what {} does for everybody", revoke.client);
                revoke.sure.ask(&what)?;
            }
            let door = Door::open(&revoke.place, None).await?;
            let user = match &revoke.user {
                Some(user) => Some(user::find(&door, user).await?),
                None => None,
            };
            let which = RevokeAgent {
                client: revoke.client.clone(),
                user,
            };
            let done: RevokedAgent = door.post("/agents/revoke", &which).await?;
            let text = |done: &RevokedAgent| revoked(&revoke.client, done);
            revoke.wait.done(&door, json, &done, text).await
        }
    }
}

async fn every(door: &Door) -> Result<Vec<AgentView>, Failure> {
    let mut all = Vec::new();
    let mut after: Option<ClientId> = None;
    loop {
        let query = [("after", after.map(|id| id.to_string()))];
        let page: Agents = door.get("/agents", &query).await?;
        all.extend(page.agents);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn revoked(client: &ClientId, done: &RevokedAgent) -> Text {
    let count = |count: u64, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    Text {
        data: format!(
            "{client} has to ask again: {} taken back, {} revoked.\n",
            count(done.consents, "consent"),
            count(done.sessions, "session"),
        ),
        ..Text::default()
    }
}

fn listed(agents: &[AgentView]) -> Text {
    let rows: Vec<[String; 6]> = agents
        .iter()
        .map(|agent| {
            let mut origin = match (&agent.host, agent.origin) {
                (Some(host), _) => format!("document of {host}"),
                (None, ClientOrigin::Registered) => "registered".to_owned(),
                (None, ClientOrigin::Document) => "document".to_owned(),
                (None, ClientOrigin::Dynamic) => "registered itself".to_owned(),
            };
            if agent.disabled_at.is_some() {
                origin.push_str(", disabled");
            }
            [
                agent.client.to_string(),
                agent.name.clone(),
                origin,
                agent.users.to_string(),
                agent.sessions.to_string(),
                agent.last_used_at.map_or_else(|| "never".to_owned(), date),
            ]
        })
        .collect();
    let headings = ["CLIENT", "NAME", "ORIGIN", "USERS", "SESSIONS", "LAST USED"];
    output::table(headings, &rows, "There are no AI agents.")
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;

    fn agent(client: &str, origin: ClientOrigin, host: Option<&str>) -> AgentView {
        AgentView {
            client: client.parse().unwrap(),
            name: "Note taker".to_owned(),
            origin,
            host: host.map(str::to_owned),
            users: 2,
            consents: 1,
            sessions: 3,
            last_used_at: Some(Timestamp::from_millis(1_795_338_305_000)),
            created_at: Timestamp::from_millis(1_795_338_305_000),
            disabled_at: None,
        }
    }

    #[test]
    fn agents_are_listed_by_who_they_are() {
        let by_document = "https://agent.example/client.json";
        let never = AgentView {
            last_used_at: None,
            disabled_at: Some(Timestamp::from_millis(1_795_338_305_000)),
            ..agent("dyn-1", ClientOrigin::Dynamic, None)
        };
        let all = [
            agent(by_document, ClientOrigin::Document, Some("agent.example")),
            never,
            agent("helper", ClientOrigin::Registered, None),
        ];
        insta::assert_snapshot!(listed(&all).data);
        insta::assert_snapshot!(listed(&[]).talk);
    }

    #[test]
    fn what_is_revoked_is_counted() {
        let done = |consents, sessions| {
            let done = RevokedAgent { consents, sessions };
            revoked(&"helper".parse().unwrap(), &done).data
        };
        insta::assert_snapshot!(format!("{}{}", done(1, 2), done(2, 1)));
    }
}
