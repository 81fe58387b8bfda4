//! Paths to return to, which must stay on this application.

use url::Url;

const LIMIT: usize = 2_048;

/// `path` if it is a path (with query) on this origin and nothing else; otherwise nothing.
///
/// Browsers read `\` as `/`, drop tabs and line ends, and take `//host` for another host, so such text
/// never passes; then the URL parser that browsers are specified by (WHATWG) has the last word.
pub(crate) fn check(path: &str) -> Option<&str> {
    let bytes = path.as_bytes();
    if bytes.len() > LIMIT || bytes.first() != Some(&b'/') || bytes.get(1) == Some(&b'/') {
        return None;
    }
    if bytes
        .iter()
        .any(|byte| !byte.is_ascii_graphic() || *byte == b'\\')
    {
        return None;
    }
    let base = Url::parse("https://sealgate.invalid/").ok()?;
    let joined = base.join(path).ok()?;
    let stays = joined.origin() == base.origin()
        && joined.username().is_empty()
        && joined.password().is_none()
        && joined.fragment().is_none()
        // `/..//evil.example` must not resolve to a path that starts with `//`.
        && !joined.path().starts_with("//");
    stays.then_some(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_of_this_application_pass() {
        for path in [
            "/",
            "/expenses",
            "/a/b?c=d&e=%2F%2Fx",
            "/?q=https://evil.example",
        ] {
            assert_eq!(check(path), Some(path));
        }
    }

    #[test]
    fn everything_that_could_leave_is_refused() {
        for path in [
            "",
            "expenses",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nLocation: x",
            "https://evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            " /x",
            "/x y",
            "/..//evil.example",
            "/.//evil.example",
            "/a/..//evil.example",
            "/%2e%2e//evil.example",
            "/x#y",
            "/ü",
            "///evil.example",
            "http:/evil.example",
            "@evil.example",
        ] {
            assert_eq!(check(path), None, "{path:?}");
        }
        assert_eq!(check(&format!("/{}", "a".repeat(LIMIT))), None);
    }

    proptest! {
        #[test]
        fn what_passes_always_stays(path in "[/\\\\.a-z0-9%@:?#&=\\t]{0,40}") {
            if let Some(path) = check(&path) {
                let base = Url::parse("https://app.example:8443/x/y").unwrap();
                prop_assert_eq!(base.join(path).unwrap().origin(), base.origin());
            }
        }
    }
}
