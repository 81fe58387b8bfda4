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

    /// What browsers are known to read as something else than a path, in the pieces it is made of.
    fn tricks() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("/"),
            Just("\\"),
            Just("."),
            Just(".."),
            Just("%2e"),
            Just("%2E%2e"),
            Just("%2f"),
            Just("%5c"),
            Just("%00"),
            Just("%0d%0a"),
            Just("\t"),
            Just("\n"),
            Just("\r"),
            Just("\0"),
            Just(" "),
            Just("@"),
            Just("user:pw@"),
            Just(":"),
            Just("//"),
            Just("evil.example"),
            Just("https:"),
            Just("javascript:"),
            Just("data:"),
            Just("?"),
            Just("#"),
            Just("&"),
            Just(";"),
            Just("\u{ff0f}"),
            Just("\u{2044}"),
            Just("\u{2215}"),
            Just("\u{3002}"),
            Just("\u{feff}"),
            Just("\u{202e}"),
            Just("\u{ad}"),
            Just("\u{7f}"),
            Just("\u{85}"),
            Just("\u{a0}"),
            Just("x"),
            Just("[::1]"),
            Just("127.0.0.1"),
            Just("0x7f.1"),
            Just("%"),
            Just("%u002f"),
            Just("+"),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    fn assert_stays(path: &str) {
        for base in [
            "https://app.example:8443/x/y",
            "http://127.0.0.1:8000/",
            "https://app.example/auth/callback?code=c",
        ] {
            let base = Url::parse(base).unwrap();
            let there = base.join(path).unwrap();
            assert_eq!(there.origin(), base.origin(), "{path:?}");
            assert!(
                there.username().is_empty() && there.password().is_none(),
                "{path:?}"
            );
            // Nor does what the browser then asks for lead away, if somebody redirects to its path.
            assert_eq!(
                base.join(there.path()).unwrap().origin(),
                base.origin(),
                "{path:?}"
            );
        }
        let has_no = |what: &str| !path.contains(what);
        assert!(path.is_ascii() && has_no("\r") && has_no("\n") && has_no("\\") && has_no("#"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn what_passes_always_stays(path in "[/\\\\.a-z0-9%@:?#&=\\t]{0,40}") {
            check(&path).map(assert_stays);
        }

        #[test]
        fn no_trick_leads_away(path in tricks()) {
            check(&path).map(assert_stays);
            check(&format!("/{path}")).map(assert_stays);
        }

        #[test]
        fn any_text_stays_or_is_refused(path in any::<String>()) {
            check(&path).map(assert_stays);
            check(&format!("/{path}")).map(assert_stays);
        }
    }
}
