//! A small MCP server with its authorization server, to be broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use url::Url;

use super::super::clients::CLIENTS;
use super::super::facts::{Facts, INSPECTOR};
use super::super::{Examined, checks, look, play};
use crate::doctor::report::Report;
use crate::doctor::web::Web;

/// How the servers answer. `SERVER` stands for their origin.
#[expect(clippy::struct_excessive_bools, reason = "each is a thing to break")]
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) status: u16,
    pub(super) challenge: String,
    pub(super) bad_token: String,
    pub(super) reads_query: bool,
    /// The status for a page of a foreign origin.
    pub(super) foreign: u16,
    pub(super) metadata: Value,
    /// Where the resource's metadata are.
    pub(super) metadata_at: Vec<&'static str>,
    /// Whether the root's metadata are about the whole origin.
    pub(super) whole_origin: bool,
    pub(super) metadata_type: &'static str,
    pub(super) server: Value,
    pub(super) server_at: Vec<&'static str>,
    /// What is answered where there is nothing.
    pub(super) nothing: u16,
    pub(super) token: (u16, Value, &'static str),
    pub(super) redirects_strangers: bool,
    pub(super) register: (u16, Value),
    /// Whether pages of other origins may read what is public.
    pub(super) open: bool,
    pub(super) open_token: bool,
    pub(super) preflight: u16,
    /// How the URL with a slash answers.
    pub(super) slash: u16,
}

impl Default for World {
    fn default() -> Self {
        let challenge = "Bearer resource_metadata=\"SERVER/.well-known/oauth-protected-resource/mcp\", scope=\"notes:read\"";
        Self {
            status: 401,
            challenge: challenge.to_owned(),
            bad_token: format!("{challenge}, error=\"invalid_token\""),
            reads_query: false,
            foreign: 403,
            metadata: json!({
                "resource": "SERVER/mcp",
                "authorization_servers": ["SERVER/id"],
                "scopes_supported": ["notes:read"],
                "bearer_methods_supported": ["header"],
            }),
            metadata_at: vec![
                "/.well-known/oauth-protected-resource/mcp",
                "/.well-known/oauth-protected-resource",
            ],
            whole_origin: false,
            metadata_type: "application/json",
            server: json!({
                "issuer": "SERVER/id",
                "authorization_endpoint": "SERVER/id/authorize",
                "token_endpoint": "SERVER/id/token",
                "registration_endpoint": "SERVER/id/register",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "offline_access"],
                "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
                "client_id_metadata_document_supported": true,
                "authorization_response_iss_parameter_supported": true,
            }),
            server_at: vec![
                "/.well-known/oauth-authorization-server/id",
                "/.well-known/openid-configuration/id",
                "/id/.well-known/openid-configuration",
            ],
            nothing: 404,
            token: (401, json!({ "error": "invalid_client" }), "no-store"),
            redirects_strangers: false,
            register: (
                201,
                json!({
                    "client_id": "c1",
                    "registration_client_uri": "SERVER/id/register/c1",
                    "registration_access_token": "t1",
                }),
            ),
            open: true,
            open_token: true,
            preflight: 204,
            slash: 308,
        }
    }
}

#[derive(Clone)]
struct Serving {
    world: Arc<World>,
    origin: String,
    registrations: Arc<AtomicUsize>,
    removals: Arc<AtomicUsize>,
}

/// A world that is served.
pub(super) struct Served {
    serving: Serving,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl World {
    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) async fn serve(self) -> Served {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let serving = Serving {
            world: Arc::new(self),
            origin: format!("http://{}", listener.local_addr().unwrap()),
            registrations: Arc::default(),
            removals: Arc::default(),
        };
        let app = axum::Router::new()
            .fallback(answer)
            .with_state(serving.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Served { serving, task }
    }
}

impl Served {
    pub(super) async fn facts(&self, register: &[&str]) -> Facts {
        let url = Url::parse(&format!("{}/mcp", self.serving.origin)).unwrap();
        let chosen = CLIENTS
            .iter()
            .filter(|client| register.contains(&client.name));
        let chosen: Vec<_> = chosen.collect();
        look::look(&Web::new(None).unwrap(), &url, &chosen).await
    }

    pub(super) async fn examine(&self, register: &[&str]) -> Examined {
        let facts = self.facts(register).await;
        let mut report = Report::default();
        checks::check(&facts, &mut report);
        let clients = CLIENTS.iter().map(|client| play::play(client, &facts));
        Examined {
            url: facts.url.to_string(),
            report,
            clients: clients.collect(),
            chosen: false,
        }
    }

    pub(super) fn masked(&self, text: &str) -> String {
        text.replace(&self.serving.origin, "SERVER")
    }

    pub(super) fn registrations(&self) -> usize {
        self.serving.registrations.load(Ordering::SeqCst)
    }

    pub(super) fn removals(&self) -> usize {
        self.serving.removals.load(Ordering::SeqCst)
    }
}

async fn answer(State(serving): State<Serving>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let query = request.uri().query().unwrap_or_default().to_owned();
    serving.answer(&method, &path, &query, request.headers())
}

impl Serving {
    fn answer(&self, method: &Method, path: &str, query: &str, headers: &HeaderMap) -> Response {
        let world = &self.world;
        let origin = headers
            .get("origin")
            .and_then(|origin| origin.to_str().ok());
        match (method.as_str(), path) {
            ("OPTIONS", "/mcp") => self.respond(
                world.preflight,
                &[(
                    "access-control-allow-headers",
                    "authorization, content-type, mcp-protocol-version",
                )],
                "",
            ),
            ("POST", "/mcp") if origin.is_some_and(|origin| origin != INSPECTOR) => {
                self.respond(world.foreign, &[], "")
            }
            ("POST", "/mcp") => {
                let read = world.reads_query && query.contains("access_token=");
                let bad = headers.contains_key("authorization") || read;
                let challenge = if bad {
                    &world.bad_token
                } else {
                    &world.challenge
                };
                let exposed = [
                    ("www-authenticate", challenge.as_str()),
                    ("access-control-expose-headers", "WWW-Authenticate"),
                ];
                let known = if challenge.is_empty() {
                    &exposed[1..]
                } else {
                    &exposed
                };
                self.respond(world.status, known, "{}")
            }
            ("POST", "/mcp/") => self.respond(
                world.slash,
                &[("location", "/mcp"), ("www-authenticate", &world.challenge)],
                "",
            ),
            ("POST", "/id/token") => {
                let (status, body, cache) = &world.token;
                let answer = [
                    ("cache-control", *cache),
                    ("content-type", "application/json"),
                ];
                self.respond_open(world.open_token, *status, &answer, &body.to_string())
            }
            ("GET", "/id/authorize") if world.redirects_strangers => self.respond(
                302,
                &[(
                    "location",
                    "https://stranger.invalid/callback?error=unauthorized_client",
                )],
                "",
            ),
            ("GET", "/id/authorize") => self.respond(400, &[], "unknown client"),
            ("POST", "/id/register") => {
                self.registrations.fetch_add(1, Ordering::SeqCst);
                let (status, body) = &world.register;
                self.respond(
                    *status,
                    &[("content-type", "application/json")],
                    &body.to_string(),
                )
            }
            ("DELETE", "/id/register/c1") => {
                assert_eq!(headers["authorization"], "Bearer t1");
                self.removals.fetch_add(1, Ordering::SeqCst);
                self.respond(204, &[], "")
            }
            ("GET", "/.well-known/oauth-protected-resource") if world.whole_origin => {
                let mut metadata = world.metadata.clone();
                metadata["resource"] = json!("SERVER");
                let kind = [("content-type", world.metadata_type)];
                self.respond(200, &kind, &metadata.to_string())
            }
            ("GET", path) if world.metadata_at.contains(&path) => self.respond(
                200,
                &[("content-type", world.metadata_type)],
                &world.metadata.to_string(),
            ),
            ("GET", path) if world.server_at.contains(&path) => self.respond(
                200,
                &[("content-type", "application/json")],
                &world.server.to_string(),
            ),
            _ => self.respond(world.nothing, &[], "nothing"),
        }
    }

    fn respond(&self, status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        self.respond_open(self.world.open, status, headers, body)
    }

    fn respond_open(
        &self,
        open: bool,
        status: u16,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut response = http::Response::builder().status(status);
        if open {
            response = response.header("access-control-allow-origin", "*");
        }
        for (name, value) in headers {
            response = response.header(*name, value.replace("SERVER", &self.origin));
        }
        response
            .body(Body::from(body.replace("SERVER", &self.origin)))
            .unwrap()
    }
}
