//! `sealgate token --machine`: a token for a job or a service, by its key or by a token that its platform
//! gave it. Nothing is kept: there is no secret that could be.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use sealgate_agent::ClientKey;
use sealgate_agent::registration::{Client, ClientAuth, Origin};
use sealgate_agent::token::{For, TokenEndpoint, meant_for};
use sealgate_model::Secret;

use super::token::{self, Token};
use super::{Hands, find, read, told};
use crate::failure::Failure;

/// The longest token of a platform, in bytes.
const LIMIT: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub(super) struct Workload {
    /// The issuer to ask; by default the one that the resource names
    #[arg(long, value_name = "URL", requires = "machine")]
    issuer: Option<String>,
    /// The machine's client id
    #[arg(long, value_name = "ID", requires = "machine")]
    client_id: Option<String>,
    /// Its private key in PEM (PKCS #8)
    #[arg(
        long,
        value_name = "FILE",
        requires = "machine",
        conflicts_with = "workload_token"
    )]
    key: Option<PathBuf>,
    /// A file with the token that the platform gave this workload; - for stdin
    #[arg(
        id = "workload_token",
        long = "workload-token",
        value_name = "FILE",
        requires = "machine"
    )]
    given: Option<PathBuf>,
    /// A scope to ask for; repeat for more
    #[arg(long = "scope", value_name = "SCOPE", requires = "machine")]
    scopes: Vec<String>,
}

/// Gets a token.
pub(super) async fn token(hands: &Arc<Hands>, given: &token::Arguments) -> Result<Token, Failure> {
    let machine = &given.of_machine;
    let wanted = machine.issuer.as_ref().or(given.resource.as_ref());
    let wanted = wanted.ok_or_else(|| {
        Failure::usage("issuer_missing", "nothing says whom to ask")
            .with_hint("give --issuer URL, or --resource URI of a resource that names its issuer")
    })?;
    let proof = Proof::of(machine)?;
    let found = find::find(hands, wanted).await?;
    let server = &found.discovered.server;
    let named = found.discovered.resource_id().map(str::to_owned);
    let asked = For {
        resource: given.resource.clone().or(named),
        scopes: if machine.scopes.is_empty() {
            found.demanded.clone().unwrap_or_default()
        } else {
            machine.scopes.clone()
        },
    };
    let auth = match &proof {
        Proof::Key(key) => ClientAuth::Key(Arc::clone(key)),
        Proof::Workload(_) => ClientAuth::Public,
    };
    let client = Client {
        id: machine.client_id.clone(),
        auth,
        issuer: server.issuer.clone(),
        origin: Origin::Given,
    };
    let endpoint = TokenEndpoint {
        http: &hands.http,
        reach: found.discovered.reach,
        server,
        client: &client,
        prover: None,
        clock: &hands.clock,
        random: &hands.random,
    };
    let tokens = match proof {
        Proof::Key(_) => endpoint.client_credentials(&asked).await,
        Proof::Workload(token) => {
            // The resource named the issuer, and may have named somebody who would like the token.
            if machine.issuer.is_none() {
                meant_for(&token, server).map_err(told::agent)?;
            }
            endpoint.jwt_bearer(token, &asked).await
        }
    };
    let tokens = tokens.map_err(told::agent)?;
    Ok(Token {
        access: tokens.access,
        kind: tokens.kind,
        ends_at: tokens.ends_at,
        scopes: tokens.scopes,
        resource: asked.resource,
        prover: None,
    })
}

/// What the machine has to show.
enum Proof {
    Key(Arc<ClientKey>),
    Workload(Secret),
}

impl Proof {
    fn of(machine: &Workload) -> Result<Self, Failure> {
        match (&machine.key, &machine.given, &machine.client_id) {
            (Some(path), None, Some(_)) => {
                let pem = Secret::new(String::from_utf8(read(path)?).unwrap_or_default());
                let key = ClientKey::from_pem(pem.expose(), None, None);
                key.map(|key| Self::Key(Arc::new(key))).map_err(|error| {
                    let said = format!("{}: {error}", path.display());
                    Failure::usage("key_unusable", said)
                        .with_hint("make one: openssl genpkey -algorithm ed25519 -out key.pem")
                })
            }
            (None, Some(path), _) => workload(path).map(Self::Workload),
            (Some(_), _, None) => Err(Failure::usage(
                "client_missing",
                "nothing says as which client to ask",
            )
            .with_hint("give --client-id ID")),
            _ => Err(Failure::usage(
                "proof_missing",
                "there is nothing to prove which machine this is",
            )
            .with_hint("give --client-id ID and --key FILE, or --workload-token FILE")),
        }
    }
}

fn workload(path: &Path) -> Result<Secret, Failure> {
    let failed = |error: std::io::Error| {
        let said = format!("cannot read {}: {error}", path.display());
        Failure::usage("file_unreadable", said)
    };
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin()
            .take(LIMIT + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(LIMIT + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
    }
    let text = Secret::new(text);
    if text.expose().len() as u64 > LIMIT {
        let said = format!("{} has more than 64 KiB", path.display());
        return Err(Failure::usage("workload_token_long", said));
    }
    let token = text.expose().trim();
    if token.is_empty() {
        return Err(Failure::usage(
            "workload_token_empty",
            format!("{} is empty", path.display()),
        ));
    }
    Ok(Secret::new(token))
}
