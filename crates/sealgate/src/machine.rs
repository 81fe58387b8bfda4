//! `sealgate machine`: service accounts, from their registration to their offboarding.

mod details;
mod enroll;
mod keyfile;
mod text;
mod token;
mod until;

use clap::{Args, Subcommand};
use sealgate_model::ClientId;
use sealgate_server::admin::{
    BootstrapOptions, CreatedBootstrap, MachinePatch, MachineView, Machines, NewMachine,
    OffboardedMachine,
};
use serde_json::json;

use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::output;
use crate::place::{IssuerArgument, Place};
use crate::receipt;
use details::{Details, Unset};
use until::Until;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register a service account; it has no secret
    Add(Box<Add>),
    /// List service accounts, with what they use and when they end
    List(List),
    /// Show one service account, also one that was offboarded
    Show(Show),
    /// Change a service account; what is not named stays
    Update(Box<Update>),
    /// Print a credential, good once, with which the service account can register a key
    Bootstrap(Bootstrap),
    /// On the machine itself: make a key, and register it with a bootstrap credential
    Enroll(enroll::Enroll),
    /// On the machine itself: get an access token by its key, and print it
    Token(token::Token),
    /// End a service account for good, everywhere, and wait until every gate has applied it
    Offboard(Offboard),
}

#[derive(Debug, Args)]
#[command(
    after_help = "It proves who it is by a key, which it can register by itself (`sealgate machine bootstrap NAME`), or by what\n\
                        another issuer says of it (--identity, and `sealgate issuer add`). Its name is never given again."
)]
pub(crate) struct Add {
    /// Its `client_id`
    #[arg(value_name = "NAME")]
    id: ClientId,
    /// Who answers for it: a person or a team, as they are reached
    #[arg(long, value_name = "WHO")]
    owner: String,
    /// What it is for
    #[arg(long, value_name = "WORDS")]
    purpose: String,
    /// Where it runs
    #[arg(long, value_name = "NAME", default_value = "production")]
    environment: String,
    /// When it ends, at most 400 days ahead: a time such as 2027-05-01T00:00Z, a day, or how long from now,
    /// such as 90d
    #[arg(long, value_name = "TIME")]
    expires: Until,
    #[command(flatten)]
    details: Details,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Those that were offboarded too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    unused: Unused,
    #[command(flatten)]
    place: Place,
}

/// What counts as unused.
#[derive(Debug, Clone, Copy, Args)]
struct Unused {
    /// After how many days without use a scope or resource counts as unused
    #[arg(long, value_name = "DAYS", default_value_t = 90,
          value_parser = clap::value_parser!(u32).range(1..=3650))]
    unused_for: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    unused: Unused,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The service account
    #[arg(value_name = "NAME")]
    id: ClientId,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
#[command(
    after_help = "What can be repeated takes the place of all that was there. One that has expired and is given more time has\n\
                        to be enabled again: `sealgate client enable NAME`."
)]
pub(crate) struct Update {
    /// Who answers for it
    #[arg(long, value_name = "WHO")]
    owner: Option<String>,
    /// What it is for
    #[arg(long, value_name = "WORDS")]
    purpose: Option<String>,
    /// Where it runs
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// When it ends
    #[arg(long, value_name = "TIME")]
    expires: Option<Until>,
    #[command(flatten)]
    details: Details,
    /// What to take away; repeat for more
    #[arg(long, value_enum, value_name = "WHAT")]
    unset: Vec<Unset>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The credential on stdout is shown this once, and takes the place of one that was not used. Hand it to the\n\
                        machine, where `sealgate machine enroll` reads it from stdin. It opens nothing else."
)]
pub(crate) struct Bootstrap {
    /// For how many seconds it is good, 300 to 86400
    #[arg(long, value_name = "SECONDS", default_value_t = 3600,
          value_parser = clap::value_parser!(u32).range(300..=86_400))]
    lifetime: u32,
    /// Keep the keys that the service account has; without, the new one takes their place
    #[arg(long)]
    keep_keys: bool,
    #[command(flatten)]
    issuer: IssuerArgument,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 every gate has applied it, or is known to deny; 4 it has ended here, and that is not proven of\n\
                        every gate. Its name is never given again, and `sealgate machine show NAME` still tells whose it was."
)]
pub(crate) struct Offboard {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    sure: Sure,
    /// How long to wait for the gates, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=600))]
    wait: u64,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            let new = NewMachine {
                environment: add.environment,
                ..NewMachine::of(add.id, add.owner, add.purpose, add.expires.resolve())
            };
            let new = add.details.complete(new)?;
            let door = Door::open(&add.place, None).await?;
            let made: MachineView = door.post("/machines", &new).await?;
            output::print(json, &made, text::added)
        }
        Command::List(list) => {
            let machines = every(&list).await?;
            output::print(json, &machines, |all| text::listed(all))
        }
        Command::Show(show) => {
            let door = Door::open(&show.which.place, None).await?;
            let days = [("unused_for", Some(show.unused.unused_for.to_string()))];
            let machine: MachineView = door.get(&address(&show.which.id), &days).await?;
            output::print(json, &machine, text::shown)
        }
        Command::Update(update) => {
            let Update {
                owner,
                purpose,
                environment,
                expires,
                details,
                unset,
                which,
            } = *update;
            let patch = MachinePatch {
                owner,
                purpose,
                environment,
                expires_at: expires.map(Until::resolve),
                ..details.change(&unset)?
            };
            if patch == MachinePatch::default() {
                return Err(
                    Failure::usage("change_missing", "there is nothing to change")
                        .with_hint("see `sealgate machine update --help`"),
                );
            }
            let door = Door::open(&which.place, None).await?;
            let machine: MachineView = door.patch(&address(&which.id), &patch).await?;
            output::print(json, &machine, text::shown)
        }
        Command::Bootstrap(bootstrap) => {
            let which = bootstrap.which;
            let door = Door::open(&which.place, bootstrap.issuer.issuer).await?;
            let options = BootstrapOptions {
                lifetime: bootstrap.lifetime,
                keep_keys: bootstrap.keep_keys,
            };
            let path = format!("{}/bootstrap", address(&which.id));
            let made: CreatedBootstrap = door.post(&path, &options).await?;
            output::print_once(json, &made, text::bootstrapped, || {
                format!(
                    "the credential is lost; make another: sealgate machine bootstrap {}",
                    which.id
                )
            })
        }
        Command::Enroll(enroll) => enroll::run(enroll, json).await,
        Command::Token(token) => token::run(token, json).await,
        Command::Offboard(offboard) => end(offboard, json).await,
    }
}

/// Ends it, tells what ended, and proves that it did.
async fn end(offboard: Offboard, json: bool) -> Result<(), Failure> {
    let Offboard { which, sure, wait } = offboard;
    sure.ask(&format!(
        "end the service account {} for good, everywhere",
        which.id
    ))?;
    let door = Door::open(&which.place, None).await?;
    let path = format!("{}/offboard", address(&which.id));
    let done: OffboardedMachine = door.post(&path, &()).await?;
    if !json {
        output::print(false, &done, text::offboarded)?;
    }
    let held = receipt::of_last(&door, wait).await?;
    if json {
        let both = json!({ "done": done, "receipt": held });
        output::print(true, &both, |_| output::Text::default())?;
    } else if let Some(held) = &held {
        output::print(false, held, |held| {
            let mut told = receipt::receipt(held);
            told.data.push_str(&text::proof(held));
            told
        })?;
    }
    match held {
        Some(held) => receipt::proven(&held),
        None => Err(Failure::unproven()),
    }
}

fn address(id: &ClientId) -> String {
    format!("/machines/{id}")
}

/// Every service account, by id.
async fn every(list: &List) -> Result<Vec<MachineView>, Failure> {
    let door = Door::open(&list.place, None).await?;
    let mut all = Vec::new();
    let mut after: Option<ClientId> = None;
    loop {
        let query = [
            ("all", Some(list.all.to_string())),
            ("unused_for", Some(list.unused.unused_for.to_string())),
            ("after", after.map(|id| id.to_string())),
        ];
        let page: Machines = door.get("/machines", &query).await?;
        all.extend(page.machines);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}
