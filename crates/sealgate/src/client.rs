//! `sealgate client`: the applications people sign in to, and machines.

mod details;
mod text;

use clap::{Args, Subcommand};
use sealgate_model::ClientId;
use sealgate_server::admin::{ClientPatch, ClientView, Clients, CreatedClient, NewClient};
use sealgate_store::ClientKind;

use crate::confirm::Sure;
use crate::door::{Door, segment};
use crate::failure::Failure;
use crate::output::{self, Text};
use crate::place::{IssuerArgument, Place};
use crate::receipt::Wait;
use crate::screen::clean;
use details::{Details, Unset};
pub(crate) use details::{grant, key_set};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register a client and print the settings its gate needs
    Add(Box<Add>),
    /// List clients
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Show one client
    Show(Which),
    /// Change a client; what is not named stays
    Update(Box<Update>),
    /// Give a client another secret; the earlier one is worth nothing from then on
    Secret {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        issuer: IssuerArgument,
    },
    /// Disable a client: its sessions are revoked at once, and it gets nothing
    Disable {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        wait: Wait,
    },
    /// Enable a client again; sessions that were revoked stay revoked
    Enable(Which),
    /// Remove a client for good: its sessions are revoked at once, and its id is never given again
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        wait: Wait,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "The settings on stdout can be appended to the application's environment file. The secret is\n\
                        shown this once. The application's own seal key comes from `sealgate seal-key generate`."
)]
pub(crate) struct Add {
    /// The name people read on the sign-in page
    name: String,
    /// A client that cannot keep a secret, such as a native or single-page application
    #[arg(long)]
    public: bool,
    /// Its `client_id`; by default made from the name
    #[arg(long)]
    id: Option<ClientId>,
    #[command(flatten)]
    details: Details,
    #[command(flatten)]
    issuer: IssuerArgument,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The client
    #[arg(value_name = "ID")]
    id: ClientId,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
#[command(
    after_help = "What can be repeated takes the place of all that was there. Who begins to authenticate by a secret\n\
                        needs one: `sealgate client secret ID`."
)]
pub(crate) struct Update {
    /// The name people read on the sign-in page
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    details: Details,
    /// What to take away; repeat for more
    #[arg(long, value_enum, value_name = "WHAT")]
    unset: Vec<Unset>,
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            let door = Door::open(&add.place, add.issuer.issuer.clone()).await?;
            let created: CreatedClient = door.post("/clients", &planned(*add)?).await?;
            secret_told(json, &created, text::added)
        }
        Command::List { place } => {
            let door = Door::open(&place, None).await?;
            output::print(json, &every(&door).await?, |all| text::listed(all))
        }
        Command::Show(which) => {
            let door = Door::open(&which.place, None).await?;
            let client: ClientView = door.get(&address(&which.id), &[]).await?;
            output::print(json, &client, text::shown)
        }
        Command::Update(update) => {
            let Update {
                which,
                name,
                details,
                unset,
            } = *update;
            let patch = ClientPatch {
                name,
                ..details.change(&unset)?
            };
            if patch == ClientPatch::default() {
                return Err(
                    Failure::usage("change_missing", "there is nothing to change")
                        .with_hint("see `sealgate client update --help`"),
                );
            }
            let door = Door::open(&which.place, None).await?;
            let client: ClientView = door.patch(&address(&which.id), &patch).await?;
            output::print(json, &client, text::shown)
        }
        Command::Secret { which, issuer } => {
            let door = Door::open(&which.place, issuer.issuer).await?;
            let path = format!("{}/secret", address(&which.id));
            let created: CreatedClient = door.post(&path, &()).await?;
            secret_told(json, &created, text::renewed)
        }
        Command::Disable { which, wait } => {
            let what = "is disabled, and its sessions are revoked";
            change(&which, "disable", what, wait, json).await
        }
        Command::Enable(which) => {
            change(&which, "enable", "is enabled", Wait::default(), json).await
        }
        Command::Remove { which, sure, wait } => {
            sure.ask(&format!("remove the client {} for good", which.id))?;
            let door = Door::open(&which.place, None).await?;
            door.delete(&address(&which.id)).await?;
            let done = serde_json::json!({ "removed": which.id });
            let text = |_: &serde_json::Value| Text {
                data: format!("{} is removed, and its sessions are revoked.\n", which.id),
                ..Text::default()
            };
            wait.done(&door, json, &done, text).await
        }
    }
}

fn planned(add: Add) -> Result<NewClient, Failure> {
    let kind = if add.public {
        ClientKind::Public
    } else {
        ClientKind::Confidential
    };
    add.details
        .complete(NewClient::named(add.id, add.name, kind))
}

fn secret_told(
    json: bool,
    created: &CreatedClient,
    text: impl FnOnce(&CreatedClient) -> Text,
) -> Result<(), Failure> {
    match created.secret {
        Some(_) => output::print_once(json, created, text, || {
            format!(
                "the secret of {id} is lost; make another: sealgate client secret {id}",
                id = created.client.id
            )
        }),
        None => output::print(json, created, text),
    }
}

async fn change(
    which: &Which,
    verb: &str,
    what: &str,
    wait: Wait,
    json: bool,
) -> Result<(), Failure> {
    let door = Door::open(&which.place, None).await?;
    let path = format!("{}/{verb}", address(&which.id));
    let client: ClientView = door.post(&path, &()).await?;
    let text = |client: &ClientView| Text {
        data: format!("{}, client {}, {what}.\n", clean(&client.name), client.id),
        ..Text::default()
    };
    wait.done(&door, json, &client, text).await
}

fn address(id: &ClientId) -> String {
    format!("/clients/{}", segment(id))
}

/// Every client, by id.
pub(crate) async fn every(door: &Door) -> Result<Vec<ClientView>, Failure> {
    let mut all = Vec::new();
    let mut after: Option<ClientId> = None;
    loop {
        let query = [("after", after.map(|id| id.to_string()))];
        let page: Clients = door.get("/clients", &query).await?;
        all.extend(page.clients);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}
