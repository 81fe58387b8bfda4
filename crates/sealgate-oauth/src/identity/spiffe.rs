//! SPIFFE IDs (SPIFFE-ID, 2).

/// How the name of an issuer begins that is a trust domain and nothing else: its JWT-SVIDs need not name
/// an issuer.
pub const BUNDLE_SCHEME: &str = "spiffe://";

/// Bytes of a SPIFFE ID (SPIFFE-ID, 2.3), and of a trust domain's name.
const LONGEST: usize = 2048;
const LONGEST_DOMAIN: usize = 255;

/// Whether `name` can be a trust domain's (SPIFFE-ID, 2.1).
pub fn is_trust_domain(name: &str) -> bool {
    let allowed =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    (1..=LONGEST_DOMAIN).contains(&name.len()) && name.bytes().all(allowed)
}

/// The trust domain of a workload's SPIFFE ID; none if it is no such id. The path must be there: without
/// one the id is the trust domain's own.
pub fn trust_domain_of(id: &str) -> Option<&str> {
    if id.len() > LONGEST {
        return None;
    }
    let (domain, path) = id.strip_prefix(BUNDLE_SCHEME)?.split_once('/')?;
    let sound = |segment: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        !matches!(segment, "" | "." | "..") && segment.bytes().all(allowed)
    };
    (is_trust_domain(domain) && path.split('/').all(sound)).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_has_an_id_in_one_trust_domain() {
        let found = trust_domain_of("spiffe://prod.acme.example/ns/Shop/sa/api-1");
        assert_eq!(found, Some("prod.acme.example"));
        for wrong in [
            "",
            "spiffe://acme.example",
            "spiffe://acme.example/",
            "spiffe:///a",
            "spiffe://ACME.example/a",
            "spiffe://acme.example:8443/a",
            "spiffe://user@acme.example/a",
            "spiffe://acme.example/a//b",
            "spiffe://acme.example/a/../b",
            "spiffe://acme.example/./a",
            "spiffe://acme.example/a/",
            "spiffe://acme.example/a?b",
            "spiffe://acme.example/a%2fb",
            "SPIFFE://acme.example/a",
            "https://acme.example/a",
        ] {
            assert_eq!(trust_domain_of(wrong), None, "{wrong}");
        }
        let long = format!("spiffe://acme.example/{}", "a".repeat(2048));
        assert_eq!(trust_domain_of(&long), None);
    }
}
