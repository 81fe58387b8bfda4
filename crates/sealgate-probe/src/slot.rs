//! Where a credential is put into a request.

use serde::Deserialize;

use crate::answer::Answer;
use crate::request::{Header, Request};

/// Where a credential is put into a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Slot {
    /// `Authorization: Bearer`, of RFC 6750.
    Bearer,
    /// `Authorization: Basic`, of RFC 7617.
    Basic,
    /// `Authorization` with another scheme.
    Scheme {
        /// The scheme, as in `Token`.
        name: String,
    },
    /// A header that holds the credential alone.
    Header {
        /// The header.
        name: String,
    },
    /// A cookie.
    Cookie {
        /// The cookie.
        name: String,
    },
    /// A parameter of the query.
    Query {
        /// The parameter.
        name: String,
    },
}

impl Slot {
    /// Puts `value` in, of which `shown` is printed.
    #[must_use]
    pub fn fill(&self, request: Request, value: &str, shown: &str) -> Request {
        let authorization = |scheme: &str| {
            Header::hidden(
                "Authorization",
                &format!("{scheme} {value}"),
                &format!("{scheme} {shown}"),
            )
        };
        match self {
            Self::Bearer => request.with(authorization("Bearer")),
            Self::Basic => request.with(authorization("Basic")),
            Self::Scheme { name } => request.with(authorization(name)),
            Self::Header { name } => request.with(Header::hidden(name, value, shown)),
            Self::Cookie { name } => request.with_cookie(name, value, shown),
            Self::Query { name } => request.with_pair(name, value, shown),
        }
    }

    /// The slots that an answer's `WWW-Authenticate` names.
    pub(crate) fn challenged(answer: &Answer) -> Vec<Self> {
        let challenges = answer.header("www-authenticate");
        let words = challenges.filter_map(|challenge| challenge.split([' ', ',']).next());
        words
            .filter_map(|scheme| match scheme.to_ascii_lowercase().as_str() {
                "" => None,
                "bearer" | "dpop" => Some(Self::Bearer),
                "basic" => Some(Self::Basic),
                _ => Some(Self::Scheme {
                    name: scheme.to_owned(),
                }),
            })
            .collect()
    }

    /// The slots that a header of somebody's credential fills, each with what is in it.
    pub(crate) fn of_header<'a>(name: &str, value: &'a str) -> Vec<(Self, &'a str)> {
        if name.eq_ignore_ascii_case("cookie") {
            let cookies = value
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='));
            return cookies
                .map(|(name, value)| {
                    (
                        Self::Cookie {
                            name: name.to_owned(),
                        },
                        value,
                    )
                })
                .collect();
        }
        if !name.eq_ignore_ascii_case("authorization") {
            return vec![(
                Self::Header {
                    name: name.to_owned(),
                },
                value,
            )];
        }
        let (scheme, credential) = value.split_once(' ').unwrap_or((value, ""));
        let slot = match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Self::Bearer,
            "basic" => Self::Basic,
            _ => Self::Scheme {
                name: scheme.to_owned(),
            },
        };
        vec![(slot, credential.trim())]
    }

    /// What is tried where nothing is known of how an application is asked.
    pub(crate) fn usual() -> Vec<Self> {
        vec![
            Self::Bearer,
            Self::Basic,
            Self::Header {
                name: "X-API-Key".to_owned(),
            },
            Self::Cookie {
                name: "session".to_owned(),
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_tells_where_it_is_put() {
        assert_eq!(
            Slot::of_header("authorization", "bearer abc"),
            [(Slot::Bearer, "abc")]
        );
        let cookies = Slot::of_header("Cookie", "a=1; b=2");
        let name = |name: &str| Slot::Cookie {
            name: name.to_owned(),
        };
        assert_eq!(cookies, [(name("a"), "1"), (name("b"), "2")]);
    }

    #[test]
    fn a_challenge_names_its_scheme() {
        let answer = Answer {
            headers: vec![
                (
                    "www-authenticate".to_owned(),
                    "Bearer realm=\"x\"".to_owned(),
                ),
                ("www-authenticate".to_owned(), "Basic".to_owned()),
                ("www-authenticate".to_owned(), "ApiKey".to_owned()),
            ],
            ..Answer::of(401)
        };
        let other = Slot::Scheme {
            name: "ApiKey".to_owned(),
        };
        assert_eq!(
            Slot::challenged(&answer),
            [Slot::Bearer, Slot::Basic, other]
        );
    }
}
