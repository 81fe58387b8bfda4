//! Asks the server, and whatever it names, what clients would ask; and a few things that an attacker
//! would. Nothing is changed there unless registration is tried.

use std::collections::BTreeMap;

use sealgate_host::SystemRandom;
use sealgate_model::Secret;
use serde_json::{Value, json};
use url::Url;

use super::super::web::{Ask, Web};
use super::facts::{Facts, Fetched, INSPECTOR, Page, Server, at, resource_places};
use super::play::{first_server, is_loopback, is_private, server_places, would_register};
use super::rules::{Client, Form};

const FORMS: [Form; 4] = [
    Form::OauthInserted,
    Form::OpenidInserted,
    Form::OpenidAppended,
    Form::OauthRoot,
];

/// An origin that nobody can have (RFC 2606).
const STRANGER: &str = "https://stranger.invalid";

/// What is asked for that was never given out.
const NO_TOKEN: &str = "sealgate-doctor-presents-no-token";

/// The most documents that are looked at: a server names them.
const DOCUMENT_LIMIT: usize = 40;

/// Looks at everything. `register` are the clients as which registration is tried.
pub(super) async fn look(web: &Web, url: &Url, register: &[&'static Client]) -> Facts {
    let looker = Looker { web, url };
    let bearer = format!("Bearer {NO_TOKEN}");
    let mut query = url.clone();
    query
        .query_pairs_mut()
        .append_pair("access_token", NO_TOKEN);
    let preflight = [
        ("origin", INSPECTOR),
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,content-type,mcp-protocol-version",
        ),
    ];
    let other = sibling(url);
    let mut facts = Facts {
        url: url.clone(),
        asked: looker.message(url, &[("origin", INSPECTOR)]).await,
        bad_token: looker.message(url, &[("authorization", &bearer)]).await,
        query_token: looker.message(&query, &[]).await,
        foreign: looker.message(url, &[("origin", STRANGER)]).await,
        preflight: looker.ask("OPTIONS", url.as_str(), &preflight, None).await,
        sibling: (other.to_string(), looker.message(&other, &[]).await),
        documents: BTreeMap::new(),
        servers: BTreeMap::new(),
        registered: BTreeMap::new(),
    };
    // A server that refuses the Inspector's origin is asked again as a program asks.
    if facts.asked.as_ref().is_ok_and(|page| page.status == 403) {
        facts.asked = looker.message(url, &[]).await;
    }
    looker.documents(&mut facts).await;
    looker.servers(&mut facts).await;
    looker.registrations(&mut facts, register).await;
    facts
}

/// The URL with a slash at its end, or without the one it has.
fn sibling(url: &Url) -> Url {
    let mut other = url.clone();
    let path = match url.path().strip_suffix('/') {
        Some(path) => path.to_owned(),
        None => format!("{}/", url.path()),
    };
    other.set_path(&path);
    other
}

struct Looker<'a> {
    web: &'a Web,
    url: &'a Url,
}

impl Looker<'_> {
    /// The first message of a conversation (MCP, lifecycle).
    async fn message(&self, url: &Url, headers: &[(&str, &str)]) -> Fetched {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": { "name": "sealgate-doctor", "version": env!("CARGO_PKG_VERSION") },
            },
        });
        let fixed = [
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
        ];
        let headers = [&fixed, headers].concat();
        self.ask("POST", url.as_str(), &headers, Some(body.to_string()))
            .await
    }

    async fn ask(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Fetched {
        let named = Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
        self.may_ask(&named)?;
        let seen = self
            .web
            .ask(Ask {
                method,
                url,
                headers,
                body,
            })
            .await?;
        Ok(Page {
            status: seen.status,
            headers: seen.headers,
            body: seen.body,
        })
    }

    /// Whether a URL that the server names is one to ask: it must not send us to what only this machine
    /// or its network can reach, nor have us speak in the clear elsewhere.
    fn may_ask(&self, url: &Url) -> Result<(), String> {
        let ours = url.host() == self.url.host();
        if !matches!(url.scheme(), "https" | "http") {
            return Err(format!("{url} is no web address"));
        }
        if is_private(url) && !ours && !(is_loopback(url) && is_loopback(self.url)) {
            return Err(format!(
                "{url} is not asked: it is no public address, and the server is elsewhere"
            ));
        }
        let plain = ours && self.url.scheme() == "http";
        if url.scheme() == "http" && !plain && !is_loopback(url) {
            return Err(format!("{url} is not asked: it is plain http"));
        }
        Ok(())
    }

    async fn document(&self, facts: &mut Facts, url: String) {
        if facts.documents.len() >= DOCUMENT_LIMIT || facts.documents.contains_key(&url) {
            return;
        }
        let headers = [("accept", "application/json"), ("origin", INSPECTOR)];
        let page = self.ask("GET", &url, &headers, None).await;
        facts.documents.insert(url, page);
    }

    /// The resource's metadata and those of the authorization servers, wherever a client would look.
    async fn documents(&self, facts: &mut Facts) {
        let told = facts.asked.as_ref().ok();
        let told = told.and_then(|page| page.challenged("resource_metadata"));
        let mut places = resource_places(self.url);
        places.extend(told);
        for place in &places {
            self.document(facts, place.clone()).await;
        }
        let named = places.iter().filter_map(|place| facts.found(place)?.json());
        let mut issuers: Vec<Url> = named
            .filter_map(|metadata| Url::parse(&first_server(&metadata)?).ok())
            .collect();
        // Where clients look that find no metadata of the resource.
        issuers.extend(Url::parse(&at(self.url, "/")));
        issuers.push(self.url.clone());
        for issuer in issuers {
            for place in server_places(&issuer, &FORMS) {
                self.document(facts, place).await;
            }
        }
    }

    /// The endpoints of the authorization servers, asked as a client that nobody knows.
    async fn servers(&self, facts: &mut Facts) {
        let mut asked: BTreeMap<String, Server> = BTreeMap::new();
        let unknown = format!(
            "sealgate-doctor-{}",
            Secret::generate(&SystemRandom).expose()
        );
        for (place, metadata) in servers(facts) {
            let endpoint = |name: &str| Some(metadata.get(name)?.as_str()?.to_owned());
            let token = endpoint("token_endpoint");
            let key = token.clone().unwrap_or_default();
            if !asked.contains_key(&key) {
                let authorization = endpoint("authorization_endpoint");
                let server = Server {
                    token: match token {
                        Some(url) => Some(self.token(&url, &unknown).await),
                        None => None,
                    },
                    authorization: match authorization {
                        Some(url) => Some(self.authorization(&url, &unknown).await),
                        None => None,
                    },
                };
                asked.insert(key.clone(), server);
            }
            let server = asked[&key].clone();
            facts.servers.insert(place, server);
        }
    }

    async fn token(&self, url: &str, client: &str) -> Fetched {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", NO_TOKEN)
            .append_pair("code_verifier", &"x".repeat(43))
            .append_pair("redirect_uri", "http://127.0.0.1/callback")
            .append_pair("client_id", client);
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
            ("origin", INSPECTOR),
        ];
        self.ask("POST", url, &headers, Some(form.finish())).await
    }

    async fn authorization(&self, url: &str, client: &str) -> Fetched {
        let mut url = Url::parse(url).map_err(|error| error.to_string())?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client)
            .append_pair("redirect_uri", &format!("{STRANGER}/callback"))
            .append_pair("state", "sealgate-doctor")
            .append_pair("code_challenge", &"x".repeat(43))
            .append_pair("code_challenge_method", "S256")
            .append_pair("resource", self.url.as_str());
        self.ask("GET", url.as_str(), &[("accept", "text/html")], None)
            .await
    }

    /// Registers as each client that would, and takes it back where the server lets us (RFC 7592, 2.3).
    async fn registrations(&self, facts: &mut Facts, clients: &[&'static Client]) {
        let Some((_, metadata)) = servers(facts).into_iter().next() else {
            return;
        };
        for client in clients {
            let Some((redirects, endpoint)) = would_register(client, &metadata) else {
                continue;
            };
            let body = json!({
                "client_name": format!("Sealgate doctor, as {}", client.title),
                "redirect_uris": redirects,
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
            });
            let headers = [
                ("content-type", "application/json"),
                ("accept", "application/json"),
                ("origin", INSPECTOR),
            ];
            let page = self
                .ask("POST", &endpoint, &headers, Some(body.to_string()))
                .await;
            if let Ok(page) = &page
                && let Some(place) = page.text("registration_client_uri")
                && let Some(token) = page.text("registration_access_token")
            {
                let bearer = format!("Bearer {token}");
                // What is left there is the server's to forget.
                let _ = self
                    .ask("DELETE", &place, &[("authorization", &bearer)], None)
                    .await;
            }
            facts.registered.insert(client.name, page);
        }
    }
}

/// The documents that are an authorization server's metadata: those that name an issuer; of the one that
/// the resource names first.
pub(super) fn servers(facts: &Facts) -> Vec<(String, Value)> {
    let issuer = issuer(facts);
    let all = facts.documents.keys().filter_map(|place| {
        let metadata = facts.found(place)?.json()?;
        metadata.get("issuer")?;
        Some((place.clone(), metadata))
    });
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(_, metadata)| {
        metadata.get("issuer").and_then(Value::as_str) != issuer.as_deref()
    });
    all
}

/// The issuer that the resource's metadata name, from wherever they are.
pub(super) fn issuer(facts: &Facts) -> Option<String> {
    let told = facts.asked.as_ref().ok();
    let told = told.and_then(|page| page.challenged("resource_metadata"));
    let mut places = told.into_iter().chain(resource_places(&facts.url));
    places.find_map(|place| first_server(&facts.found(&place)?.json()?))
}
