//! Many revoked sessions in short: one end for all of them, and their ids side by side.

use std::fmt;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::{SessionId, Timestamp};
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::subject::in_range;

/// Sessions that are revoked and of which none can be alive after one moment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Form")]
pub struct Sessions {
    /// From when on none of them can still be alive.
    pub expires_at: Timestamp,
    /// Which.
    pub ids: Vec<SessionId>,
}

/// As it is written: the ids' 16 bytes each, one after the other, in base64url without padding.
#[derive(Deserialize)]
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

impl Serialize for Sessions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut form = serializer.serialize_struct("Sessions", 2)?;
        form.serialize_field("expires_at", &self.expires_at)?;
        form.serialize_field("ids", &Text(&self.ids))?;
        form.end()
    }
}

/// Ids as they are written, a few at a time: there can be a million, and a copy of them is large.
struct Text<'a>(&'a [SessionId]);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Three ids are 48 bytes, which is 64 characters and nothing left over.
        let mut some = [0; 16 * 3 * 16];
        for ids in self.0.chunks(3 * 16) {
            let mut length = 0;
            for id in ids {
                some[length..length + 16].copy_from_slice(id.as_bytes());
                length += 16;
            }
            write!(
                f,
                "{}",
                Base64Display::new(&some[..length], &URL_SAFE_NO_PAD)
            )?;
        }
        Ok(())
    }
}
