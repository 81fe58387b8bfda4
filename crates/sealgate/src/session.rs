//! `sealgate session`: who is signed in where, and ending it.

mod revoke;
mod text;

use clap::{Args, Subcommand};
use sealgate_model::{ClientId, SessionId, TenantId};
use sealgate_server::admin::{SessionView, Sessions};

use crate::door::Door;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;
use crate::user;
use revoke::Revoke;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List live sessions
    List(List),
    /// Show one session
    Show {
        /// The session's id, as `session list` shows it
        id: SessionId,
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a session, or many at once: every gate refuses them from the next request on
    Revoke(Box<Revoke>),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this user's
    #[arg(long, value_name = "EMAIL|ID")]
    user: Option<String>,
    /// Only those on this client
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// Only those that were started for this tenant
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantId>,
    /// Revoked and expired ones too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List(list) => {
            let sessions = every(&list).await?;
            output::print(json, &sessions, |sessions| text::listed(sessions, list.all))
        }
        Command::Show { id, place } => {
            let door = Door::open(&place, None).await?;
            let session: SessionView = door.get(&format!("/sessions/{id}"), &[]).await?;
            output::print(json, &session, text::shown)
        }
        Command::Revoke(revoke) => revoke::run(*revoke, json).await,
    }
}

async fn every(list: &List) -> Result<Vec<SessionView>, Failure> {
    let door = Door::open(&list.place, None).await?;
    let user = match &list.user {
        Some(user) => Some(user::find(&door, user).await?.to_string()),
        None => None,
    };
    let mut sessions = Vec::new();
    let mut after: Option<SessionId> = None;
    loop {
        let query = [
            ("user", user.clone()),
            ("client", list.client.as_ref().map(ToString::to_string)),
            ("tenant", list.tenant.as_ref().map(ToString::to_string)),
            ("all", Some(list.all.to_string())),
            ("after", after.map(|id| id.to_string())),
        ];
        let page: Sessions = door.get("/sessions", &query).await?;
        sessions.extend(page.sessions);
        after = page.next;
        if after.is_none() {
            return Ok(sessions);
        }
    }
}
