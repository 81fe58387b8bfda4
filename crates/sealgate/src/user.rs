//! `sealgate user`: accounts.

use std::io::Read as _;

use clap::{Args, Subcommand};
use sealgate_model::{Secret, UserId};
use sealgate_server::admin::{
    CreatedUser, InvitationLink, InvitedUser, NewUser, Password, UserView, Users,
};
use sealgate_store::UserStatus;
use zeroize::Zeroizing;

use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::{IssuerArgument, Place};
use crate::screen;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add an account and print the link with which its owner chooses a password
    Add(Add),
    /// Print a new link with which an account's owner chooses a password; earlier links stop working
    Invite(Invite),
    /// List accounts
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Disable an account: its sessions are revoked at once, and it cannot sign in
    Disable(Which),
    /// Enable an account again; sessions that were revoked stay revoked
    Enable(Which),
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The e-mail address
    email: String,
    /// The name to show
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// A role; repeat for more. `admin` is the control plane's own
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Read the password from the first line of stdin instead of making an invitation
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    issuer: IssuerArgument,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
#[command(
    after_help = "For an active account this is a password reset: with the new password, its other sign-ins and every\n\
                        session end. Until the link is used, nothing does."
)]
pub(crate) struct Invite {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    issuer: IssuerArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The e-mail address or the id
    #[arg(value_name = "EMAIL|ID")]
    user: String,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            let password = add.password_stdin.then(read_password).transpose()?;
            let new = NewUser {
                email: add.email,
                name: add.name,
                roles: add.roles,
                password,
            };
            let door = Door::open(&add.place, add.issuer.issuer).await?;
            let created: CreatedUser = door.post("/users", &new).await?;
            match created.invitation {
                Some(_) => {
                    output::print_once(json, &created, added, || ask_again(&created.user))?;
                }
                None => output::print(json, &created, added)?,
            }
        }
        Command::Invite(Invite { which, issuer }) => {
            let door = Door::open(&which.place, issuer.issuer).await?;
            let id = find(&door, &which.user).await?;
            let path = format!("/users/{id}/invite");
            let invited_user: InvitedUser = door.post(&path, &()).await?;
            output::print_once(json, &invited_user, invited, || {
                ask_again(&invited_user.user)
            })?;
        }
        Command::List { place } => {
            let door = Door::open(&place, None).await?;
            let all = Users {
                users: every(&door).await?,
                next: None,
            };
            output::print(json, &all.users, |users| listed(users))?;
        }
        Command::Disable(which) => change(&which, "disable", json).await?,
        Command::Enable(which) => change(&which, "enable", json).await?,
    }
    Ok(())
}

async fn change(which: &Which, verb: &str, json: bool) -> Result<(), Failure> {
    let door = Door::open(&which.place, None).await?;
    let id = find(&door, &which.user).await?;
    let user: UserView = door.post(&format!("/users/{id}/{verb}"), &()).await?;
    output::print(json, &user, |user| Text {
        data: format!(
            "{} is {}.\n",
            screen::clean(&user.email),
            match user.status {
                UserStatus::Disabled => "disabled, and every session is revoked",
                UserStatus::Active => "enabled",
                UserStatus::Invited => "enabled, and has yet to choose a password",
            }
        ),
        ..Text::default()
    })
}

/// The id of the account that `text` names by id or e-mail address.
pub(crate) async fn find(door: &Door, text: &str) -> Result<UserId, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let found: Users = door
        .get("/users", &[("email", Some(text.to_owned()))])
        .await?;
    found.users.first().map(|user| user.id).ok_or_else(|| {
        Failure::refused("user_unknown", format!("there is no user {text}"))
            .with_hint("see `sealgate user list`")
    })
}

async fn every(door: &Door) -> Result<Vec<UserView>, Failure> {
    let mut users = Vec::new();
    let mut after = None;
    loop {
        let page: Users = door
            .get(
                "/users",
                &[("after", after.map(|id: UserId| id.to_string()))],
            )
            .await?;
        users.extend(page.users);
        after = page.next;
        if after.is_none() {
            return Ok(users);
        }
    }
}

/// The first line of stdin, at most 4 KiB.
fn read_password() -> Result<Password, Failure> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .take(4096)
        .read_to_string(&mut text)
        .map_err(|error| {
            Failure::usage(
                "password_unreadable",
                format!("cannot read the password: {error}"),
            )
        })?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::usage(
            "password_missing",
            "there is no password on stdin",
        ));
    }
    Ok(Password(Secret::new(line)))
}

/// What to do about a link that nobody saw.
fn ask_again(user: &UserView) -> String {
    format!(
        "the link is lost; make another: sealgate user invite {}",
        user.id
    )
}

fn invited(invited: &InvitedUser) -> Text {
    let user = &invited.user;
    let what = match user.status {
        UserStatus::Active => "set another password",
        UserStatus::Invited | UserStatus::Disabled => "choose a password",
    };
    let InvitationLink { url, expires_at } = &invited.invitation;
    Text {
        talk: format!(
            "{} ({}): the link to {what} works once, until {}; earlier ones do not work any more:\n",
            screen::clean(&user.email),
            user.id,
            date(*expires_at)
        ),
        data: format!("{url}\n"),
    }
}

fn added(created: &CreatedUser) -> Text {
    let user = &created.user;
    let email = screen::clean(&user.email);
    match &created.invitation {
        Some(link) => Text {
            talk: format!(
                "Added {email} ({}). The link to choose a password works once, until {}:\n",
                user.id,
                date(link.expires_at)
            ),
            data: format!("{}\n", link.url),
        },
        None => Text {
            data: format!("Added {email} ({}).\n", user.id),
            ..Text::default()
        },
    }
}

fn listed(users: &[UserView]) -> Text {
    let rows: Vec<[String; 6]> = users
        .iter()
        .map(|user| {
            let status = match user.status {
                UserStatus::Invited => "invited",
                UserStatus::Active => "active",
                UserStatus::Disabled => "disabled",
            };
            [
                user.email.clone(),
                user.name.clone(),
                status.to_owned(),
                user.roles.join(" "),
                date(user.created_at),
                user.id.to_string(),
            ]
        })
        .collect();
    let empty = "There are no users yet. Add one with `sealgate user add EMAIL`.";
    output::table(
        ["EMAIL", "NAME", "STATUS", "ROLES", "CREATED", "ID"],
        &rows,
        empty,
    )
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;

    fn user(number: u8, email: &str, status: UserStatus) -> UserView {
        UserView {
            id: UserId::from_bytes([number; 16]),
            email: email.to_owned(),
            name: if number == 1 {
                "Ada Lovelace".to_owned()
            } else {
                String::new()
            },
            roles: if number == 1 {
                vec!["admin".to_owned(), "auditor".to_owned()]
            } else {
                Vec::new()
            },
            status,
            created_at: Timestamp::from_millis(1_795_338_305_000),
            disabled_at: None,
        }
    }

    #[test]
    fn users_are_listed_as_a_table() {
        let users = [
            user(1, "ada@example.com", UserStatus::Active),
            user(2, "grace.hopper@example.com", UserStatus::Invited),
            user(3, "eve@example.com", UserStatus::Disabled),
        ];
        insta::assert_snapshot!(listed(&users).data);
        insta::assert_snapshot!(listed(&[]).talk, @"There are no users yet. Add one with `sealgate user add EMAIL`.");
    }

    #[test]
    fn an_added_user_comes_with_an_invitation_link_alone_on_stdout() {
        let created = CreatedUser {
            user: user(1, "ada@example.com", UserStatus::Invited),
            invitation: Some(InvitationLink {
                url: "https://id.example/invitation?token=abc".to_owned(),
                expires_at: Timestamp::from_millis(1_795_597_505_000),
            }),
        };
        let text = added(&created);
        assert_eq!(text.data, "https://id.example/invitation?token=abc\n");
        insta::assert_snapshot!(text.talk);
    }

    #[test]
    fn a_new_link_says_what_it_is_for() {
        let text = |status| {
            invited(&InvitedUser {
                user: user(1, "ada@example.com", status),
                invitation: InvitationLink {
                    url: "https://id.example/invitation?token=abc".to_owned(),
                    expires_at: Timestamp::from_millis(1_795_597_505_000),
                },
            })
        };
        let lost = text(UserStatus::Invited);
        assert_eq!(lost.data, "https://id.example/invitation?token=abc\n");
        insta::assert_snapshot!(lost.talk, @"ada@example.com (01010101-0101-0101-0101-010101010101): the link to choose a password works once, until 2026-11-25 09:05Z; earlier ones do not work any more:");
        insta::assert_snapshot!(text(UserStatus::Active).talk, @"ada@example.com (01010101-0101-0101-0101-010101010101): the link to set another password works once, until 2026-11-25 09:05Z; earlier ones do not work any more:");
    }
}
