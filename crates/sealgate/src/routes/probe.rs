//! `sealgate routes probe`: requests that must be denied, and what the application answers them.

mod child;
mod host;
mod http;
mod identities;
mod known;
mod socket;
mod work;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sealgate_host::SystemRandom;
use sealgate_inventory::{Config, Inventory};
use sealgate_model::Random;
use sealgate_probe::{Campaign, Document, Leave, Settings};

use super::folder::Folder;
use super::{config, lock, look, show};
use crate::failure::Failure;
use child::Child;
use http::Http;
use work::{Limits, Transport, work};

/// Requests that an application in a child answers at once.
const AT_ONCE_IN_PROCESS: usize = 16;

/// Requests that are open to a URL at once.
const AT_ONCE_TO_URL: usize = 4;

/// What `Host` an application in a child is asked with.
const TEST_HOST: &str = "testserver";

#[derive(Debug, Args)]
#[command(
    after_help = "An application in the working directory is started in a process of its own, with its lifespan, and asked\n\
                        there: every method is sent, so give it a database that may change, or --safe-only. A URL is asked over\n\
                        the network, slowly, and only with methods that change nothing, unless --destructive is given.\n\n\
                        A route counts as denied only when every request that had to be denied was. An error, 404 or 422 is never\n\
                        a denial."
)]
pub(crate) struct Arguments {
    /// The application, as in `main:app`, or the URL that it is served at
    #[arg(value_name = "TARGET")]
    target: String,
    /// The folder that the application is imported from
    #[arg(long, value_name = "DIR", default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    application: Application,
    #[command(flatten)]
    url: Url,
    /// Who is known to the application, and values of path parameters: a TOML file
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    /// A secret to sign forged tokens with, besides those that are well known; repeat for more
    #[arg(long = "weak-secret", value_name = "SECRET")]
    weak_secrets: Vec<String>,
    /// Send everything to every route, also where others have the very same gates
    #[arg(long)]
    thorough: bool,
    /// The `Host` to ask with
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Seconds that an answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    timeout: u16,
    /// Seconds that all of it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 1_800)]
    budget: u32,
    /// Requests to send at most
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    max_requests: usize,
    #[command(flatten)]
    config: config::Options,
    #[command(flatten)]
    show: show::Options,
}

/// For an application in a child.
#[derive(Debug, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "shown in terminals, where backticks are noise"
)]
struct Application {
    /// The target is a function that makes the application
    #[arg(long)]
    factory: bool,
    /// Do not start the application before it is asked
    #[arg(long)]
    no_lifespan: bool,
    /// Send no method that may change something
    #[arg(long)]
    safe_only: bool,
    /// The Python that has the application's packages; by default that of $VIRTUAL_ENV
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
}

/// For a URL.
#[derive(Debug, Args)]
struct Url {
    /// An inventory of the routes, as `sealgate routes inspect --json` writes it; by default the lock file
    #[arg(long, value_name = "FILE")]
    routes: Option<PathBuf>,
    #[command(flatten)]
    lock: lock::At,
    /// The OpenAPI document; by default what the application says at /openapi.json
    #[arg(long, value_name = "FILE")]
    openapi: Option<PathBuf>,
    /// A host that may be asked though it is not this machine, or HOST=ADDR for that address alone; repeat for more
    #[arg(long = "allow-host", value_name = "HOST")]
    allowed: Vec<String>,
    /// Send methods that may change or delete something, too; asks for the name of the host
    #[arg(long)]
    destructive: bool,
    /// The host to send them to, where nobody can be asked
    #[arg(long, value_name = "HOST", requires = "destructive")]
    yes: Option<String>,
    /// Requests per second
    #[arg(long, value_name = "COUNT", default_value = "20")]
    rate: NonZeroU32,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    crate::block_on(probe(arguments, json))
}

async fn probe(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    arguments.show.format(json)?;
    let folder = Folder::open(&arguments.path)?;
    let config = arguments.config.read(&folder)?;
    let settings = settings(arguments, &config)?;
    let limits = Limits {
        budget: Duration::from_secs(u64::from(arguments.budget)),
        requests: arguments.max_requests,
        at_once: AT_ONCE_IN_PROCESS,
    };
    let target = arguments.target.as_str();
    let inventory = if target.contains("://") {
        to_url(arguments, &folder, &config, settings, limits).await?
    } else {
        in_process(arguments, &folder, &config, settings, limits).await?
    };
    arguments.show.tell(&inventory, &folder, json)
}

fn settings(arguments: &Arguments, config: &Config) -> Result<Settings, Failure> {
    let random: &dyn Random = &SystemRandom;
    let mut settings = Settings::new(TEST_HOST, random.bytes());
    settings.login_paths.clone_from(&config.login_paths);
    settings.weak_secrets.clone_from(&arguments.weak_secrets);
    settings.thorough = arguments.thorough;
    if let Some(file) = &arguments.identities {
        identities::read(file, &mut settings)?;
    }
    Ok(settings)
}

async fn in_process(
    arguments: &Arguments,
    folder: &Folder,
    config: &Config,
    mut settings: Settings,
    limits: Limits,
) -> Result<Inventory, Failure> {
    let application = &arguments.application;
    let start = child::Start {
        target: arguments.target.clone(),
        folder: folder.root().to_owned(),
        python: application.python.clone(),
        factory: application.factory,
        lifespan: !application.no_lifespan,
        host: arguments.host.as_deref().unwrap_or(TEST_HOST).to_owned(),
        timeout: Duration::from_secs(u64::from(arguments.timeout)),
    };
    settings.authority.clone_from(&start.host);
    let (child, ready) = Child::start(start).await?;
    settings.openapi = ready.openapi.map(Document::new);
    settings.leave = if application.safe_only {
        Leave::SafeOnly
    } else {
        Leave::Every
    };
    let inventory = look::judged(ready.inventory, folder, config)?;
    let inventory = known::declared(inventory, config);
    look::something(&inventory, config, folder)?;
    let asked = ask(
        inventory,
        settings,
        Transport::Child(Box::new(child)),
        limits,
    )
    .await;
    Ok(asked)
}

async fn to_url(
    arguments: &Arguments,
    folder: &Folder,
    config: &Config,
    mut settings: Settings,
    limits: Limits,
) -> Result<Inventory, Failure> {
    let url = &arguments.url;
    let place = host::place(&arguments.target, &url.allowed).await?;
    let (inventory, behind) = known::routes(url.routes.as_deref(), &url.lock, folder)?;
    settings.behind = behind;
    let mut inventory = known::declared(inventory, config);
    arguments.target.clone_into(&mut inventory.target);
    look::something(&inventory, config, folder)?;
    if url.destructive {
        host::confirm(&place.host, url.yes.as_deref())?;
        settings.leave = Leave::Every;
    }
    let timeout = Duration::from_secs(u64::from(arguments.timeout));
    let http = Http::new(&place, arguments.host.clone(), url.rate, timeout)?;
    settings.authority = http.authority().to_owned();
    settings.openapi = match &url.openapi {
        Some(file) => Some(known::document(file)?),
        None => http.document().await,
    };
    let limits = Limits {
        at_once: AT_ONCE_TO_URL,
        ..limits
    };
    Ok(ask(inventory, settings, Transport::Http(Box::new(http)), limits).await)
}

async fn ask(
    inventory: Inventory,
    settings: Settings,
    transport: Transport,
    limits: Limits,
) -> Inventory {
    let mut campaign = Campaign::new(inventory, settings);
    work(&mut campaign, &transport, limits).await;
    transport.stop().await;
    campaign.finish()
}
