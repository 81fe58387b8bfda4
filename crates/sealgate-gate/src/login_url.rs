//! What `/auth/login` is asked: the parameters of its address, read and written in one place.

use crate::denial::Denial;
use crate::query::{Query, with_params};
use crate::{return_path, rounds};

/// The most that may be asked for as `acr_values`, in bytes.
const ACR_LIMIT: usize = 512;

/// A sign-in as it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LoginUrl {
    /// The checked path to return to; nothing: the application's root.
    pub(crate) return_to: Option<String>,
    /// How the user shall prove who they are: names separated by single blanks, the preferred one first
    /// (OpenID Connect Core 1.0, 3.1.2.1).
    pub(crate) acr_values: Option<String>,
    /// How many seconds ago the user did so at most; 0: they do so now.
    pub(crate) max_age: Option<u32>,
    /// Why a request was refused that led here.
    pub(crate) refused: Option<Denial>,
    /// Whether the browser was sent here from another address of the application. It happens once, or a
    /// proxy that renames the host would send it in circles.
    pub(crate) moved: bool,
    /// Whether a person asked to try again after going round in circles.
    pub(crate) again: bool,
}

impl LoginUrl {
    /// A sign-in after `denial`, to come back to `target`.
    pub(crate) fn after(denial: Denial, target: &str) -> Self {
        Self {
            return_to: return_path::check(target).map(str::to_owned),
            refused: Some(denial),
            ..Self::default()
        }
    }

    /// Reads the query of `/auth/login`; nothing if it cannot be done as asked. A return path that could
    /// leave the application, and a code that is none, are as if they were not there.
    pub(crate) fn parse(query: &[u8]) -> Option<Self> {
        let query = Query::parse(query)?;
        let acr_values = query.get("acr_values");
        let max_age = query.get("max_age");
        if !acr_values.is_none_or(are_acr_values) || !max_age.is_none_or(is_number) {
            return None;
        }
        Some(Self {
            return_to: query
                .get("return_to")
                .and_then(return_path::check)
                .map(str::to_owned),
            acr_values: acr_values.map(str::to_owned),
            max_age: max_age.map(str::parse).transpose().ok()?,
            refused: query.get("reason").and_then(rounds::denial_named),
            moved: query.get("moved") == Some("1"),
            again: query.get("again") == Some("1"),
        })
    }

    /// The address, where `/auth/login` is at `login`. Somebody who has not signed in yet gets a short
    /// one: no reason means that there was no credential.
    pub(crate) fn at(&self, login: &str) -> String {
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        let refused = self.refused.filter(|why| *why != Denial::CredentialMissing);
        let flag = |on: bool| on.then_some("1");
        let all = [
            (
                "return_to",
                self.return_to.as_deref().filter(|path| *path != "/"),
            ),
            ("acr_values", self.acr_values.as_deref()),
            ("max_age", max_age.as_deref()),
            ("reason", refused.map(Denial::code)),
            ("moved", flag(self.moved)),
            ("again", flag(self.again)),
        ];
        let there: Vec<(&str, &str)> = all
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        if there.is_empty() {
            login.to_owned()
        } else {
            with_params(login, &there)
        }
    }
}

/// One to eight names or URIs, separated by single blanks.
fn are_acr_values(text: &str) -> bool {
    let is_name = |name: &str| {
        let good =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&()*+,;=%".contains(&byte);
        !name.is_empty() && name.bytes().all(good)
    };
    text.len() <= ACR_LIMIT && text.split(' ').count() <= 8 && text.split(' ').all(is_name)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u32>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(query: &str) -> Option<LoginUrl> {
        LoginUrl::parse(query.as_bytes())
    }

    #[test]
    fn what_is_asked_is_read_as_it_is_written() {
        let asked = LoginUrl {
            return_to: Some("/expenses?page=2&q=a%26b".to_owned()),
            acr_values: Some("urn:example:gold https://id.example/acr#2".to_owned()),
            max_age: Some(0),
            refused: Some(Denial::AcrMissing),
            moved: true,
            again: true,
        };
        let url = asked.at("https://app.example/auth/login");
        let query = url.strip_prefix("https://app.example/auth/login?").unwrap();
        assert_eq!(parse(query), Some(asked));
        let missing = LoginUrl::after(Denial::CredentialMissing, "/");
        assert_eq!(missing.at("/auth/login"), "/auth/login");
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused_and_not_left_out() {
        let long = format!("acr_values={}", "a".repeat(ACR_LIMIT + 1));
        for query in [
            "max_age=-1",
            "max_age=%2B1",
            "max_age=1.5",
            "max_age=4294967296",
            "acr_values=a%20%20b",
            "acr_values=%20",
            "acr_values=a%22b",
            "acr_values=a%0Ab",
            "acr_values=%C3%BC",
            "acr_values=1+2+3+4+5+6+7+8+9",
            "acr_values=a&acr_values=b",
            long.as_str(),
        ] {
            assert_eq!(parse(query), None, "{query}");
        }
    }

    #[test]
    fn what_leads_away_or_names_no_reason_is_as_if_not_there() {
        for query in [
            "",
            "return_to=//evil.example",
            "reason=%3Cscript%3E",
            "reason=scope_missing",
            "moved=2",
            "again=yes",
        ] {
            assert_eq!(parse(query), Some(LoginUrl::default()), "{query}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused_and_read_again_the_same(
            query in "(return_to|acr_values|max_age|reason|moved|x)=[/a-z0-9%&=+:\\\\.]{0,40}",
        ) {
            if let Some(asked) = parse(&query) {
                let url = asked.at("/auth/login");
                let written = url.split_once('?').map_or("", |(_, query)| query);
                let again = parse(written).unwrap();
                let root = |path: Option<String>| path.filter(|path| path != "/");
                prop_assert_eq!(root(again.return_to), root(asked.return_to));
                prop_assert_eq!(again.acr_values, asked.acr_values);
                prop_assert_eq!(again.max_age, asked.max_age);
            }
        }
    }
}
