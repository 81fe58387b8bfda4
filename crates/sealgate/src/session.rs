//! `sealgate session`: who is signed in where, and ending it.

use clap::{Args, Subcommand};
use sealgate_model::{ClientId, SessionId};
use sealgate_server::admin::{SessionView, Sessions};
use sealgate_store::RevokeReason;

use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::Place;
use crate::screen;
use crate::user;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List live sessions
    List(List),
    /// Revoke a session: every gate refuses it from the next request on
    Revoke {
        /// The session's id, as `session list` shows it
        id: SessionId,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this user's
    #[arg(long, value_name = "EMAIL|ID")]
    user: Option<String>,
    /// Only those on this client
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
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
            output::print(json, &sessions, |sessions| listed(sessions, list.all))?;
        }
        Command::Revoke { id, place } => {
            let door = Door::open(&place, None).await?;
            let session: SessionView = door.post(&format!("/sessions/{id}/revoke"), &()).await?;
            output::print(json, &session, revoked)?;
        }
    }
    Ok(())
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

fn revoked(session: &SessionView) -> Text {
    let email = screen::clean(&session.email);
    Text {
        data: format!("The session of {email} on {} is revoked.\n", session.client),
        ..Text::default()
    }
}

fn listed(sessions: &[SessionView], all: bool) -> Text {
    if !all {
        let rows: Vec<[String; 6]> = sessions
            .iter()
            .map(|session| {
                [
                    session.id.to_string(),
                    session.email.clone(),
                    session.client.to_string(),
                    date(session.created_at),
                    date(session.renewed_at),
                    date(session.expires_at),
                ]
            })
            .collect();
        return output::table(
            ["ID", "USER", "CLIENT", "STARTED", "RENEWED", "ENDS"],
            &rows,
            "There are no live sessions.",
        );
    }
    let rows: Vec<[String; 6]> = sessions
        .iter()
        .map(|session| {
            let end = match (session.revoked_at, session.revoked_for) {
                (Some(at), Some(reason)) => format!("revoked {} ({})", date(at), words(reason)),
                (Some(at), None) => format!("revoked {}", date(at)),
                (None, _) => date(session.expires_at),
            };
            [
                session.id.to_string(),
                session.email.clone(),
                session.client.to_string(),
                date(session.created_at),
                date(session.renewed_at),
                end,
            ]
        })
        .collect();
    output::table(
        ["ID", "USER", "CLIENT", "STARTED", "RENEWED", "END"],
        &rows,
        "There have been no sessions yet.",
    )
}

fn words(reason: RevokeReason) -> &'static str {
    match reason {
        RevokeReason::Logout => "logout",
        RevokeReason::Admin => "by an administrator",
        RevokeReason::UserDisabled => "user disabled",
        RevokeReason::RefreshReuse => "refresh token reused",
        RevokeReason::CodeReuse => "code reused",
        RevokeReason::ClientRevoked => "by the client",
        RevokeReason::PasswordReset => "password set anew",
    }
}

#[cfg(test)]
mod tests {
    use sealgate_model::{Timestamp, UserId};

    use super::*;

    fn session(number: u8, revoked: bool) -> SessionView {
        let start = 1_795_338_305_000;
        SessionView {
            id: SessionId::from_bytes([number; 16]),
            user: UserId::from_bytes([9; 16]),
            email: "ada@example.com".to_owned(),
            client: "expenses".parse().unwrap(),
            scopes: vec!["openid".to_owned()],
            methods: vec!["pwd".to_owned()],
            created_at: Timestamp::from_millis(start),
            renewed_at: Timestamp::from_millis(start + 600_000),
            expires_at: Timestamp::from_millis(start + 86_400_000),
            revoked_at: revoked.then(|| Timestamp::from_millis(start + 900_000)),
            revoked_for: revoked.then_some(RevokeReason::RefreshReuse),
        }
    }

    #[test]
    fn live_sessions_are_listed_as_a_table() {
        insta::assert_snapshot!(listed(&[session(1, false), session(2, false)], false).data);
        insta::assert_snapshot!(listed(&[], false).talk, @"There are no live sessions.");
    }

    #[test]
    fn all_sessions_are_listed_with_how_they_ended() {
        insta::assert_snapshot!(listed(&[session(1, true), session(2, false)], true).data);
    }

    #[test]
    fn a_revoked_session_is_named_by_user_and_client() {
        insta::assert_snapshot!(revoked(&session(1, true)).data, @"The session of ada@example.com on expenses is revoked.");
    }
}
