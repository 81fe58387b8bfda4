//! Query strings: read strictly, written escaped.

use url::form_urlencoded;

/// More than this, in bytes, is refused unread.
const LIMIT: usize = 8_192;

/// The parameters of a query string, each at most once. A repeated one refuses the whole, because two
/// readers could choose differently (OAuth 2.1, 3.1).
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &[u8]) -> Option<Self> {
        Self::parse_up_to(LIMIT, query)
    }

    /// As [`Self::parse`], for forms of up to `limit` bytes.
    pub(crate) fn parse_up_to(limit: usize, query: &[u8]) -> Option<Self> {
        if query.len() > limit {
            return None;
        }
        let mut seen: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query) {
            if seen.len() >= 32 || seen.iter().any(|(other, _)| *other == name) {
                return None;
            }
            seen.push((name.into_owned(), value.into_owned()));
        }
        Some(Self(seen))
    }

    /// The value of `name`; an empty value counts as absent (OAuth 2.1, 3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, v)| n == name && !v.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

/// `url` with parameters appended.
pub(crate) fn with_params(url: &str, params: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(params);
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_refuses_the_whole() {
        assert!(Query::parse(b"code=a&state=b&code=c").is_none());
        assert!(Query::parse(b"code=a&c%6fde=b").is_none());
        let query = Query::parse(b"code=a%20b&state=&x").unwrap();
        assert_eq!(
            (query.get("code"), query.get("state"), query.get("x")),
            (Some("a b"), None, None)
        );
    }

    #[test]
    fn parameters_are_escaped() {
        assert_eq!(
            with_params("/a", &[("b", "/c?d=e&f")]),
            "/a?b=%2Fc%3Fd%3De%26f"
        );
        assert_eq!(with_params("/a?x=1", &[("b", "c")]), "/a?x=1&b=c");
    }
}
