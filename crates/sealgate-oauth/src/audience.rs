//! Whom a token is for (RFC 7519, 4.1.3).

use sealgate_model::Issuer;
use serde::{Deserialize, Serialize};

/// The `aud` claim. A string and a list of one string are kept apart: some rules tell them apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// A string.
    One(String),
    /// A list of strings.
    Many(Vec<String>),
}

impl Audience {
    /// The audience of an access token for `resources` with `scopes`: those resources, and the issuer
    /// too where the token is to open its userinfo endpoint (`openid`); without resources the issuer
    /// alone. One audience is written as a string.
    pub fn of(issuer: &Issuer, resources: &[String], scopes: &[String]) -> Self {
        let mut all = resources.to_vec();
        let own = issuer.as_str();
        let for_us = resources.is_empty() || scopes.iter().any(|scope| scope == "openid");
        if for_us && !all.iter().any(|uri| uri == own) {
            all.push(own.to_owned());
        }
        if all.len() == 1 {
            Self::One(all.remove(0))
        } else {
            Self::Many(all)
        }
    }

    /// Whether `uri` is in the audience, compared byte for byte.
    pub fn contains(&self, uri: &str) -> bool {
        self.as_slice().iter().any(|known| known == uri)
    }

    /// The audiences, one or more.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(uri) => std::slice::from_ref(uri),
            Self::Many(uris) => uris,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn audience(resources: &[&str], scopes: &[&str]) -> serde_json::Value {
        let own = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let issuer = "https://id.example".parse().unwrap();
        let audience = Audience::of(&issuer, &own(resources), &own(scopes));
        serde_json::to_value(audience).unwrap()
    }

    #[test]
    fn without_resources_a_token_is_for_the_issuer() {
        assert_eq!(audience(&[], &["openid"]), "https://id.example");
        assert_eq!(audience(&[], &["expenses:read"]), "https://id.example");
    }

    #[test]
    fn with_resources_it_is_for_those_and_for_userinfo_only_with_openid() {
        let (a, b) = ("https://a.example", "https://b.example");
        assert_eq!(audience(&[a], &["expenses:read"]), a);
        assert_eq!(audience(&[a, b], &[]), json!([a, b]));
        assert_eq!(
            audience(&[a], &["openid"]),
            json!([a, "https://id.example"])
        );
        assert_eq!(
            audience(&["https://id.example"], &["openid"]),
            "https://id.example"
        );
    }

    #[test]
    fn a_string_and_a_list_of_one_are_kept_apart() {
        let read = |text: &str| serde_json::from_str::<Audience>(text);
        assert_eq!(read("\"a\"").unwrap(), Audience::One("a".into()));
        assert_eq!(read("[\"a\"]").unwrap(), Audience::Many(vec!["a".into()]));
        assert!(read("\"a\"").unwrap().contains("a") && !read("[]").unwrap().contains(""));
        for wrong in ["null", "1", "[1]", "[null]", "{}"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
