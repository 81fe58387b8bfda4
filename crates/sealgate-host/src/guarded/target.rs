//! Where a URL that somebody else chose leads: judged as text first, then by the address it names.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::AddressPolicy;
use crate::OutboundError;

/// The longest URL that is looked at, in bytes.
const URL_LIMIT: usize = 2048;

/// A URL that may be followed once its host's addresses have passed the policy, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundTarget {
    /// Whether it is https.
    secure: bool,
    /// The host as the certificate must name it.
    name: String,
    /// The address, when the host is one.
    literal: Option<IpAddr>,
    port: u16,
    /// `Host` header, path and query, as they are sent.
    authority: String,
    path: String,
}

impl OutboundTarget {
    /// Judges `url`. A host that is an address, however it is written (decimal, octal, hexadecimal, with
    /// a dot at the end), is judged by it; one that is a name has to be resolved, and [`Self::admits`]
    /// asked about every address.
    pub fn parse(url: &str, policy: &AddressPolicy) -> Result<Self, OutboundError> {
        let refuse = |why| Err(OutboundError::UrlUnacceptable(why));
        if url.len() > URL_LIMIT {
            return refuse("is longer than 2048 bytes");
        }
        // What a URL parser would repair or skip, two parsers may understand as two things.
        if !url
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&b))
        {
            return refuse("has characters that a URL may not have");
        }
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let Some(rest) = rest.filter(|rest| !rest.starts_with('/')) else {
            return refuse("is not an absolute https URL");
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return refuse("has a user name or password");
        }
        if url.contains('#') {
            return refuse("has a fragment");
        }
        let Ok(parsed) = Url::parse(url) else {
            return refuse("cannot be read");
        };
        let secure = parsed.scheme() == "https";
        if !secure && !policy.allows_plain() {
            return refuse("is not https");
        }
        let (name, literal) = match parsed.host() {
            Some(Host::Ipv4(address)) => (address.to_string(), Some(IpAddr::V4(address))),
            Some(Host::Ipv6(address)) => (address.to_string(), Some(IpAddr::V6(address))),
            // A trailing dot names the same host to the resolver and another to the certificate.
            Some(Host::Domain(name)) if name.len() <= 253 && !name.ends_with('.') => {
                (name.to_owned(), None)
            }
            _ => return refuse("names no usable host"),
        };
        let (Some(port), Some(host)) = (parsed.port_or_known_default(), parsed.host_str()) else {
            return refuse("names no usable host");
        };
        let target = Self {
            secure,
            name,
            literal,
            port,
            authority: match parsed.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            },
            path: match parsed.query() {
                Some(query) => format!("{}?{query}", parsed.path()),
                None => parsed.path().to_owned(),
            },
        };
        target
            .literal
            .map_or(Ok(()), |address| target.admits(address, policy))?;
        Ok(target)
    }

    /// Whether a connection for this URL may go to `address`. Plain http goes to loopback alone.
    pub fn admits(&self, address: IpAddr, policy: &AddressPolicy) -> Result<(), OutboundError> {
        policy
            .check(address)
            .map_err(OutboundError::AddressRefused)?;
        if self.secure || policy.is_own_loopback(address) {
            Ok(())
        } else {
            Err(OutboundError::UrlUnacceptable("is not https"))
        }
    }

    /// The address, when the host is one.
    pub const fn literal(&self) -> Option<IpAddr> {
        self.literal
    }

    pub(crate) const fn is_secure(&self) -> bool {
        self.secure
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(url: &str) -> Result<OutboundTarget, OutboundError> {
        OutboundTarget::parse(url, &AddressPolicy::public())
    }

    fn code(url: &str) -> &'static str {
        parse(url).map_or_else(|error| error.code(), |_| "ok")
    }

    #[test]
    fn an_https_url_is_taken_apart() {
        let target = parse("https://Keys.Example:8443/a/../jwks?b=c%20d").unwrap();
        assert_eq!(target.authority(), "keys.example:8443");
        assert_eq!(target.path(), "/jwks?b=c%20d");
        assert_eq!((target.name(), target.port()), ("keys.example", 8443));
        let plain = parse("https://keys.example").unwrap();
        assert_eq!((plain.authority(), plain.path()), ("keys.example", "/"));
        assert_eq!(plain.port(), 443);
    }

    #[test]
    fn what_is_no_plain_https_url_is_refused() {
        for url in [
            "",
            "keys.example",
            "//keys.example/",
            "ftp://keys.example/",
            "file:///etc/passwd",
            "http://keys.example/",
            "HTTPS://keys.example/",
            "https:///keys.example/",
            "https:keys.example/",
            "https://",
            "https://keys.example./",
            "https://user@keys.example/",
            "https://@keys.example/",
            "https://user:pass@keys.example/",
            "https://keys.example/#f",
            "https://keys.example/#",
            "https://keys.example\\@evil.example/",
            "https://keys.example/a b",
            " https://keys.example/",
            "https://keys.example/\n",
            "https://keys.ex\tample/",
            "https://keys.example:99999/",
            "https://kéys.example/",
            "https://[::1/",
            "https://a%2fb/",
        ] {
            assert_eq!(code(url), "outbound_url_unacceptable", "{url:?}");
        }
        let long = format!("https://keys.example/{}", "a".repeat(2048));
        assert_eq!(code(&long), "outbound_url_unacceptable");
    }

    #[test]
    fn an_address_is_judged_however_it_is_written() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0x7f.1",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "169.254.169.254",
            "0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[64:ff9b::127.0.0.1]",
            "[fe80::1]",
        ] {
            assert_eq!(
                code(&format!("https://{host}/")),
                "outbound_address_refused",
                "{host}"
            );
        }
        assert_eq!(code("https://1.1.1.1/"), "ok");
    }

    #[test]
    fn plain_http_is_for_loopback_when_the_control_plane_is_there_too() {
        let policy = AddressPolicy::allowing(vec!["10.0.0.0/8".parse().unwrap()]).with_loopback();
        let target = |url: &str| OutboundTarget::parse(url, &policy);
        assert!(target("http://127.0.0.1:9000/jwks").is_ok());
        assert!(target("http://[::1]:9000/jwks").is_ok());
        assert!(target("http://10.0.0.1/jwks").is_err());
        assert!(target("https://10.0.0.1/jwks").is_ok());
        let named = target("http://localhost:9000/jwks").unwrap();
        assert!(named.admits("127.0.0.1".parse().unwrap(), &policy).is_ok());
        assert!(named.admits("1.1.1.1".parse().unwrap(), &policy).is_err());
    }

    proptest! {
        #[test]
        fn no_text_leads_to_a_refused_address(text in "(https?://)?[ -~]{0,40}") {
            if let Ok(target) = parse(&text) {
                prop_assert!(target.is_secure());
                if let Some(address) = target.literal() {
                    prop_assert!(AddressPolicy::public().check(address).is_ok());
                }
            }
        }

        #[test]
        fn numbers_for_hosts_are_addresses(bits: u32, form in 0..4) {
            let host = match form {
                0 => bits.to_string(),
                1 => format!("{bits:#x}"),
                2 => format!("0{bits:o}"),
                _ => format!("{}.{}", bits >> 24, bits & 0xff_ffff),
            };
            let address = IpAddr::V4(bits.into());
            let expected = if AddressPolicy::public().check(address).is_ok() { "ok" } else { "outbound_address_refused" };
            prop_assert_eq!(code(&format!("https://{host}/")), expected);
        }
    }
}
