//! Whether a browser sees the application at the address that its settings say.

use sealgate_model::Issuer;

use crate::request::Request;

/// Where the browser is, as far as the request's headers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// At the application's own address, or it cannot be told.
    Own,
    /// At another host or port, or on http instead of https. Cookies that are set there do not arrive
    /// where the sign-in ends.
    Other,
}

impl Address {
    /// Compares `Host` with the application's URL, and what a proxy says of the browser's request with it.
    /// Nothing is believed that could do harm: the outcome decides about one redirect to the
    /// application's own URL, and about words.
    pub(crate) fn of(request: &Request<'_>, base_url: &Issuer) -> Self {
        let own = base_url.origin();
        let (scheme, authority) = own.split_once("://").unwrap_or(("", own));
        let mut host = Seen::Nothing;
        let mut forwarded_host = Seen::Nothing;
        let mut forwarded_scheme = Seen::Nothing;
        for (name, value) in request.headers {
            match *name {
                b"host" => host.add(value, |text| is_authority(text, scheme, authority)),
                b"x-forwarded-host" => {
                    forwarded_host.add(value, |text| is_authority(text, scheme, authority));
                }
                b"x-forwarded-proto" => {
                    forwarded_scheme
                        .add(value, |text| text.eq_ignore_ascii_case(scheme.as_bytes()));
                }
                _ => {}
            }
        }
        let host_fits = [host, forwarded_host].contains(&Seen::Fitting)
            || (host == Seen::Nothing && forwarded_host == Seen::Nothing);
        if host_fits && forwarded_scheme != Seen::Other {
            Self::Own
        } else {
            Self::Other
        }
    }
}

/// What was seen of a header: proxies append, so that one fitting entry is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Fitting,
    Other,
}

impl Seen {
    fn add(&mut self, value: &[u8], fits: impl Fn(&[u8]) -> bool) {
        let fitting = value
            .split(|byte| *byte == b',')
            .any(|entry| fits(entry.trim_ascii()));
        if fitting {
            *self = Self::Fitting;
        } else if *self == Self::Nothing {
            *self = Self::Other;
        }
    }
}

/// Whether `text` names `authority`, with or without the port that `scheme` has anyway.
fn is_authority(text: &[u8], scheme: &str, authority: &str) -> bool {
    let port: &[u8] = if scheme == "https" { b":443" } else { b":80" };
    let bare = text.strip_suffix(port).unwrap_or(text);
    [text, bare]
        .iter()
        .any(|text| text.eq_ignore_ascii_case(authority.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Transport;

    fn of(base_url: &str, fields: &[(&'static str, &'static str)]) -> Address {
        let headers: Vec<(&[u8], &[u8])> = fields
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let request = Request {
            transport: Transport::Http,
            method: "GET",
            path: "/",
            query: b"",
            headers: &headers,
        };
        Address::of(&request, &base_url.parse().unwrap())
    }

    #[test]
    fn the_applications_own_address_is_known_however_it_is_spelled() {
        for host in ["app.example", "APP.Example", "app.example:443"] {
            assert_eq!(of("https://app.example", &[("host", host)]), Address::Own);
        }
        assert_eq!(
            of("http://127.0.0.1:8000", &[("host", "127.0.0.1:8000")]),
            Address::Own
        );
        assert_eq!(
            of("http://[::1]:8000/tools", &[("host", "[::1]:8000")]),
            Address::Own
        );
        assert_eq!(of("https://app.example", &[]), Address::Own);
    }

    #[test]
    fn another_host_port_or_scheme_is_another_address() {
        for host in [
            "localhost",
            "app.example:8443",
            "app.example:80",
            "app.example.",
            "",
        ] {
            assert_eq!(
                of("https://app.example", &[("host", host)]),
                Address::Other,
                "{host}"
            );
        }
        assert_eq!(
            of("http://127.0.0.1:8000", &[("host", "localhost:8000")]),
            Address::Other
        );
        let http = [("host", "app.example"), ("x-forwarded-proto", "http")];
        assert_eq!(of("https://app.example", &http), Address::Other);
    }

    #[test]
    fn a_proxy_that_renames_the_host_may_say_what_it_was() {
        let inner = ("host", "10.0.0.7:8000");
        let named = [inner, ("x-forwarded-host", "app.example, 10.0.0.7")];
        assert_eq!(of("https://app.example", &named), Address::Own);
        assert_eq!(of("https://app.example", &[inner]), Address::Other);
        let https = [
            ("host", "app.example"),
            ("x-forwarded-proto", "https, http"),
        ];
        assert_eq!(of("https://app.example", &https), Address::Own);
    }
}
