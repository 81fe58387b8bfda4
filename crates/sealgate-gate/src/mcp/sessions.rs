//! The ids of MCP sessions: whose a session is stands in its id, with a code that only this application can
//! make. So an id is worth nothing to anybody else, in every process, and nothing has to be remembered.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_session::{MAC_LEN, MacRing};

use super::rules::McpError;
use crate::caller::Caller;
use crate::settings::Settings;

const PURPOSE: &str = "mcp-session";

/// The longest id of a server's own.
const ID_MOST: usize = 512;

/// What comes between an id and its code.
const MARK: char = '.';

pub(super) struct Sessions {
    macs: MacRing,
    audience: String,
}

impl Sessions {
    pub(super) fn new(settings: &Settings, audience: &str) -> Result<Self, McpError> {
        Ok(Self {
            macs: settings
                .seal_keys
                .macs_for(PURPOSE)
                .map_err(|_| McpError::Keys)?,
            audience: audience.to_owned(),
        })
    }

    /// The id by which `caller` knows the session that the server calls `id`; nothing for what is no id.
    pub(super) fn bind(&self, caller: &Caller, id: &str) -> Option<String> {
        if !is_id(id) {
            return None;
        }
        let code = self.macs.code(&self.message(caller, id)).ok()?;
        Some(format!("{id}{MARK}{}", URL_SAFE_NO_PAD.encode(code)))
    }

    /// What the server calls the session that `caller` knows as `bound`; nothing if it is none of theirs.
    pub(super) fn open<'a>(&self, caller: &Caller, bound: &'a [u8]) -> Option<&'a str> {
        let (id, code) = str::from_utf8(bound).ok()?.rsplit_once(MARK)?;
        if !is_id(id) || code.len() > 2 * MAC_LEN {
            return None;
        }
        let code = URL_SAFE_NO_PAD.decode(code).ok()?;
        let is_theirs = self.macs.verifies(&self.message(caller, id), &code);
        is_theirs.then_some(id)
    }

    /// What a code is about. Each part comes after its length, so that no two callers have the same.
    fn message(&self, caller: &Caller, id: &str) -> Vec<u8> {
        let (actor, credential) = (&caller.actor, &caller.credential);
        let parts = [
            self.audience.as_str(),
            &credential.issuer,
            actor.kind().as_str(),
            actor.id(),
            credential.subject.as_deref().unwrap_or_default(),
            &credential.client,
            // What a session holds of one organisation is nothing for another.
            actor.tenant().unwrap_or_default(),
            id,
        ];
        let mut message = Vec::new();
        for part in parts {
            message.extend((part.len() as u64).to_be_bytes());
            message.extend(part.as_bytes());
        }
        message
    }
}

/// Whether a text can be a session's id: visible ASCII, of a reasonable length.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_MOST && id.bytes().all(|byte| byte.is_ascii_graphic())
}
