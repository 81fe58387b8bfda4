//! The door of an MCP server: who gets as far as it, and which messages go on.

use serde_json::Value;

use super::call::Message;
use super::fields::Fields;
use super::refusal::McpRefusal;
use super::rules::with_base;
use super::{McpError, McpResource, McpRules, McpServer, host_of};
use crate::caller::{Caller, CredentialKind};
use crate::cookies::Found;
use crate::decision::Decision;
use crate::denial::Denial;
use crate::gate::{Gate, Refused};
use crate::origin::Whence;
use crate::page;
use crate::request::{Request, Seen, Transport};
use crate::requirement::{Need, Requirement};
use crate::resource::{Came, Presented, Scheme};
use crate::response::Response;

/// A request that is at the door: its caller is known.
#[derive(Debug, Clone, Copy)]
pub struct McpAsked<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// The request.
    pub request: &'a Request<'a>,
}

impl Gate {
    /// Adds an MCP server to the application.
    pub fn add_mcp_server(&self, rules: McpRules) -> Result<McpResource, McpError> {
        self.common().settings().add_mcp_server(rules)
    }

    /// Decides about a request for an MCP server, before its body. Nothing that a browser adds by itself is a
    /// credential there: a session cookie is not looked at.
    pub(crate) fn decide_for_mcp(
        &self,
        server: &McpResource,
        request: &Request<'_>,
        requirement: &Requirement,
    ) -> Decision {
        if !server.is_called_so(request) {
            return Decision::Respond(McpRefusal::Host.answer(&Value::Null));
        }
        let seen = Seen::read(request, self.common().names());
        let own = self.common().settings().base_url.origin();
        let refused = |denial, came| self.deny(Refused::new(denial, came), requirement, None);
        if seen.whence_among(request.transport, own, &server.origins) == Whence::Elsewhere {
            return refused(Denial::CrossOrigin, Came::Unclear);
        }
        if request.transport != Transport::Http {
            return refused(Denial::CredentialUnsupported, Came::Unclear);
        }
        let (scheme, rest) = match seen.token() {
            Found::Nothing => return refused(Denial::CredentialMissing, Came::Unclear),
            Found::Several => return refused(Denial::CredentialSeveral, Came::Unclear),
            Found::One(value) => match Scheme::of(value) {
                Some(found) => found,
                None => return refused(Denial::CredentialMissing, Came::Unclear),
            },
        };
        match Presented::new(scheme, rest, seen.dpop) {
            Ok(presented) => self.token(&presented, request, requirement),
            Err(denial) => refused(denial, Came::Token(scheme)),
        }
    }

    /// What the server calls the session that a request is about, if it is about one; or the answer to a
    /// request that does not go on, whatever its body is.
    ///
    /// A `POST` goes on to [`Self::mcp_message`].
    pub fn mcp_arrives<'a>(
        &self,
        server: &McpServer,
        asked: McpAsked<'a>,
    ) -> Result<Option<&'a str>, Box<Response>> {
        let fields = Fields::read(asked.request.headers);
        let checked = match asked.request.method {
            "POST" => fields.announce(server.body_limit),
            "GET" | "DELETE" => Ok(()),
            _ => Err(McpRefusal::Method),
        };
        let session = checked.and_then(|()| match fields.session {
            Found::Nothing => Ok(None),
            Found::One(bound) => match server.sessions.open(asked.caller, bound) {
                Some(id) => Ok(Some(id)),
                None => Err(McpRefusal::Session),
            },
            Found::Several => Err(McpRefusal::Session),
        });
        session.map_err(|refusal| Box::new(self.mcp_refused(refusal, &Value::Null, asked.caller)))
    }

    /// The answer to a `POST` whose message does not go on; nothing when it does. `body` is the whole body, or
    /// one byte more than is taken of a longer one.
    pub fn mcp_message(
        &self,
        server: &McpServer,
        asked: McpAsked<'_>,
        body: &[u8],
    ) -> Option<Response> {
        let McpAsked { caller, request } = asked;
        // Whoever sends a body decides how long that takes, and the credential may have ended meanwhile. How
        // fresh the view is was decided about already.
        match self.standing(caller) {
            None | Some(Denial::FeedStale) => {}
            Some(denial) => return Some(self.mcp_denied(server, denial, caller, server.base())),
        }
        if body.len() > server.body_limit {
            return Some(self.mcp_refused(McpRefusal::BodyOversize, &Value::Null, caller));
        }
        let message = match Message::read(body) {
            Ok(message) => message,
            Err(unread) => return Some(self.mcp_refused(unread.into(), &Value::Null, caller)),
        };
        if let Err(refusal) = Fields::read(request.headers).agree(&message.kind) {
            return Some(self.mcp_refused(refusal, &message.id, caller));
        }
        let Some(needs) = server.needs(&message.kind) else {
            return Some(self.mcp_refused(McpRefusal::Unnamed, &message.id, caller));
        };
        let now = self.common().now();
        let judged = needs.iter().copied().chain([server.base()]);
        let mut denied = judged.filter_map(|need| {
            let refused = need.refuses(&caller.actor, now);
            let denial = refused.or_else(|| self.refuses_actions(caller, need))?;
            Some((denial, need))
        });
        let (denial, need) = denied.next()?;
        // One trip to the issuer has to be enough for all of them.
        let need = needs
            .iter()
            .fold(need.clone(), |need, other| with_base(need, other));
        Some(self.mcp_denied(server, denial, caller, &need))
    }

    /// The id by which `caller` knows the session that the server calls `id`; nothing for what is no id.
    pub fn mcp_session(&self, server: &McpServer, caller: &Caller, id: &str) -> Option<String> {
        server.sessions.bind(caller, id)
    }

    fn mcp_refused(&self, refusal: McpRefusal, id: &Value, caller: &Caller) -> Response {
        let mut response = refusal.answer(id);
        response.caller = Some(caller.clone());
        self.counted(response)
    }

    fn mcp_denied(
        &self,
        server: &McpServer,
        denial: Denial,
        caller: &Caller,
        need: &Need,
    ) -> Response {
        let came = match caller.credential.kind {
            CredentialKind::Dpop => Came::Token(Scheme::Dpop),
            _ => Came::Token(Scheme::Bearer),
        };
        let refused = Refused::of(caller.clone(), denial, came);
        let answer = page::denial(denial);
        self.counted(self.challenged(answer, refused, need, server.challenges()))
    }

    fn counted(&self, response: Response) -> Response {
        let decision = Decision::Respond(response.clone());
        self.common().sight().decided(&decision);
        response
    }
}

impl McpServer {
    /// Whether the request was sent to this machine by a name that it has. Where the application is reached by
    /// a name for this machine alone, a page elsewhere could make its own name lead here. What a proxy says is
    /// the proxy's affair.
    fn is_called_so(&self, request: &Request<'_>) -> bool {
        let Some(own) = &self.loopback else {
            return true;
        };
        let mut hosts = request.headers.iter().filter(|(name, _)| *name == b"host");
        let fits = |value: &[u8]| {
            let Ok(value) = str::from_utf8(value) else {
                return false;
            };
            let host = host_of(value).to_ascii_lowercase();
            host == *own || matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]")
        };
        hosts.all(|(_, value)| fits(value))
    }
}
