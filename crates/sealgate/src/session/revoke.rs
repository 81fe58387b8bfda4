//! `sealgate session revoke`: one session, or many at once.

use clap::{ArgGroup, Args};
use sealgate_model::{ClientId, SessionId, TenantId};
use sealgate_server::admin::{RevokeSession, RevokeSessions, RevokedSessions, SessionView};

use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::output::{self, Text};
use crate::place::Place;
use crate::receipt::Wait;
use crate::screen::clean;
use crate::user;

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("whose").args(["id", "user", "client", "tenant", "all"]).required(true).multiple(true),
    after_help = "With --user, --client and --tenant those are revoked that fit everything that is named. Where no\n\
                        client is named, browser sign-ins end too."
)]
pub(crate) struct Revoke {
    /// The session's id, as `session list` shows it
    #[arg(conflicts_with_all = ["user", "client", "tenant", "all"])]
    id: Option<SessionId>,
    /// All of this user's
    #[arg(long, value_name = "EMAIL|ID")]
    user: Option<String>,
    /// All on this client
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// All that were started for this tenant
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantId>,
    /// Everybody's, everywhere
    #[arg(long, conflicts_with_all = ["user", "client", "tenant"])]
    all: bool,
    /// Only those that were started at or before this: a time such as 2026-11-22T09:05Z, or how long
    /// ago, such as 2h
    #[arg(long, value_name = "TIME", conflicts_with = "id")]
    before: Option<Moment>,
    /// End the browser sign-in that the session came from, too, and every other session from there
    #[arg(long, conflicts_with_all = ["user", "client", "tenant", "all"])]
    end_sign_in: bool,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(revoke: Revoke, json: bool) -> Result<(), Failure> {
    match revoke.id {
        Some(id) => one(id, &revoke, json).await,
        None => many(revoke, json).await,
    }
}

async fn one(id: SessionId, revoke: &Revoke, json: bool) -> Result<(), Failure> {
    let door = Door::open(&revoke.place, None).await?;
    let how = RevokeSession {
        end_sign_in: revoke.end_sign_in,
    };
    let session: SessionView = door.post(&format!("/sessions/{id}/revoke"), &how).await?;
    let text = |session: &SessionView| revoked(session, revoke.end_sign_in);
    revoke.wait.done(&door, json, &session, text).await
}

async fn many(revoke: Revoke, json: bool) -> Result<(), Failure> {
    revoke.sure.ask(&sentence(&revoke))?;
    let door = Door::open(&revoke.place, None).await?;
    let user = match &revoke.user {
        Some(user) => Some(user::find(&door, user).await?),
        None => None,
    };
    let which = RevokeSessions {
        user,
        client: revoke.client,
        tenant: revoke.tenant,
        all: revoke.all,
        before: revoke.before.map(Moment::resolve),
    };
    let done: RevokedSessions = door.post("/sessions/revoke", &which).await?;
    let text = |done: &RevokedSessions| Text {
        data: match done.revoked {
            1 => "1 session is revoked.\n".to_owned(),
            count => format!("{count} sessions are revoked.\n"),
        },
        ..Text::default()
    };
    revoke.wait.done(&door, json, &done, text).await
}

fn sentence(revoke: &Revoke) -> String {
    let named = [
        revoke.user.as_ref().map(|user| format!(" of {user}")),
        revoke.client.as_ref().map(|client| format!(" on {client}")),
        revoke
            .tenant
            .as_ref()
            .map(|tenant| format!(" for the tenant {tenant}")),
        revoke.all.then(|| " of everybody".to_owned()),
    ];
    let named: String = named.into_iter().flatten().collect();
    let before = match revoke.before {
        Some(before) => format!(" started at or before {}", output::second(before.resolve())),
        None => String::new(),
    };
    format!("revoke every session{named}{before}")
}

fn revoked(session: &SessionView, with_sign_in: bool) -> Text {
    let email = clean(&session.email);
    let more = if with_sign_in {
        ", and the browser sign-in it came from has ended"
    } else {
        ""
    };
    Text {
        data: format!(
            "The session of {email} on {} is revoked{more}.\n",
            session.client
        ),
        ..Text::default()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        revoke: Revoke,
    }

    fn read(arguments: &[&str]) -> Result<Revoke, clap::Error> {
        let line = Line::try_parse_from([&["revoke"], arguments].concat());
        line.map(|line| line.revoke)
    }

    #[test]
    fn it_has_to_be_said_which_and_not_in_two_ways() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        for good in [
            &[id][..],
            &[id, "--end-sign-in"],
            &["--all", "--before", "2h"],
            &["--user", "ada", "--client", "app", "--tenant", "acme"],
        ] {
            assert!(read(good).is_ok(), "{good:?}");
        }
        for wrong in [
            &[][..],
            &["--before", "2h"],
            &[id, "--all"],
            &[id, "--user", "ada"],
            &[id, "--before", "2h"],
            &["--all", "--client", "app"],
            &["--user", "ada", "--end-sign-in"],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_would_be_done_is_said_in_a_sentence() {
        let said = |arguments: &[&str]| sentence(&read(arguments).unwrap());
        assert_eq!(said(&["--all"]), "revoke every session of everybody");
        assert_eq!(
            said(&[
                "--user",
                "ada",
                "--client",
                "app",
                "--before",
                "2026-11-22T09:05Z"
            ]),
            "revoke every session of ada on app started at or before 2026-11-22 09:05:00Z"
        );
    }
}
