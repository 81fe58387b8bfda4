//! MCP servers behind the gate: each is a resource of its own (RFC 9728, RFC 8707), at its path.
//!
//! Tokens for it are taken there and nowhere else in the application, and the application's tokens and sessions
//! are not taken there. What a message may do is decided by the message itself: its method, and the tool,
//! prompt or resource that it names (docs/decisions/0048-mcp-servers.md).

mod call;
pub(crate) mod door;
mod fields;
mod refusal;
mod rules;
mod sessions;

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

pub use refusal::McpRefusal;
pub use rules::{McpError, McpRules};

use crate::decision::Decision;
use crate::request::Request;
use crate::requirement::Need;
use crate::resource::{Challenges, Metadata};
use crate::settings::Settings;
use call::{Kind, Reference};
use rules::Named;
use sessions::Sessions;

/// One MCP server of an application: what it is called, and who may do what there.
pub struct McpServer {
    path: String,
    audiences: [String; 1],
    base: Need,
    tools: Named,
    prompts: Option<Named>,
    resources: Option<Named>,
    origins: Vec<String>,
    /// The names by which this machine may be asked, where nothing but this machine asks.
    loopback: Option<String>,
    body_limit: usize,
    challenges: Challenges,
    metadata: Metadata,
    sessions: Sessions,
}

impl McpServer {
    /// The server that `rules` describe, in the application of `settings`.
    pub fn new(settings: &Settings, rules: McpRules) -> Result<Self, McpError> {
        rules.check(settings)?;
        let audience = format!("{}{}", settings.base_url, rules.path);
        let metadata = Metadata::of_path(settings, &rules.path, &rules.base.scopes, rules.is_root);
        let challenges = Challenges::new("sealgate", Some(metadata.url()));
        let challenges = challenges.asking_for(&rules.base.scopes);
        let named =
            |needs, are_uris| Named::new(needs, &rules.base, rules.default.as_ref(), are_uris);
        let mut origins = settings.allowed_origins.clone();
        origins.extend(rules.origins);
        Ok(Self {
            sessions: Sessions::new(settings, &audience)?,
            audiences: [audience],
            tools: named(rules.tools, false),
            prompts: rules.prompts.map(|needs| named(needs, false)),
            resources: rules.resources.map(|needs| named(needs, true)),
            base: rules.base,
            origins,
            loopback: settings
                .is_development()
                .then(|| host_of(settings.base_url.origin()).to_owned()),
            body_limit: rules.body_limit,
            challenges,
            metadata,
            path: rules.path,
        })
    }

    /// The resource's identifier: what tokens for it are made for.
    pub fn audience(&self) -> &str {
        &self.audiences[0]
    }

    /// Where its metadata is (RFC 9728, 3.1).
    pub fn metadata_url(&self) -> &str {
        self.metadata.url()
    }

    /// The longest body that is read, in bytes.
    pub const fn body_limit(&self) -> usize {
        self.body_limit
    }

    pub(crate) const fn base(&self) -> &Need {
        &self.base
    }

    pub(crate) const fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    pub(crate) fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// All that is asked of whoever sends a message like this; nothing where it is open to nobody.
    fn needs(&self, kind: &Kind) -> Option<Vec<&Need>> {
        let (prompts, resources) = (self.prompts.as_ref(), self.resources.as_ref());
        let base = || Some(vec![&self.base]);
        match kind {
            Kind::Answer => base(),
            Kind::Method { method, name } => {
                let named = match method.as_str() {
                    "tools/call" => Some(&self.tools),
                    "prompts/get" => prompts,
                    "resources/read" | "resources/subscribe" => resources,
                    _ => None,
                };
                named.map_or_else(base, |named| Some(vec![named.need(name.as_deref()?)?]))
            }
            Kind::Complete(Reference::Prompt(name)) => {
                prompts.map_or_else(base, |named| Some(vec![named.need(name)?]))
            }
            Kind::Complete(Reference::Resource(uri)) => {
                resources.map_or_else(base, |named| named.needs_of(uri))
            }
            Kind::Listen(uris) => resources.map_or_else(base, |named| {
                let needs = uris.iter().map(|uri| named.need(uri));
                std::iter::once(Some(&self.base)).chain(needs).collect()
            }),
        }
    }
}

impl std::fmt::Debug for McpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "McpServer({:?})", self.path)
    }
}

/// One MCP server, as what a route asks for. It is itself and no other one, whatever that asks for.
#[derive(Debug, Clone)]
pub struct McpResource(Arc<McpServer>);

impl Deref for McpResource {
    type Target = McpServer;

    fn deref(&self) -> &McpServer {
        &self.0
    }
}

impl PartialEq for McpResource {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for McpResource {}

impl Hash for McpResource {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.path.hash(state);
    }
}

/// The MCP servers of an application. They are added while it is put together, and whoever has a copy of its
/// settings sees the same ones.
#[derive(Debug, Clone, Default)]
pub struct McpServers(Arc<RwLock<Vec<Arc<McpServer>>>>);

impl McpServers {
    /// Adds a server; an error when another one is at its path, or at the root of the host with its metadata.
    pub(crate) fn add(&self, server: McpServer) -> Result<McpResource, McpError> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.iter().any(|other| other.path == server.path) {
            return Err(McpError::PathTaken(server.path));
        }
        let is_root = |server: &McpServer| server.metadata.is_root();
        if is_root(&server) && known.iter().any(|other| is_root(other)) {
            return Err(McpError::RootTaken);
        }
        let server = Arc::new(server);
        known.push(Arc::clone(&server));
        Ok(McpResource(server))
    }

    /// The answer to a question for the metadata of one of them.
    pub(crate) fn metadata(&self, request: &Request<'_>) -> Option<Decision> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .find_map(|server| server.metadata.answer(request))
    }
}

impl Settings {
    /// Adds an MCP server to the application.
    pub fn add_mcp_server(&self, rules: McpRules) -> Result<McpResource, McpError> {
        self.mcp.add(McpServer::new(self, rules)?)
    }
}

/// The host in an origin, or in a `Host` field, without its port.
fn host_of(authority: &str) -> &str {
    let authority = authority
        .split_once("://")
        .map_or(authority, |(_, rest)| rest);
    match authority.rsplit_once(':') {
        // An address of IPv6 has colons of its own, in brackets.
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests;
