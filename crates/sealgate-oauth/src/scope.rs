//! Scopes (RFC 6749, 3.3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::OAuthError;

/// A set of scope tokens in the order they were asked for, without duplicates, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// The most tokens in one request, and the most bytes of the whole parameter.
    const LIMITS: (usize, usize) = (32, 1024);

    /// Takes tokens that are already apart, such as a session's or a registration's.
    pub fn from_tokens<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Result<Self, OAuthError> {
        let mut kept: Vec<String> = Vec::new();
        for token in tokens {
            if !Self::is_token(token) {
                return Err(OAuthError::ScopeMalformed);
            }
            if !kept.iter().any(|known| known == token) {
                if kept.len() == Self::LIMITS.0 {
                    return Err(OAuthError::ScopeMalformed);
                }
                kept.push(token.to_owned());
            }
        }
        if kept.is_empty() {
            Err(OAuthError::ScopeMissing)
        } else {
            Ok(Self(kept))
        }
    }

    /// Whether `text` is one scope token: printable ASCII without space, quote or backslash.
    pub fn is_token(text: &str) -> bool {
        let allowed = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        (1..=256).contains(&text.len()) && text.bytes().all(allowed)
    }

    /// Whether `token` is among them.
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|known| known == token)
    }

    /// Whether every one of them is in `granted`.
    pub fn within(&self, granted: &[String]) -> bool {
        self.0.iter().all(|token| granted.contains(token))
    }

    /// The tokens.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The tokens, to keep.
    pub fn into_vec(self) -> Vec<String> {
        self.0
    }
}

impl FromStr for Scopes {
    type Err = OAuthError;
    /// Reads tokens separated by spaces.
    fn from_str(text: &str) -> Result<Self, OAuthError> {
        if text.len() > Self::LIMITS.1 {
            return Err(OAuthError::ScopeMalformed);
        }
        Self::from_tokens(text.split(' ').filter(|token| !token.is_empty()))
    }
}

impl TryFrom<String> for Scopes {
    type Error = OAuthError;
    fn try_from(text: String) -> Result<Self, OAuthError> {
        text.parse()
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_is_kept_and_duplicates_are_not() {
        let scopes: Scopes = "openid  email openid expenses:read".parse().unwrap();
        assert_eq!(scopes.to_string(), "openid email expenses:read");
        assert!(scopes.contains("email"));
        assert!(scopes.within(&["email", "expenses:read", "openid", "profile"].map(String::from)));
        assert!(!scopes.within(&["openid".to_owned()]));
    }

    #[test]
    fn malformed_scopes_are_refused() {
        for (wrong, error) in [
            (String::new(), OAuthError::ScopeMissing),
            ("   ".to_owned(), OAuthError::ScopeMissing),
            ("a\"b".to_owned(), OAuthError::ScopeMalformed),
            ("a\\b".to_owned(), OAuthError::ScopeMalformed),
            ("a\tb".to_owned(), OAuthError::ScopeMalformed),
            ("é".to_owned(), OAuthError::ScopeMalformed),
            ("a".repeat(257), OAuthError::ScopeMalformed),
            ("a ".repeat(600), OAuthError::ScopeMalformed),
            (
                (0..33).map(|n| n.to_string()).collect::<Vec<_>>().join(" "),
                OAuthError::ScopeMalformed,
            ),
        ] {
            assert_eq!(wrong.parse::<Scopes>(), Err(error), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_scopes_that_survive_text_or_an_error(text in "\\PC{0,300}|[ a-d]{0,40}") {
            if let Ok(scopes) = text.parse::<Scopes>() {
                prop_assert_eq!(scopes.to_string().parse::<Scopes>(), Ok(scopes));
            }
        }
    }
}
