//! The credential that a request carries: exactly one, in a header (RFC 6750, 2.1; RFC 9449, 7.1).

use sealgate_jose::TOKEN_LIMIT;

use super::denial::TokenRefusal;

/// What the gate of a resource reads of a request.
#[derive(Debug, Clone, Copy)]
pub struct ResourceRequest<'a> {
    /// The method, as it was sent.
    pub method: &'a str,
    /// The URL, as clients know it: behind a proxy not what the request line says. A query does no harm
    /// and is not looked at; a token in it is no credential (OAuth 2.1, 5.1).
    pub url: &'a str,
    /// The values of all `Authorization` headers.
    pub authorization: &'a [&'a [u8]],
    /// The values of all `DPoP` headers.
    pub dpop: &'a [&'a [u8]],
}

/// How a token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// By whoever has it.
    Bearer,
    /// With a proof of the key it is bound to.
    Dpop,
}

/// The one credential of a request.
#[derive(Debug)]
pub(super) struct Presented<'a> {
    scheme: Scheme,
    token: &'a str,
    proof: Option<&'a str>,
}

impl<'a> Presented<'a> {
    /// Finds it. Two headers are refused, even two that say the same: whoever stands in front may have
    /// read the other one.
    pub(super) fn read(request: &ResourceRequest<'a>) -> Result<Self, TokenRefusal> {
        let value = match request.authorization {
            [] => return Err(TokenRefusal::CredentialMissing),
            [value] => *value,
            _ => return Err(TokenRefusal::CredentialDuplicate),
        };
        if value.len() > TOKEN_LIMIT {
            return Err(TokenRefusal::CredentialOversize);
        }
        let value = str::from_utf8(value)
            .map_err(|_| TokenRefusal::CredentialUnsupported)?
            .trim_matches([' ', '\t']);
        let (name, token) = value.split_once(' ').unwrap_or((value, ""));
        let scheme = if name.eq_ignore_ascii_case("bearer") {
            Scheme::Bearer
        } else if name.eq_ignore_ascii_case("dpop") {
            Scheme::Dpop
        } else {
            return Err(TokenRefusal::CredentialUnsupported);
        };
        let token = token.trim_start_matches(' ');
        if !is_token(token) {
            return Err(TokenRefusal::TokenInvalid);
        }
        let proof = match (scheme, request.dpop) {
            // A proof beside a bearer token proves nothing: a token that is bound says so itself.
            (Scheme::Bearer, _) | (Scheme::Dpop, []) => None,
            (Scheme::Dpop, [proof]) => {
                Some(str::from_utf8(proof).map_err(|_| TokenRefusal::ProofMalformed)?)
            }
            (Scheme::Dpop, _) => return Err(TokenRefusal::ProofMalformed),
        };
        Ok(Self {
            scheme,
            token,
            proof,
        })
    }

    pub(super) const fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(super) const fn token(&self) -> &'a str {
        self.token
    }

    pub(super) const fn proof(&self) -> Option<&'a str> {
        self.proof
    }
}

/// Whether `text` is a `b64token` (RFC 6750, 2.1).
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    !body.is_empty() && body.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers<'a> = &'a [&'a [u8]];

    fn read(
        authorization: &[&[u8]],
        dpop: &[&[u8]],
    ) -> Result<(Scheme, String, bool), TokenRefusal> {
        let presented = Presented::read(&ResourceRequest {
            method: "GET",
            url: "https://api.example/",
            authorization,
            dpop,
        })?;
        let proof = presented.proof().is_some();
        Ok((presented.scheme(), presented.token().to_owned(), proof))
    }

    #[test]
    fn one_token_in_one_header_is_a_credential() {
        let bearer = Ok((Scheme::Bearer, "a.b.c".to_owned(), false));
        for value in [
            "Bearer a.b.c",
            "bearer a.b.c",
            "BEARER   a.b.c",
            " Bearer a.b.c ",
        ] {
            assert_eq!(read(&[value.as_bytes()], &[]), bearer, "{value}");
        }
        assert_eq!(read(&[b"Bearer a.b.c"], &[b"proof"]), bearer);
        let dpop = |proof| Ok((Scheme::Dpop, "a.b.c".to_owned(), proof));
        assert_eq!(read(&[b"DPoP a.b.c"], &[b"proof"]), dpop(true));
        assert_eq!(read(&[b"DPoP a.b.c"], &[]), dpop(false));
    }

    #[test]
    fn anything_else_is_refused() {
        let long = [b"Bearer ".as_slice(), &vec![b'a'; TOKEN_LIMIT]].concat();
        let cases: [(Headers<'_>, Headers<'_>, TokenRefusal); 12] = [
            (&[], &[], TokenRefusal::CredentialMissing),
            (&[], &[b"proof"], TokenRefusal::CredentialMissing),
            (
                &[b"Bearer a", b"Bearer a"],
                &[],
                TokenRefusal::CredentialDuplicate,
            ),
            (
                &[b"Bearer a", b"Basic a"],
                &[],
                TokenRefusal::CredentialDuplicate,
            ),
            (&[b"Basic a"], &[], TokenRefusal::CredentialUnsupported),
            (&[b"\xff\xfe"], &[], TokenRefusal::CredentialUnsupported),
            (&[b""], &[], TokenRefusal::CredentialUnsupported),
            (&[b"Bearer"], &[], TokenRefusal::TokenInvalid),
            (&[b"Bearer a, Bearer b"], &[], TokenRefusal::TokenInvalid),
            (&[b"Bearer ="], &[], TokenRefusal::TokenInvalid),
            (&[&long], &[], TokenRefusal::CredentialOversize),
            (
                &[b"DPoP a"],
                &[b"one", b"two"],
                TokenRefusal::ProofMalformed,
            ),
        ];
        for (authorization, dpop, refusal) in cases {
            assert_eq!(read(authorization, dpop), Err(refusal), "{authorization:?}");
        }
    }
}
