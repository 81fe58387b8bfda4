//! Many revoked sessions in short: one end for all of them, and their ids side by side.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::subject::in_range;

/// Sessions that are revoked and of which none can be alive after one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Sessions {
    /// From when on none of them can still be alive.
    pub expires_at: Timestamp,
    /// Which.
    pub ids: Vec<SessionId>,
}

/// As it is written: the ids' 16 bytes each, one after the other, in base64url without padding.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    expires_at: Timestamp,
    ids: String,
}

impl TryFrom<Form> for Sessions {
    type Error = &'static str;

    fn try_from(form: Form) -> Result<Self, Self::Error> {
        let bytes = URL_SAFE_NO_PAD
            .decode(form.ids)
            .map_err(|_| "ids is not base64url")?;
        let (ids, rest) = bytes.as_chunks::<16>();
        if ids.is_empty() || !rest.is_empty() {
            return Err("ids is not a whole number of ids, or of none");
        }
        Ok(Self {
            expires_at: in_range(form.expires_at)?,
            ids: ids.iter().map(|id| SessionId::from_bytes(*id)).collect(),
        })
    }
}

impl From<Sessions> for Form {
    fn from(sessions: Sessions) -> Self {
        let bytes: Vec<u8> = sessions.ids.iter().flat_map(|id| *id.as_bytes()).collect();
        Self {
            expires_at: sessions.expires_at,
            ids: URL_SAFE_NO_PAD.encode(bytes),
        }
    }
}
