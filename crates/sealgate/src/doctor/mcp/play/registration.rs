//! How the client becomes known to the authorization server.

use serde_json::Value;
use url::Url;

use super::super::facts::INSPECTOR;
use super::super::rules::{Client, Way};
use super::discovery::{Known, has};
use super::{Failing, Fate, Play, fails};

const STEP: &str = "registration";

impl Play<'_> {
    /// Goes the client's ways in their order, as far as that changes nothing.
    pub(super) fn register(&mut self, server: &Known) -> Result<Fate, Failing> {
        let metadata = &server.metadata;
        let documents = metadata.get("client_id_metadata_document_supported");
        let documents = documents == Some(&Value::Bool(true));
        let none = has(
            metadata.get("token_endpoint_auth_methods_supported"),
            "none",
        );
        let mut missed = Vec::new();
        for way in self.client.ways {
            match way.does {
                Way::Document {
                    needs_none: true, ..
                } if documents && !none => {
                    missed.push("documents about clients are taken, but `none` is not listed in token_endpoint_auth_methods_supported");
                }
                Way::Document { url, .. } if documents => {
                    let url = url.unwrap_or("a document of its own");
                    self.did(STEP, format!("known by {url}"));
                    return self.token(server);
                }
                Way::Document { .. } => {
                    missed.push("client_id_metadata_document_supported is not true");
                }
                Way::Dynamic { .. } => match endpoint(metadata) {
                    Some(at) => return self.dynamic(server, &at, way.source, &missed),
                    None => missed.push("there is no registration_endpoint"),
                },
                Way::Asks => {
                    self.did(STEP, "the client asks the person for a client id");
                    return self.token(server).map(|_| Fate::Asks);
                }
            }
        }
        let source = self.client.ways.iter().find_map(|way| way.source);
        fails(
            STEP,
            source,
            missed.join("; "),
            "advertise client_id_metadata_document_supported: true and `none`, or open registration (RFC 7591); \
             or register the client beforehand and give people its client id",
        )
    }

    fn dynamic(
        &mut self,
        server: &Known,
        at: &str,
        source: Option<&'static str>,
        missed: &[&str],
    ) -> Result<Fate, Failing> {
        let why = if missed.is_empty() {
            String::new()
        } else {
            format!(", as {}", missed.join("; "))
        };
        match self.facts.registered.get(self.client.name) {
            None => self.did(
                STEP,
                format!(
                    "registers itself at {at}{why}; not tried, since that changes something there"
                ),
            ),
            Some(Ok(page))
                if matches!(page.status, 200 | 201) && page.text("client_id").is_some() =>
            {
                self.did(STEP, format!("registered itself at {at}{why}"));
            }
            Some(Ok(page)) => {
                let error = page
                    .text("error")
                    .unwrap_or_else(|| "no error code".to_owned());
                return fails(
                    STEP,
                    source,
                    format!(
                        "{at} answers {} ({error}) to the client's redirect URIs{why}",
                        page.status
                    ),
                    "take its redirect URIs, or do not advertise registration_endpoint: \
                     clients that see one do not look further",
                );
            }
            Some(Err(error)) => {
                return fails(STEP, source, format!("{at}: {error}"), "serve it");
            }
        }
        if self.client.browser.is_some()
            && let Some(Ok(page)) = self.facts.registered.get(self.client.name)
            && !page.opened_to(INSPECTOR)
        {
            return fails(
                STEP,
                self.client.browser,
                format!("a browser does not let its page read the answer of {at}"),
                "send Access-Control-Allow-Origin: * with it",
            );
        }
        let tried = self.facts.registered.contains_key(self.client.name);
        let fate = self.token(server)?;
        Ok(if tried { fate } else { Fate::Maybe })
    }

    /// What can be seen of the token endpoint.
    fn token(&mut self, server: &Known) -> Result<Fate, Failing> {
        const STEP: &str = "token request";
        let token = self.facts.servers.get(&server.at);
        let token = token.and_then(|server| server.token.as_ref());
        match token {
            Some(Err(error)) => {
                return fails(STEP, None, format!("nothing answers: {error}"), "serve it");
            }
            Some(Ok(page)) if self.client.browser.is_some() && !page.opened_to(INSPECTOR) => {
                return fails(
                    STEP,
                    self.client.browser,
                    "a browser does not let its page read the token endpoint's answer",
                    "send Access-Control-Allow-Origin: * with it: it takes no cookies",
                );
            }
            _ => {}
        }
        if self.client.browser.is_some()
            && let Ok(page) = &self.facts.preflight
            && !allowed(page)
        {
            return fails(
                "first message with a token",
                self.client.browser,
                "the server does not allow pages to send Authorization, Content-Type and MCP-Protocol-Version",
                "answer OPTIONS without a token, with Access-Control-Allow-Headers",
            );
        }
        let scopes = server.metadata.get("scopes_supported");
        if has(scopes, "offline_access") {
            self.did(
                STEP,
                "offline_access is listed: a client can ask to stay signed in",
            );
        } else {
            self.did(
                STEP,
                "offline_access is not listed: people may have to sign in again often",
            );
        }
        Ok(Fate::Works)
    }
}

/// Whether a preflight lets a page of the Inspector send a token.
pub(in super::super) fn allowed(page: &super::super::facts::Page) -> bool {
    let headers = page.header("access-control-allow-headers");
    let needed = ["authorization", "content-type", "mcp-protocol-version"];
    // A star does not stand for Authorization (Fetch, 4.9).
    let plain = headers.unwrap_or_default().to_ascii_lowercase();
    (200..300).contains(&page.status)
        && page.opened_to(INSPECTOR)
        && needed
            .iter()
            .all(|name| super::super::facts::listed(headers, name))
        && plain.split(',').any(|name| name.trim() == "authorization")
}

fn endpoint(metadata: &Value) -> Option<String> {
    let url = metadata.get("registration_endpoint")?.as_str()?;
    Url::parse(url).ok().map(|_| url.to_owned())
}

/// What `client` would register at a server with this metadata, and where; `None` if it does not come to that.
pub(in super::super) fn would_register(
    client: &Client,
    metadata: &Value,
) -> Option<(&'static [&'static str], String)> {
    let documents =
        metadata.get("client_id_metadata_document_supported") == Some(&Value::Bool(true));
    let none = has(
        metadata.get("token_endpoint_auth_methods_supported"),
        "none",
    );
    for way in client.ways {
        match way.does {
            Way::Document { needs_none, .. } if documents && (none || !needs_none) => return None,
            Way::Document { .. } => {}
            Way::Dynamic { redirects } => return Some((redirects, endpoint(metadata)?)),
            Way::Asks => return None,
        }
    }
    None
}
