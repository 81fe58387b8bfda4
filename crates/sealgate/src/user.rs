//! `sealgate user`: accounts.

mod text;

use std::io::Read as _;

use clap::{Args, Subcommand};
use sealgate_model::{Secret, TenantId, UserId};
use sealgate_server::admin::{
    CreatedUser, InvitedUser, NewUser, Password, UserPatch, UserView, Users,
};
use sealgate_store::UserStatus;
use zeroize::Zeroizing;

use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text};
use crate::place::{IssuerArgument, Place};
use crate::receipt::Wait;
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
    /// Show one account
    Show(Which),
    /// Change an account; what is not named stays
    Update(Update),
    /// Disable an account: its sessions are revoked at once, and it cannot sign in
    Disable(End),
    /// Enable an account again; sessions that were revoked stay revoked
    Enable(Which),
    /// Sign a user out everywhere: every browser sign-in ends, and every session is revoked
    SignOut(End),
}

#[derive(Debug, Args)]
pub(crate) struct End {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    wait: Wait,
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
    /// The organisation the user belongs to
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantId>,
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
    pub(crate) user: String,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Roles that are taken away and a change of the tenant end every sign-in and session, so that they count\n\
                        everywhere at once."
)]
pub(crate) struct Update {
    /// The name to show; may be empty
    #[arg(long)]
    name: Option<String>,
    /// A role, in place of all earlier ones; repeat for more
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Take all roles away
    #[arg(long, conflicts_with = "roles")]
    no_roles: bool,
    /// The organisation the user belongs to
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantId>,
    /// From now on the user belongs to no organisation
    #[arg(long, conflicts_with = "tenant")]
    no_tenant: bool,
    /// End every sign-in and session with the change
    #[arg(long)]
    sign_out: bool,
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            let password = add.password_stdin.then(read_password).transpose()?;
            let new = NewUser {
                email: add.email,
                name: add.name,
                roles: add.roles,
                tenant: add.tenant,
                password,
            };
            let door = Door::open(&add.place, add.issuer.issuer).await?;
            let created: CreatedUser = door.post("/users", &new).await?;
            match created.invitation {
                Some(_) => {
                    output::print_once(json, &created, text::added, || {
                        text::ask_again(&created.user)
                    })?;
                }
                None => output::print(json, &created, text::added)?,
            }
        }
        Command::Invite(Invite { which, issuer }) => {
            let door = Door::open(&which.place, issuer.issuer).await?;
            let id = find(&door, &which.user).await?;
            let path = format!("/users/{id}/invite");
            let invited_user: InvitedUser = door.post(&path, &()).await?;
            output::print_once(json, &invited_user, text::invited, || {
                text::ask_again(&invited_user.user)
            })?;
        }
        Command::List { place } => {
            let door = Door::open(&place, None).await?;
            let all = Users {
                users: every(&door).await?,
                next: None,
            };
            output::print(json, &all.users, |users| text::listed(users))?;
        }
        Command::Show(which) => {
            let door = Door::open(&which.place, None).await?;
            let path = format!("/users/{}", find(&door, &which.user).await?);
            let user: UserView = door.get(&path, &[]).await?;
            output::print(json, &user, text::shown)?;
        }
        Command::Update(update) => change_details(update, json).await?,
        Command::Disable(End { which, wait }) => {
            change(&which, "disable", wait, json).await?;
        }
        Command::Enable(which) => change(&which, "enable", Wait::default(), json).await?,
        Command::SignOut(End { which, wait }) => {
            let door = Door::open(&which.place, None).await?;
            let path = format!("/users/{}/sign-out", find(&door, &which.user).await?);
            let user: UserView = door.post(&path, &()).await?;
            let text = |user: &UserView| Text {
                data: format!("{} is signed out everywhere.\n", screen::clean(&user.email)),
                ..Text::default()
            };
            wait.done(&door, json, &user, text).await?;
        }
    }
    Ok(())
}

async fn change_details(update: Update, json: bool) -> Result<(), Failure> {
    let Update {
        which,
        name,
        roles,
        tenant,
        sign_out,
        ..
    } = update;
    let patch = UserPatch {
        name,
        roles: (update.no_roles || !roles.is_empty()).then_some(roles),
        tenant: if update.no_tenant {
            Some(None)
        } else {
            tenant.map(Some)
        },
        sign_out,
    };
    if patch.name.is_none() && patch.roles.is_none() && patch.tenant.is_none() {
        return Err(
            Failure::usage("change_missing", "there is nothing to change")
                .with_hint("see `sealgate user update --help`"),
        );
    }
    let door = Door::open(&which.place, None).await?;
    let at = format!("/users/{}", find(&door, &which.user).await?);
    let user: UserView = door.patch(&at, &patch).await?;
    output::print(json, &user, text::shown)
}

async fn change(which: &Which, verb: &str, wait: Wait, json: bool) -> Result<(), Failure> {
    let door = Door::open(&which.place, None).await?;
    let id = find(&door, &which.user).await?;
    let user: UserView = door.post(&format!("/users/{id}/{verb}"), &()).await?;
    let text = |user: &UserView| Text {
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
    };
    wait.done(&door, json, &user, text).await
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
