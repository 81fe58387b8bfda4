//! The thumbprint of a key (RFC 7638), as `dpop_jkt` and `cnf.jkt` carry it (RFC 9449, 6.1 and 10).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::OAuthError;

/// A SHA-256 thumbprint: 43 base64url characters, in their one spelling. Public, like its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Thumbprint(String);

impl Thumbprint {
    /// Reads a thumbprint.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let sound = text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok();
        sound
            .then(|| Self(text.to_owned()))
            .ok_or(OAuthError::DpopJktMalformed)
    }

    /// The thumbprint as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Thumbprint {
    type Error = OAuthError;
    fn try_from(text: String) -> Result<Self, OAuthError> {
        Self::parse(&text)
    }
}

impl From<Thumbprint> for String {
    fn from(thumbprint: Thumbprint) -> Self {
        thumbprint.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_43_base64url_characters_in_one_spelling() {
        // RFC 7638, 3.1.
        let sound = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(Thumbprint::parse(sound).unwrap().as_str(), sound);
        for wrong in [
            "",
            &sound[1..],
            &format!("{sound}A"),
            &sound.replace('-', "+"),
            &format!("{}t", &sound[..42]),
            &format!("{}=", &sound[..42]),
        ] {
            let refused = Thumbprint::parse(wrong);
            assert_eq!(refused, Err(OAuthError::DpopJktMalformed), "{wrong}");
        }
    }
}
