//! `sealgate login URL`.

use sealgate_agent::device::DeviceCode;
use sealgate_agent::dpop::Prover;
use sealgate_agent::flow::{SignIn as Begun, SignInRequest};
use sealgate_agent::registration::{self, Client, Given, Origin, Profile, Way};
use sealgate_agent::token::{For, TokenEndpoint, Tokens};
use sealgate_agent::vault::{Vault, VaultError};
use sealgate_agent::{AgentError, ServerMetadata, scopes};
use sealgate_model::Clock as _;

use super::browser::{self, Listener};
use super::find::{self, Found};
use super::kept::{self, Kept, Shown, SignedIn};
use super::{Hands, SignIn, told};
use crate::failure::Failure;
use crate::{output, screen};

pub(super) async fn run(arguments: SignIn, json: bool) -> Result<(), Failure> {
    let hands = Hands::new(&arguments.trust)?;
    let url = arguments.url.clone().unwrap_or_default();
    let vault = usable(super::vault()?)?;
    let found = find::find(&hands, &url).await?;
    let prover = if arguments.dpop {
        Some(Prover::generate().map_err(told::agent)?)
    } else {
        None
    };
    let begun = Beginning {
        hands: &hands,
        vault: &vault,
        arguments: &arguments,
        found: &found,
        prover,
    };
    let (client, tokens) = if arguments.device {
        begun.by_device().await?
    } else {
        begun.by_browser().await?
    };
    let name = arguments.name.clone().unwrap_or_else(|| default_name(&url));
    let signed_in = SignedIn {
        url: &url,
        resource: begun.resource(),
        device: arguments.device,
        client: &client,
        tokens: &tokens,
        prover: begun.prover.as_ref(),
    };
    let kept = Kept::new(&signed_in, hands.clock.now())?;
    kept::put(&vault, &hands, &name, &kept)?;
    output::print(json, &Shown::new(&name, &kept), Shown::text)
}

/// A vault that can keep something, asked before anybody signs in.
fn usable(vault: Vault) -> Result<Vault, Failure> {
    match vault.read() {
        Err(VaultError::KeyGone) => {
            vault.start_anew().map_err(told::vault)?;
            screen::talk(
                "The keyring has forgotten the vault's key, and so what was kept is lost. It begins anew.\n",
            );
        }
        Err(error) => return Err(told::vault(error)),
        Ok(_) => {}
    }
    // To find out now that there is nothing to keep with, and not after the sign-in.
    vault
        .change(&sealgate_host::SystemRandom, |_| Ok(()))
        .map_err(told::vault)?;
    Ok(vault)
}

/// The host and path of a URL.
fn default_name(url: &str) -> String {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    let bare: String = bare.split(['?', '#']).next().unwrap_or_default().to_owned();
    let bare: String = bare
        .trim_end_matches('/')
        .chars()
        .filter(char::is_ascii_graphic)
        .collect();
    bare.chars().take(super::NAME_LIMIT).collect()
}

/// All that a sign-in begins with.
struct Beginning<'a> {
    hands: &'a Hands,
    vault: &'a Vault,
    arguments: &'a SignIn,
    found: &'a Found,
    prover: Option<Prover>,
}

impl Beginning<'_> {
    fn server(&self) -> &ServerMetadata {
        &self.found.discovered.server
    }

    fn resource(&self) -> Option<String> {
        let named = self.found.discovered.resource_id().map(str::to_owned);
        self.arguments.resource.clone().or(named)
    }

    fn asked(&self) -> For {
        let wished = &self.arguments.scopes;
        let server = self.server();
        let scopes = if wished.is_empty() {
            let demanded = self.found.demanded.as_deref();
            let resource = self.found.discovered.resource.as_ref();
            scopes::select(&[], demanded, &[], resource, server, true)
        } else {
            wished.clone()
        };
        let scopes = if scopes.is_empty() {
            let usual = ["openid", scopes::OFFLINE];
            let usual = usual.iter().filter(|scope| server.knows_scope(scope));
            usual.map(|scope| (*scope).to_owned()).collect()
        } else {
            scopes
        };
        For {
            resource: self.resource(),
            scopes,
        }
    }

    fn endpoint<'b>(&'b self, client: &'b Client) -> TokenEndpoint<'b> {
        TokenEndpoint {
            http: &self.hands.http,
            reach: self.found.discovered.reach,
            server: self.server(),
            client,
            prover: self.prover.as_ref(),
            clock: &self.hands.clock,
            random: &self.hands.random,
        }
    }

    /// The client to be at that server: the one that was given, one that registered before, or a new one.
    async fn client(&self, redirect_uri: Option<String>) -> Result<Client, Failure> {
        if self.arguments.client_id.is_none()
            && let Some(known) = self.registered()?
        {
            return Ok(known);
        }
        self.new_client(redirect_uri).await
    }

    /// The client that was given, or a new one.
    async fn new_client(&self, redirect_uri: Option<String>) -> Result<Client, Failure> {
        let given = self.arguments.client_id.as_ref().map(|id| Given {
            id: id.clone(),
            secret: None,
            key: None,
            issuer: None,
        });
        let profile = Profile {
            name: "Sealgate command line".to_owned(),
            redirect_uri,
            document: None,
            registers: true,
        };
        let server = self.server();
        match registration::choose(server, given.as_ref(), &profile).map_err(told::agent)? {
            Way::Known(client) => Ok(client),
            Way::Register(at) => {
                let reach = self.found.discovered.reach;
                let made = registration::register(&self.hands.http, server, at, &profile, reach);
                made.await.map_err(told::agent)
            }
            Way::Ask => Err(told::agent(AgentError::NotRegistered(
                server.issuer.clone(),
            ))),
        }
    }

    /// A client that registered itself there for the same kind of sign-in, so that registrations do not pile up.
    fn registered(&self) -> Result<Option<Client>, Failure> {
        let content = self.vault.read().map_err(told::vault)?;
        let names = kept::names(&content);
        let known = names
            .iter()
            .filter_map(|name| kept::get(&content, name)?.ok());
        let mut known = known.filter(|kept| {
            kept.issuer == self.server().issuer && kept.device == self.arguments.device
        });
        let client = known.find_map(|kept| {
            let client = kept.client();
            (client.origin == Origin::Dynamic).then_some(client)
        });
        Ok(client)
    }

    async fn by_browser(&self) -> Result<(Client, Tokens), Failure> {
        let listener = Listener::open().await?;
        let redirect_uri = listener.redirect_uri();
        let client = self.client(Some(redirect_uri.clone())).await?;
        let thumbprint = self.prover.as_ref().map(Prover::thumbprint).transpose();
        let request = SignInRequest {
            server: self.server(),
            client: &client,
            redirect_uri: &redirect_uri,
            asked: self.asked(),
            dpop_jkt: thumbprint.map_err(told::agent)?,
            prompt: None,
        };
        let mut sign_in = Begun::begin(request, &self.hands.random).map_err(told::agent)?;
        if self.server().require_pushed_authorization_requests {
            let pushed = sign_in.push(&self.endpoint(&client)).await;
            sign_in = pushed.map_err(told::agent)?;
        }
        browser::show(&sign_in.url, self.arguments.no_open);
        let answer = listener.answer(&sign_in.url).await?;
        // Only now: a second answer finds nobody.
        drop(listener);
        let code = sign_in.finish(&answer).map_err(told::agent)?;
        let tokens = self
            .endpoint(&client)
            .redeem(code)
            .await
            .map_err(told::agent)?;
        Ok((client, tokens))
    }

    async fn by_device(&self) -> Result<(Client, Tokens), Failure> {
        let mut client = self.client(None).await?;
        let asked = self.asked();
        let mut code = DeviceCode::begin(&self.endpoint(&client), &asked).await;
        let forgotten = matches!(&code, Err(AgentError::Refused(code)) if code == "invalid_client");
        if forgotten && client.origin == Origin::Dynamic {
            // A server may forget who registered there.
            client = self.new_client(None).await?;
            code = DeviceCode::begin(&self.endpoint(&client), &asked).await;
        }
        let code = code.map_err(told::agent)?;
        let until = output::date(code.ends_at);
        screen::talk(&format!(
            "On any device, open\n\n  {}\n\nand enter this code, until {until}:\n\n  {}\n\n",
            screen::clean(code.verification_uri.as_str()),
            screen::clean(&code.user_code),
        ));
        let tokens = code.wait(&self.endpoint(&client), &asked).await;
        let tokens = tokens.map_err(told::agent)?;
        Ok((client, tokens))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_called_after_the_host_and_path() {
        assert_eq!(
            default_name("https://notes.example/mcp/?x#y"),
            "notes.example/mcp"
        );
        assert_eq!(default_name("http://127.0.0.1:8420"), "127.0.0.1:8420");
        assert_eq!(
            default_name(&format!("https://{}", "a".repeat(300))).len(),
            super::super::NAME_LIMIT
        );
    }
}
