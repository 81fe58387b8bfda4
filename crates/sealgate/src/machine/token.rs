//! `sealgate machine token`: an access token for the machine itself, by its key.

use std::path::PathBuf;

use clap::Args;
use sealgate_model::ClientId;
use serde::{Deserialize, Serialize};

use super::enroll::issuer;
use crate::failure::Failure;
use crate::output::{self, Text};
use crate::remote::{self, assertion, signing_key};

#[derive(Debug, Args)]
#[command(
    after_help = "The token on stdout is a secret for as long as it lives, which is minutes. Programs get their own: see\n\
                        docs/how-to/service-accounts.md."
)]
#[expect(
    clippy::doc_markdown,
    reason = "shown in terminals, where backticks are noise"
)]
pub(crate) struct Token {
    /// The service account
    #[arg(value_name = "NAME")]
    client: ClientId,
    /// Its private key in PEM (PKCS #8; Ed25519 or P-256)
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The id that the key was registered under; by default its thumbprint, as `machine enroll` registers it
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// The control plane's issuer [env: SEALGATE_ISSUER]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// A scope; repeat for more. By default all that it is registered for
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A resource that the token is for; repeat for more
    #[arg(long = "resource", value_name = "URI")]
    resources: Vec<String>,
}

/// What the token endpoint answers (RFC 6749, 5.1).
#[derive(Serialize, Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    expires_in: u64,
    scope: String,
}

#[derive(Deserialize)]
struct Refusal {
    error_description: String,
    reason: String,
}

pub(super) async fn run(token: Token, json: bool) -> Result<(), Failure> {
    let issuer = issuer(token.issuer.as_deref())?;
    let key = signing_key(&token.key_file)?;
    let kid = token.key_id.as_deref().unwrap_or(key.kid());
    let mut form = vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", token.client.to_string()),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
        ),
        (
            "client_assertion",
            assertion(&key, Some(kid), &issuer, &token.client)?,
        ),
    ];
    if !token.scopes.is_empty() {
        form.push(("scope", token.scopes.join(" ")));
    }
    form.extend(token.resources.into_iter().map(|uri| ("resource", uri)));
    let request = remote::http()?.post(issuer.url("/oauth/token")).form(&form);
    let (status, body) = remote::send(&issuer, request).await?;
    let foreign = |_| remote::foreign(&issuer);
    if !status.is_success() {
        let refusal: Refusal = serde_json::from_slice(&body).map_err(foreign)?;
        let failure = if status.is_server_error() {
            Failure::unavailable(&refusal.reason, refusal.error_description)
        } else {
            Failure::refused(&refusal.reason, refusal.error_description)
        };
        return Err(failure.with_hint(format!(
            "see how the service account stands: sealgate machine show {}",
            token.client
        )));
    }
    let answer: Answer = serde_json::from_slice(&body).map_err(foreign)?;
    let text = |answer: &Answer| Text {
        data: format!("{}\n", answer.access_token),
        ..Text::default()
    };
    output::print_once(json, &answer, text, || {
        "nothing has changed; run it again".to_owned()
    })
}
