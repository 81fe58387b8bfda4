//! What an MCP server's door refuses although the caller is known: answers in the words of JSON-RPC, which is
//! what MCP clients read.

use serde_json::{Value, json};

use super::call::Unread;
use crate::page;
use crate::response::Response;

/// Why a request of a known caller is not handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum McpRefusal {
    /// The method is none that the transport has.
    Method,
    /// The body is not declared as JSON, or is encoded in some way.
    MediaType,
    /// The body is longer than is taken.
    BodyOversize,
    /// The body is not JSON.
    Malformed,
    /// The body holds several messages, or none, or one that can be read in two ways.
    Message,
    /// The header fields that repeat what the body asks for say something else.
    HeaderMismatch,
    /// The session does not exist, or is another caller's.
    Session,
    /// The tool, prompt or resource is open to nobody.
    Unnamed,
    /// The request was sent to another name than this machine's.
    Host,
}

impl McpRefusal {
    /// Every one of them.
    pub const ALL: [Self; 9] = [
        Self::Method,
        Self::MediaType,
        Self::BodyOversize,
        Self::Malformed,
        Self::Message,
        Self::HeaderMismatch,
        Self::Session,
        Self::Unnamed,
        Self::Host,
    ];

    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Method => "method_not_allowed",
            Self::MediaType => "mcp_media_type",
            Self::BodyOversize => "mcp_body_oversize",
            Self::Malformed => "mcp_body_malformed",
            Self::Message => "mcp_message_invalid",
            Self::HeaderMismatch => "mcp_header_mismatch",
            Self::Session => "mcp_session_unknown",
            Self::Unnamed => "mcp_not_open",
            Self::Host => "mcp_host_wrong",
        }
    }

    /// The status code.
    pub const fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            Self::MediaType => 415,
            Self::BodyOversize => 413,
            Self::Malformed | Self::Message | Self::HeaderMismatch => 400,
            // A client that is told so begins a new session.
            Self::Session => 404,
            Self::Unnamed => 403,
            Self::Host => 421,
        }
    }

    /// The error code of JSON-RPC, or of MCP where it has one of its own.
    const fn number(self) -> i32 {
        match self {
            Self::Malformed => -32700,
            Self::HeaderMismatch => -32020,
            _ => -32600,
        }
    }

    /// One sentence for the caller.
    const fn title(self) -> &'static str {
        match self {
            Self::Method => "This method is not taken here: POST, GET and DELETE are.",
            Self::MediaType => "The body has to be application/json, and not encoded.",
            Self::BodyOversize => "The message is longer than is taken here.",
            Self::Malformed => "The body is not JSON.",
            Self::Message => "The body has to be one JSON-RPC message, and no batch.",
            Self::HeaderMismatch => "Mcp-Method or Mcp-Name does not say what the body says.",
            Self::Session => "There is no such session of this caller. Begin a new one.",
            Self::Unnamed => "This is open to nobody here.",
            Self::Host => "This server is not known by the name that the request was sent to.",
        }
    }

    /// The answer to a message whose id is `id`.
    pub(super) fn answer(self, id: &Value) -> Response {
        let body = json!({
            "jsonrpc": "2.0",
            "id": id,
            "error": {
                "code": self.number(),
                "message": self.title(),
                "data": {"reason": self.code()},
            },
        });
        let body = body.to_string().into_bytes();
        let mut response = page::answer(self.status(), self.code(), "application/json", body);
        if self == Self::Method {
            let allowed = "POST, GET, DELETE".to_owned();
            response.headers.push(("allow", allowed));
        }
        response
    }
}

impl From<Unread> for McpRefusal {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Json => Self::Malformed,
            Unread::Batch | Unread::Message => Self::Message,
        }
    }
}
