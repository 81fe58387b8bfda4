//! Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document, 00 and 02): a client whose id
//! is the address of a document in which it says who it is.

use sealgate_model::ClientId;
use serde_json::Value;
use url::{Host, Url};

use crate::client_metadata::{ClientMetadata, ClientMetadataError, Source, is_loopback};
use crate::json::{self, JsonFault, JsonLimits};

/// Bytes of the longest document (section 6.6 of the draft).
const LIMIT: usize = 5 * 1024;
const LIMITS: JsonLimits = JsonLimits {
    bytes: LIMIT,
    depth: 6,
    values: 384,
};

/// A client id that can be the address of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentId {
    id: ClientId,
    host: String,
    loopback: bool,
}

impl DocumentId {
    /// Judges a client id that is a URL (section 3 of the draft): https, in the one spelling that a browser
    /// gives it, with a path and without dot segments, fragment or user information. Its host is a name:
    /// people are shown it, and an address says nothing to them. With `loopback`, for an issuer that is on
    /// this machine itself, http and https on `localhost` and `127.0.0.1` too: for development, and reached by
    /// nobody else.
    ///
    /// # Errors
    /// [`ClientMetadataError::Member`] saying what is wrong.
    pub fn of(id: &ClientId, loopback: bool) -> Result<Self, ClientMetadataError> {
        let refuse = |what| Err(ClientMetadataError::Member(what));
        let Ok(url) = Url::parse(id.as_str()) else {
            return refuse("the client id is not a URL");
        };
        // Any other spelling of an address would be another client with the same document.
        if url.as_str() != id.as_str() {
            return refuse("the client id is not written as a browser would write it");
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return refuse("the client id has user information or a fragment");
        }
        if url.path_segments().into_iter().flatten().any(is_dots) {
            return refuse("the client id has dot segments");
        }
        let own = loopback && is_loopback(&url);
        if url.scheme() != "https" && !own {
            return refuse("the client id is not https");
        }
        match url.host() {
            Some(Host::Domain(name)) if !name.ends_with('.') => Ok(Self {
                id: id.clone(),
                host: name.to_owned(),
                loopback: own,
            }),
            Some(host) if own => Ok(Self {
                id: id.clone(),
                host: host.to_string(),
                loopback: own,
            }),
            _ => refuse("the host of the client id is not a name"),
        }
    }

    /// The id, which is the address.
    pub const fn id(&self) -> &ClientId {
        &self.id
    }

    /// The host: what people are shown.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is this machine itself.
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether its host is one of `domains`, in lower case, or under one.
    pub fn is_under(&self, domains: &[String]) -> bool {
        domains.iter().any(|domain| {
            let above = self.host.strip_suffix(domain.as_str());
            !domain.is_empty()
                && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
        })
    }
}

/// Dots may be written as `%2e` too: a URL parser takes those out as well, but two parsers may differ.
fn is_dots(segment: &str) -> bool {
    matches!(
        segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
        "." | ".."
    )
}

/// A document that was found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientDocument {
    /// What the client says of itself.
    pub metadata: ClientMetadata,
}

impl ClientDocument {
    /// How long a document may be, in bytes.
    pub const LIMIT: usize = LIMIT;

    /// Reads the document that was found at `id`: one JSON object of at most 5 KiB that says, byte for byte,
    /// that this is its address, and has no secret nor a method of authentication that needs one (section
    /// 4.1 of the draft).
    ///
    /// # Errors
    /// [`ClientMetadataError`]: nothing of such a document counts.
    pub fn parse(bytes: &[u8], id: &DocumentId) -> Result<Self, ClientMetadataError> {
        let value = json::parse(bytes, LIMITS).map_err(|fault| match fault {
            JsonFault::TooLarge => ClientMetadataError::TooLarge,
            JsonFault::Malformed => ClientMetadataError::Malformed,
        })?;
        let Value::Object(object) = value else {
            return Err(ClientMetadataError::Malformed);
        };
        match object.get("client_id") {
            Some(Value::String(named)) if named == id.id.as_str() => {}
            _ => {
                return Err(ClientMetadataError::Member(
                    "client_id in it is not its address",
                ));
            }
        }
        let metadata = ClientMetadata::read(&object, Source::Document)?;
        Ok(Self { metadata })
    }
}

#[cfg(test)]
#[path = "client_document_tests.rs"]
mod tests;
