//! The header fields of a request to an MCP server that say something about its message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::call::{Kind, named_by};
use super::refusal::McpRefusal;
use crate::cookies::Found;

/// What is read of the header, each field once.
pub(super) struct Fields<'a> {
    pub(super) session: Found<'a>,
    method: Found<'a>,
    name: Found<'a>,
    content_type: Found<'a>,
    encoding: Found<'a>,
    length: Found<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn read(headers: &[(&'a [u8], &'a [u8])]) -> Self {
        let mut fields = Self {
            session: Found::Nothing,
            method: Found::Nothing,
            name: Found::Nothing,
            content_type: Found::Nothing,
            encoding: Found::Nothing,
            length: Found::Nothing,
        };
        for (name, value) in headers {
            let field = match *name {
                b"mcp-session-id" => &mut fields.session,
                b"mcp-method" => &mut fields.method,
                b"mcp-name" => &mut fields.name,
                b"content-type" => &mut fields.content_type,
                b"content-encoding" => &mut fields.encoding,
                b"content-length" => &mut fields.length,
                _ => continue,
            };
            *field = field.and(value.trim_ascii());
        }
        fields
    }

    /// Whether a body may come with these: JSON as it is, of `limit` bytes at most where its length is told.
    pub(super) fn announce(&self, limit: usize) -> Result<(), McpRefusal> {
        let Found::One(kind) = self.content_type else {
            return Err(McpRefusal::MediaType);
        };
        let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
        let is_json = kind.trim_ascii().eq_ignore_ascii_case(b"application/json");
        let is_plain = match self.encoding {
            Found::Nothing => true,
            Found::One(encoding) => encoding.eq_ignore_ascii_case(b"identity"),
            Found::Several => false,
        };
        if !is_json || !is_plain {
            return Err(McpRefusal::MediaType);
        }
        let length = match self.length {
            Found::One(length) => str::from_utf8(length).ok(),
            Found::Nothing | Found::Several => None,
        };
        let length = length.and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length > limit) {
            return Err(McpRefusal::BodyOversize);
        }
        Ok(())
    }

    /// Whether what they repeat of the message is what it says. What is left out says nothing wrong.
    pub(super) fn agree(&self, kind: &Kind) -> Result<(), McpRefusal> {
        let name = match kind {
            Kind::Method { name, .. } => name.as_deref(),
            Kind::Complete(_) | Kind::Listen(_) | Kind::Answer => None,
        };
        let method = kind.method();
        let is_named = method.and_then(named_by).is_some();
        let agrees = |field, said: Option<&str>| match field {
            Found::Nothing => true,
            Found::One(value) => said.is_some_and(|said| decoded(value).as_deref() == Some(said)),
            Found::Several => false,
        };
        // Of other methods extensions may name what they are about by other members.
        let name_agrees = match self.name {
            Found::Several => false,
            field => !is_named || agrees(field, name),
        };
        if agrees(self.method, method) && name_agrees {
            Ok(())
        } else {
            Err(McpRefusal::HeaderMismatch)
        }
    }
}

/// The value of a field: as it stands, or in base64 where it could not stand in a header.
fn decoded(value: &[u8]) -> Option<String> {
    let coded = value
        .strip_prefix(b"=?base64?")
        .and_then(|rest| rest.strip_suffix(b"?="));
    let bytes = match coded {
        // The engine takes the canonical form only.
        Some(coded) => STANDARD.decode(coded).ok()?,
        None => value.to_vec(),
    };
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(headers: &[(&str, &str)], kind: &Kind) -> bool {
        let headers: Vec<(&[u8], &[u8])> = headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        Fields::read(&headers).agree(kind).is_ok()
    }

    fn call(method: &str, name: Option<&str>) -> Kind {
        Kind::Method {
            method: method.to_owned(),
            name: name.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_repeated_has_to_agree() {
        let add = call("tools/call", Some("add"));
        for (headers, expected) in [
            (&[][..], true),
            (&[("mcp-method", "tools/call"), ("mcp-name", "add")], true),
            (&[("mcp-method", " tools/call ")], true),
            (&[("mcp-name", "=?base64?YWRk?=")], true),
            (&[("mcp-name", "=?base64?YWRl?=")], false),
            (&[("mcp-name", "=?base64?YWR?=")], false),
            (&[("mcp-method", "tools/list")], false),
            (&[("mcp-name", "list")], false),
            (&[("mcp-name", "")], false),
            (&[("mcp-name", "add"), ("mcp-name", "add")], false),
            (
                &[("mcp-method", "tools/call"), ("mcp-method", "tools/call")],
                false,
            ),
        ] {
            assert_eq!(agree(headers, &add), expected, "{headers:?}");
        }
        let umlaut = call("tools/call", Some("\u{fc}"));
        assert!(agree(&[("mcp-name", "=?base64?w7w=?=")], &umlaut));
        let list = call("tools/list", None);
        assert!(agree(&[("mcp-name", "anything")], &list));
        assert!(!agree(&[("mcp-method", "tools/call")], &list));
        assert!(!agree(&[("mcp-method", "tools/call")], &Kind::Answer));
        assert!(agree(&[], &Kind::Answer));
    }

    #[test]
    fn only_plain_json_of_a_bounded_length_is_announced() {
        let announce = |headers: &[(&str, &str)]| {
            let headers: Vec<(&[u8], &[u8])> = headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
                .collect();
            Fields::read(&headers).announce(100)
        };
        let json = ("content-type", "application/json");
        assert_eq!(announce(&[json]), Ok(()));
        let utf8 = ("content-type", "Application/JSON; charset=utf-8");
        assert_eq!(announce(&[utf8, ("content-length", "100")]), Ok(()));
        for (headers, refusal) in [
            (&[][..], McpRefusal::MediaType),
            (&[("content-type", "text/plain")], McpRefusal::MediaType),
            (
                &[("content-type", "application/jsonp")],
                McpRefusal::MediaType,
            ),
            (&[json, json], McpRefusal::MediaType),
            (&[json, ("content-encoding", "gzip")], McpRefusal::MediaType),
            (&[json, ("content-length", "101")], McpRefusal::BodyOversize),
        ] {
            assert_eq!(announce(headers), Err(refusal), "{headers:?}");
        }
    }
}
