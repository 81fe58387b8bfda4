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

    /// The scopes that only mean something where there is a user: those of `OpenID` Connect Core (5.4
    /// and 11) that are offered.
    pub const ABOUT_USER: [&str; 4] = ["openid", "profile", "email", "offline_access"];

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
        let separators = kept.len().saturating_sub(1);
        if kept.iter().map(String::len).sum::<usize>() + separators > Self::LIMITS.1 {
            return Err(OAuthError::ScopeMalformed);
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

    /// What a request that names no scope asks for (RFC 6749, 3.3): those of `registered` that mean
    /// something without being asked for, narrowed to `of_resources`, the scopes of the resources that
    /// it names, unless that leaves none. None if there is nothing to ask for.
    pub fn unasked(registered: &[String], of_resources: &[String]) -> Option<Self> {
        let tokens = || {
            registered
                .iter()
                .map(String::as_str)
                .filter(|token| !Self::ABOUT_USER.contains(token))
        };
        let narrowed = tokens().filter(|token| of_resources.iter().any(|known| known == token));
        Self::from_tokens(narrowed)
            .or_else(|_| Self::from_tokens(tokens()))
            .ok()
    }

    /// The scopes of a token that no user stands behind: those asked for, or all that are registered
    /// for the client and not about a user.
    pub fn without_user(asked: Option<&Self>, registered: &[String]) -> Result<Self, OAuthError> {
        let is_about_user = |token: &str| Self::ABOUT_USER.contains(&token);
        match asked {
            None => {
                let tokens = registered.iter().map(String::as_str);
                Self::from_tokens(tokens.filter(|token| !is_about_user(token)))
            }
            Some(asked) if asked.0.iter().any(|token| is_about_user(token)) => {
                Err(OAuthError::ScopeNeedsUser)
            }
            Some(asked) if asked.within(registered) => Ok(asked.clone()),
            Some(_) => Err(OAuthError::ScopeNotAllowed),
        }
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
    fn a_request_without_scope_asks_for_what_is_registered_and_not_about_a_user() {
        let registered = ["openid", "email", "expenses:read", "travel:read"].map(String::from);
        let unasked = |of_resources: &[&str]| {
            let of_resources: Vec<_> = of_resources.iter().map(|&s| s.to_owned()).collect();
            Scopes::unasked(&registered, &of_resources).map(|scopes| scopes.to_string())
        };
        assert_eq!(unasked(&[]).as_deref(), Some("expenses:read travel:read"));
        assert_eq!(
            unasked(&["travel:read", "travel:write", "email"]).as_deref(),
            Some("travel:read"),
            "the resource's, and not beyond the registration"
        );
        assert_eq!(
            unasked(&["other:read"]).as_deref(),
            Some("expenses:read travel:read")
        );
        assert_eq!(Scopes::unasked(&["openid".to_owned()], &[]), None);
    }

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

    #[test]
    fn without_a_user_only_scopes_about_none_are_given() {
        let registered = ["openid", "expenses:read", "email", "expenses:write"].map(String::from);
        let given = |asked: Option<&str>| {
            let asked = asked.map(|text| text.parse().unwrap());
            Scopes::without_user(asked.as_ref(), &registered).map(|scopes| scopes.to_string())
        };
        assert_eq!(given(None), Ok("expenses:read expenses:write".to_owned()));
        assert_eq!(given(Some("expenses:read")), Ok("expenses:read".to_owned()));
        for token in Scopes::ABOUT_USER {
            let asked = format!("expenses:read {token}");
            assert_eq!(given(Some(&asked)), Err(OAuthError::ScopeNeedsUser));
        }
        assert_eq!(
            given(Some("expenses:delete")),
            Err(OAuthError::ScopeNotAllowed)
        );
        let nothing = Scopes::without_user(None, &["openid".to_owned()]);
        assert_eq!(nothing, Err(OAuthError::ScopeMissing));
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
