//! Posted forms must come from our own pages.
//!
//! This is what stands between the forms and cross-site request forgery, together with SameSite: a
//! page elsewhere can make a browser post a form, but not lie about where it came from.

use http::HeaderMap;
use http::header::ORIGIN;
use sealgate_model::Issuer;

/// Whether a request that changes something came from a page of `issuer`'s own origin.
///
/// Browsers say so in `Sec-Fetch-Site` (Fetch Metadata), which they send to https and loopback; where
/// they do not, in `Origin` (RFC 6454, 7.3). A request with neither is refused: every browser that
/// is kept up to date sends one with a posted form.
pub(crate) fn is_same(headers: &HeaderMap, issuer: &Issuer) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    match (sites.next(), sites.next()) {
        (Some(site), None) => site == "same-origin",
        (Some(_), Some(_)) => false,
        (None, _) => {
            let mut origins = headers.get_all(ORIGIN).iter();
            matches!((origins.next(), origins.next()), (Some(origin), None) if origin == issuer.origin())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        is_same(&map, &"https://id.example:8443/tenant".parse().unwrap())
    }

    #[test]
    fn only_our_own_pages_may_post() {
        assert!(posted(&[("sec-fetch-site", "same-origin")]));
        assert!(posted(&[("origin", "https://id.example:8443")]));
        for refused in [
            &[][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://id.example:8443"),
            ],
            &[("origin", "null")],
            &[("origin", "https://id.example")],
            &[("origin", "http://id.example:8443")],
            &[
                ("origin", "https://id.example:8443"),
                ("origin", "https://evil.example"),
            ],
        ] {
            assert!(!posted(refused), "{refused:?}");
        }
    }
}
