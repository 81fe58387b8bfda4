//! What ID tokens and access tokens have in common: the forms of `aud` and `sid`.

use sealgate_host::sha256;
use sealgate_model::SessionId;
use serde::Deserialize;

/// `aud`: one audience, or several (RFC 7519, 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Several(several) => several,
        }
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

/// `sid`: an id of ours, or any text of another provider's as the first 16 bytes of its SHA-256.
pub(crate) fn session_id(sid: &str) -> SessionId {
    sid.parse().unwrap_or_else(|_| {
        let hash = sha256(sid.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_bytes()[..16]);
        SessionId::from_bytes(id)
    })
}
