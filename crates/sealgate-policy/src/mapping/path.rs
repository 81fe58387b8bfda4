//! Where a claim stands among the claims of a credential.

use std::fmt;

use serde_json::{Map, Value};

use super::limits::{PATH_BYTES_MOST, PATH_NAMES_MOST};

/// The names that lead to a claim, outermost first. Lists are not looked into: what stands in which place of one
/// would change when something before it goes away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimPath(Vec<String>);

impl ClaimPath {
    /// Reads a path: a JSON pointer (RFC 6901) where it begins with `/`, else names with dots between them. A text
    /// with `:` or `/` in it is one name, as that of a claim that is a URL.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.len() > PATH_BYTES_MOST {
            return Err("a claim's name has 1 to 256 bytes");
        }
        let names: Vec<String> = match text.strip_prefix('/') {
            Some(pointer) => pointer
                .split('/')
                .map(unescaped)
                .collect::<Result<_, _>>()?,
            None if text.contains([':', '/']) => vec![text.to_owned()],
            None => text.split('.').map(str::to_owned).collect(),
        };
        if names.len() > PATH_NAMES_MOST {
            return Err("a claim is at most 8 names deep");
        }
        if names
            .iter()
            .any(|name| name.is_empty() || name.contains(char::is_control))
        {
            return Err("a name that leads to a claim is empty or has control characters");
        }
        Ok(Self(names))
    }

    /// The claim `groups`.
    pub(super) fn groups() -> Self {
        Self(vec!["groups".to_owned()])
    }

    /// The first name, and those behind it.
    pub fn split(&self) -> (&str, &[String]) {
        match self.0.split_first() {
            Some((first, rest)) => (first, rest),
            None => ("", &[]),
        }
    }

    /// What stands there among `claims`; nothing for `null`.
    pub fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.split();
        within(claims.get(first)?, rest)
    }
}

/// What stands in `value` where `names` lead; nothing for `null`.
pub fn within<'a>(value: &'a Value, names: &[String]) -> Option<&'a Value> {
    let step = |value: &'a Value, name: &String| value.as_object()?.get(name);
    names
        .iter()
        .try_fold(value, step)
        .filter(|value| !value.is_null())
}

/// As a JSON pointer, which is the one spelling that every path has.
impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|name| write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")))
    }
}

/// A part of a pointer without its escapes (RFC 6901, 4).
fn unescaped(part: &str) -> Result<String, &'static str> {
    let mut pieces = part.split('~');
    let mut name = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (escape, rest) = match piece.as_bytes().first() {
            Some(b'0') => ('~', &piece[1..]),
            Some(b'1') => ('/', &piece[1..]),
            _ => return Err("in a JSON pointer `~` is followed by 0 or 1"),
        };
        name.push(escape);
        name.push_str(rest);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_is_a_pointer_or_names_with_dots_or_one_name_that_is_a_url() {
        let cases = [
            ("groups", "/groups"),
            ("realm_access.roles", "/realm_access/roles"),
            ("/realm_access/roles", "/realm_access/roles"),
            (
                "https://acme.example/roles",
                "/https:~1~1acme.example~1roles",
            ),
            ("urn:acme:dept.x", "/urn:acme:dept.x"),
            ("/a.b/c~1d~0e", "/a.b/c~1d~0e"),
        ];
        for (text, pointer) in cases {
            assert_eq!(
                ClaimPath::parse(text).unwrap().to_string(),
                pointer,
                "{text}"
            );
        }
        let deep = "a.".repeat(8) + "a";
        let long = "a".repeat(257);
        for text in [
            "", ".", "a..b", "/", "/a/", "/~", "/~2", "a\n", &deep, &long,
        ] {
            assert!(ClaimPath::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_are_not_looked_into_and_null_is_absent() {
        let claims = json!({ "a": { "b": [1] }, "n": null, "l": ["x"] });
        let claims = claims.as_object().unwrap();
        let find = |path: &str| ClaimPath::parse(path).unwrap().find(claims);
        assert_eq!(find("a.b"), Some(&json!([1])));
        for absent in ["n", "a.c", "/l/0", "/a/b/0", "x"] {
            assert_eq!(find(absent), None, "{absent}");
        }
    }

    proptest! {
        #[test]
        fn every_path_is_read_back_from_its_pointer(text in "[a-c/~.:01]{1,12}") {
            if let Ok(path) = ClaimPath::parse(&text) {
                prop_assert_eq!(ClaimPath::parse(&path.to_string()), Ok(path));
            }
        }
    }
}
