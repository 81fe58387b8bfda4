//! Form and query parameters from raw bytes: limits first, then a strict reading.
//!
//! Most of what went wrong in other servers' endpoints began with a lenient reader: one that takes
//! the first of two values where the proxy took the last, or that decodes what is not encoded.

use std::fmt;

use zeroize::Zeroize as _;

use crate::OAuthError;

/// How much a request may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole query or body.
    pub bytes: usize,
    /// Number of parameters.
    pub count: usize,
    /// Bytes of one decoded value.
    pub value: usize,
}

impl Limits {
    /// Enough for every authorization request: 16 KiB, 48 parameters, 4 KiB each.
    pub const STANDARD: Self = Self {
        bytes: 16 * 1024,
        count: 48,
        value: 4 * 1024,
    };

    /// Enough for a request that carries a whole JWT, which may be as long as a verifier takes: wherever
    /// a client may authenticate by assertion, or a token is sent in. 24 KiB, 48 parameters, 16 KiB each.
    pub const WITH_TOKEN: Self = Self {
        bytes: 24 * 1024,
        value: 16 * 1024,
        ..Self::STANDARD
    };
}

/// Bytes of one decoded name.
const NAME: usize = 64;

/// Parameters that a specification lets stand more than once (RFC 8707, 2; RFC 8693, 2.1).
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// The parameters of one request. They may hold secrets: `Debug` shows none of it, and the values
/// are wiped when dropped.
#[derive(Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
    repeated: bool,
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` bytes (a body, or a query without its `?`).
    ///
    /// A parameter without a value counts as omitted; a repeated one is an error (OAuth 2.1, 3.1).
    pub fn parse(raw: &[u8], limits: Limits) -> Result<Self, OAuthError> {
        let params = Self::parse_noting_repeats(raw, limits)?;
        params.reject_repeats()?;
        Ok(params)
    }

    /// As [`Params::parse`], but a repeated parameter is left out altogether and only noted, so that
    /// an authorization request whose client and redirect URI are beyond doubt can be told of it by
    /// redirect. [`Params::reject_repeats`] must follow.
    pub fn parse_noting_repeats(raw: &[u8], limits: Limits) -> Result<Self, OAuthError> {
        if raw.len() > limits.bytes {
            return Err(OAuthError::ParametersTooLong);
        }
        let mut params = Self::default();
        let mut repeats: Vec<String> = Vec::new();
        let pieces = raw.split(|&b| b == b'&').filter(|piece| !piece.is_empty());
        for (index, piece) in pieces.enumerate() {
            if index >= limits.count {
                return Err(OAuthError::TooManyParameters);
            }
            let (name, value) = match piece.iter().position(|&b| b == b'=') {
                Some(at) => (&piece[..at], &piece[at + 1..]),
                None => (piece, &piece[..0]),
            };
            let name = decode(name, NAME)?;
            let value = decode(value, limits.value)?;
            if value.is_empty() {
                continue;
            }
            if !REPEATABLE.contains(&name.as_str()) && params.get(&name).is_some() {
                repeats.push(name.clone());
            }
            params.pairs.push((name, value));
        }
        params.repeated = !repeats.is_empty();
        params.pairs.retain(|(name, _)| !repeats.contains(name));
        Ok(params)
    }

    /// Parameters that were read, checked and kept before.
    pub fn kept(pairs: Vec<(String, String)>) -> Self {
        Self {
            pairs,
            repeated: false,
        }
    }

    /// Every name and value, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Takes `value` for a parameter that was not sent.
    pub fn supply(&mut self, name: &'static str, value: String) {
        if self.get(name).is_none() {
            self.pairs.push((name.to_owned(), value));
        }
    }

    /// Fails if a parameter stood more than once.
    pub const fn reject_repeats(&self) -> Result<(), OAuthError> {
        if self.repeated {
            Err(OAuthError::ParameterRepeated)
        } else {
            Ok(())
        }
    }

    /// The value of `name`, if it was sent with one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of `name`, in order; more than one only where a specification allows it.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of `name`, which the request must carry.
    pub fn require(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or(OAuthError::ParameterMissing(name))
    }

    /// The value of `name`, if sent, of at most `bytes` bytes.
    pub fn get_up_to(&self, name: &str, bytes: usize) -> Result<Option<&str>, OAuthError> {
        match self.get(name) {
            Some(value) if value.len() > bytes => Err(OAuthError::ParameterTooLong),
            value => Ok(value),
        }
    }
}

impl Drop for Params {
    fn drop(&mut self) {
        for (_, value) in &mut self.pairs {
            value.zeroize();
        }
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Params({})", self.pairs.len())
    }
}

/// Decodes one name or value: `+` is a space, `%XX` a byte, the result UTF-8 without control
/// characters (they have no use in any parameter and much use in log and header injection).
pub(crate) fn decode(raw: &[u8], limit: usize) -> Result<String, OAuthError> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(hex), rest.next().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(OAuthError::ParameterEncoding),
            },
            other => other,
        });
        if bytes.len() > limit {
            return Err(OAuthError::ParameterTooLong);
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| OAuthError::ParameterEncoding)?;
    if text.chars().any(char::is_control) {
        Err(OAuthError::ParameterEncoding)
    } else {
        Ok(text)
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(raw: &str) -> Result<Params, OAuthError> {
        Params::parse(raw.as_bytes(), Limits::STANDARD)
    }

    #[test]
    fn values_are_decoded_and_empty_ones_count_as_omitted() {
        let params = parse("a=x%20y+z&b=&c&&d=%C3%A9&=e").unwrap();
        assert_eq!(params.get("a"), Some("x y z"));
        assert_eq!(params.get("b"), None);
        assert_eq!(params.get("c"), None);
        assert_eq!(params.get("d"), Some("é"));
        assert_eq!(params.require("b"), Err(OAuthError::ParameterMissing("b")));
    }

    #[test]
    fn a_repeated_parameter_is_refused_even_when_its_values_agree() {
        assert_eq!(
            parse("a=1&b=2&a=1").unwrap_err(),
            OAuthError::ParameterRepeated
        );
        assert_eq!(
            parse("a=1&%61=2").unwrap_err(),
            OAuthError::ParameterRepeated
        );
    }

    #[test]
    fn a_noted_repeat_leaves_no_value_to_choose() {
        let params = Params::parse_noting_repeats(b"a=1&a=2&b=3&a=4", Limits::STANDARD).unwrap();
        assert_eq!((params.get("a"), params.get("b")), (None, Some("3")));
        assert_eq!(params.reject_repeats(), Err(OAuthError::ParameterRepeated));
    }

    #[test]
    fn what_is_supplied_stands_only_where_nothing_was_sent() {
        let mut params = Params::parse_noting_repeats(b"a=1&b=2&b=3", Limits::STANDARD).unwrap();
        params.supply("a", "9".into());
        params.supply("c", "4".into());
        params.supply("b", "5".into());
        assert_eq!((params.get("a"), params.get("c")), (Some("1"), Some("4")));
        assert_eq!(
            params.reject_repeats(),
            Err(OAuthError::ParameterRepeated),
            "a repeat stays one"
        );
    }

    #[test]
    fn what_is_kept_reads_as_it_was_sent() {
        let sent = parse("a=x%20y&resource=https://a&resource=https://b").unwrap();
        let pairs = sent
            .pairs()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let kept = Params::kept(pairs);
        assert_eq!(kept.get("a"), Some("x y"));
        assert_eq!(kept.all("resource").count(), 2);
        assert_eq!(kept.reject_repeats(), Ok(()));
    }

    #[test]
    fn resource_may_stand_more_than_once() {
        let params = parse("resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb").unwrap();
        assert_eq!(
            params.all("resource").collect::<Vec<_>>(),
            ["https://a", "https://b"]
        );
    }

    #[test]
    fn wrong_encodings_are_refused_not_repaired() {
        for wrong in [
            "a=%",
            "a=%4",
            "a=%zz",
            "a=%ff",
            "%=a",
            "a=%00",
            "a=x%0d%0ay",
            "a=%c2%85",
            "a=%+1",
        ] {
            assert_eq!(
                parse(wrong).unwrap_err(),
                OAuthError::ParameterEncoding,
                "{wrong}"
            );
        }
    }

    #[test]
    fn limits_hold_before_anything_is_read() {
        let long = format!("a={}", "%".repeat(16 * 1024));
        assert_eq!(parse(&long).unwrap_err(), OAuthError::ParametersTooLong);
        let wide = format!("a={}", "x".repeat(4 * 1024 + 1));
        assert_eq!(parse(&wide).unwrap_err(), OAuthError::ParameterTooLong);
        let name = format!("{}=x", "a".repeat(65));
        assert_eq!(parse(&name).unwrap_err(), OAuthError::ParameterTooLong);
        let many = (0..49)
            .map(|n| format!("a{n}=1"))
            .collect::<Vec<_>>()
            .join("&");
        assert_eq!(parse(&many).unwrap_err(), OAuthError::TooManyParameters);
    }

    #[test]
    fn debug_output_shows_no_value() {
        assert_eq!(
            format!("{:?}", parse("client_secret=hunter2").unwrap()),
            "Params(1)"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_give_parameters_or_an_error(raw in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = Params::parse(&raw, Limits::STANDARD);
            let _ = Params::parse_noting_repeats(&raw, Limits { bytes: 64, count: 2, value: 8 });
        }

        #[test]
        fn what_a_client_encodes_is_what_is_read(
            pairs in proptest::collection::btree_map("[a-z_]{1,20}", "[^\\p{Cc}]{1,40}", 0..10)
        ) {
            let raw = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let params = parse(&raw).unwrap();
            for (name, value) in &pairs {
                prop_assert_eq!(params.get(name), Some(value.as_str()));
            }
        }
    }
}
