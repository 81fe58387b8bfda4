//! `sealgate login`, `sealgate token` and `sealgate logout`: a person, or a machine, gets tokens at the
//! terminal. It is a client like any other, of any authorization server.

mod browser;
mod find;
mod kept;
mod logout;
mod machine;
mod sign_in;
mod terminal;
mod token;
mod told;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use sealgate_agent::vault::Vault;
use sealgate_agent::{AgentHttp, WebUrl};
use sealgate_host::{SystemClock, SystemRandom};

use crate::failure::Failure;

pub(crate) use logout::Arguments as LogoutArguments;
pub(crate) use token::Arguments as TokenArguments;

/// The longest name of a sign-in, in bytes.
const NAME_LIMIT: usize = 100;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = "Tokens are kept in an encrypted file, its key in the system's keyring or made from a passphrase\n\
                        (SEALGATE_VAULT_PASSPHRASE, or asked for). `sealgate token` prints one."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    sign_in: SignIn,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the sign-ins that are kept
    List,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(Debug, Args)]
struct SignIn {
    /// What to get tokens for: the URL of a resource, such as an MCP server, or of an issuer
    #[arg(value_name = "URL", required = true)]
    url: Option<String>,
    /// Sign in with a browser on this machine; this is what is done unless --device is given
    #[arg(long, conflicts_with = "device")]
    browser: bool,
    /// Sign in on another device, by entering a code there
    #[arg(long)]
    device: bool,
    /// Print the URL and do not open a browser
    #[arg(long, conflicts_with = "device")]
    no_open: bool,
    /// The client to sign in as; without it one is registered, where the server lets clients do that
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// A scope to ask for; repeat for more. By default what the resource asks for
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The resource that tokens are to be for, if URL is an issuer
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// Bind the tokens to a key that stays in the vault (DPoP)
    #[arg(long)]
    dpop: bool,
    /// What to call this sign-in; by default the host and path of URL
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    #[command(flatten)]
    trust: Trust,
}

/// Whom to trust besides the system's authorities.
#[derive(Debug, Args)]
struct Trust {
    /// A PEM file with one more certificate authority to trust
    #[arg(long, value_name = "FILE")]
    authority_file: Option<PathBuf>,
}

fn name(text: &str) -> Result<String, String> {
    let fits = (1..=NAME_LIMIT).contains(&text.len());
    if fits && text.chars().all(|c| c.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("a name has 1 to 100 printable ASCII characters, without spaces".to_owned())
    }
}

pub(crate) async fn run(arguments: Arguments, json: bool) -> Result<(), Failure> {
    match arguments.command {
        Some(Command::List) => kept::list(&vault()?, json),
        None => sign_in::run(arguments.sign_in, json).await,
    }
}

pub(crate) async fn token(arguments: TokenArguments, json: bool) -> Result<(), Failure> {
    token::run(arguments, json).await
}

pub(crate) async fn logout(arguments: LogoutArguments, json: bool) -> Result<(), Failure> {
    logout::run(arguments, json).await
}

/// What asking a server takes.
struct Hands {
    http: AgentHttp,
    clock: SystemClock,
    random: SystemRandom,
}

impl Hands {
    fn new(trust: &Trust) -> Result<Arc<Self>, Failure> {
        let authority = trust.authority_file.as_deref().map(read).transpose()?;
        let http = AgentHttp::new(authority.as_deref()).map_err(told::agent)?;
        Ok(Arc::new(Self {
            http,
            clock: SystemClock::default(),
            random: SystemRandom,
        }))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        let said = format!("cannot read {}: {error}", path.display());
        Failure::usage("file_unreadable", said)
    })
}

fn web_url(text: &str) -> Result<WebUrl, Failure> {
    WebUrl::parse(text).map_err(|error| {
        Failure::usage("url_wrong", format!("{text}: {error}"))
            .with_hint("give an https URL, or http on this machine")
    })
}

/// The vault of this user.
fn vault() -> Result<Vault, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let path = set("SEALGATE_VAULT")
        .map(PathBuf::from)
        .or_else(|| set("XDG_DATA_HOME").map(|data| PathBuf::from(data).join("sealgate/vault")))
        .or_else(|| {
            set("HOME").map(|home| PathBuf::from(home).join(".local/share/sealgate/vault"))
        });
    let path = path.ok_or_else(|| {
        Failure::usage(
            "vault_nowhere",
            "there is no home directory to keep tokens in",
        )
        .with_hint("set SEALGATE_VAULT to the path of a file")
    })?;
    Ok(Vault::new(path, terminal::keys()))
}
