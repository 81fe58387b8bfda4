//! URLs as DPoP compares them (RFC 9449, 4.3): without query and fragment, normalised as RFC 3986,
//! 6.2.2 and 6.2.3 have it.

use url::Url;

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    scheme: String,
    host: String,
    port: Option<u16>,
    path: String,
}

impl Target {
    /// The target of an absolute http or https URL; `None` if `text` is not one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        // What a browser would mend (spaces, backslashes, tabs, letters beyond ASCII) is no URI at all
        // (RFC 3986, 2), and mending it could make two readings of one text.
        if !text.bytes().all(is_uri) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        // Without both slashes the URL is one only to a browser.
        let rest = text.get(url.scheme().len()..)?;
        if !matches!(url.scheme(), "http" | "https") || !plain || !rest.starts_with("://") {
            return None;
        }
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.to_owned(),
            port: url.port(),
            path: normal(url.path())?,
        })
    }

    /// Whether this is `path`, decoded, at the place where `origin` is.
    pub(super) fn is_at(&self, origin: &Self, path: &str) -> bool {
        let same_place =
            (&self.scheme, &self.host, self.port) == (&origin.scheme, &origin.host, origin.port);
        // An empty path is the path `/` (RFC 3986, 6.2.3).
        let path = if path.is_empty() { "/" } else { path };
        same_place && decoded(&self.path) == path.as_bytes()
    }
}

/// What a path in its normal form stands for.
fn decoded(path: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, encoded)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let (digits, after) = encoded.split_at_checked(2).unwrap_or((encoded, ""));
        bytes.extend(u8::from_str_radix(digits, 16).ok());
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// A character that may stand in a URI (RFC 3986, 2).
fn is_uri(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// Percent-encoding in one form: unreserved characters plain, hexadecimal digits in capitals. `None` where a
/// percent sign encodes nothing.
fn normal(path: &str) -> Option<String> {
    let mut text = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let (before, encoded) = rest.split_at(at);
        text.push_str(before);
        // from_str_radix alone would take a sign for a digit.
        let digits = encoded.get(1..3)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let byte = u8::from_str_radix(digits, 16).ok()?;
        if is_unreserved(byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push_str(&digits.to_ascii_uppercase());
        }
        rest = encoded.get(3..)?;
    }
    text.push_str(rest);
    Some(text)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let one = Target::parse(one);
        one.is_some() && one == Target::parse(other)
    }

    #[test]
    fn what_rfc_3986_calls_equivalent_is_the_same_target() {
        let url = "https://id.example/oauth/token";
        for equivalent in [
            "HTTPS://ID.EXAMPLE/oauth/token",
            "https://id.example:443/oauth/token",
            "https://id.example:/oauth/token",
            "https://id.example/oauth/token?a=b",
            "https://id.example/oauth/token#part",
            "https://id.example/oauth/token?a#b",
            "https://id.example/./oauth/x/../token",
            "https://id.example/oauth/%74oken",
        ] {
            assert!(same(equivalent, url), "{equivalent}");
        }
        assert!(same("https://id.example", "https://id.example/"));
        assert!(same("https://a/%e4%2f%7E", "https://a/%E4%2F~"));
        assert!(same("http://[::1]:80/", "http://[0:0::1]/"));
    }

    #[test]
    fn another_scheme_host_port_or_path_is_another_target() {
        let url = "https://id.example/oauth/token";
        for other in [
            "http://id.example/oauth/token",
            "https://id.example:8443/oauth/token",
            "https://id.example.evil/oauth/token",
            "https://id.example./oauth/token",
            "https://id.example/oauth/token/",
            "https://id.example/oauth/Token",
            "https://id.example//oauth/token",
            "https://id.example/oauth%2Ftoken",
            "https://id.example/oauth/token%00",
            "https://id.example",
        ] {
            assert!(!same(other, url), "{other}");
        }
    }

    #[test]
    fn a_path_that_was_decoded_is_compared_with_what_it_was_decoded_from() {
        let at = |url: &str, path: &str| {
            let origin = Target::parse("https://app.example").unwrap();
            Target::parse(url).unwrap().is_at(&origin, path)
        };
        for (url, path) in [
            ("https://app.example/a%20b?c=d", "/a b"),
            ("https://APP.example:443/%C3%A4%3f", "/\u{e4}?"),
            ("https://app.example/a:b@c", "/a:b@c"),
            ("https://app.example/a%3Ab%40c", "/a:b@c"),
            ("https://app.example/a%2fb", "/a/b"),
            ("https://app.example", "/"),
            ("https://app.example/", ""),
            ("https://app.example/%2541", "/%41"),
        ] {
            assert!(at(url, path), "{url} {path}");
        }
        for (url, path) in [
            ("https://app.example/a", "/a/"),
            ("https://app.example/A", "/a"),
            ("http://app.example/a", "/a"),
            ("https://app.example:8443/a", "/a"),
            ("https://www.app.example/a", "/a"),
            ("https://app.example/%2541", "/A"),
            ("https://app.example/%FF", "/\u{fffd}"),
        ] {
            assert!(!at(url, path), "{url} {path}");
        }
    }

    #[test]
    fn what_is_no_absolute_http_url_is_no_target() {
        for text in [
            "",
            "/oauth/token",
            "//id.example/oauth/token",
            "id.example/oauth/token",
            "https:id.example/oauth/token",
            "https:/id.example/oauth/token",
            "https:\\\\id.example/oauth/token",
            "https://id.example\\oauth/token",
            " https://id.example/",
            "https://id.example/ ",
            "https://id.example/a\tb",
            "https://id.example/\u{e4}",
            "https://\u{e4}.example/",
            "https://user@id.example/",
            "https://user:word@id.example/",
            "https://:word@id.example/",
            "ftp://id.example/",
            "file:///oauth/token",
            "javascript:alert(1)",
            "https://",
            "https://id.example:99999/",
            "https://id.example/%",
            "https://id.example/%4",
            "https://id.example/%+1",
            "https://id.example/%%341",
        ] {
            assert_eq!(Target::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_target_or_none(text in ".{0,60}") {
            let _ = Target::parse(&text);
        }

        #[test]
        fn what_is_encoded_is_decoded_again(path in "/[^/.\\x00][^.\\x00]{0,12}") {
            let encoded: String = path.bytes().map(|byte| match byte {
                b'/' => "/".to_owned(),
                byte => format!("%{byte:02x}"),
            }).collect();
            let target = Target::parse(&format!("https://id.example{encoded}")).unwrap();
            prop_assert!(target.is_at(&Target::parse("https://id.example").unwrap(), &path));
        }

        #[test]
        fn query_and_fragment_never_matter(path in "[a-zA-Z0-9/._~-]{0,20}", tail in "[a-z0-9=&%]{0,10}") {
            let url = format!("https://id.example/{path}");
            let target = Target::parse(&url);
            prop_assert!(target.is_some());
            prop_assert_eq!(&Target::parse(&format!("{url}?{tail}")), &target);
            prop_assert_eq!(&Target::parse(&format!("{url}#{tail}")), &target);
        }

        #[test]
        fn normalising_twice_changes_nothing(path in "(%[0-9a-fA-F]{2}|[a-z0-9/%]){0,12}") {
            if let Some(once) = normal(&path) {
                prop_assert_eq!(normal(&once), Some(once));
            }
        }
    }
}
